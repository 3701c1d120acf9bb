"""Where a case stands at the door: not received, open, or ended. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from events.commands.decider import Said
from events.contracts.intake import (
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


@dataclass(frozen=True, slots=True)
class Unreceived:
    """Nobody has taken this dossier in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """The dossier is at work. `waiting` is the supplement that the customer still owes, `answered` the last answer.

    `brought`: each supplement of this cycle that was asked for and answered, as (request, answer).
    """

    received: ApplicationReceived
    receipt: Said
    supplements: int = 0
    waiting: Said | None = None
    answered: Said | None = None
    brought: tuple[tuple[Said, Said], ...] = ()
    extension: Said | None = None
    reopening: Said | None = None
    reclassification: Said | None = None

    @property
    def appointment(self) -> datetime | None:
        return self.extension.fact.appointment if self.extension else self.received.appointment

    @property
    def service(self) -> str | None:
        """What the receipt names, unless a leader found that it is another."""
        if self.reclassification:
            return str(self.reclassification.fact.service)
        return self.received.promise.service if self.received.promise else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The customer has the result (CaseClosed), or the case ended without one."""

    last: Open
    end: Said
    rating: Said | None = None


State = Unreceived | Open | Ended


def evolve(state: State, said: Said) -> State:
    """The next state. Never raises: a fact that does not fit is a fact all the same and moves nothing."""
    match said.fact, state:
        case ApplicationReceived() as received, Unreceived():
            return Open(received=received, receipt=said)
        case SupplementRequested(), Open():
            return replace(state, waiting=said, supplements=state.supplements + 1)
        case SupplementReceived(), Open():
            brought = (*state.brought, (state.waiting, said)) if state.waiting else state.brought
            return replace(state, waiting=None, answered=said, brought=brought)
        case DeadlineExtended(), Open():
            return replace(state, extension=said)
        case ((ApplicationRefused() | ApplicationWithdrawn() | ProcessingStopped() | CaseClosed()), Open()):
            return Ended(last=state, end=said)
        case CustomerRated(), Ended():
            return replace(state, rating=said)
        case ServiceReclassified(), Open():
            return replace(state, reclassification=said)
        case ServiceReclassified(), Ended():
            return replace(state, last=replace(state.last, reclassification=said))
        case CaseReopened(), Ended():
            return replace(state.last, waiting=None, answered=None, brought=(), extension=None, reopening=said)
        case _:
            return state


def follows(state: State, said: Said) -> bool:
    """Whether a fact follows from what was said before it. What the door would never say does not."""
    match said.fact:
        case ApplicationReceived():
            return isinstance(state, Unreceived)
        case SupplementRequested():
            return isinstance(state, Open) and state.waiting is None
        case SupplementReceived() as it:
            return isinstance(state, Open) and state.waiting is not None and state.waiting.id == it.answers
        case DeadlineExtended():
            return isinstance(state, Open) and state.extension is None
        case ApplicationRefused() | ApplicationWithdrawn() | ProcessingStopped() | CaseClosed():
            return isinstance(state, Open)
        case CustomerRated():
            return isinstance(state, Ended) and state.rating is None
        case CaseReopened():
            return isinstance(state, Ended)
        case _:
            return not isinstance(state, Unreceived)
