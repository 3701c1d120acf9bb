"""A remedial action of one unit over one sealed period: opened by a threshold, closed by a leader. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import assert_never

from deadlines.catalogue import Catalogue
from deadlines.instants import date_of, day_on
from events.commands.decider import Decider, Said
from events.contracts.catalogue import Fact
from events.contracts.sla import RemedialActionClosed, RemedialActionOpened
from events.contracts.terms import UnitKind
from events.errors import Conflict, NotFound
from sla.counting.line import Share
from sla.counting.periods import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A unit passed a threshold; `because` is the seal. Heard, so it refuses nothing."""

    unit: str
    kind: UnitKind
    period: Period
    why: str
    overdue: Share
    due: date
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """A leader says in a word what was done, and where it is written down."""

    outcome: str
    evidence: str
    by: str


Command = Open | Close


@dataclass(frozen=True, slots=True)
class Unopened:
    """Nothing was asked of the unit."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Something is to be done."""

    fact: RemedialActionOpened


@dataclass(frozen=True, slots=True)
class Closed:
    """Something was done."""

    fact: RemedialActionClosed
    by: str


State = Unopened | Opened | Closed


def decide(command: Command, state: State) -> Sequence[Fact]:
    match command:
        case Open():
            return _open(command, state)
        case Close():
            return _close(command, state)
        case _:
            assert_never(command)


def _open(command: Open, state: State) -> Sequence[Fact]:
    """Once per unit and period, whatever else is found of it."""
    if not isinstance(state, Unopened):
        return []
    return [
        RemedialActionOpened(
            unit=command.unit, kind=command.kind, since=str(command.period.since), until=str(command.period.until),
            why=command.why, solved=command.overdue.whole, overdue=command.overdue.part, due=str(command.due),
            because=command.because,
        )
    ]  # fmt: skip


def _close(command: Close, state: State) -> Sequence[Fact]:
    match state:
        case Unopened():
            raise NotFound("no-such-remedy", "no remedial action of this name was opened", field="remedy")
        case Opened(fact):
            return [
                RemedialActionClosed(
                    unit=fact.unit, since=fact.since, until=fact.until, outcome=command.outcome,
                    evidence=command.evidence,
                )
            ]  # fmt: skip
        case Closed(fact, by):
            if (by, fact.outcome, fact.evidence) == (command.by, command.outcome, command.evidence):
                return []
            raise Conflict(
                "remedy-closed", f"it was closed with {fact.outcome}", field="remedy",
                way_out="what was said stands; what is still wrong shows in the next sealed period",
            )  # fmt: skip
        case _:
            assert_never(state)


def evolve(state: State, said: Said) -> State:
    match said.fact:
        case RemedialActionOpened() as it:
            return Opened(it)
        case RemedialActionClosed() as it:
            return Closed(it, said.by)
        case _:
            return state


remedy: Decider[Command, State] = Decider(category="remedy", initial=Unopened(), decide=decide, evolve=evolve)


def id_of(unit: str, period: Period) -> str:
    """The name of a remedial action: one per unit and period."""
    return f"{unit}-{period.id}"


def wanted(
    period: Period, lines: Iterable[tuple[UnitKind, str, Share]], catalogue: Catalogue, sealed_on: date, because: str
) -> Iterator[Open]:
    """What the thresholds in force at the end of a sealed period ask of which unit: (kind, unit, overdue of solved).

    Strictly more than the threshold's share, of at least its volume; due so many working days after the seal.
    """
    counted = list(lines)
    for threshold in catalogue.thresholds_on(period.until):
        for kind, unit, overdue in counted:
            enough = overdue.whole >= threshold.solved_at_least
            if kind in threshold.kinds and enough and overdue.part * 100 > threshold.over_percent * overdue.whole:
                calendar = catalogue.calendar_of(unit)
                due = date_of(calendar.nth_after(day_on(sealed_on), threshold.due_working_days))
                yield Open(
                    unit=unit, kind=kind, period=period, why=threshold.why,
                    overdue=overdue, due=due, because=because,
                )  # fmt: skip
