"""What the door decides about a case: one function per command. Pure; time, code and actor are arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from deadlines.catalogue import Catalogue
from deadlines.entries import Checklist
from events.actor import Actor
from events.commands.decider import Decider, Said
from events.contracts.catalogue import Fact
from events.contracts.intake import (
    AdviceGiven,
    ApplicationReceived,
    ApplicationRefused,
    ApplicationWithdrawn,
    CaseClosed,
    CaseReopened,
    CustomerRated,
    DeadlineExtended,
    ProcessingStopped,
    ServiceReclassified,
    SupplementReceived,
    SupplementRequested,
)
from events.contracts.terms import Gap
from events.errors import Conflict, Forbidden, NotFound, Refused
from intake.promised import Span, runs_out
from intake.state import Ended, Open, State, Unreceived, evolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """Take a dossier in: its code was drawn, its due computed; `checklist` says which papers it needs."""

    received: ApplicationReceived
    checklist: Checklist
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSupplement:
    """Ask the customer for what is missing, once and completely."""

    case_id: str
    gaps: tuple[Gap, ...]
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveSupplement:
    """The customer brought what was asked for."""

    case_id: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """End the case: it cannot be served."""

    case_id: str
    reason: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """End the case: the customer takes it back."""

    case_id: str
    reason: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End the case: the office stops the processing."""

    case_id: str
    reason: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """Apologise and give a new appointment. `at` is the instant of the apology; `catalogue` counts the promise, `waits`
    are the pauses on the dossier's way."""

    case_id: str
    appointment: datetime
    reason: str
    at: datetime
    catalogue: Catalogue
    waits: Sequence[Span] = ()
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Hand the result over to the customer."""

    case_id: str
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    """Start a new cycle of an ended case."""

    case_id: str
    reason: str
    due: datetime | None
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The customer's mark."""

    case_id: str
    stars: int
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclassify:
    """The receipt names the wrong service: this is the right one, in force when the dossier was received."""

    case_id: str
    service: str
    reason: str
    by: Actor


Ending = Refuse | Withdraw | Stop | Close
Command = Receive | RequestSupplement | ReceiveSupplement | Extend | Reopen | Reclassify | Rate | Ending


def decide(command: Command, state: State) -> Sequence[Fact]:
    """The facts that the command makes true, or Refused. The same command of the same actor again gives []."""
    match command:
        case Receive():
            return _receive(command, state)
        case RequestSupplement():
            return _request_supplement(command, state)
        case ReceiveSupplement():
            return _receive_supplement(command, state)
        case Extend():
            return _extend(command, state)
        case Refuse():
            return _end(command, ApplicationRefused(case_id=command.case_id, reason=command.reason), state)
        case Withdraw():
            return _end(command, ApplicationWithdrawn(case_id=command.case_id, reason=command.reason), state)
        case Stop():
            return _end(command, ProcessingStopped(case_id=command.case_id, reason=command.reason), state)
        case Close():
            return _end(command, CaseClosed(case_id=command.case_id), state)
        case Reopen():
            return _reopen(command, state)
        case Reclassify():
            return _reclassify(command, state)
        case Rate():
            return _rate(command, state)
        case _:
            assert_never(command)


def _receive(command: Receive, state: State) -> Sequence[Fact]:
    if not isinstance(state, Unreceived):
        receipt = state.receipt if isinstance(state, Open) else state.last.receipt
        if repeats(receipt, command.received, command.by):
            return []
        raise Conflict("already-received", f"{command.received.case_id} was taken in before", field="case_id")
    if missing := command.checklist.missing(command.received.documents):
        names = [command.checklist.name(word) for word in missing]
        raise Refused(
            "incomplete-dossier",
            "missing: " + "; ".join(f"{name.vi} ({name.en})" for name in names),
            field="documents",
            way_out="ask the customer for all of it at once; receive the dossier when it is complete",
            missing=list(missing),
        )
    return [command.received]


def _request_supplement(command: RequestSupplement, state: State) -> Sequence[Fact]:
    case = _open(state, command.case_id)
    leader = command.by.id if "leader" in command.by.roles else None
    fact = SupplementRequested(case_id=command.case_id, gaps=command.gaps, approved_by=leader)
    if case.waiting:
        if repeats(case.waiting, fact, command.by):
            return []
        raise Conflict(
            "supplement-pending", f"the customer still owes what {case.waiting.id} asked for",
            way_out="record the supplement before asking again",
        )  # fmt: skip
    if case.supplements and leader is None:
        raise Forbidden(
            "second-supplement-needs-leader",
            f"this case was sent back to the customer {case.supplements} time(s) already; "
            "asking again counts as overdue in the national indicators (Decision 766/QD-TTg)",
            way_out="a leader of the power company can ask again",
        )
    return [fact]


