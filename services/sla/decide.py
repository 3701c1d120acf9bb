"""What is published about a case, once each: verdicts, amendments, warnings, misses, withdrawals. Pure.

It hears, so it refuses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from deadlines.entries import WARNINGS
from events.contracts.catalogue import Fact
from events.contracts.sla import (
    DeadlineApproaching,
    DeadlineMissed,
    DeadlineMissWithdrawn,
    DeadlineOverrun,
    VerdictAmended,
    VerdictReached,
)
from events.decider import Decider
from sla.rows import CycleRow
from sla.state import Published, Verdict, evolve

DUE = "due"
NOTHING = Verdict(None, None, None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """What the judge says of a case now. `because` is the fact that made it look again, and how late that came."""

    case_id: str
    cycles: tuple[CycleRow, ...]
    because: str
    late_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """An instant has come: a share of the time is used up, the deadline has passed (threshold `due`), or a miss is to
    be escalated (a step of the catalogue)."""

    case_id: str
    cycle: int
    threshold: str
    revision: int
    due: datetime


Command = Publish | Warn


def decide(command: Command, state: Published) -> Sequence[Fact]:
    match command:
        case Publish():
            return [*_verdicts(command, state), *_withdrawals(command, state)]
        case Warn(threshold="due"):
            return _missed(command, state)
        case Warn(threshold=threshold) if threshold in WARNINGS:
            return _approaching(command, state)
        case Warn():
            return _overrun(command, state)
        case _:
            assert_never(command)


def _verdicts(command: Publish, state: Published) -> list[Fact]:
    verdicts = {
        row.cycle: Verdict(row.due_at, row.released_at, row.class_a, row.class_b, row.class_c)
        if row.released_at
        else NOTHING
        for row in command.cycles
    }
    # A cycle that was published and is no more: its reopening was voided.
    verdicts |= dict.fromkeys(state.verdicts.keys() - verdicts.keys(), NOTHING)
    facts: list[Fact] = []
    for cycle, now in sorted(verdicts.items()):
        before = state.verdicts.get(cycle, NOTHING)
        if now == before:
            continue
        if cycle not in state.verdicts and now.released is not None:
            facts.append(
                VerdictReached(
                    case_id=command.case_id, cycle=cycle, due=now.due, released=now.released,
                    by_date=now.by_date, by_session=now.by_session, by_766=now.by_766,
                )
            )  # fmt: skip
        else:
            facts.append(
                VerdictAmended(
                    case_id=command.case_id, cycle=cycle, due=now.due, released=now.released,
                    by_date=now.by_date, by_session=now.by_session, by_766=now.by_766,
                    was_by_date=before.by_date, was_by_session=before.by_session, was_by_766=before.by_766,
                    because=command.because, late_seconds=command.late_seconds,
                )
            )  # fmt: skip
    return facts


def _withdrawals(command: Publish, state: Published) -> list[Fact]:
    """A miss is disproved when its cycle is no more, ended by then, or turns out to be due later (or to be paused)."""
    rows = {row.cycle: row for row in command.cycles}
    return [
        DeadlineMissWithdrawn(
            case_id=command.case_id, cycle=cycle, missed=state.missed_by[cycle], because=command.because
        )
        for cycle, miss in sorted(state.missed.items())
        if (row := rows.get(cycle)) is None
        or row.due_at is None
        or row.due_at > miss.due
        or (row.ended_at is not None and row.ended_at <= miss.due)
    ]


def _approaching(command: Warn, state: Published) -> list[Fact]:
    """Once per revision, and of a new revision only if the instant that it runs to is another: a correction may raise
    the revision and move nothing."""
    key = command.cycle, command.threshold, command.revision
    missed = state.missed.get(command.cycle)
    if key in state.said or state.warned.get(key[:2]) == command.due:
        return []
    if missed is not None and command.due <= missed.due:
        return []
    return [
        DeadlineApproaching(
            case_id=command.case_id, cycle=command.cycle, threshold=command.threshold,
            revision=command.revision, due=command.due,
        )
    ]  # fmt: skip


def _missed(command: Warn, state: Published) -> list[Fact]:
    if command.cycle in state.missed:
        return []
    return [DeadlineMissed(case_id=command.case_id, cycle=command.cycle, revision=command.revision, due=command.due)]


def _overrun(command: Warn, state: Published) -> list[Fact]:
    miss = state.missed.get(command.cycle)
    if miss is None:
        return []
    missed = state.missed_by[command.cycle]
    if (missed, command.threshold) in state.escalated:
        return []
    return [
        DeadlineOverrun(
            case_id=command.case_id, cycle=command.cycle, step=command.threshold, due=miss.due, missed=missed
        )
    ]  # fmt: skip


promise: Decider[Command, Published] = Decider(category="promise", initial=Published(), decide=decide, evolve=evolve)
