"""The rules for one event of another system: what is accepted, and what is refused by which rule, at which field."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from gateway.told import AGENCY, ARRIVED, CASE, EVERYTHING, OURS, Event, event, golden, without
from hypothesis import given
from hypothesis import strategies as st

from deadlines.calendar import FIRST, LAST
from events.contracts import CATALOGUE, name_of, read
from events.contracts.channels import OTHERS
from events.contracts.terms import UnitCode
from events.errors import Refused
from events.gateway import rules
from events.gateway.cloudevent import Sent
from events.gateway.emitters import Emitter
from events.gateway.rules import Accepted

ANOTHERS = "000.00.31.H49-170710-0001"


def accepted(one: Event | Sent, emitter: Emitter = EVERYTHING) -> Accepted:
    return rules.accept(one if isinstance(one, Sent) else one.sent, emitter, OURS, ARRIVED)


def refused(one: Event | Sent, emitter: Emitter = EVERYTHING) -> tuple[str, str | None, int]:
    """The rule, the field and the status; every refusal says what to do."""
    with pytest.raises(Refused) as caught:
        accepted(one, emitter)
    assert caught.value.detail
    assert caught.value.way_out
    return caught.value.rule, caught.value.field, caught.value.status


# -- every kind of fact ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OTHERS)
def test_every_fact_of_others_is_accepted_whole(kind: str) -> None:
    it = accepted(event(kind))
    assert it.fact == read(kind, 1, json.dumps(golden(kind)).encode(), trusted=False)
    assert it.at == ARRIVED - timedelta(hours=1)
    assert it.cause.actor == "system-SXD"


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_kept_is_what_the_readers_of_our_log_read(kind: str) -> None:
    it = accepted(event(kind))
    assert read(kind, CATALOGUE[kind].schema, it.data, trusted=True) == it.fact


def test_an_instant_of_another_zone_is_kept_in_utc() -> None:
    it = accepted(event("VisitScheduled", starts="2017-07-11T09:00:00+07:00"))
    assert json.loads(it.data)["starts"] == "2017-07-11T02:00:00Z"


def test_an_instant_is_cut_alike_in_time_and_data() -> None:
    told = "2017-07-11T23:59:59.9999999+07:00"
    it = accepted(replace(event("VisitScheduled", starts=told, their_number=1), more=(("time", told),)))
    assert it.at.isoformat() == "2017-07-11T16:59:59.999999+00:00"
    assert it.fact.starts == it.at == read("VisitScheduled", 1, it.data, trusted=True).starts


@pytest.mark.parametrize("kind", OTHERS)
def test_a_fact_that_is_not_allowed_is_refused(kind: str) -> None:
    other = EVERYTHING.model_copy(update={"facts": tuple(one for one in OTHERS if one != kind)})
    assert refused(event(kind), other) == ("fact-not-yours", "type", 403)


@pytest.mark.parametrize("kind", sorted(CATALOGUE.keys() - set(OTHERS)))
def test_what_is_not_for_others_is_refused_whoever_says_it(kind: str) -> None:
    """Verdicts, rules, operators' orders, messages, corrections of one field."""
    assert refused(event(kind)) == ("fact-not-yours", "type", 403)


@pytest.mark.parametrize("kind", OTHERS)
def test_a_dossier_of_another_is_refused(kind: str) -> None:
    assert refused(event(kind, case_id=ANOTHERS)) == ("anothers-dossier", "data.case_id", 403)


@pytest.mark.parametrize("kind", OTHERS)
def test_a_dossier_of_ours_is_refused(kind: str) -> None:
    assert refused(event(kind, case_id="000.00.02.H49-170710-0001")) == ("anothers-dossier", "data.case_id", 403)


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in OTHERS for field in rules.UNITS[kind]])
def test_a_unit_of_another_is_refused(kind: str, field: str) -> None:
    assert refused(event(kind, **{field: "PC-QN"})) == ("unit-not-yours", f"data.{field}", 403)


@pytest.mark.parametrize("kind", OTHERS)
def test_no_unit_is_overlooked(kind: str) -> None:
    """A field that has a unit's code for its pattern is a unit, however its type is written."""
    pattern = "^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$"
    told = json.dumps(CATALOGUE[kind].strict.json_schema())
    assert pattern in repr(UnitCode)
    process = "process" in CATALOGUE[kind].cls.__slots__  # a process is spelt like a unit
    assert told.count(json.dumps(pattern)) == len(rules.UNITS[kind]) + process


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind in OTHERS for field in CATALOGUE[kind].strict.json_schema()["required"]]
)
def test_a_field_that_is_missing_is_named(kind: str, field: str) -> None:
    assert refused(without(field, kind)) == ("invalid-data", f"data.{field}", 422)


