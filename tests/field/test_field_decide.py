"""Work orders: given what was said of them, when a team acts or something is heard, then facts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.actor import Actor
from events.commands.testing import Scenario
from events.contracts.field import (
    VisitMissed,
    VisitScheduled,
    WorkCompleted,
    WorkObstructed,
    WorkOrderCancelled,
    WorkOrderIssued,
    WorkResumed,
    WorkStarted,
)
from events.contracts.terms import Exhibit
from events.errors import Conflict, Forbidden, NotFound
from field.decide import (
    Cancel,
    Command,
    Complete,
    Issue,
    MissVisit,
    Obstruct,
    Resume,
    ScheduleVisit,
    Start,
    workorder,
)
from field.state import Orders

CASE = "000.00.02.H49-170710-0001"
FORWARD, ON = f"route-{CASE}@3", f"route-{CASE}@5"
WO: Any = {"case_id": CASE, "work_order": f"wo-{CASE}-3"}
ORDER = WO["work_order"]
NINE = datetime(2017, 7, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)

TEAM = Actor(id="staff-193-31", roles=frozenset({"team"}), unit="TC-193")
COLLEAGUE = Actor(id="staff-193-32", roles=frozenset({"team"}), unit="TC-193")
OTHERS = Actor(id="staff-194-31", roles=frozenset({"team"}), unit="TC-194")

ISSUED = WorkOrderIssued(**WO, team="TC-193", work="install", because=FORWARD)
VISIT = VisitScheduled(**WO, starts=NINE, ends=NINE + HOUR)
MISSED = VisitMissed(**WO, fault="customer", reason="customer-absent")
STARTED = WorkStarted(**WO)
BLOCKED = WorkObstructed(**WO, fault="agency", agency="UBND-193", reason="trench-permit")
DONE = WorkCompleted(**WO, evidence=(Exhibit(reference="evidence/1.jpg"),), handed_over=True)
CANCELLED = WorkOrderCancelled(**WO, because=ON)


def orders(by: Actor = TEAM) -> Scenario[Command, Orders]:
    return Scenario(workorder, CASE, by=by.id).given(ISSUED, by="policy-field-follow-dossiers")


def agree(starts: datetime = NINE, by: Actor = TEAM, at: datetime = NINE - HOUR) -> ScheduleVisit:
    return ScheduleVisit(work_order=ORDER, starts=starts, ends=starts + HOUR, at=at, by=by)


def miss(at: datetime = NINE + HOUR, by: Actor = TEAM) -> MissVisit:
    return MissVisit(work_order=ORDER, fault="customer", reason="customer-absent", at=at, by=by)


def obstruct(fault: Any = "agency", agency: str | None = "UBND-193", by: Actor = TEAM) -> Obstruct:
    return Obstruct(work_order=ORDER, fault=fault, agency=agency, reason="trench-permit", by=by)


def complete(*evidence: str, handed_over: bool = True, by: Actor = TEAM) -> Complete:
    shown = tuple(Exhibit(reference=reference) for reference in evidence)
    return Complete(work_order=ORDER, evidence=shown, handed_over=handed_over, by=by)


START, RESUME = Start(work_order=ORDER, by=TEAM), Resume(work_order=ORDER, by=TEAM)
FINISH = complete("evidence/1.jpg")


# -- orders come and go -----------------------------------------------------------------------------------------------


def test_a_hand_over_with_work_issues_an_order_once() -> None:
    nobody: Scenario[Command, Orders] = Scenario(workorder, CASE)
    nobody.when(Issue(order=ISSUED)).then(ISSUED)
    orders().when(Issue(order=ISSUED)).then_nothing()


def test_a_new_order_cancels_the_one_that_was_left() -> None:
    other = WorkOrderIssued(case_id=CASE, work_order=f"wo-{CASE}-5", team="TC-194", work="install", because=ON)
    orders().when(Issue(order=other)).then(CANCELLED, other)


def test_an_order_is_cancelled_once() -> None:
    cancel = Cancel(because=ON, goes_on=True)
    orders().when(cancel).then(CANCELLED)
    orders().given(CANCELLED).when(cancel).then_nothing()
    orders().given(STARTED, DONE).when(cancel).then_nothing()


def test_when_the_dossier_goes_on_nobody_is_waited_for_on_site_any_longer() -> None:
    blocked = orders().given(STARTED, BLOCKED)
    over = WorkResumed(**WO, answers=f"workorder-{CASE}@3")
    blocked.when(Cancel(because=ON, goes_on=True)).then(over, CANCELLED)
    blocked.when(Cancel(because=ON, goes_on=False)).then(CANCELLED)  # the cycle is over for everybody


def test_a_cancelled_order_takes_nothing_more() -> None:
    ended = orders().given(CANCELLED)
    for command in (agree(), miss(), START, obstruct(), RESUME, FINISH):
        assert isinstance(ended.when(command).then_refused("order-ended"), Conflict)


# -- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [agree(by=OTHERS), miss(by=OTHERS), Start(work_order=ORDER, by=OTHERS),
                                     obstruct(by=OTHERS), Resume(work_order=ORDER, by=OTHERS),
                                     complete("e", by=OTHERS)])  # fmt: skip
def test_an_order_is_for_its_team(command: Command) -> None:
    assert isinstance(orders().when(command).then_refused("wrong-unit"), Forbidden)


def test_an_unknown_order_is_not_found() -> None:
    unknown = Start(work_order=f"wo-{CASE}-9", by=TEAM)
    assert isinstance(orders().when(unknown).then_refused("no-such-order"), NotFound)


# -- visits -----------------------------------------------------------------------------------------------------------


def test_a_visit_is_agreed_and_may_be_moved() -> None:
    orders().when(agree()).then(VISIT)
    later = VisitScheduled(**WO, starts=NINE + HOUR, ends=NINE + 2 * HOUR)
    orders().given(VISIT).when(agree(NINE + HOUR)).then(later)


def test_one_visit_is_agreed_by_one_person() -> None:
    orders().given(VISIT).when(agree()).then_nothing()
    orders().given(VISIT).when(agree(by=COLLEAGUE)).then_refused("visit-agreed")


def test_a_visit_has_a_length_and_lies_ahead() -> None:
    backwards = ScheduleVisit(work_order=ORDER, starts=NINE, ends=NINE, at=NINE - HOUR, by=TEAM)
    assert orders().when(backwards).then_refused("visit-ends-first").field == "ends"
    orders().when(agree(at=NINE + HOUR)).then_refused("visit-in-past")


def test_a_missed_visit_has_a_reason_and_another_may_follow() -> None:
    orders().given(VISIT).when(miss()).then(MISSED)
    orders().given(VISIT, MISSED).when(miss(by=COLLEAGUE)).then_refused("visit-missed-already")
    orders().given(VISIT, MISSED).when(agree()).then(VISIT)


def test_only_a_visit_that_was_due_can_be_missed() -> None:
    orders().when(miss()).then_refused("no-visit")
    orders().given(VISIT).when(miss(at=NINE - HOUR)).then_refused("visit-not-due")


# -- the work ---------------------------------------------------------------------------------------------------------


def test_work_starts_once() -> None:
    orders().when(START).then(STARTED)
    orders().given(STARTED).when(Start(work_order=ORDER, by=COLLEAGUE)).then_refused("already-started")


def test_an_agency_is_named_exactly_when_it_is_at_fault() -> None:
    orders().given(STARTED).when(obstruct()).then(BLOCKED)
    assert orders().when(obstruct(agency=None)).then_refused("agency-unnamed").field == "agency"
    assert orders().when(obstruct("customer")).then_refused("agency-not-at-fault").field == "agency"


def test_an_obstacle_may_come_before_the_work() -> None:
    absent = WorkObstructed(**WO, fault="customer", reason="trench-permit")
    orders().when(obstruct("customer", None)).then(absent)
    orders().given(absent).when(START).then_refused("obstructed")
    orders().given(absent).when(RESUME).then(WorkResumed(**WO, answers=f"workorder-{CASE}@2"))


def test_there_is_one_obstacle_at_a_time() -> None:
    blocked = orders().given(STARTED, BLOCKED)
    blocked.when(obstruct()).then_nothing()
    blocked.when(obstruct(by=COLLEAGUE)).then_refused("obstructed")
    blocked.when(obstruct("customer", None)).then_refused("obstructed")


def test_only_what_is_obstructed_resumes() -> None:
    orders().given(STARTED).when(RESUME).then_refused("not-obstructed")
    resumed = WorkResumed(**WO, answers=f"workorder-{CASE}@3")
    orders().given(STARTED, BLOCKED, resumed).when(RESUME).then_nothing()
    orders().given(STARTED, BLOCKED, resumed).when(Resume(work_order=ORDER, by=COLLEAGUE)).then_refused(
        "not-obstructed"
    )


def test_completing_needs_evidence_and_hand_over() -> None:
    working = orders().given(STARTED)
    working.when(FINISH).then(DONE)
    assert working.when(complete()).then_refused("no-evidence").field == "evidence"
    assert working.when(complete("e", handed_over=False)).then_refused("not-handed-over").field == "handed_over"


def test_completing_needs_a_start_and_no_obstacle() -> None:
    orders().when(FINISH).then_refused("not-started")
    orders().given(STARTED, BLOCKED).when(FINISH).then_refused("obstructed")
    resumed = WorkResumed(**WO, answers=f"workorder-{CASE}@3")
    orders().given(STARTED, BLOCKED, resumed).when(FINISH).then(DONE)


def test_completed_work_is_completed_once() -> None:
    ended = orders().given(STARTED, DONE)
    ended.when(FINISH).then_nothing()
    ended.when(complete("evidence/2.jpg")).then_refused("order-ended")
    ended.when(complete("evidence/1.jpg", by=COLLEAGUE)).then_refused("order-ended")
