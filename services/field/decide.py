"""What is decided about work orders: one function per command. Pure; time and actor are arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from events.actor import Actor
from events.commands.decider import Decider, Said
from events.contracts.catalogue import Fact
from events.contracts.corrections import FactVoided
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
from events.contracts.terms import Exhibit, Fault
from events.errors import Conflict, Forbidden, NotFound, Refused
from field.state import AtWork, Ended, Obstructed, Order, Orders, Ready, evolve, ready_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Heard: a hand-over asks a team for work. An order that is still open was for a step that is left."""

    order: WorkOrderIssued


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Heard: the work is not wanted any more. `goes_on`: the dossier does, so nobody is waited for any longer."""

    because: str
    goes_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """Heard: a fact of the dossier's way was void, and so is what we said only because of it."""

    case_id: str
    voided: str
    because: str
    reason: str
    leader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleVisit:
    """Agree on a time on site. `at` is the instant of the agreement; a later agreement replaces it."""

    work_order: str
    starts: datetime
    ends: datetime
    at: datetime
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class MissVisit:
    """Nobody met at the agreed time."""

    work_order: str
    fault: Fault
    reason: str
    at: datetime
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The team begins on site."""

    work_order: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstruct:
    """Work cannot go on, and by whose fault."""

    work_order: str
    fault: Fault
    agency: str | None
    reason: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """The obstacle is gone."""

    work_order: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """The work is done and the customer signed for it."""

    work_order: str
    evidence: tuple[Exhibit, ...]
    handed_over: bool
    by: Actor


Asked = ScheduleVisit | MissVisit | Start | Obstruct | Resume | Complete
Heard = Issue | Cancel | TakeBack
Command = Asked | Heard


def decide(command: Command, state: Orders) -> Sequence[Fact]:
    """The facts that the command makes true, or Refused. The same command of the same actor again gives []."""
    match command:
        case Issue():
            return _issue(command, state)
        case Cancel():
            return _cancel(command, state)
        case TakeBack():
            return _take_back(command, state)
        case ScheduleVisit():
            return _schedule(command, _order(state, command))
        case MissVisit():
            return _miss(command, _order(state, command))
        case Start():
            return _start(command, _order(state, command))
        case Obstruct():
            return _obstruct(command, _order(state, command))
        case Resume():
            return _resume(command, _order(state, command))
        case Complete():
            return _complete(command, _order(state, command))
        case _:
            assert_never(command)


def _issue(command: Issue, state: Orders) -> Sequence[Fact]:
    if command.order.work_order in state.by_id:
        return []
    return [*_cancel(Cancel(because=command.order.because, goes_on=True), state), command.order]


def _cancel(command: Cancel, state: Orders) -> Sequence[Fact]:
    open_one = state.open
    if open_one is None:
        return []
    order = open_one.order
    cancelled = WorkOrderCancelled(case_id=order.case_id, work_order=order.work_order, because=command.because)
    if isinstance(open_one, Obstructed) and command.goes_on:
        # The step was done in spite of the obstacle: nobody is waited for any longer.
        resumed = WorkResumed(case_id=order.case_id, work_order=order.work_order, answers=open_one.obstacle.id)
        return [resumed, cancelled]
    return [cancelled]


def _take_back(command: TakeBack, state: Orders) -> Sequence[Fact]:
    """The order that it asked for is cancelled; one that was cancelled because of it is open again, as it was."""
    open_one = state.open
    asked = open_one is not None and open_one.order.because == command.voided
    facts = list(_cancel(Cancel(because=command.because, goes_on=True), state)) if asked else []
    if open_one is not None and not asked:
        return []  # another order has come since: a dossier has one open order at most
    for order in state.by_id.values():
        match order:
            case Ended(end=end, resumed=resumed) if getattr(end.fact, "because", None) == command.voided:
                # A resumption by whoever cancelled was said for the cancellation: the obstacle still stands.
                if resumed and resumed.by == end.by:
                    facts.append(_void(command, resumed))
                facts.append(_void(command, end))
    return facts


def _void(command: TakeBack, said: Said) -> FactVoided:
    return FactVoided(
        case_id=command.case_id, voids=said.id, kind=type(said.fact).__name__, reason=command.reason,
        leader=command.leader,
    )  # fmt: skip


def _schedule(command: ScheduleVisit, order: Order) -> Sequence[Fact]:
    ready = ready_of(_open(order))
    fact = VisitScheduled(
        case_id=order.order.case_id, work_order=command.work_order, starts=command.starts, ends=command.ends
    )
    if ready.visit and ready.missed is None and ready.visit.fact == fact:
        if ready.visit.by == command.by.id:
            return []
        raise Conflict("visit-agreed", f"{ready.visit.by} agreed on this visit already", way_out="give another time")
    if command.ends <= command.starts:
        raise Refused("visit-ends-first", "a visit ends after it starts", field="ends", way_out="give a later end")
    if command.ends <= command.at:
        raise Refused(
            "visit-in-past", f"a visit is agreed before it is over, and this was said at {command.at.isoformat()}",
            field="ends", way_out="give a later time, or `at`: when it was agreed",
        )  # fmt: skip
    return [fact]


def _miss(command: MissVisit, order: Order) -> Sequence[Fact]:
    ready = ready_of(_open(order))
    fact = VisitMissed(
        case_id=order.order.case_id, work_order=command.work_order, fault=command.fault, reason=command.reason
    )
    if ready.missed:
        if _repeats(ready.missed, fact, command.by):
            return []
        raise Conflict(
            "visit-missed-already", f"{ready.missed.id} tells why nobody met", way_out="agree on another visit"
        )
    if ready.visit is None:
        raise Conflict("no-visit", "no visit is agreed on", way_out="agree on one first")
    if command.at < ready.visit.fact.starts:
        raise Refused(
            "visit-not-due", f"the visit is at {ready.visit.fact.starts.isoformat()}",
            field="at", way_out="agree on another time instead",
        )  # fmt: skip
    return [fact]


def _start(command: Start, order: Order) -> Sequence[Fact]:
    match order:
        case Ready():
            return [WorkStarted(case_id=order.order.case_id, work_order=command.work_order)]
        case AtWork() | Obstructed(before=AtWork()):
            started = order.started if isinstance(order, AtWork) else getattr(order.before, "started", None)
            if started and started.by == command.by.id:
                return []
            raise Conflict("already-started", f"{command.work_order} was started before", way_out="go on with the work")
        case Obstructed():
            raise _obstacle(order)
        case Ended():
            raise _ended(order)
        case _:
            assert_never(order)


def _obstruct(command: Obstruct, order: Order) -> Sequence[Fact]:
    fact = WorkObstructed(
        case_id=order.order.case_id, work_order=command.work_order, fault=command.fault,
        agency=command.agency, reason=command.reason,
    )  # fmt: skip
    if isinstance(order, Obstructed):
        if _repeats(order.obstacle, fact, command.by):
            return []
        raise _obstacle(order)
    if isinstance(order, Ended):
        raise _ended(order)
    if command.fault == "agency" and command.agency is None:
        raise Refused(
            "agency-unnamed", "which agency holds the work up?", field="agency", way_out="name it, as in UBND-193"
        )
    if command.fault != "agency" and command.agency is not None:
        raise Refused(
            "agency-not-at-fault", f"the fault is the {command.fault}'s, but an agency is named",
            field="agency", way_out="leave `agency` out, or give fault: agency",
        )  # fmt: skip
    return [fact]


def _resume(command: Resume, order: Order) -> Sequence[Fact]:
    match order:
        case Obstructed():
            return [
                WorkResumed(
                    case_id=order.order.case_id, work_order=command.work_order, answers=order.obstacle.id
                )
            ]  # fmt: skip
        case Ready() | AtWork():
            resumed = ready_of(order).resumed
            if resumed and resumed.by == command.by.id:
                return []
            raise Conflict("not-obstructed", f"nothing obstructs {command.work_order}", way_out="go on with the work")
        case Ended():
            raise _ended(order)
        case _:
            assert_never(order)


def _complete(command: Complete, order: Order) -> Sequence[Fact]:
    fact = WorkCompleted(
        case_id=order.order.case_id, work_order=command.work_order,
        evidence=command.evidence, handed_over=command.handed_over,
    )  # fmt: skip
    match order:
        case Ended():
            if _repeats(order.end, fact, command.by):
                return []
            raise _ended(order)
        case Obstructed():
            raise _obstacle(order)
        case Ready():
            raise Conflict(
                "not-started", f"nobody began {command.work_order}", way_out="record the start, with `at` if it is past"
            )
        case AtWork():
            if not command.evidence:
                raise Refused(
                    "no-evidence", "completed work needs evidence", field="evidence",
                    way_out="refer to at least one photo or protocol",
                )  # fmt: skip
            if not command.handed_over:
                raise Refused(
                    "not-handed-over", "completed work is handed over to the customer", field="handed_over",
                    way_out="let the customer sign; if they will not, report an obstacle",
                )  # fmt: skip
            return [fact]
        case _:
            assert_never(order)


def _order(state: Orders, command: Asked) -> Order:
    order = state.by_id.get(command.work_order)
    if order is None:
        raise NotFound(
            "no-such-order", f"there is no work order {command.work_order}", field="work_order",
            way_out="GET /workorders lists the orders of a team",
        )  # fmt: skip
    if order.order.team != command.by.unit:
        raise Forbidden(
            "wrong-unit", f"this order is for {order.order.team}, you act for {command.by.unit or 'no unit'}",
            field="work_order", way_out=f"somebody of {order.order.team} can do it",
        )  # fmt: skip
    return order


def _open(order: Order) -> Ready | AtWork | Obstructed:
    if isinstance(order, Ended):
        raise _ended(order)
    return order


def _repeats(said: Said, fact: Fact, by: Actor) -> bool:
    return bool(said.fact == fact and said.by == by.id)


def _ended(order: Ended) -> Conflict:
    return Conflict(
        "order-ended", f"{order.order.work_order} ended with {type(order.end.fact).__name__} ({order.end.id})",
        way_out="nothing more is needed",
    )  # fmt: skip


def _obstacle(order: Obstructed) -> Conflict:
    return Conflict(
        "obstructed", f"{order.obstacle.id} ({order.obstacle.fact.reason}) holds the work up",
        way_out="resume first, when the obstacle is gone",
    )  # fmt: skip


workorder: Decider[Command, Orders] = Decider(
    category="workorder", initial=Orders(), decide=decide, evolve=evolve
)  # fmt: skip
