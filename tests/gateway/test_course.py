"""The course of a dossier, as it is told beforehand: what the judge would find of the same facts, and no more."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.telling import Story, local, promise, stories

from deadlines.load import load
from events.contracts.channels import OTHERS
from events.contracts.terms import Promise
from events.gateway.rules import Accepted, Name
from events.gateway.sequence_check import Found, course
from events.gateway.sequence_step import Step, step
from events.store.envelope import RecordedEvent
from sla.judging.judge import Rules, judge

RULES = Rules(load(Path(__file__).parents[2] / "deploy" / "catalogue"))
OF_CALENDARS = {
    "extended-twice", "extended-after-due", "due-ignored", "appointment-differs", "unknown-service", "beyond-calendar",
}  # fmt: skip
BEFOREHAND = {"no-promise", "reopened-without-due", "answered-before-asked", "extended-twice"}


def foreign(story: Story) -> list[RecordedEvent]:
    """The story as another system tells it: each fact a stream of its own, answers and voids under the new names."""
    told = [one for one in story.facts if one.type in OTHERS]
    names = {one.id: Name("urn:test", str(number)) for number, one in enumerate(told)}
    ids = {id: f"{name.stream}@1" for id, name in names.items()}

    def renamed(fact: Any) -> Any:
        for field in ("answers", "voids"):
            if (about := getattr(fact, field, None)) is not None:
                return replace(fact, **{field: ids.get(about, about)})
        return fact

    return [
        msgspec.structs.replace(one, stream=names[one.id].stream, version=1, fact=renamed(one.fact)) for one in told
    ]


def steps(facts: Sequence[RecordedEvent]) -> list[Step]:
    return [
        step(Accepted(name=Name("urn:test", str(number)), fact=one.fact, data=b"", cause=one.cause, at=one.at), number)
        for number, one in enumerate(facts)
    ]


def rules(found: Sequence[Found]) -> list[str]:
    return [one.rule for one in found]


def of(story: Story) -> list[str]:
    return rules(course(steps(foreign(story))))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories(longest=20), st.randoms(use_true_random=False))
def test_what_is_told_beforehand_is_what_the_judge_finds(story: Story, chance: Random) -> None:
    """In any order, but for what needs a calendar, which is the judge's, and what the judge has no word for."""
    facts = foreign(story)
    judged = Counter(
        ("" if one.what == "no-receipt" else one.event, one.what, one.detail)
        for one in judge(facts, RULES).findings
        if one.what not in OF_CALENDARS
    )
    kept = steps(facts)
    chance.shuffle(kept)
    told = Counter(
        ("" if one.rule == "no-receipt" else one.step.id, one.rule, one.detail)
        for one in course(kept)
        if one.rule not in BEFOREHAND
    )
    if facts:
        assert told == judged


def received(pledge: Promise | None = None) -> Story:
    story = Story()
    story.received(local(7, 10, 9), pledge)
    return story


def test_a_sound_dossier_has_nothing_to_look_at() -> None:
    story = received(promise())
    story.forwarded(local(7, 10, 10), "DL-193")
    story.supplemented(local(7, 12, 9), story.supplement(local(7, 11, 9)))
    story.returned(local(7, 13, 9), "DL-193")
    story.closed(local(7, 13, 10))
    assert of(story) == []


def test_a_missing_promise_is_told() -> None:
    assert of(received()) == ["no-promise"]
    stated = received(Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", due=local(7, 13, 9)))
    stated.returned(local(7, 12, 9))
    stated.reopened(local(7, 14, 9))
    assert of(stated) == ["reopened-without-due"]


def test_an_answer_before_its_question_is_told_and_answers_all_the_same() -> None:
    story = received(promise())
    asked = story.supplement(local(7, 11, 9))
    story.supplemented(local(7, 11, 9) - timedelta(minutes=1), asked)
    assert of(story) == ["answered-before-asked"]


def test_a_second_extension_is_told() -> None:
    story = received(promise())
    for hour in (9, 10):
        story.extended(local(7, 11, hour), local(7, 20, 9))
    assert of(story) == ["extended-twice"]


def test_answers_that_bite_their_tails_end() -> None:
    one, two = (f"{Name('urn:test', id).stream}@1" for id in "ab")
    ring = [
        Step(id=id, at=local(7, 11, hour), place=hour, kind="SupplementReceived", answers=other)
        for id, other, hour in ((one, two, 9), (two, one, 10))
    ]
    assert sorted(rules(course(ring))) == ["answered-before-asked", "before-receipt", "before-receipt", "no-receipt"]


def test_a_result_is_collected_once() -> None:
    story = received(promise())
    story.returned(local(7, 12, 9))
    story.closed(local(7, 12, 10))
    story.closed(local(7, 12, 11))
    assert of(story) == ["after-end"]


@pytest.mark.parametrize("number", range(8))
def test_at_one_instant_the_door_comes_before_the_way_and_a_chain_of_answers_in_its_order(number: int) -> None:
    """Whatever their ids are, which come last."""
    at, ids = local(7, 10, 9), [f"{Name(str(number), id).stream}@1" for id in "abcd"]
    kept = [
        Step(id=ids[0], at=at, place=1, kind="DossierForwarded", unit="A", other="B"),
        Step(id=ids[1], at=at, place=2, kind="ApplicationReceived", unit="A", about=promise()),
        Step(id=ids[2], at=local(7, 10, 7), place=3, kind="WorkResumed", answers=ids[3]),
        Step(id=ids[3], at=local(7, 10, 8), place=4, kind="WorkResumed", answers=ids[0]),
    ]
    told = [(one.step.place, one.rule) for one in course(kept)]
    late = "answered-before-asked", "answers-nothing"
    assert told == [(place, rule) for place in (4, 3) for rule in late]