@pytest.mark.parametrize("kind", OTHERS)
def test_fields_that_nobody_knows_are_kept(kind: str) -> None:
    newer = {"their_number": "HS-2017/0042", "copies": 3, "parts": ["a-1", {"deep": None}]}
    it = accepted(event(kind, **newer))
    assert {name: value for name, value in json.loads(it.data).items() if name in newer} == newer
    assert read(kind, CATALOGUE[kind].schema, it.data, trusted=True) == it.fact


@pytest.mark.parametrize("kind", OTHERS)
def test_a_field_that_nobody_knows_changes_nothing_of_the_others(kind: str) -> None:
    """The bytes are those of the fact alone, and the field behind them."""
    assert accepted(event(kind, their_number=1)).data == accepted(event(kind)).data[:-1] + b',"their_number":1}'


@pytest.mark.parametrize("kind", OTHERS)
def test_a_field_that_nobody_knows_holds_no_sentence(kind: str) -> None:
    """It would go to everybody who reads the topic."""
    for told in ("Nguyễn Văn An", "so 5 duong Mau", ["x", "a b"], {"name": "Nguyen Van An"}, {"Nguyen Van An": 1}):
        assert refused(event(kind, remark=told)) == ("free-text", "data", 422)


# -- the envelope ------------------------------------------------------------------------------------------------------

WRONG: list[tuple[str, str | None, str, str, int]] = [
    ("specversion", None, "attribute-missing", "specversion", 422),
    ("specversion", "0.3", "other-specversion", "specversion", 422),
    ("id", None, "attribute-missing", "id", 422),
    ("id", "", "attribute-missing", "id", 422),
    ("id", "Nguyễn Văn An", "id-no-code", "id", 422),
    ("id", "a/b", "id-no-code", "id", 422),
    ("id", "x" * 121, "id-no-code", "id", 422),
    ("id", "x\n", "id-no-code", "id", 422),
    ("source", None, "attribute-missing", "source", 422),
    ("source", "urn:test:another", "anothers-source", "source", 403),
    ("type", None, "attribute-missing", "type", 422),
    ("type", "CaseClosed", "unknown-type", "type", 422),
    ("type", "onedoor.NeverHeardOf.v1", "unknown-type", "type", 422),
    ("type", "onedoor.CaseClosed.v2", "unknown-type", "type", 422),
    ("type", "onedoor.CaseClosed.v0", "unknown-type", "type", 422),
    ("type", "onedoor.CaseClosed.v99999", "unknown-type", "type", 422),
    ("time", None, "attribute-missing", "time", 422),
    ("time", "yesterday", "no-instant", "time", 422),
    ("time", "2017-07-12T09:00:00", "no-instant", "time", 422),
    ("time", "1499825000", "no-instant", "time", 422),
    ("time", "0001-01-01T00:00:00+14:00", "no-instant", "time", 422),
    ("time", "0001-01-01T00:00:00Z", "no-instant", "time", 422),
    ("time", "0002-01-01T00:00:00Z", "too-old", "time", 422),
    ("time", "2017-07-12 02:00:00Z", "no-instant", "time", 422),
    ("time", "9998-12-31T23:59:59Z", "time-in-future", "time", 422),
    ("subject", "000.00.22.H49-170710-0002", "another-subject", "subject", 422),
    ("datacontenttype", "application/xml", "data-no-json", "datacontenttype", 422),
    ("correlationid", "for Nguyen Van An", "attribute-no-code", "correlationid", 422),
    ("causationid", "because of this", "attribute-no-code", "causationid", 422),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "rule", "field", "status"), WRONG)
def test_a_wrong_attribute_is_named(name: str, value: str | None, rule: str, field: str, status: int) -> None:
    assert refused(replace(event(), more=((name, value),))) == (rule, field, status)


def test_a_second_60_is_told_as_such() -> None:
    with pytest.raises(Refused, match=r"RFC 3339.*no second 60"):
        accepted(replace(event(), more=(("time", "2017-07-12T02:00:60Z"),)))


@pytest.mark.parametrize("kind", ["application/vnd.x+json", "text/json", "Application/JSON; charset=utf-8", None])
def test_data_is_json_where_its_type_says_so(kind: str | None) -> None:
    assert accepted(replace(event(), more=(("datacontenttype", kind),))).fact.case_id == CASE


@pytest.mark.parametrize(("ahead", "taken"), [(0, True), (300, True), (301, False)])
def test_a_clock_may_be_a_little_ahead(ahead: int, taken: bool) -> None:
    one = replace(event(), at=ARRIVED + timedelta(seconds=ahead))
    assert accepted(one).at == one.at if taken else refused(one) == ("time-in-future", "time", 422)