def _receive_supplement(command: ReceiveSupplement, state: State) -> Sequence[Fact]:
    case = _open(state, command.case_id)
    if case.waiting is None:
        if case.answered and case.answered.by == command.by.id:
            return []
        raise Conflict("no-supplement-asked", f"nothing is asked of the customer of {command.case_id}")
    return [SupplementReceived(case_id=command.case_id, answers=case.waiting.id)]


def _extend(command: Extend, state: State) -> Sequence[Fact]:
    case = _open(state, command.case_id)
    fact = DeadlineExtended(
        case_id=command.case_id, appointment=command.appointment, reason=command.reason, leader=command.by.id
    )
    if case.extension:
        if repeats(case.extension, fact, command.by):
            return []
        raise Conflict(
            "extended-once", f"the appointment was moved once, to {case.appointment}; there is no second time",
            way_out="finish the work; the case will be shown as overdue with apology",
        )  # fmt: skip
    expires = runs_out(case, command.catalogue, command.at, command.waits)
    if expires is None:
        raise Conflict("no-appointment", f"{command.case_id} has no appointment that could be moved")
    if command.at >= expires:
        raise Conflict(
            "extension-after-expiry",
            f"the promise ran out at {expires.isoformat()}; an apology comes before",
            field="at",
            way_out="an extension after expiry changes nothing; finish the work",
        )
    if command.appointment <= expires:
        raise Refused(
            "appointment-not-later", f"the new appointment must be after {expires.isoformat()}",
            field="appointment", way_out="give a later instant",
        )  # fmt: skip
    return [fact]


def _end(command: Ending, fact: Fact, state: State) -> Sequence[Fact]:
    if isinstance(state, Ended) and repeats(state.end, fact, command.by):
        return []
    _open(state, command.case_id)
    return [fact]


def _reopen(command: Reopen, state: State) -> Sequence[Fact]:
    fact = CaseReopened(case_id=command.case_id, reason=command.reason, due=command.due)
    match state:
        case Unreceived():
            raise _unknown(command.case_id)
        case Open() if state.reopening and repeats(state.reopening, fact, command.by):
            return []
        case Open():
            raise Conflict("case-open", f"{command.case_id} is open; only an ended case can be reopened")
        case Ended():
            return [fact]
        case _:
            assert_never(state)


def _reclassify(command: Reclassify, state: State) -> Sequence[Fact]:
    if isinstance(state, Unreceived):
        raise _unknown(command.case_id)
    case = state if isinstance(state, Open) else state.last
    fact = ServiceReclassified(
        case_id=command.case_id, service=command.service, reason=command.reason, leader=command.by.id
    )
    if case.reclassification and repeats(case.reclassification, fact, command.by):
        return []
    if case.receipt.by == command.by.id:
        raise Forbidden(
            "own-fact", f"you said {case.receipt.id} yourself", field="case_id", way_out="another leader can correct it"
        )
    if case.service == command.service:
        raise Conflict(
            "same-service", f"{command.case_id} is {command.service}", field="service", way_out="name the right service"
        )
    return [fact]


def _rate(command: Rate, state: State) -> Sequence[Fact]:
    fact = CustomerRated(case_id=command.case_id, stars=command.stars)
    match state:
        case Unreceived():
            raise _unknown(command.case_id)
        case Ended() if state.rating:
            if repeats(state.rating, fact, command.by):
                return []
            raise Conflict("rated-once", f"{command.case_id} has its mark")
        case Ended():
            return [fact]
        case Open():
            raise Conflict("case-open", "a customer rates a service that has ended", way_out="close the case first")
        case _:
            assert_never(state)


def repeats(said: Said, fact: Fact, by: Actor) -> bool:
    """Whether the fact was said before by the same actor with the same content."""
    return bool(said.fact == fact and said.by == by.id)


def _open(state: State, case_id: str) -> Open:
    match state:
        case Unreceived():
            raise _unknown(case_id)
        case Ended():
            raise Conflict(
                "case-ended", f"{case_id} ended with {type(state.end.fact).__name__} ({state.end.id})",
                way_out="a leader can reopen it",
            )  # fmt: skip
        case Open():
            return state
        case _:
            assert_never(state)


def _unknown(case_id: str) -> NotFound:
    return NotFound(
        "no-such-dossier", f"there is no dossier {case_id}", field="case_id", way_out="check the code on the receipt"
    )


def _count(given: AdviceGiven, counted: bool) -> Sequence[Fact]:
    return [] if counted else [given]


advice: Decider[AdviceGiven, bool] = Decider(
    category="advice", initial=False, decide=_count, evolve=lambda _, said: True
)
case: Decider[Command, State] = Decider(category="case", initial=Unreceived(), decide=decide, evolve=evolve)
