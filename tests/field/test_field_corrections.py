"""The field puts its facts right: orders as if it had been said right, and what follows from a void on the way."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from contracts.given import eventually
from serving import serving

from events.actor import Actor
from events.clock import now
from events.commands.correct import Correct
from events.commands.decider import Said
from events.commands.testing import Scenario
from events.contracts.corrections import FactCorrected, FactVoided
from events.contracts.field import (
    WorkCompleted,
    WorkObstructed,
    WorkOrderCancelled,
    WorkOrderIssued,
    WorkResumed,
    WorkStarted,
)
from events.contracts.routing import DossierForwarded
from events.contracts.terms import Exhibit
from events.errors import Refused
from events.store.envelope import Cause, RecordedEvent
from field.api import CORRECTIONS
from field.app import service
from field.decide import Command, TakeBack, workorder
from field.policy import follow_dossiers
from field.state import AtWork, Obstructed, Orders

CASE = "000.00.02.H49-170710-0001"
WO: Any = {"case_id": CASE, "work_order": f"wo-{CASE}-3"}
NEXT: Any = {"case_id": CASE, "work_order": f"wo-{CASE}-5"}
FORWARD, ON = f"route-{CASE}@3", f"route-{CASE}@5"
VOID = f"route-{CASE}@6"
WHY: Any = {"reason": "entered-wrongly", "leader": "staff-qn-01"}
NINE, HOUR = datetime(2017, 7, 10, 2, tzinfo=UTC), timedelta(hours=1)
ISSUED = WorkOrderIssued(**WO, team="TC-193", work="install", because=FORWARD)
STARTED = WorkStarted(**WO)
BLOCKED = WorkObstructed(**WO, fault="customer", reason="customer-absent")
DONE = WorkCompleted(**WO, evidence=(Exhibit(reference="evidence/1.jpg"),), handed_over=True)


def orders() -> Scenario[Command, Orders]:
    return Scenario(workorder, CASE, by="policy-field-follow-dossiers").given(ISSUED)


def take_back(voided: str) -> TakeBack:
    return TakeBack(case_id=CASE, voided=voided, because=VOID, **WHY)


def void(version: int, kind: str) -> FactVoided:
    return FactVoided(case_id=CASE, voids=f"workorder-{CASE}@{version}", kind=kind, **WHY)


def stands(*facts: Any) -> Orders:
    return workorder.fold(Said(fact, "staff", f"workorder-{CASE}@{number}") for number, fact in enumerate(facts, 1))


def test_a_voided_completion_leaves_the_team_at_work() -> None:
    """The evidence was another dossier's."""
    state = stands(ISSUED, STARTED, DONE, void(3, "WorkCompleted"))
    assert state == stands(ISSUED, STARTED)
    assert isinstance(state.open, AtWork)


def test_a_corrected_fault_is_the_fault() -> None:
    """The obstacle was the company's own."""
    right = FactCorrected(
        case_id=CASE, corrects=f"workorder-{CASE}@3", kind="WorkObstructed", field="fault", value="utility", **WHY
    )
    open_one = stands(ISSUED, STARTED, BLOCKED, right).open
    assert isinstance(open_one, Obstructed)
    assert open_one.obstacle.fact.fault == "utility"


@pytest.mark.parametrize(
    ("number", "hours"),
    [(2, 2.5), (2, -1), (3, 0.5), (4, 1.5), (4, 5.5), (5, 2.5)],
)
def test_a_corrected_time_keeps_the_course_of_an_order(number: int, hours: float) -> None:
    """Begun after it was asked for, resumed after the obstacle, complete at last: never another way about."""
    resumed = WorkResumed(**WO, answers=f"workorder-{CASE}@3")
    past = [
        Said(fact, "staff-tc-01", f"workorder-{CASE}@{place}", NINE + (place - 1) * HOUR)
        for place, fact in enumerate((ISSUED, STARTED, BLOCKED, resumed, DONE), 1)
    ]
    leader = Actor(id="staff-qn-01", roles=frozenset({"leader"}), unit="PC-QN")

    def moved(hours: float) -> Any:
        command = Correct(
            case_id=CASE, fact=f"workorder-{CASE}@{number}", field="at", value=(NINE + hours * HOUR).isoformat(),
            reason="entered-late", now=NINE + 100 * HOUR, by=leader,
        )  # fmt: skip
        return CORRECTIONS.decide(command, CORRECTIONS.fold(past))

    with pytest.raises(Refused) as no:
        moved(hours)
    assert (no.value.rule, no.value.field) == ("out-of-order", "value")
    assert len(moved(number - 1.5)) == 1


def test_an_order_falls_with_the_hand_over_that_asked_for_it() -> None:
    """It is cancelled, not unsaid: a team may have driven out. Twice says nothing."""
    orders().when(take_back(FORWARD)).then(WorkOrderCancelled(**WO, because=VOID))
    orders().given(STARTED, DONE).when(take_back(FORWARD)).then_nothing()


