"""Where the work orders of a dossier stand: ready, at work, obstructed, ended. Pure.

All orders of one dossier share a stream (workorder-<case>): one unit is in charge at a time, so at most one order is
open, and whatever routing says of the case reaches the open order without anybody looking it up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from events.commands.decider import Said
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The team has the order and is not on site yet. `visit` is the last agreement, `missed` tells how it failed."""

    order: WorkOrderIssued
    visit: Said | None = None
    missed: Said | None = None
    resumed: Said | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """The team has begun on site."""

    before: Ready
    started: Said

    @property
    def order(self) -> WorkOrderIssued:
        return self.before.order


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstructed:
    """Work cannot go on until the obstacle is gone."""

    before: Ready | AtWork
    obstacle: Said

    @property
    def order(self) -> WorkOrderIssued:
        return self.before.order


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Handed over with evidence, or cancelled. `resumed` is its last resumption."""

    order: WorkOrderIssued
    end: Said
    resumed: Said | None = None


Order = Ready | AtWork | Obstructed | Ended


@dataclass(frozen=True, slots=True)
class Orders:
    """Every order of one dossier, by its id, oldest first."""

    by_id: Mapping[str, Order] = field(default_factory=dict)

    @property
    def open(self) -> Ready | AtWork | Obstructed | None:
        return next((one for one in self.by_id.values() if not isinstance(one, Ended)), None)


def case_of(work_order: str) -> str:
    """The dossier of an order: "wo-000.00.22.H49-170710-0001-3" belongs to "000.00.22.H49-170710-0001"."""
    return work_order.removeprefix("wo-").rpartition("-")[0]


def order_of(forward: str) -> str:
    """The order that a hand-over asks for: "route-<case>@3" gives "wo-<case>-3". Routing knows it by this name."""
    stream, _, version = forward.rpartition("@")
    return f"wo-{stream.removeprefix('route-')}-{version}"


def ready_of(order: Ready | AtWork | Obstructed) -> Ready:
    """What is known of an open order apart from the work itself: its visits, its last resumption."""
    match order:
        case Ready():
            return order
        case AtWork():
            return order.before
        case Obstructed():
            return ready_of(order.before)


def evolve(state: Orders, said: Said) -> Orders:
    """The next state. Never raises: a fact that does not fit is a fact all the same and moves nothing."""
    fact = said.fact
    work_order = getattr(fact, "work_order", None)
    if not isinstance(work_order, str):
        return state
    order = state.by_id.get(work_order)
    if isinstance(fact, WorkOrderIssued):
        return state if order else Orders({**state.by_id, work_order: Ready(order=fact)})
    if order is None or isinstance(order, Ended):
        return state
    return Orders({**state.by_id, work_order: _next(order, said)})


def _next(order: Ready | AtWork | Obstructed, said: Said) -> Order:
    match said.fact, order:
        case VisitScheduled(), _:
            return _with(order, replace(ready_of(order), visit=said, missed=None))
        case VisitMissed(), _:
            return _with(order, replace(ready_of(order), missed=said))
        case WorkStarted(), Ready():
            return AtWork(before=order, started=said)
        case WorkObstructed(), Ready() | AtWork():
            return Obstructed(before=order, obstacle=said)
        case WorkResumed(), Obstructed(before=before):
            return _with(before, replace(ready_of(before), resumed=said))
        case ((WorkCompleted() | WorkOrderCancelled()), _):
            return Ended(order=order.order, end=said, resumed=ready_of(order).resumed)
        case _:
            return order


def _with(order: Ready | AtWork | Obstructed, ready: Ready) -> Ready | AtWork | Obstructed:
    match order:
        case Ready():
            return ready
        case AtWork():
            return replace(order, before=ready)
        case Obstructed(before=before):
            inner = _with(before, ready)
            return order if isinstance(inner, Obstructed) else replace(order, before=inner)


def follows(state: Orders, said: Said) -> bool:
    """Whether a fact follows from what was said before it: of its own order, and of the others if it is a new one."""
    order = state.by_id.get(getattr(said.fact, "work_order", ""))
    match said.fact, order:
        case WorkOrderIssued(), None:
            return state.open is None
        case _, (None | Ended()):
            return False
        case VisitMissed(), (Ready() | AtWork() | Obstructed()):
            ready = ready_of(order)
            return ready.visit is not None and ready.missed is None
        case WorkStarted(), _:
            return isinstance(order, Ready)
        case WorkObstructed(), _:
            return not isinstance(order, Obstructed)
        case WorkResumed() as it, _:
            return isinstance(order, Obstructed) and order.obstacle.id == it.answers
        case WorkCompleted(), _:
            return isinstance(order, AtWork)
        case _:
            return not isinstance(said.fact, WorkOrderIssued)
