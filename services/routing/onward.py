"""What follows: the next hand-over after a step, and what we ask of ourselves when we hear a fact. Pure and total.

Nothing here refuses: a fact heard is a fact, and where it fits nothing it has no effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from events.contracts.catalogue import Fact
from events.contracts.corrections import FactVoided
from events.contracts.routing import (
    CustomerActionRequested,
    DossierAcknowledged,
    DossierEscalated,
    DossierForwarded,
    DossierRecalled,
    DossierReturned,
    StepCompleted,
)
from routing.plan import Leg, Plan
from routing.state import AtUnit, Ended, NoRoute, State, Waiting, order_of

By = Literal["zalo", "software"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A counter received the dossier: hand it to the first unit of its plan."""

    case_id: str
    counter: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginAgain:
    """The case was reopened: the plan starts from the counter again."""

    case_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReceived:
    """A unit wrote NHAN."""

    case_id: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDone:
    """A unit wrote XONG; whether it had written NHAN does not matter."""

    case_id: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWorkDone:
    """A team has done the work of an order and handed it over."""

    case_id: str
    work_order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """The case ended at the counter."""

    case_id: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """The promise of a cycle was missed. `to`: the unit whose head is told, or the one in charge."""

    case_id: str
    cycle: int
    due: datetime
    because: str
    to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoOn:
    """An end at the counter was void: the dossier was called back for nothing."""

    case_id: str
    voided: str
    reason: str
    leader: str


Heard = Begin | BeginAgain | NoteReceived | NoteDone | NoteWorkDone | Recall | GoOn | Escalate


def decide(command: Heard, state: State) -> Sequence[Fact]:
    """The facts that follow from what was heard; none where it fits nothing."""
    match command:
        case Begin():
            return [send_off(command.case_id, command.counter, command.plan)] if isinstance(state, NoRoute) else []
        case BeginAgain():
            return _begin_again(command, state)
        case NoteReceived():
            if not isinstance(state, AtUnit) or state.unit != command.unit or state.acknowledged:
                return []
            return [DossierAcknowledged(case_id=command.case_id, unit=state.unit, step=state.step)]
        case NoteDone():
            if not isinstance(state, AtUnit) or state.unit != command.unit or state.done:
                return []
            return complete(state, command.case_id, "zalo")
        case NoteWorkDone():
            if not isinstance(state, AtUnit) or state.done or order_of(state.forward.id) != command.work_order:
                return []
            return complete(state, command.case_id, "software")
        case Recall():
            if not isinstance(state, AtUnit):
                return []
            return [DossierRecalled(case_id=command.case_id, from_unit=state.unit, because=command.because)]
        case GoOn():
            return _go_on_as_before(command, state)
        case Escalate():
            return _escalate(command, state)
        case _:
            assert_never(command)


def complete(at: AtUnit, case_id: str, by: By) -> Sequence[Fact]:
    """The step is complete; the dossier goes on at once unless somebody is still waited for."""
    completed = StepCompleted(case_id=case_id, unit=at.unit, step=at.step)
    return [completed, *([] if at.waiting else _go_on(at, case_id, by))]


def after_answer(at: AtUnit, entry: Waiting, case_id: str) -> Sequence[Fact]:
    """The join: the hand-over of a completed step follows the last answer."""
    return _go_on(at, case_id, "software") if at.done and at.waiting == (entry,) else []


def send_off(case_id: str, counter: str, plan: Plan) -> DossierForwarded:
    """Giao, from the counter to the first unit: the hand-over that names the plan."""
    return replace(hand_over(case_id, counter, plan.legs[0]), process=plan.process, district=plan.district)


def hand_over(case_id: str, from_unit: str, leg: Leg) -> DossierForwarded:
    """Giao, along the plan."""
    return DossierForwarded(
        case_id=case_id, from_unit=from_unit, to_unit=leg.unit, step=leg.step,
        limit=leg.limit, acknowledge_within=leg.acknowledge_within, work=leg.work,
    )  # fmt: skip


def _go_on(at: AtUnit, case_id: str, by: By) -> Sequence[Fact]:
    if at.plan is None:  # a process that the catalogue no longer has: people forward and return it by hand
        return []
    leg = at.next_leg
    if leg is None:
        return [DossierReturned(case_id=case_id, from_unit=at.unit, by=by)]
    if leg.waits_for and not at.asked_for(leg.waits_for):
        return [CustomerActionRequested(case_id=case_id, action=leg.waits_for)]
    return [hand_over(case_id, at.unit, leg)]


def _begin_again(command: BeginAgain, state: State) -> Sequence[Fact]:
    if not isinstance(state, Ended) or state.last.plan is None:
        return []
    return [send_off(command.case_id, state.last.counter, state.last.plan)]


def _go_on_as_before(command: GoOn, state: State) -> Sequence[Fact]:
    """What we said only because of a fact that is void now is void as well."""
    if not isinstance(state, Ended) or not isinstance(state.end.fact, DossierRecalled):
        return []
    if state.end.fact.because != command.voided:
        return []
    return [
        FactVoided(
            case_id=command.case_id, voids=state.end.id, kind="DossierRecalled", reason=command.reason,
            leader=command.leader,
        )
    ]  # fmt: skip


def _escalate(command: Escalate, state: State) -> Sequence[Fact]:
    if not isinstance(state, AtUnit):
        return []
    # Our number is ahead of the judge's once a reopening was void: then the due tells, for a cycle that began after it
    # is another one.
    began = state.said[0].at
    if state.cycle != command.cycle and (began is None or command.due <= began):
        return []
    if any(isinstance(one.fact, DossierEscalated) and one.fact.because == command.because for one in state.said):
        return []
    return [DossierEscalated(case_id=command.case_id, unit=command.to or state.unit, because=command.because)]