def test_a_cancelled_order_is_open_again_when_its_reason_is_void() -> None:
    """The dossier went nowhere else after all."""
    cancelled = WorkOrderCancelled(**WO, because=ON)
    orders().given(STARTED, cancelled).when(take_back(ON)).then(void(3, "WorkOrderCancelled"))
    assert stands(ISSUED, STARTED, cancelled, void(3, "WorkOrderCancelled")) == stands(ISSUED, STARTED)


def test_an_obstacle_stands_again_with_the_order_that_was_cancelled_in_spite_of_it() -> None:
    """The resumption was said only to cancel; a team's own, before, stays."""
    resumed, cancelled = WorkResumed(**WO, answers=f"workorder-{CASE}@3"), WorkOrderCancelled(**WO, because=ON)
    undone = void(4, "WorkResumed"), void(5, "WorkOrderCancelled")
    orders().given(STARTED, BLOCKED, resumed, cancelled).when(take_back(ON)).then(*undone)
    state = stands(ISSUED, STARTED, BLOCKED, resumed, cancelled, *undone)
    assert state == stands(ISSUED, STARTED, BLOCKED)
    assert isinstance(state.open, Obstructed)
    by_the_team = orders().given(STARTED, BLOCKED).given(resumed, by="staff-tc-01").given(cancelled)
    by_the_team.when(take_back(ON)).then(void(5, "WorkOrderCancelled"))


def test_the_order_of_a_voided_hand_over_gives_way_to_the_one_before() -> None:
    """The hand-over had cancelled an order and asked for another: the first is open again, the second is not."""
    cancelled = WorkOrderCancelled(**WO, because=ON)
    issued = WorkOrderIssued(**NEXT, team="KS-22", work="survey", because=ON)
    orders().given(cancelled, issued).when(take_back(ON)).then(
        WorkOrderCancelled(**NEXT, because=VOID), void(2, "WorkOrderCancelled")
    )


def test_a_dossier_never_has_two_open_orders() -> None:
    """Another order has come since: the cancelled one stays cancelled."""
    cancelled = WorkOrderCancelled(**WO, because=ON)
    issued = WorkOrderIssued(**NEXT, team="KS-22", work="survey", because=f"route-{CASE}@7")
    orders().given(cancelled, issued).when(take_back(ON)).then_nothing()


def test_every_void_on_the_way_is_looked_at() -> None:
    """What it means is decided on what was said because of it."""
    heard = RecordedEvent(
        stream=f"route-{CASE}", version=6, subject=CASE, type="", schema=1, data=b"", hash=b"", at=now(),
        recorded_at=now(), cause=Cause(correlation="c", causation="c", actor="staff-qn-01"),
        fact=FactVoided(case_id=CASE, voids=ON, kind="DossierForwarded", **WHY),
    )  # fmt: skip
    assert follow_dossiers(heard) == [(CASE, take_back(ON))]


# -- the service itself ------------------------------------------------------------------------------


async def test_the_teams_list_follows_corrections(database: Mapping[str, str], kafka: str, topic_prefix: str) -> None:
    """A completion that never was; then the hand-over itself is void, and the order is cancelled."""
    leader: Any = {"role": "leader", "unit": "PC-QN"}
    team: Any = {"role": "team", "unit": "TC-193"}
    forwarded = DossierForwarded(case_id=CASE, from_unit="DL-193", to_unit="TC-193", step="install", work="install")
    async with serving(service, database["field"], kafka, topic_prefix) as at_work:
        path, told = f"/workorders/wo-{CASE}-3", now() - timedelta(hours=3)
        await at_work.hear(f"route-{CASE}", 3, forwarded, told)
        await eventually(lambda: at_work.past(f"workorder-{CASE}"))
        assert (await at_work.post(f"{path}/start", **team)).status == 200
        finish = {"evidence": [{"reference": "evidence/1.jpg"}], "handed_over": True}
        assert (await at_work.post(f"{path}/completion", finish, **team)).status == 200
        body = {"fact": f"workorder-{CASE}@3", "reason": "wrong-dossier"}
        assert (await at_work.post(f"{path}/corrections", body, **team)).status == 403
        assert (await at_work.post(f"{path}/corrections", body, **leader)).status == 200
        shown = (await at_work.get(path)).body
        assert (shown["status"], shown["evidence"], shown["version"]) == ("at-work", [], 4)
        assert [one["type"] for one in shown["history"]][-2:] == ["WorkCompleted", "FactVoided"]

        async def is_listed() -> bool:
            rows = (await at_work.get("/workorders?team=TC-193&open=true")).body
            return [(row["status"], row["version"]) for row in rows] == [("at-work", 4)]

        await eventually(is_listed)
        gone = FactVoided(case_id=CASE, voids=FORWARD, kind="DossierForwarded", **WHY)
        await at_work.hear(f"route-{CASE}", 4, gone, now())

        async def is_cancelled() -> bool:
            return bool((await at_work.get(path)).body["status"] == "cancelled")

        await eventually(is_cancelled)