@pytest.mark.parametrize(("late", "taken"), [(366 * 86400, True), (366 * 86400 + 1, False)])
def test_an_event_may_be_late_but_not_for_ever(late: int, taken: bool) -> None:
    one = replace(event(), at=ARRIVED - timedelta(seconds=late))
    assert accepted(one).at == one.at if taken else refused(one) == ("too-old", "time", 422)


def test_what_an_emitter_says_of_why_is_kept() -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    more = (("correlationid", "flow-7"), ("causationid", "their/event/6"), ("traceparent", trace))
    cause = accepted(replace(event(), more=more)).cause
    assert (cause.correlation, cause.causation, cause.trace) == ("flow-7", "their/event/6", trace)
    plain = accepted(replace(event(), more=(("traceparent", "broken"),))).cause
    assert (plain.correlation, plain.causation, plain.trace) == ("urn:test:sxd/1", "urn:test:sxd/1", None)


def test_a_subject_may_be_said_too() -> None:
    assert accepted(replace(event(), more=(("subject", CASE),))).fact.case_id == CASE


# -- the data ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"7", b"null", b"\xff", b'"text"', b'{"case_id": "\\ud800"}', b"[" * 9000]
)
def test_data_that_is_no_fact_is_refused(data: bytes) -> None:
    rule, field, status = refused(Event("CaseClosed", data))
    assert (rule, status) == ("invalid-data", 422)
    assert field is not None
    assert field.startswith("data")


def test_a_field_inside_a_field_is_named() -> None:
    promise = {"calendar": "VN-PAC@2017.1", "clock_policy": "SOMETIMES", "working_days": 3}
    assert refused(event("ApplicationReceived", promise=promise)) == ("invalid-data", "data.promise.clock_policy", 422)


def test_a_field_that_may_be_one_of_several_kinds_is_named_without_them() -> None:
    assert refused(event("WorkObstructed", fault="weather")) == ("invalid-data", "data.fault", 422)


def test_people_stay_at_home() -> None:
    one = event("ApplicationReceived", applicant_ref="p-somebody")
    assert refused(one) == ("person-named", "data.applicant_ref", 422)


@pytest.mark.parametrize("due", ["1989-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "9998-12-31T23:59:59Z"])
def test_an_instant_that_no_calendar_covers_is_refused(due: str) -> None:
    promise = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "due": due}
    assert refused(event("ApplicationReceived", promise=promise)) == ("outside-calendars", "data.promise.due", 422)
    assert refused(event("DeadlineExtended", appointment=due)) == ("outside-calendars", "data.appointment", 422)


def test_the_years_are_those_of_the_calendars() -> None:
    assert (rules.SINCE.date(), (rules.UNTIL - timedelta(days=1)).date()) == (FIRST, LAST)


# -- agencies ----------------------------------------------------------------------------------------------------------


def reply(case_id: str = "000.00.02.H49-170710-0001", agency: str = "UBND-193", **more: Any) -> Event:
    data = {"case_id": case_id, "agency": agency, "outcome": "agreed", **more}
    return replace(event("AgencyReplied"), data=data, source=AGENCY.source)


def test_an_agency_replies_to_our_dossiers() -> None:
    assert accepted(reply(), AGENCY).fact.agency == "UBND-193"


def test_it_replies_for_itself_and_to_no_dossier_of_a_third() -> None:
    assert refused(reply(agency="UBND-194"), AGENCY) == ("unit-not-yours", "data.agency", 403)
    assert refused(reply(case_id=ANOTHERS), AGENCY) == ("anothers-dossier", "data.case_id", 403)
    mute = AGENCY.model_copy(update={"replies": False})
    assert refused(reply(), mute) == ("anothers-dossier", "data.case_id", 403)


def test_it_cannot_answer_what_another_agency_was_asked() -> None:
    asked = "route-000.00.02.H49-170710-0001@4"
    assert refused(reply(answers=asked), AGENCY) == ("answers-ours", "data.answers", 422)


# -- whatever is sent --------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(OTHERS), st.data())
def test_whatever_a_field_holds_it_is_accepted_or_refused_by_name(kind: str, data: st.DataObject) -> None:
    """And what is accepted is read alike by those who read our log."""
    whole = golden(kind)
    field = data.draw(st.sampled_from(sorted(whole)) | st.text(min_size=1, max_size=9))
    try:
        it = accepted(event(kind, **{field: data.draw(anything)}))
    except Refused as refusal:
        why = refusal
    else:
        assert read(*name_of(it.fact), it.data, trusted=True) == it.fact
        return
    assert why.field is not None
    assert why.way_out
