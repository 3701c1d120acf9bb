"""What is decided about a dossier's way: one function per command. Pure; plan, time and actor are arguments.

People's commands are refused when a rule says no. What we ask of ourselves after hearing a fact is in onward.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, assert_never

from events.actor import Actor
from events.commands.decider import Decider, Said
from events.contracts.catalogue import Fact
from events.contracts.routing import (
    AgencyReferred,
    AgencyReplied,
    CustomerActionCompleted,
    CustomerActionRequested,
    DossierAcknowledged,
    DossierForwarded,
    DossierReturned,
    StepCompleted,
)
from events.contracts.terms import Limit
from events.errors import Conflict, Forbidden, NotFound, Refused
from events.store.envelope import RecordedEvent
from routing import onward
from routing.onward import Heard
from routing.plan import Plans
from routing.state import AtUnit, Ended, NoRoute, State, Waiting, evolve

Outcome = Literal["agreed", "refused", "no-objection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Nhận: the unit in charge has the dossier in hand."""

    case_id: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteStep:
    """The unit in charge has done its part. `step`, where given, must be the step that it is in."""

    case_id: str
    step: str | None = None
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Giao by hand: to another unit, for the same step or the one named; a step of the plan brings its limits."""

    case_id: str
    to_unit: str
    to_team: bool
    step: str | None = None
    limit: Limit | None = None
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCustomerAction:
    """Ask the customer for something of their own."""

    case_id: str
    action: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteCustomerAction:
    """The customer has done it. `answers` names the request where several are open."""

    case_id: str
    answers: str | None
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Refer:
    """Ask an agency."""

    case_id: str
    agency: str
    matter: str
    limit: Limit | None
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReply:
    """The agency answered. `answers` names the referral where several are open."""

    case_id: str
    agency: str
    outcome: Outcome
    answers: str | None
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Release: give the finished dossier back to the counter."""

    case_id: str
    by: Actor


Answering = CompleteCustomerAction | RecordReply
Asked = Acknowledge | CompleteStep | Forward | RequestCustomerAction | Refer | Answering | Return
Command = Asked | Heard


def decide(command: Command, state: State) -> Sequence[Fact]:
    """The facts that the command makes true, or Refused. The same command of the same actor again gives []."""
    match command:
        case Acknowledge():
            return _acknowledge(command, state)
        case CompleteStep():
            return _complete_step(command, state)
        case Forward():
            return _forward(command, state)
        case RequestCustomerAction():
            fact = CustomerActionRequested(case_id=command.case_id, action=command.action)
            return _ask(command, fact, _at_unit(state, command.case_id))
        case CompleteCustomerAction():
            return _complete_customer_action(command, state)
        case Refer():
            referred = AgencyReferred(
                case_id=command.case_id, agency=command.agency, matter=command.matter, limit=command.limit
            )
            return _ask(command, referred, _at_unit(state, command.case_id))
        case RecordReply():
            return _record_reply(command, state)
        case Return():
            return _return(command, state)
        case (
            onward.Begin()
            | onward.BeginAgain()
            | onward.NoteReceived()
            | onward.NoteDone()
            | onward.NoteWorkDone()
            | onward.Recall()
            | onward.GoOn()
            | onward.Escalate()
        ):
            return onward.decide(command, state)
        case _:
            assert_never(command)


def _acknowledge(command: Acknowledge, state: State) -> Sequence[Fact]:
    at = state if isinstance(state, AtUnit) else None
    if at and at.acknowledged is None and at.unit == command.by.unit:
        return [DossierAcknowledged(case_id=command.case_id, unit=at.unit, step=at.step)]
    if any(isinstance(one.fact, DossierAcknowledged) and _own(one, command.by) for one in _said(state)):
        return []
    at = _at_unit(state, command.case_id)
    if at.acknowledged is not None:
        raise Conflict(
            "already-acknowledged", f"{at.unit} has the dossier for {at.step}: {at.acknowledged.by} acknowledged it",
            way_out="nothing more is needed",
        )  # fmt: skip
    raise _wrong_unit(command.by, at.unit)


