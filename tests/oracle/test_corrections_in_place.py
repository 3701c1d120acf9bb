"""What a service takes for a correction, the judge takes too: no fact that moved something moves nothing afterwards."""

import os
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from on_the_way import PLANS
from oracle.judging import MONDAY, RULES, received
from oracle.telling import Story

from events.actor import Actor
from events.commands.amend import said_of
from events.commands.correct import Command, Correct, Past, correcting
from events.commands.decider import Decider
from events.contracts.intake import ApplicationReceived
from events.errors import Refused
from intake import state as door
from intake.decide import case
from routing import state as hands
from routing.api import begins_cycle
from routing.decide import route
from sla.judging.judge import judge

LEADER = Actor(id="staff-qn-01", roles=frozenset({"leader"}), unit="PC-QN")
CASES = correcting(case, door.follows, founds=lambda fact: isinstance(fact, ApplicationReceived))
ROUTES = correcting(route(PLANS), hands.follows, founds=begins_cycle)
some = settings(max_examples=int(os.environ.get("ONEDOOR_EXAMPLES", "100")), deadline=None)
GAPS = st.integers(1, 600).map(lambda minutes: timedelta(minutes=minutes))
NUMBERS = st.integers(1, 12)
CORRECTIONS = st.lists(st.tuples(NUMBERS, st.integers(-3000, 3000) | NUMBERS.map(str)), min_size=1, max_size=6)


def told(moves: list[tuple[str, timedelta]], days: int = 0) -> Story:
    """A sensible story from so many days after the receipt: questions before answers, ends before reopenings."""
    story, now = received(), MONDAY + timedelta(days=days)
    unit, asked, ended, owes = "PAC-193", list[tuple[Any, str]](), False, ""
    for move, gap in moves:
        now += gap
        match move:
            case "reopen" if ended:
                story.reopened(now)
                ended, owes = False, ""
            case _ if ended:
                continue
            case "close":
                story.closed(now)
                ended = True
            case "supplement" if not owes:
                owes = story.supplement(now)
            case "supplemented" if owes:
                story.supplemented(now, owes)
                owes = ""
            case "forward":
                to = "DL-193" if unit != "DL-193" else "TC-193"
                process = "LV" if unit == "PAC-193" else None
                story.forwarded(now, to, by=unit, process=process, district="DL-193" if process else None)
                unit = to
            case "refer" if unit != "PAC-193":
                referral = story.referred(now)
                asked.append((lambda at, id: story.replied(at, answers=id), referral))
            case "works" if unit != "PAC-193":
                asked.append((story.worked, story.works(now)))
            case "answer" if asked:
                answer, question = asked.pop()
                answer(now, question)
            case _:
                pass
    return story


def unmoved(story: Story) -> set[tuple[str, str]]:
    return {(one.event, one.what) for one in judge(story.facts, RULES).findings}


def check(stream: str, decider: Decider[Command, Past], story: Story, wrong: list[tuple[int, Any]]) -> None:
    """Correct times and answers of one stream; what is accepted adds no finding."""
    for number, value in wrong:
        said = [one for one in story.facts if one.stream == f"{stream}-{story.case_id}"]
        now = max(one.at for one in story.facts) + timedelta(hours=1)
        about = f"{stream}-{story.case_id}@{number}"
        field, text = "answers", f"{stream}-{story.case_id}@{value}"
        if isinstance(value, int) and number <= len(said):
            field, text = "at", (said[number - 1].at + timedelta(minutes=value)).isoformat()
        order = Correct(
            case_id=story.case_id, fact=about, field=field, value=text, reason="entered-late", now=now, by=LEADER
        )
        before = unmoved(story)
        try:
            if decider.decide(order, decider.fold(said_of(one) for one in said)):
                story.corrected(now, about, field, text)
        except Refused:
            continue
        assert unmoved(story) <= before, story


@some
@given(
    st.lists(st.tuples(st.sampled_from(["supplement", "supplemented", "close", "reopen"]), GAPS), max_size=12),
    CORRECTIONS,
)
def test_of_the_counters_facts(moves: list[tuple[str, timedelta]], wrong: list[tuple[int, Any]]) -> None:
    """Supplements within their cycle, ends and reopenings in turn."""
    check("case", CASES, told(moves), wrong)


@some
@given(
    st.lists(st.tuples(st.sampled_from(["forward", "refer", "works", "answer"]), GAPS), max_size=12), CORRECTIONS
)  # fmt: skip
def test_of_the_hands_facts(moves: list[tuple[str, timedelta]], wrong: list[tuple[int, Any]]) -> None:
    """Hand-overs from the unit that has the dossier, each answer to a question of its own; long after the receipt,
    which is not the hands' to know."""
    check("route", ROUTES, told(moves, days=30), wrong)
