"""A dossier's way for tests: the plans of the catalogue, who acts, and the facts that a way is made of."""

from pathlib import Path

from deadlines.load import load
from events.actor import Actor
from events.commands.testing import Scenario
from events.contracts.routing import (
    AgencyReferred,
    AgencyReplied,
    CustomerActionRequested,
    DossierAcknowledged,
    DossierForwarded,
    StepCompleted,
)
from events.contracts.terms import Limit
from routing.decide import Command, RecordReply, Refer, route
from routing.onward import hand_over, send_off
from routing.plan import Plan, Plans
from routing.state import State

CASE = "000.00.02.H49-170710-0001"
ROUTE = f"route-{CASE}"
PLANS = Plans(load(Path(__file__).parents[1] / "deploy" / "catalogue"))
CLOSED = f"case-{CASE}@9"


def plan(service: str) -> Plan:
    found = PLANS.of(service, "DL-193")
    assert found is not None
    return found


LV, MV = plan("LV-RES-URBAN@2017-07-01"), plan("MV-CONNECT@2017-07-01")
OFFICER = Actor(id="staff-193-01", roles=frozenset({"officer"}), unit="DL-193")
COLLEAGUE = Actor(id="staff-193-02", roles=frozenset({"officer"}), unit="DL-193")
TEAM = Actor(id="staff-193-31", roles=frozenset({"team"}), unit="TC-193")
CLERK = Actor(id="staff-pac-01", roles=frozenset({"receptionist"}), unit="PAC-193")
LEADER = Actor(id="staff-22-99", roles=frozenset({"leader"}), unit="PC-QN")
TECHNICIAN = Actor(id="staff-kt-01", roles=frozenset({"officer"}), unit="PCQN-KT")


def dossier(by: Actor | None = None) -> Scenario[Command, State]:
    return Scenario(route(PLANS), CASE, by=by.id if by else "policy-routing-hand-on")


def forwarded(number: int, from_unit: str, over: Plan = LV) -> DossierForwarded:
    if number == 0:
        return send_off(CASE, from_unit, over)
    return hand_over(CASE, from_unit, over.legs[number])


def done(number: int, over: Plan = LV) -> StepCompleted:
    return StepCompleted(case_id=CASE, unit=over.legs[number].unit, step=over.legs[number].step)


ASSIGNED = forwarded(0, "PAC-193")
INSTALLING = forwarded(1, "DL-193")
CLOSING = forwarded(2, "TC-193")
ACKNOWLEDGED = DossierAcknowledged(case_id=CASE, unit="DL-193", step="assign")
TRENCH = AgencyReferred(
    case_id=CASE, agency="UBND-193", matter="road-trench", limit=Limit(amount=10, unit="working_days")
)
CORRIDOR = AgencyReferred(
    case_id=CASE, agency="QN-SGTVT", matter="corridor-overhead", limit=Limit(amount=5, unit="working_days")
)
OWN_WORKS = CustomerActionRequested(case_id=CASE, action="own-works")


def refer(asked: AgencyReferred = TRENCH, by: Actor = OFFICER) -> Refer:
    return Refer(case_id=CASE, agency=asked.agency, matter=asked.matter, limit=asked.limit, by=by)


def replied(asked: AgencyReferred, version: int) -> AgencyReplied:
    return AgencyReplied(case_id=CASE, agency=asked.agency, answers=f"{ROUTE}@{version}", outcome="agreed")


def reply(asked: AgencyReferred = TRENCH, by: Actor = OFFICER, answers: str | None = None) -> RecordReply:
    return RecordReply(case_id=CASE, agency=asked.agency, outcome="agreed", answers=answers, by=by)