def _complete_step(command: CompleteStep, state: State) -> Sequence[Fact]:
    at = state if isinstance(state, AtUnit) else None
    if at and at.done is None and at.unit == command.by.unit and command.step in (None, at.step):
        return onward.complete(at, command.case_id, "software")
    if any(
        isinstance(one.fact, StepCompleted) and _own(one, command.by) and command.step in (None, one.fact.step)
        for one in _said(state)
    ):
        return []
    at = _at_unit(state, command.case_id)
    _within(command.by, at.unit)
    if command.step not in (None, at.step):
        raise Conflict(
            "another-step", f"{at.unit} is in charge of {at.step}, not of {command.step}",
            field="step", way_out="read the dossier again",
        )  # fmt: skip
    raise Conflict("already-completed", f"{at.unit} has completed {at.step}", way_out=_who_is_waited_for(at))


def _forward(command: Forward, state: State) -> Sequence[Fact]:
    at = _at_unit(state, command.case_id)
    step = command.step or at.step
    place = at.plan.index(step) if at.plan else None
    leg = at.plan.legs[place] if at.plan and place is not None else None
    fact = DossierForwarded(
        case_id=command.case_id, from_unit=at.unit, to_unit=command.to_unit, step=step,
        limit=command.limit or (leg.limit if leg else None),
        acknowledge_within=leg.acknowledge_within if leg else None,
        work=leg.work if leg and command.to_team else None,
    )  # fmt: skip
    if (at.unit, at.step) == (fact.to_unit, fact.step):
        last = at.forward
        if last.by == command.by.id and last.fact.limit == fact.limit:
            return []
        raise Conflict(
            "already-there",
            f"{at.unit} is in charge of {at.step}",
            field="to_unit",
            way_out="name another unit or step",
        )
    _within(command.by, at.unit)
    return [fact]


def _ask(command: RequestCustomerAction | Refer, fact: Fact, at: AtUnit) -> Sequence[Fact]:
    """Whoever is asked for the same thing twice answers once."""
    for open_one in at.waiting:
        if _same_question(open_one.asked.fact, fact):
            if open_one.asked.fact == fact and open_one.asked.by == command.by.id:
                return []
            raise Conflict(
                "already-asked", f"{open_one.asked.id} asks for this and is not answered",
                way_out="record the answer before asking again",
            )  # fmt: skip
    _within(command.by, at.unit)
    return [fact]


def _complete_customer_action(command: CompleteCustomerAction, state: State) -> Sequence[Fact]:
    open_ones = _open(state, CustomerActionRequested)
    if not _names_one(open_ones, command.answers):
        for one in _said(state):
            answered = isinstance(one.fact, CustomerActionCompleted) and one.by == command.by.id
            if answered and command.answers in (None, one.fact.answers):
                return []
    at = _at_unit(state, command.case_id)
    entry = _which(open_ones, command.answers, "the customer")
    _within(command.by, at.counter)
    fact = CustomerActionCompleted(case_id=command.case_id, answers=entry.asked.id)
    return [fact, *onward.after_answer(at, entry, command.case_id)]


def _record_reply(command: RecordReply, state: State) -> Sequence[Fact]:
    open_ones = [one for one in _open(state, AgencyReferred) if one.asked.fact.agency == command.agency]
    if not _names_one(open_ones, command.answers):
        for one in _said(state):
            replied = isinstance(one.fact, AgencyReplied) and one.by == command.by.id
            if (
                replied
                and (one.fact.agency, one.fact.outcome) == (command.agency, command.outcome)
                and command.answers in (None, one.fact.answers)
            ):
                return []
    at = _at_unit(state, command.case_id)
    entry = _which(open_ones, command.answers, command.agency)
    _within(command.by, at.unit, entry.unit)
    fact = AgencyReplied(
        case_id=command.case_id, agency=command.agency, answers=entry.asked.id, outcome=command.outcome
    )
    return [fact, *onward.after_answer(at, entry, command.case_id)]


