"""One event is one event, however it is spelt; a value that differs is a conflict."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from gateway.told import ARRIVED, EVERYTHING, OURS, Event, event, golden
from hypothesis import given
from hypothesis import strategies as st

from events.contracts import CATALOGUE
from events.contracts.channels import OTHERS
from events.gateway.cloudevent import STRUCTURED, Item, Sent, of_request
from events.gateway.decide import Refusal, decide
from events.gateway.equality import Known, value_on_log
from events.gateway.rules import Accepted
from events.instants import parse_instant

ONE = event("VisitScheduled", their_number=7)
PROMISE = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "working_days": 3}


def spelt(body: str) -> Sent:
    sent = of_request(STRUCTURED, {}, body.encode())
    assert isinstance(sent, Sent)
    return sent


def became(first: Item, *others: Item, arrived: datetime = ARRIVED) -> list[str]:
    """What became of each, after the first was accepted."""
    known: dict[str, Known] = {}
    assert isinstance(decide(first, EVERYTHING, OURS, ARRIVED, known)[1], Accepted)
    return [of(decide(one, EVERYTHING, OURS, arrived, known)[1]) for one in others]


def of(made: Accepted | Refusal | None) -> str:
    return "duplicate" if made is None else made.why.rule if isinstance(made, Refusal) else "accepted"


def at(time: str) -> Sent:
    return replace(ONE, more=(("time", time),)).sent


LOCAL, UTC_TIME, MILLIS = "2017-07-12T09:00:00+07:00", "2017-07-12T02:00:00Z", "2017-07-12T02:00:00.000Z"


def test_the_time_may_be_written_at_any_offset_and_with_any_digits() -> None:
    others = [UTC_TIME, MILLIS, "2017-07-12t02:00:00.0000000z", "2017-07-11T22:30:00-03:30"]
    assert became(at(LOCAL), *map(at, others)) == ["duplicate"] * len(others)


def test_another_time_is_another_event() -> None:
    others = ["2017-07-12T09:00:00Z", "2017-07-12T02:00:00.000001Z", "2017-07-12T02:00:01Z"]
    assert became(at(LOCAL), *map(at, others)) == ["id-reused"] * len(others)


SAME: list[dict[str, Any]] = [
    {"due": "2017-07-17T10:00:00Z"},
    {"due": "2017-07-17T17:00:00.0000000+07:00"},
    {"due": "2017-07-17T17:00:00+07:00", "working_days": None},
    {"service": None, "due": "2017-07-17T10:00:00-00:00"},
]


@pytest.mark.parametrize("promise", SAME)
def test_an_instant_in_the_data_may_be_written_otherwise_and_null_may_be_left_out(promise: dict[str, Any]) -> None:
    about = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE"}
    first = event("ApplicationReceived", promise=about | {"due": "2017-07-17T17:00:00+07:00"})
    assert became(first.sent, event("ApplicationReceived", promise=about | promise).sent) == ["duplicate"]


@pytest.mark.parametrize("number", ["3", "3.0", "3e0", "0.3e1", "300e-2"])
def test_a_number_may_be_written_in_any_way(number: str) -> None:
    first = event("ApplicationReceived", promise=PROMISE, copies=3)
    body = json.dumps(first.structured)
    assert body.count(": 3") == 2
    assert became(first.sent, spelt(body.replace(": 3", f": {number}"))) == ["duplicate"]


def test_keys_may_come_in_any_order_and_characters_be_escaped() -> None:
    first = event("ApplicationReceived", promise=PROMISE)
    backwards = json.dumps(dict(reversed(first.structured.items())) | {"data": dict(reversed(first.data.items()))})
    escaped = json.dumps(first.structured).replace("PAUSE", "\\u0050AUSE").replace("/", "\\/")
    assert became(first.sent, spelt(backwards), spelt(escaped)) == ["duplicate"] * 2


@pytest.mark.parametrize(
    "other",
    [
        event("CustomerRated", stars=4), event("CustomerRated", their_number="07"),
        event("CustomerRated", their_number=True), event("CustomerRated"), event("CaseClosed"),
        replace(event("CustomerRated", their_number=7), more=(("subject", "000.00.30.H49-170710-0002"),)),
    ],
)  # fmt: skip
def test_what_really_differs_is_a_conflict(other: Event) -> None:
    """A field that the schema does not know is content too: what it holds is kept and published."""
    assert became(event("CustomerRated", stars=5, their_number=7).sent, other.sent) == ["id-reused"]


def test_what_says_nothing_of_the_matter_may_differ() -> None:
    one = event("CustomerRated")
    more = (("subject", golden("CustomerRated")["case_id"]), ("correlationid", "flow-7"), ("traceparent", "x"))
    assert became(one.sent, replace(one, more=more).sent) == ["duplicate"]


def test_it_is_a_repeat_even_when_it_has_become_too_old() -> None:
    much_later = ARRIVED + timedelta(days=9999)
    assert became(at(LOCAL), at(LOCAL), at(UTC_TIME), arrived=much_later) == ["duplicate"] * 2


@pytest.mark.parametrize(("then", "kept"), [(True, 1), ("1_0", 10), ("10", 10)])
def test_bytes_that_were_once_accepted_are_a_repeat_where_todays_schema_refuses_them(then: Any, kept: int) -> None:
    """A laxer reader took them in as a number."""
    sent = event("ApplicationReceived", promise=PROMISE | {"working_days": then})
    assert of(decide(sent.sent, EVERYTHING, OURS, ARRIVED, {})[1]) == "invalid-data"
    data = json.dumps(golden("ApplicationReceived") | {"promise": PROMISE | {"working_days": kept}}).encode()
    name = rules_name(sent)
    known = {name: Known(sent.sent.digest, value_on_log("ApplicationReceived", 1, sent.at, data))}
    assert of(decide(sent.sent, EVERYTHING, OURS, ARRIVED, known)[1]) == "duplicate"


@pytest.mark.parametrize("due", ["2017-07-17 10:00:00Z", 1500285600])
def test_a_value_that_was_once_accepted_is_a_repeat_where_todays_schema_refuses_it(due: Any) -> None:
    """The bytes are others than then: the hash of what was sent is not known."""
    about = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE"}
    sent = event("ApplicationReceived", promise=about | {"due": due}, copies=1.0)
    assert of(decide(sent.sent, EVERYTHING, OURS, ARRIVED, {})[1]) == "invalid-data"
    kept = golden("ApplicationReceived") | {"promise": about | {"due": "2017-07-17T10:00:00Z"}, "copies": 1}
    known = {rules_name(sent): Known(None, value_on_log("ApplicationReceived", 1, sent.at, json.dumps(kept).encode()))}
    assert of(decide(sent.sent, EVERYTHING, OURS, ARRIVED, known)[1]) == "duplicate"


def rules_name(sent: Event) -> str:
    name = decide(sent.sent, EVERYTHING, OURS, ARRIVED, {})[0]
    assert name is not None
    return name.stream


def test_one_fact_under_two_numbers_of_its_schema_is_one_event() -> None:
    old = event("WorkCompleted")
    new = golden("WorkCompleted") | {"evidence": [{"reference": one} for one in old.data["evidence"]]}
    number = (("type", "onedoor.WorkCompleted.v2"),)
    assert became(replace(old, data=old.data).sent, replace(old, data=new, more=number).sent) == ["duplicate"]


OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.sampled_from(OTHERS), st.randoms(use_true_random=False), OFFSETS, st.text("0123456789", max_size=4))
def test_whatever_a_serialiser_changes_changes_nothing(kind: str, chance: Any, zone: timezone, digits: str) -> None:
    def again(value: Any) -> Any:
        if isinstance(value, dict):
            pairs = [(name, again(one)) for name, one in value.items()]
            chance.shuffle(pairs)
            return dict(pairs)
        if isinstance(value, list):
            return [again(one) for one in value]
        if isinstance(value, str):
            try:
                moved = parse_instant(value).astimezone(zone).isoformat(timespec="microseconds")
            except (ValueError, OverflowError):
                return value
            return moved[:26] + digits + moved[26:]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    first = event(kind, copies=3)
    nulls = {name: None for name in CATALOGUE[kind].cls.__slots__ if name not in first.data and name != "promise"}
    optional = {name for name, of in CATALOGUE[kind].strict.json_schema()["properties"].items() if "anyOf" in of}
    nulls = {name: None for name in nulls if name in optional}
    other = spelt(json.dumps(again({**first.structured, "data": {**first.data, **nulls}})))
    assert first.at.tzinfo is UTC
    assert became(first.sent, other) == ["duplicate"]
