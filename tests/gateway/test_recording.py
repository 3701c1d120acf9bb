"""A recorded stream, judged as the gateway would: what is worth a look is counted, shown, and told how to mend."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.dossiers import BEGAN, CLOSED, DAYS, FORWARDED, PROMISE, RECEIVED, RETURNED, dossier
from gateway.told import ARRIVED, CASE, EVERYTHING, OTHER, OURS, Event, event, without
from hypothesis import given
from hypothesis import strategies as st

from events.contracts.channels import OTHERS
from events.gateway import sequence_check
from events.gateway.cloudevent import STRUCTURED, Item, of_request
from events.gateway.emitters import Emitters
from events.gateway.findings import NOTES, OF_REFUSALS, SHOWN
from events.gateway.recording import Catalogued, Recording, Report
from events.gateway.rules import Name

KNOWN = Emitters(by_code={one.code: one for one in (EVERYTHING, OTHER)}, ours=OURS)


def recording() -> Recording:
    return Recording(KNOWN, Catalogued({"LV@2017-07-01"}, {"VN-PAC@2017.1"}))


def posted(events: Iterable[Event | bytes], arrived: datetime = ARRIVED) -> Report:
    heard = recording()
    for number, one in enumerate(events, 1):
        body = one if isinstance(one, bytes) else json.dumps(one.structured).encode()
        item = of_request(STRUCTURED, {}, body)
        assert isinstance(item, Item)
        heard.posted(item, arrived, number)
    return heard.report()


def found(report: Report) -> dict[str, int]:
    return {one.rule: one.count for one in report.findings}


def id_of(number: int) -> str:
    return f"{Name(EVERYTHING.source, f'd-{number}').stream}@1"


def promised(promise: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
    return "ApplicationReceived", {**RECEIVED[1], "promise": promise}


def test_a_sound_stream_is_clean() -> None:
    report = posted(dossier(RECEIVED, FORWARDED, RETURNED, CLOSED))
    assert (report.level, report.findings) == ("clean", [])
    assert (report.events, report.accepted, report.repeated, report.refused, report.dossiers) == (4, 4, 0, 0, 1)
    assert (report.clock.seconds_ahead, report.clock.seconds_late) == (0, 47 * 3600)
    assert report.clock.earliest == BEGAN + timedelta(hours=1)


def test_what_the_gateway_would_refuse_is_rejected_with_place_field_and_way_out() -> None:
    wrong: list[Event | bytes] = [
        event("CustomerRated", stars=9), without("outcome", "AgencyReplied"), b"{", b"7",
        replace(event(), source="urn:nobody"), replace(event(), id="x", at=ARRIVED + timedelta(days=1)),
        replace(event(case_id="000.00.31.H49-170710-0001"), id="y"),
        replace(event(), id="z", more=(("subject", "000.00.31.H49-170710-0001"),)),
    ]  # fmt: skip
    report = posted(wrong)
    assert (report.level, report.refused, report.accepted) == ("rejected", len(wrong), 0)
    told = {(one.subject, one.rule, one.field): [example.place for example in one.examples] for one in report.findings}
    assert told == {
        ("schema", "invalid-data", "data.stars"): [1], ("schema", "invalid-data", "data.outcome"): [2],
        ("schema", "broken-json", "body"): [3, 4], ("identity", "unknown-source", "source"): [5],
        ("clock", "time-in-future", "time"): [6], ("identity", "anothers-dossier", "data.case_id"): [7],
        ("key", "another-subject", "subject"): [8],
    }  # fmt: skip
    assert all(one.way_out and one.level == "rejected" for one in report.findings)


def test_a_repeat_is_tolerated_and_another_content_is_not() -> None:
    events = dossier(RECEIVED, CLOSED)
    repeated = posted([*events, *events])
    assert (repeated.level, found(repeated), repeated.repeated) == ("tolerated", {"repeated": 2}, 2)
    other = replace(events[1], at=events[1].at + timedelta(minutes=1))
    report = posted([*events, other])
    assert (report.level, found(report)) == ("rejected", {"id-reused": 1})


def test_examples_are_the_first_and_few() -> None:
    events = [replace(event("CustomerRated", stars=9), id=f"n-{number}") for number in range(50)]
    (only,) = posted(events).findings
    assert (only.count, [one.place for one in only.examples]) == (50, [1, 2, 3])
    assert len(only.examples) == SHOWN


def test_the_order_of_arrival_is_told_and_judged_by_the_times_alone() -> None:
    events = dossier(RECEIVED, FORWARDED, RETURNED, CLOSED)
    report = posted([events[1], events[0], events[3], events[2]])
    assert (report.level, found(report)) == ("tolerated", {"out-of-order": 2})


def test_what_cannot_be_in_a_course_is_told_with_its_place() -> None:
    nothing = ("SupplementReceived", {"answers": id_of(99)})
    report = posted(dossier(CLOSED, RECEIVED, nothing, RETURNED, CLOSED, FORWARDED))
    places = {one.rule: [example.place for example in one.examples] for one in report.findings}
    assert places == {"before-receipt": [1], "answers-nothing": [3], "returned-by-another": [4], "after-end": [6]}
    assert {one.subject for one in report.findings} == {"transitions"}
    assert report.level == "tolerated"


def test_missing_promises_are_told() -> None:
    cases = [f"{CASE[:-1]}{number}" for number in range(1, 6)]
    facts: Sequence[Any] = (
        promised(None), promised({**PROMISE, "service": "NO-SUCH@2017-07-01"}),
        promised({**DAYS, "calendar": "NO-SUCH@2017"}), promised({**PROMISE, "service": "LV@2017-07-01"}), CLOSED,
    )  # fmt: skip
    events = [dossier(fact, case=case, first=n) for n, (case, fact) in enumerate(zip(cases, facts, strict=True), 1)]
    report = posted([one for told in events for one in told])
    assert found(report) == {"no-promise": 1, "unknown-service": 1, "unknown-calendar": 1, "no-receipt": 1}
    assert {one.rule: one.examples[0].case for one in report.findings}["no-receipt"] == cases[4]


def test_an_agencys_reply_to_one_of_our_dossiers_is_no_dossier_without_receipt() -> None:
    agency = EVERYTHING.model_copy(update={"replies": True})
    heard = Recording(Emitters(by_code={"SXD": agency}, ours=OURS), Catalogued((), ()))
    case = "000.00.02.H49-170710-0001"
    reply = event("AgencyReplied", case_id=case, answers=None)
    heard.posted(reply.sent, ARRIVED, 1)
    report = heard.report()
    assert (report.level, report.accepted, report.dossiers) == ("clean", 1, 0)


def test_records_of_kafka_are_asked_for_their_signature_and_key() -> None:
    events = dossier(RECEIVED, CLOSED)
    heard = recording()
    heard.put(events[0].letter(binary=True), CASE.encode(), ARRIVED, "t/0/1")
    heard.put(events[1].letter(), b"1", ARRIVED, "t/0/2")
    heard.put(events[1].letter(key=None), None, ARRIVED, "t/0/3")
    report = heard.report()
    told = {one.rule: (one.subject, one.level, one.examples[0].place) for one in report.findings}
    assert told == {"unsigned": ("identity", "rejected", "t/0/3"), "another-key": ("key", "tolerated", "t/0/2")}


@given(st.permutations(dossier(CLOSED, RECEIVED, FORWARDED, FORWARDED, RETURNED, CLOSED, promised(None))))
def test_the_order_changes_nothing_but_what_is_told_of_the_order(events: list[Event]) -> None:
    assert {rule: n for rule, n in found(posted(events)).items() if rule != "out-of-order"} == {
        "before-receipt": 1, "received-again": 1, "forwarded-by-another": 1
    }  # fmt: skip


def test_every_kind_of_fact_is_heard() -> None:
    report = posted([replace(event(kind), id=f"n-{number}") for number, kind in enumerate(OTHERS)])
    assert report.accepted == len(OTHERS)


def test_every_word_of_a_course_has_its_sentence_and_way_out() -> None:
    code = Path(sequence_check.__file__).read_text()
    assert set(re.findall(r'(?:found\(\w+(?:\.\w+)?|Found\(\w+), "([a-z-]+)"', code)) <= set(NOTES)
    assert all(one.says and one.way_out for one in NOTES.values())
    assert not set(NOTES) & set(OF_REFUSALS)


def test_the_places_in_a_list_are_one_field() -> None:
    gaps = [{"document": "drawing", "wrong": "missing"}, {"document": "drawing", "wrong": "lost"}]
    wrong = [replace(event("SupplementRequested", gaps=gaps[at:]), id=f"g-{at}") for at in range(2)]
    assert [(one.field, one.count) for one in posted(wrong).findings] == [("data.gaps.wrong", 2)]