def _return(command: Return, state: State) -> Sequence[Fact]:
    if isinstance(state, Ended) and isinstance(state.end.fact, DossierReturned) and state.end.by == command.by.id:
        return []
    at = _at_unit(state, command.case_id)
    _within(command.by, at.unit)
    if at.waiting:
        raise Conflict("still-waiting", "the dossier waits for an answer", way_out=_who_is_waited_for(at))
    if at.next_leg is not None:
        raise Conflict(
            "steps-remain", f"after {at.step} comes {at.next_leg.step} at {at.next_leg.unit}",
            way_out="complete the step; the dossier returns after the last one",
        )  # fmt: skip
    completed = [] if at.done else [StepCompleted(case_id=command.case_id, unit=at.unit, step=at.step)]
    return [*completed, DossierReturned(case_id=command.case_id, from_unit=at.unit, by="software")]


def earliest(command: Asked, state: State, past: Sequence[RecordedEvent]) -> RecordedEvent | None:
    """The fact that a told time may not precede: custody never runs backwards.

    An answer may be told late, from its question on, unless a hand-over follows it at that same instant.
    """
    if not isinstance(state, AtUnit):
        return None
    if isinstance(command, CompleteCustomerAction | RecordReply) and (state.done is None or len(state.waiting) > 1):
        return None
    moved = (DossierForwarded, StepCompleted)
    return max((one for one in past if isinstance(one.fact, moved)), key=lambda one: one.at, default=None)


def _at_unit(state: State, case_id: str) -> AtUnit:
    match state:
        case NoRoute():
            raise NotFound(
                "no-such-dossier", f"no dossier {case_id} is on its way", field="case_id",
                way_out="check the code on the receipt; a dossier received a moment ago may need a second",
            )  # fmt: skip
        case Ended():
            raise Conflict(
                "route-ended", f"{case_id} is back at {state.last.counter}: {type(state.end.fact).__name__} "
                f"({state.end.id})", way_out="a leader can reopen the case",
            )  # fmt: skip
        case AtUnit():
            return state
        case _:
            assert_never(state)


def _said(state: State) -> Sequence[Said]:
    match state:
        case NoRoute():
            return ()
        case Ended():
            return state.last.said
        case AtUnit():
            return state.said
        case _:
            assert_never(state)


def _open(state: State, question: type[Fact]) -> list[Waiting]:
    return [one for one in state.waiting if isinstance(one.asked.fact, question)] if isinstance(state, AtUnit) else []


def _names_one(open_ones: Sequence[Waiting], answers: str | None) -> bool:
    return any(answers in (None, one.asked.id) for one in open_ones)


def _which(open_ones: Sequence[Waiting], answers: str | None, who: str) -> Waiting:
    found = [one for one in open_ones if answers in (None, one.asked.id)]
    if not found:
        raise Conflict(
            "nothing-asked", f"nothing is asked of {who}" + (f" by {answers}" if answers else ""),
            field="answers" if answers else None, way_out="read the dossier: `waiting` lists what is open",
        )  # fmt: skip
    if len(found) > 1:
        raise Refused(
            "which-question", f"{len(found)} things are asked of {who}", field="answers",
            way_out="name one: " + ", ".join(one.asked.id for one in found),
        )  # fmt: skip
    return found[0]


def _same_question(one: Fact, other: Fact) -> bool:
    match one, other:
        case AgencyReferred(), AgencyReferred():
            return bool((one.agency, one.matter) == (other.agency, other.matter))
        case _:
            return bool(one == other)


def _own(said: Said, by: Actor) -> bool:
    return said.by == by.id and said.fact.unit == by.unit


def _within(by: Actor, *units: str) -> None:
    if by.unit not in units and not by.roles & {"leader", "operator"}:
        raise _wrong_unit(by, units[0])


def _wrong_unit(by: Actor, unit: str) -> Forbidden:
    return Forbidden(
        "wrong-unit", f"this is for {unit}, you act for {by.unit or 'no unit'}",
        field="case_id", way_out=f"somebody of {unit} can do it",
    )  # fmt: skip


def _who_is_waited_for(at: AtUnit) -> str:
    waits = [getattr(one.asked.fact, "agency", "the customer") for one in at.waiting]
    return f"the hand-over follows the answer of {', '.join(waits)}" if waits else "forward the dossier"


def route(plans: Plans) -> Decider[Command, State]:
    """The decider of a dossier's way, over the plans of a catalogue."""
    return Decider(category="route", initial=NoRoute(), decide=decide, evolve=partial(evolve, plans))
