"""A fact as a CloudEvent and back: nothing is lost, and whatever comes is read or unreadable, never anything else."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from contracts.given import CAUSE, NINE, case_id, rated
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import fields

from events.contracts import write
from events.errors import Unreadable
from events.kafka.cloudevent import from_cloudevent, to_cloudevent
from events.store.envelope import RecordedEvent

ROW: Mapping[str, Any] = {
    "stream": f"case-{case_id()}",
    "version": 3,
    "subject": case_id(),
    "type": "CustomerRated",
    "schema": 1,
    "at": NINE,
    "recorded_at": NINE + timedelta(microseconds=1),
    "actor": "staff-193-02",
    "correlation": "asked-1",
    "causation": "asked-0",
    "trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "data": write(rated()),
    "hash": bytes(range(32)),
}
EVENT: dict[str, Any] = json.loads(to_cloudevent(ROW, "/onedoor/intake"))
INSTANTS = st.datetimes(timezones=st.just(UTC))


def _event(**changes: Any) -> bytes:
    """The event with some fields changed; None takes a field away."""
    return json.dumps({name: value for name, value in {**EVENT, **changes}.items() if value is not None}).encode()


def _same(fact: RecordedEvent, row: Mapping[str, Any]) -> None:
    for one in ("stream", "version", "subject", "type", "schema", "at", "recorded_at", "data", "hash"):
        assert getattr(fact, one) == row[one], one
    for one in ("actor", "correlation", "causation", "trace"):
        assert getattr(fact.cause, one) == row[one], one


@given(at=INSTANTS, recorded_at=INSTANTS, version=st.integers(1, 2**31 - 1), trace=st.none() | st.just(ROW["trace"]))
def test_a_row_goes_out_and_comes_back(at: datetime, recorded_at: datetime, version: int, trace: str | None) -> None:
    """Every column that others may know survives the way."""
    row = {**ROW, "at": at, "recorded_at": recorded_at, "version": version, "trace": trace}
    fact = from_cloudevent(to_cloudevent(row, "/onedoor/intake"))
    _same(fact, row)
    assert fact.fact == rated()
    assert fact.id == f"{row['stream']}@{version}"


def test_the_event_is_a_cloudevent_as_others_expect_it() -> None:
    """The names and forms of CloudEvents 1.0 and of its extensions are a promise to other systems."""
    told = EVENT
    assert told == {
        "specversion": "1.0",
        "id": f"case-{case_id()}@3",
        "source": "/onedoor/intake",
        "type": "onedoor.CustomerRated.v1",
        "subject": case_id(),
        "time": "2017-07-10T02:00:00Z",
        "recordedtime": "2017-07-10T02:00:00.000001Z",
        "actor": "staff-193-02",
        "correlationid": "asked-1",
        "causationid": "asked-0",
        "sequence": "3",
        "partitionkey": case_id(),
        "hash": bytes(range(32)).hex(),
        "traceparent": ROW["trace"],
        "data": {"case_id": case_id(), "stars": 5},
    }


def test_the_bytes_of_the_data_travel_verbatim() -> None:
    """Hashes are over bytes: odd spacing, order and unknown fields arrive as they were stored."""
    data = b'{ "stars":5 ,\n"newer":{"b":1.0,"a":"\\u0041"},"case_id" :"000.00.22.H49-170710-0001"}'
    event = to_cloudevent({**ROW, "data": data}, "/onedoor/intake")
    assert data in event
    assert from_cloudevent(event).data == data


def test_an_unknown_type_is_kept_without_a_fact() -> None:
    """A newer service may say what this version has never heard of."""
    fact = from_cloudevent(_event(type="onedoor.NeverHeardOf.v7", data={"any": [1]}))
    assert (fact.type, fact.schema, fact.fact) == ("NeverHeardOf", 7, None)
    assert json.loads(fact.data) == {"any": [1]}


@pytest.mark.parametrize("text", ["\x00", "a\x00", "\\\x00"])
def test_a_zero_character_in_the_data_is_unreadable(text: str) -> None:
    """No column of text can hold it."""
    with pytest.raises(Unreadable, match="zero character"):
        from_cloudevent(_event(type="onedoor.New.v1", data={"text": text}))


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "u0000"])
def test_what_only_looks_like_one_is_read(text: str) -> None:
    """A backslash that somebody typed before u0000."""
    assert json.loads(from_cloudevent(_event(type="onedoor.New.v1", data={"text": text})).data) == {"text": text}


def test_instants_of_any_offset_are_read_as_utc() -> None:
    """Two spellings of one instant are one instant."""
    fact = from_cloudevent(_event(time="2017-07-10T09:00:00+07:00"))
    assert fact.at == NINE
    assert fact.at.utcoffset() == timedelta(0)


REQUIRED = [name for name in EVENT if name != "traceparent"]


@pytest.mark.parametrize("field", REQUIRED)
def test_a_missing_field_is_named(field: str) -> None:
    """The person who mends it reads the reason, not our code."""
    with pytest.raises(Unreadable, match=field):
        from_cloudevent(_event(**{field: None}))


WRONG: list[tuple[str, Any]] = [
    ("specversion", "0.3"),
    ("id", "no-version"),
    ("id", "case-1@0"),
    ("id", "case-1@-1"),
    ("id", "case-1@+1"),
    ("id", "case-1@1_0"),
    ("id", "case-1@١"),
    ("id", "case-1@4294967296"),
    ("id", "@1"),
    ("id", "case 1@1"),
    ("id", "case-\x00@1"),
    ("id", f"case-{'x' * 3000}@1"),
    ("type", "CustomerRated"),
    ("type", "onedoor.CustomerRated"),
    ("type", "other.CustomerRated.v1"),
    ("type", "onedoor.CustomerRated.v0"),
    ("type", "onedoor.CustomerRated.v99999"),
    ("type", "onedoor.\x00.v1"),
    ("subject", ""),
    ("subject", "a\x00b"),
    ("subject", "x" * 3000),
    ("subject", "Nguyễn Văn An"),
    ("time", "2017-07-10T09:00:00"),
    ("time", "yesterday"),
    ("time", "0001-01-01T00:00:00+07:00"),
    ("recordedtime", "2017-07-10T09:00:00"),
    ("recordedtime", "9999-12-31T23:59:59-07:00"),
    ("recordedtime", 7),
    ("actor", "a\x00b"),
    ("actor", "x" * 3000),
    ("correlationid", "\x00"),
    ("causationid", "\x00"),
    ("traceparent", "\x00"),
    ("hash", "abcd"),
    ("hash", "zz" * 32),
    ("hash", " ".join(["00"] * 32)),
    ("data", {"case_id": case_id()}),
    ("data", "text"),
    ("sequence", "4"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_value_is_unreadable_and_the_field_is_named(field: str, value: Any) -> None:
    """What Postgres could not hold, or what is no id, type or instant of ours, is parked with its field."""
    with pytest.raises(Unreadable, match=field):
        from_cloudevent(_event(**{field: value}))


def test_a_lone_surrogate_is_unreadable() -> None:
    """JSON can spell half a character, UTF-8 cannot hold it."""
    with pytest.raises(Unreadable):
        from_cloudevent(_event().replace(b'"asked-1"', b'"\\ud800"'))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(), some, max_size=3),
)
GARBAGE = (
    st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.integers(1, 100_000).map(lambda depth: b"[" * depth)
    | st.integers(1, 100_000).map(lambda depth: _event(data=None)[:-1] + b', "data": ' + b'{"a":' * depth)
)
CHANGED = st.dictionaries(st.sampled_from(list(EVENT)), JSON | st.text(), min_size=1, max_size=3)


@given(GARBAGE)
@example(b"")
@example(b"null")
@example(_event()[:-1])
@example(b"\xff\xfe" + _event())
@example(_event().replace(b"staff", b"\xff\xff\xff\xff\xff"))
@example(_event(data=None)[:-1] + b', "data": {"newer": "\xff"}, "type": "onedoor.NeverHeardOf.v1"}')
def test_garbage_is_unreadable_and_nothing_else(body: bytes) -> None:
    """One bad record must never look like a fault of ours."""
    with pytest.raises(Unreadable):
        from_cloudevent(body)


@given(CHANGED)
def test_an_event_with_changed_fields_is_unreadable_or_fits_the_inbox(changes: Mapping[str, Any]) -> None:
    """Whatever passes has only values that its columns can hold."""
    try:
        fact = from_cloudevent(msgspec.json.encode({**EVENT, **changes}))
    except Unreadable:
        return
    assert 0 < fact.version < 2**31
    assert 0 < fact.schema < 2**15
    assert len(fact.hash) == 32
    assert fact.at.tzinfo is not None
    assert fact.recorded_at.tzinfo is not None
    texts = [fact.stream, fact.subject, fact.type, *(str(getattr(fact.cause, one.name)) for one in fields(CAUSE))]
    assert all("\x00" not in text and len(text) <= 300 for text in texts)


def test_an_instant_of_another_zone_goes_out_in_utc() -> None:
    """The wire has one spelling for an instant, whoever wrote the row."""
    row = {**ROW, "at": NINE.astimezone(timezone(timedelta(hours=7)))}
    assert from_cloudevent(to_cloudevent(row, "/onedoor/intake")).at == NINE
