"""Event logs for process mining: what the standards ask of them, and that every fact is in them as it stands by now."""

import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from contracts.occurring import CASE, EVERYTHING, GOLDENS, OTHER, TOLD, kind_of, said
from typer.testing import CliRunner

from events.store.envelope import RecordedEvent
from onedoor.__main__ import app
from onedoor.exporting import ocel, xes
from onedoor.exporting.history import ROLES, histories
from onedoor.verbs.export import wanted

NAMES = {"string": str, "integer": int, "float": float, "boolean": bool, "time": str}


def as_ocel(facts: Sequence[RecordedEvent]) -> Any:
    into = io.StringIO()
    ocel.write(histories(facts, kind_of), into)
    return json.loads(into.getvalue())


def as_xes(facts: Sequence[RecordedEvent]) -> ElementTree.Element:
    into = io.StringIO()
    xes.write(histories(facts, kind_of), into)
    return ElementTree.fromstring(into.getvalue())


@pytest.mark.parametrize("facts", [[], EVERYTHING, [*EVERYTHING, said("CaseClosed", 2, case=OTHER)]])
def test_a_log_holds_by_what_ocel_asks(facts: Sequence[RecordedEvent]) -> None:
    """Every id once, every reference leads somewhere, every attribute is declared with its type, every time is one."""
    log = as_ocel(facts)
    assert set(log) == {"events", "objects", "eventTypes", "objectTypes"}
    objects = {one["id"]: one for one in log["objects"]}
    assert len(objects) == len(log["objects"])
    assert len({one["id"] for one in log["events"]}) == len(log["events"]) == len(facts)
    for those, types in (("events", "eventTypes"), ("objects", "objectTypes")):
        declared = {one["name"]: {of["name"]: of["type"] for of in one["attributes"]} for one in log[types]}
        assert len(declared) == len(log[types])
        for one in log[those]:
            for attribute in one["attributes"]:
                type = declared[one["type"]][attribute["name"]]
                assert isinstance(attribute["value"], NAMES[type]), attribute
                if type == "time":
                    assert datetime.fromisoformat(str(attribute["value"])).tzinfo
            for relation in one["relationships"]:
                assert relation["objectId"] in objects
                assert relation["qualifier"]
    for event in log["events"]:
        assert datetime.fromisoformat(event["time"]).tzinfo
        assert objects[event["relationships"][0]["objectId"]]["type"] == "dossier"


def test_a_dossier_its_units_and_its_orders_are_things() -> None:
    log = as_ocel(EVERYTHING)
    kinds: dict[str, set[str]] = {}
    for one in log["objects"]:
        kinds.setdefault(one["type"], set()).add(one["id"])
    assert kinds["dossier"] == {CASE}
    assert (kinds["counter"], kinds["department"]) == ({"PAC-HA-LONG"}, {"DL-193"})
    assert all(id.startswith("order:") for id in kinds["work order"])
    forwarded = next(one for one in log["events"] if one["type"] == "DossierForwarded")
    parts = {one["qualifier"]: one["objectId"] for one in forwarded["relationships"]}
    assert (parts["from_unit"], parts["to_unit"]) == ("PAC-HA-LONG", "DL-193")
    assert {"name": "limit", "value": "2 working_days"} in forwarded["attributes"]


def test_what_a_dossier_is_changes_with_time() -> None:
    """An appointment that was moved is there with both, each from its instant on."""
    log = as_ocel([said("ApplicationReceived"), said("DeadlineExtended", 2, appointment="2017-08-01T02:00:00Z")])
    (dossier,) = [one for one in log["objects"] if one["type"] == "dossier"]
    told = [(one["time"], one["value"]) for one in dossier["attributes"] if one["name"] == "appointment"]
    assert [time for time, _ in told] == ["2017-07-10T03:00:00Z", "2017-07-10T04:00:00Z"]
    assert told[1][1] == "2017-08-01T02:00:00Z"


def test_what_was_voided_is_not_there_and_what_was_corrected_is_as_it_stands() -> None:
    facts = [said("ApplicationReceived"), said("CustomerRated", 2, stars=1), said("CaseClosed", 3)]
    void = said("FactVoided", 4, stream="case", voids=facts[2].id, kind="CaseClosed")
    mend = said("FactCorrected", 5, stream="case", corrects=facts[1].id, kind="CustomerRated", field="stars", value="5")
    log = as_ocel([*facts, void, mend])
    assert [one["type"] for one in log["events"]] == ["ApplicationReceived", "CustomerRated"]
    assert {"name": "stars", "value": 5} in log["events"][1]["attributes"]


def test_a_fact_that_comes_twice_is_there_once() -> None:
    assert as_ocel([*EVERYTHING, *EVERYTHING]) == as_ocel(EVERYTHING)


def test_messages_submissions_and_verdicts_are_left_out_and_so_are_persons() -> None:
    others = [said(name, 90, stream="message") for name in TOLD] + [said("VerdictReached", 91, stream="promise")]
    assert as_ocel([*EVERYTHING, *others]) == as_ocel(EVERYTHING)
    assert "applicant_ref" in json.loads((GOLDENS / "ApplicationReceived.v1.json").read_text())
    assert "applicant_ref" not in json.dumps(as_ocel(EVERYTHING))
    assert ROLES["ApplicationReceived"]["applicant_ref"] == "person"


def test_a_month_has_the_dossiers_that_were_received_in_it() -> None:
    """By the clocks of Quang Ninh: what was received at 17:30 UTC on the last of June was so in July."""
    early = said("ApplicationReceived")
    late = msgspec.structs.replace(
        said("ApplicationReceived", case=OTHER), at=datetime(2017, 6, 30, 17, 30, tzinfo=UTC)
    )
    never = said("CaseClosed", case="000.00.22.H49-170710-0003")
    every = list(histories([early, late, never], kind_of))
    assert [one.case_id for one in wanted(every, "2017-07", ())] == [CASE, OTHER]
    assert [one.case_id for one in wanted(every, "2017-07", {OTHER})] == [OTHER]
    assert list(wanted(every, "2017-06", ())) == []
    assert len(list(wanted(every, None, ()))) == 3


def test_what_cannot_be_is_said_in_a_line(tmp_path: Path) -> None:
    """And nothing is left beside the place where the file would be."""
    for words, sentence in ((("--month", "July"), "is no month"), (("-o", str(tmp_path / "no" / "file")), "No such")):
        done = CliRunner().invoke(app, ["export", "-o", str(tmp_path / "file"), *words])
        assert done.exit_code == 1
        assert sentence in str(done.exception) + done.output
    assert list(tmp_path.iterdir()) == []


def test_xes_has_a_trace_for_each_dossier_and_the_same_events() -> None:
    log = as_xes([*EVERYTHING, said("CaseClosed", 2, case=OTHER)])
    space = "{http://www.xes-standard.org/}"
    traces = log.findall(f"{space}trace")
    names = [one.find(f"{space}string[@key='concept:name']") for one in traces]
    assert [one.get("value") for one in names if one is not None] == [CASE, OTHER]
    events = [{at.get("key"): at.get("value") for at in one} for one in traces[0].findall(f"{space}event")]
    assert [one["concept:name"] for one in events] == [fact.type for fact in EVERYTHING]
    assert all(datetime.fromisoformat(str(one["time:timestamp"])).tzinfo for one in events)
    forwarded = next(one for one in events if one["concept:name"] == "DossierForwarded")
    assert (forwarded["org:resource"], forwarded["org:group"]) == ("staff-193-01", "PAC-HA-LONG")
