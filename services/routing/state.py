"""Where a dossier stands on its way: not on it, at a unit, or back. Pure."""

from dataclasses import dataclass, replace

from events.commands.decider import Said
from events.contracts.routing import (
    AgencyReferred,
    AgencyReplied,
    CustomerActionCompleted,
    CustomerActionRequested,
    DossierAcknowledged,
    DossierForwarded,
    DossierRecalled,
    DossierReturned,
    StepCompleted,
)
from routing.plan import Leg, Plan, Plans


@dataclass(frozen=True, slots=True)
class NoRoute:
    """No dossier of this code was ever handed to anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Somebody outside must answer before the dossier is handed on; `unit` was in charge when it was asked."""

    asked: Said  # CustomerActionRequested or AgencyReferred
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AtUnit:
    """A unit is in charge. `done`: its step is complete and the hand-over follows the last answer of `waiting`.

    `index` is the place in the plan; a step that the plan does not know stands in for the one that it left.
    `said` is everything said in this cycle.
    """

    plan: Plan | None
    cycle: int
    counter: str
    forward: Said
    index: int = 0
    acknowledged: Said | None = None
    done: Said | None = None
    waiting: tuple[Waiting, ...] = ()
    said: tuple[Said, ...] = ()

    @property
    def unit(self) -> str:
        return str(self.forward.fact.to_unit)

    @property
    def step(self) -> str:
        return str(self.forward.fact.step)

    @property
    def next_leg(self) -> Leg | None:
        legs = self.plan.legs if self.plan else ()
        return legs[self.index + 1] if self.index + 1 < len(legs) else None

    def asked_for(self, action: str) -> bool:
        """Whether the customer was asked for this in this cycle."""
        return any(isinstance(one.fact, CustomerActionRequested) and one.fact.action == action for one in self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The dossier is back at the counter (DossierReturned), or was called back without a result."""

    last: AtUnit
    end: Said


State = NoRoute | AtUnit | Ended


def order_of(forward: str) -> str:
    """The work order that a hand-over asks for: "route-<case>@3" gives "wo-<case>-3". Field names it so."""
    stream, _, version = forward.rpartition("@")
    return f"wo-{stream.removeprefix('route-')}-{version}"


def evolve(plans: Plans, state: State, said: Said) -> State:
    """The next state. Never raises: a fact that does not fit is a fact all the same and moves nothing."""
    match state:
        case AtUnit():
            return _at_unit(replace(state, said=(*state.said, said)), said)
        case _ if isinstance(said.fact, DossierForwarded):
            plan = plans.named(said.fact.process, said.fact.district)
            cycle = state.last.cycle + 1 if isinstance(state, Ended) else 1
            return AtUnit(plan=plan, cycle=cycle, counter=said.fact.from_unit, forward=said, said=(said,))
        case _:
            return state


def _at_unit(state: AtUnit, said: Said) -> State:
    match said.fact:
        case DossierForwarded() as it:
            place = state.plan.index(it.step) if state.plan else None
            index = state.index if place is None else place
            return replace(state, forward=said, index=index, acknowledged=None, done=None)
        case DossierAcknowledged():
            return replace(state, acknowledged=said)
        case StepCompleted():
            return replace(state, done=said)
        case CustomerActionRequested() | AgencyReferred():
            return replace(state, waiting=(*state.waiting, Waiting(asked=said, unit=state.unit)))
        case CustomerActionCompleted() | AgencyReplied() as it:
            return replace(state, waiting=tuple(one for one in state.waiting if one.asked.id != it.answers))
        case DossierReturned() | DossierRecalled():
            return Ended(last=state, end=said)
        case _:
            return state


def follows(state: State, said: Said) -> bool:
    """Whether a fact follows from what was said before it: from the unit in charge, or as an answer to what is open."""
    fact = said.fact
    if isinstance(fact, DossierForwarded) and fact.process is not None:
        return not isinstance(state, AtUnit)
    if not isinstance(state, AtUnit):
        return False
    match fact:
        case DossierForwarded():
            # Along the plan nothing goes on before the last answer.
            return fact.from_unit == state.unit and not (state.done and state.waiting)
        case DossierReturned():
            return fact.from_unit == state.unit and not state.waiting
        case DossierAcknowledged():
            return (fact.unit, fact.step) == (state.unit, state.step) and state.acknowledged is None
        case StepCompleted():
            return (fact.unit, fact.step) == (state.unit, state.step) and state.done is None
        case CustomerActionCompleted() | AgencyReplied():
            asks = CustomerActionRequested if isinstance(fact, CustomerActionCompleted) else AgencyReferred
            return any(one.asked.id == fact.answers and isinstance(one.asked.fact, asks) for one in state.waiting)
        case _:
            return True
