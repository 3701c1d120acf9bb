"""What the hands ask of themselves when they hear others."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile
from deadlines.errors import CatalogueError
from deadlines.load import load
from events.contracts.catalogue import Fact
from events.contracts.field import WorkCompleted
from events.contracts.intake import (
    ApplicationReceived,
    ApplicationRefused,
    ApplicationWithdrawn,
    CaseClosed,
    CaseReopened,
    CustomerRated,
    ProcessingStopped,
    StaffReplied,
    SupplementReceived,
)
from events.contracts.sla import DeadlineMissed, DeadlineOverrun, LimitApproaching, LimitMissed, LimitMissWithdrawn
from events.contracts.terms import Exhibit, Promise
from events.store.envelope import Cause, RecordedEvent
from routing.onward import Begin, BeginAgain, Escalate, Heard, NoteDone, NoteReceived, NoteWorkDone, Recall
from routing.plan import Plans
from routing.policy import HandOn

CASE = "000.00.02.H49-170710-0001"
NINE = datetime(2017, 7, 10, 2, tzinfo=UTC)
CATALOGUE = load(Path(__file__).parents[2] / "deploy" / "catalogue")
PLANS = Plans(CATALOGUE)
LIMITS = {"limit": {"amount": 4, "unit": "working_hours"}, "basis": "a test"}


def heard(fact: Fact, stream: str = f"case-{CASE}") -> RecordedEvent:
    cause = Cause(correlation="c", causation="c", actor="staff-193-01")
    return RecordedEvent(
        stream=stream, version=3, subject=CASE, type="", schema=1, fact=fact, data=b"", cause=cause,
        at=NINE, recorded_at=NINE, hash=b"",
    )  # fmt: skip


def asked_for(fact: Fact) -> Heard | None:
    reaction = HandOn(PLANS)(heard(fact))
    assert all(id == CASE for id, _ in reaction)
    return reaction[0][1] if reaction else None


def received(service: str | None, district: str = "DL-193") -> ApplicationReceived:
    promise = Promise(
        calendar="VN-PAC@2017.1", clock_policy="PAUSE", service=service, due=None if service else NINE
    )  # fmt: skip
    return ApplicationReceived(
        case_id=CASE, counter="PAC-193", organisation="PC-QN", sector="electricity", district=district,
        channel="counter", promise=promise,
    )  # fmt: skip


def test_a_received_dossier_begins_its_process_in_its_district() -> None:
    begin = asked_for(received("LV-RES-URBAN@2017-07-01"))
    assert isinstance(begin, Begin)
    assert [leg.unit for leg in begin.plan.legs] == ["DL-193", "TC-193", "DL-193"]


@pytest.mark.parametrize("service", [None, "UNKNOWN@2017-07-01"])
def test_without_a_service_of_the_catalogue_there_is_no_way(service: str | None) -> None:
    assert asked_for(received(service)) is None


def test_without_units_in_the_district_there_is_no_way() -> None:
    assert asked_for(received("LV-RES-URBAN@2017-07-01", district="PCQN-KD")) is None


def test_the_words_of_a_unit() -> None:
    assert asked_for(StaffReplied(case_id=CASE, unit="DL-193", word="NHAN")) == NoteReceived(
        case_id=CASE, unit="DL-193"
    )
    assert asked_for(StaffReplied(case_id=CASE, unit="DL-193", word="XONG")) == NoteDone(case_id=CASE, unit="DL-193")


@pytest.mark.parametrize(
    "end",
    [
        ApplicationRefused(case_id=CASE, reason="outside-area"),
        ApplicationWithdrawn(case_id=CASE, reason="changed-plans"),
        ProcessingStopped(case_id=CASE, reason="no-supplement"),
        CaseClosed(case_id=CASE),
    ],
)
def test_whatever_ends_a_case_calls_it_back(end: Fact) -> None:
    assert asked_for(end) == Recall(case_id=CASE, because=f"case-{CASE}@3")


def test_a_reopened_case_begins_again() -> None:
    assert asked_for(CaseReopened(case_id=CASE, reason="result-wrong")) == BeginAgain(case_id=CASE)


def test_work_counts_when_it_is_handed_over() -> None:
    done = WorkCompleted(
        case_id=CASE, work_order=f"wo-{CASE}-3", evidence=(Exhibit(reference="e/1.jpg"),), handed_over=True
    )
    assert asked_for(done) == NoteWorkDone(case_id=CASE, work_order=f"wo-{CASE}-3")
    left = WorkCompleted(
        case_id=CASE, work_order=f"wo-{CASE}-3", evidence=(Exhibit(reference="e/1.jpg"),), handed_over=False
    )
    assert asked_for(left) is None


def test_a_missed_promise_is_escalated() -> None:
    missed = DeadlineMissed(case_id=CASE, cycle=1, revision=0, due=NINE)
    escalate = Escalate(case_id=CASE, cycle=1, due=NINE, because=f"case-{CASE}@3")
    assert asked_for(missed) == escalate
    overrun = DeadlineOverrun(case_id=CASE, cycle=1, step="leader", due=NINE, missed=f"promise-{CASE}@1")
    assert asked_for(overrun) == replace(escalate, to="PC-QN")
    assert asked_for(replace(overrun, step="nobody")) is None


LIMIT: Any = {"case_id": CASE, "cycle": 1, "clock": "step", "unit": "TC-193", "opened_by": f"route-{CASE}@2"}
LATE_WITH_A_LIMIT = (
    LimitApproaching(**LIMIT, threshold="half", revision=1, due=NINE), LimitMissed(**LIMIT, revision=1, due=NINE),
    LimitMissWithdrawn(**LIMIT, missed=f"promise-{CASE}@1"),
)  # fmt: skip


@pytest.mark.parametrize("fact", LATE_WITH_A_LIMIT)
def test_a_unit_that_is_late_with_its_step_is_no_broken_promise(fact: Fact) -> None:
    """Nobody is escalated to."""
    assert asked_for(fact) is None


@pytest.mark.parametrize("fact", [CustomerRated(case_id=CASE, stars=5), None,
                                  SupplementReceived(case_id=CASE, answers=f"case-{CASE}@2")])  # fmt: skip
def test_anything_else_moves_nobody(fact: Fact | None) -> None:
    assert asked_for(fact) is None


# -- plans ------------------------------------------------------------------------------------------------------------


def test_every_service_has_a_plan_in_every_district() -> None:
    districts = {unit.district for unit in CATALOGUE.units("counter") if unit.district}
    assert len(districts) == 14
    for service in CATALOGUE.services:
        for district in districts:
            assert PLANS.of(service, district) is not None, f"{service} in {district}"


def catalogue(**processes: object) -> Catalogue:
    units = [
        {"code": code, "kind": kind, "name": {"vi": code, "en": code}, "from": "2017-01-01", "basis": "a test",
         "district": "DL-193"}
        for code, kind in (("PAC-193", "counter"), ("DL-193", "department"))
    ]  # fmt: skip
    return Catalogue({"test.yaml": CatalogueFile.of("test.yaml", {"units": units, "processes": processes})})


def step(name: str, **more: object) -> dict[str, object]:
    return {"step": name, "unit": "DL-{district}", **LIMITS, **more}


def test_a_process_has_each_step_once() -> None:
    with pytest.raises(CatalogueError, match="each step once"):
        Plans(catalogue(A={"steps": [step("assign"), step("assign")]}))


def test_a_first_step_waits_for_nobody() -> None:
    with pytest.raises(CatalogueError, match="waits for nobody"):
        Plans(catalogue(A={"steps": [step("assign", waits_for="own-works")]}))
