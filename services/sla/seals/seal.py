"""The record of a period as a leader signs it, and what late facts make of it afterwards. Pure.

Seal is a person's command and may be refused; Restate is what we hear of our own tables, and refuses nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, assert_never

from events.commands.decider import Decider, Said
from events.contracts.catalogue import Fact
from events.contracts.sla import Difference, MonthRestated, MonthSealed
from events.errors import Conflict, Refused
from sla.counting.periods import Period

TOLD: Final = 1000
"""Differences and cases that a restatement names itself: both together are well under what Kafka takes as a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The province's dossiers of a period, by the columns of the template."""

    received: int
    carried_over: int
    ahead: int
    on_time: int
    overdue: int
    open_in_time: int
    open_overdue: int
    undetermined: int
    incomplete: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Sign the record of a period. `today` is the local date; `others` are the periods that are sealed already."""

    period: Period
    by: str
    today: date
    classifier: str
    totals: Totals
    hash: str
    kept: str
    broken: tuple[str, ...]
    others: tuple[Period, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restate:
    """What the record of a sealed period would be now, against what was last said of it; `cases` in ascending order."""

    period: Period
    differences: tuple[Difference, ...]
    cases: tuple[str, ...]
    because: str | None
    hash: str
    kept: str


Command = Seal | Restate


@dataclass(frozen=True, slots=True)
class Unsealed:
    """Nobody has signed this period."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Signed by somebody; `hash` is of the sealed record or of its last restatement, `restated` how many there were."""

    seal: str
    fact: MonthSealed
    by: str
    hash: str
    restated: int = 0


State = Unsealed | Sealed


def decide(command: Command, state: State) -> Sequence[Fact]:
    match command:
        case Seal():
            return _seal(command, state)
        case Restate():
            return _restate(command, state)
        case _:
            assert_never(command)


def _seal(command: Seal, state: State) -> Sequence[Fact]:
    period, totals = command.period, command.totals
    if isinstance(state, Sealed):
        if state.by == command.by and state.fact.hash == command.hash:
            return []
        raise sealed(period)
    if command.today < period.until:
        raise Refused(
            "period-not-over", f"{period.since} to {period.until} still runs on {command.today}", field="to",
            way_out=f"seal it from {period.until} on",
        )  # fmt: skip
    for other in command.others:
        if other.since < period.until and period.since < other.until:
            raise overlapping(period, other.id)
    if command.broken:
        raise Conflict(
            "figures-do-not-add-up", "; ".join(command.broken[:5]), field="from",
            way_out="look at `broken` of GET /record; a record that does not add up is not signed",
        )  # fmt: skip
    return [
        MonthSealed(
            since=str(period.since), until=str(period.until), classifier=command.classifier,
            received=totals.received, carried_over=totals.carried_over,
            ahead=totals.ahead, on_time=totals.on_time, overdue=totals.overdue,
            open_in_time=totals.open_in_time, open_overdue=totals.open_overdue,
            undetermined=totals.undetermined, incomplete=totals.incomplete,
            hash=command.hash, kept=command.kept,
        )
    ]  # fmt: skip


def _restate(command: Restate, state: State) -> Sequence[Fact]:
    if isinstance(state, Unsealed) or not command.differences or command.hash == state.hash:
        return []
    return [
        MonthRestated(
            since=str(command.period.since), until=str(command.period.until), number=state.restated + 1,
            sealed=state.seal, differences=command.differences[:TOLD], cases=command.cases[:TOLD],
            because=command.because, hash=command.hash, kept=command.kept,
            differences_in_all=len(command.differences), cases_in_all=len(command.cases),
            cases_hash=hashlib.sha256("\n".join(command.cases).encode()).hexdigest(),
        )
    ]  # fmt: skip


def sealed(period: Period) -> Conflict:
    """The period was signed before."""
    return Conflict(
        "period-sealed", f"{period.since} to {period.until} is sealed", field="from",
        way_out=f"read it at /record/seals/{period.id}; late facts are restated beside it",
    )  # fmt: skip


def overlapping(period: Period, other: str) -> Conflict:
    """A date of the period was signed in another one."""
    return Conflict(
        "period-overlaps", f"{period.since} to {period.until} overlaps the sealed period {other}", field="from",
        way_out="choose dates that no sealed period holds",
    )  # fmt: skip


def evolve(state: State, said: Said) -> State:
    match said.fact, state:
        case MonthSealed() as it, Unsealed():
            return Sealed(said.id, it, said.by, it.hash)
        case MonthRestated() as it, Sealed():
            return Sealed(state.seal, state.fact, state.by, it.hash, it.number)
        case _:
            return state


month: Decider[Command, State] = Decider(category="month", initial=Unsealed(), decide=decide, evolve=evolve)
