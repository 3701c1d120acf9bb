"""What becomes of events that come in any order, some of them again: the same as if each had come once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.told import ARRIVED, EVERYTHING, OURS, Event, event
from hypothesis import given
from hypothesis import strategies as st

from events.contracts.channels import OTHERS
from events.errors import Refused
from events.gateway.decide import Refusal, decide
from events.gateway.equality import Known
from events.gateway.rules import Accepted
from intake.gateway.keeping import said

EVENTS = [replace(event(kind), id=f"n-{number}") for number, kind in enumerate(OTHERS)]
BAD = [replace(event("CaseClosed", case_id="000.00.31.H49-170710-0001"), id=f"bad-{number}") for number in range(3)]


def told(events: list[Event], known: dict[str, Known] | None = None, **more: Any) -> list[Accepted | Refusal | None]:
    """What is said of each, one after the other."""
    known = {} if known is None else known
    arrived = more.get("arrived", ARRIVED)
    return [decide(one.sent, EVERYTHING, OURS, arrived, known)[1] for one in events]


def rule(made: Accepted | Refusal | None) -> str | None:
    return made.why.rule if isinstance(made, Refusal) else None


ORDERED = {made.name.stream: made.data for made in told(EVENTS) if isinstance(made, Accepted)}
REFUSALS = {made.stream for made in told(BAD) if isinstance(made, Refusal)}


@given(st.permutations(EVENTS + BAD), st.lists(st.sampled_from(EVENTS + BAD)), st.randoms(use_true_random=False))
def test_order_and_repeats_change_nothing(events: list[Event], again: list[Event], chance: Any) -> None:
    whole = events + again
    chance.shuffle(whole)
    made = told(whole)
    accepted = [one for one in made if isinstance(one, Accepted)]
    assert {one.name.stream: one.data for one in accepted} == ORDERED
    assert len(accepted) == len(ORDERED)
    assert {one.stream for one in made if isinstance(one, Refusal)} == REFUSALS


def test_a_name_with_another_content_is_a_conflict_and_the_first_stands() -> None:
    first, other = event("CustomerRated", stars=5), event("CustomerRated", stars=1)
    made = told([first, other, first, other])
    assert [rule(one) for one in made] == [None, "id-reused", None, "id-reused"]
    assert isinstance(made[1], Refusal)
    assert isinstance(made[3], Refusal)
    assert (made[1].stream, made[2]) == (made[3].stream, None)
    assert made[1].body is not None
    assert b'"stars":1' in made[1].body


def test_the_content_of_a_conflict_is_kept_only_where_it_holds_codes() -> None:
    made = told([event("CustomerRated"), event("CustomerRated", remark="Nguyễn Văn An"), Event("CustomerRated", b"{")])
    assert [(one.why.rule, one.body) for one in made if isinstance(one, Refusal)] == [("id-reused", None)] * 2


def test_an_event_that_two_rules_refused_has_two_refusals() -> None:
    """First its clock was ahead, later it is too old; each is said once."""
    times = [ARRIVED - timedelta(days=1), ARRIVED - timedelta(days=1), ARRIVED + timedelta(days=999)]
    made = [told([EVENTS[0]], arrived=arrived)[0] for arrived in times]
    assert [rule(one) for one in made] == ["time-in-future", "time-in-future", "too-old"]
    streams = [one.stream for one in made if isinstance(one, Refusal)]
    assert streams[0] == streams[1] != streams[2]


def test_what_was_accepted_stays_so_when_it_has_become_too_old() -> None:
    known: dict[str, Known] = {}
    assert isinstance(told([EVENTS[0]], known)[0], Accepted)
    much_later = ARRIVED + timedelta(days=9999)
    assert told([EVENTS[0]], known, arrived=much_later) == [None]
    assert rule(told([EVENTS[0]], arrived=much_later)[0]) == "too-old"


def test_a_refusal_says_nothing_of_what_was_sent() -> None:
    from events.commands.handle import Moment

    (made,) = told([replace(event("CaseClosed", remark="Nguyễn Văn An"), more=(("subject", "Nguyễn Văn An"),))])
    assert isinstance(made, Refusal)
    assert isinstance(made.why, Refused)
    (fact,) = said(made, Moment(now=ARRIVED)).facts
    assert (fact.source, fact.emitter, fact.event, fact.rule, fact.field) == (
        EVERYTHING.source, "SXD", "1", "free-text", "data"
    )  # fmt: skip
    assert "Nguy" not in repr(fact)
