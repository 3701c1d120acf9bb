"""What is published about a case, once each: verdicts, amendments, warnings, misses, withdrawals. Pure.

One mechanism for every deadline; only the facts differ, so that nobody takes a step's limit for the promise.

It hears, so it refuses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from deadlines.entries import WARNINGS
from events.commands.decider import Decider
from events.contracts.catalogue import Fact
from events.contracts.sla import (
    DeadlineApproaching,
    DeadlineMissed,
    DeadlineMissWithdrawn,
    DeadlineOverrun,
    LimitApproaching,
    LimitMissed,
    LimitMissWithdrawn,
    VerdictAmended,
    VerdictReached,
)
from sla.judging.judge import Judgement
from sla.judging.rows import Deadline
from sla.publishing.state import Miss, Published, Verdict, evolve

DUE = "due"
NOTHING = Verdict(None, None, None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """What the judge says of a case now. `because` is the fact that made it look again, and how late that came."""

    judgement: Judgement
    because: str
    late_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """An instant has come: a share of the time is used up, the deadline has passed (threshold `due`), or the miss of a
    promise is to be escalated (a step of the catalogue)."""

    case_id: str
    deadline: Deadline
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
        for row in command.judgement.cycles
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
                    case_id=command.judgement.case_id, cycle=cycle, due=now.due, released=now.released,
                    by_date=now.by_date, by_session=now.by_session, by_766=now.by_766,
                )
            )  # fmt: skip
        else:
            facts.append(
                VerdictAmended(
                    case_id=command.judgement.case_id, cycle=cycle, due=now.due, released=now.released,
                    by_date=now.by_date, by_session=now.by_session, by_766=now.by_766,
                    was_by_date=before.by_date, was_by_session=before.by_session, was_by_766=before.by_766,
                    because=command.because, late_seconds=command.late_seconds,
                )
            )  # fmt: skip
    return facts


def _withdrawals(command: Publish, state: Published) -> list[Fact]:
    """A miss is disproved when what ran is no more, ended by then, or turns out to be due later (or to be paused)."""
    if not state.missed:
        return []
    runs: dict[Deadline, tuple[datetime | None, datetime | None]] = {
        **{row.deadline: (row.due_at, row.ended_at) for row in command.judgement.cycles},
        **{row.deadline: (row.due_at, row.left_at) for row in command.judgement.stays},
        **{row.deadline: (row.due_at, row.replied_at or row.ended_at) for row in command.judgement.referrals},
    }
    return [
        _withdrawn(command, deadline, miss)
        for deadline, miss in sorted(state.missed.items())
        for due, ended in [runs.get(deadline, (None, None))]
        if due is None or due > miss.due or (ended is not None and ended <= miss.due)
    ]


def _withdrawn(command: Publish, deadline: Deadline, miss: Miss) -> Fact:
    if deadline.clock == "promise":
        return DeadlineMissWithdrawn(
            case_id=command.judgement.case_id, cycle=deadline.cycle, missed=miss.id, because=command.because
        )
    return LimitMissWithdrawn(
        case_id=command.judgement.case_id, cycle=deadline.cycle, clock=deadline.clock, unit=deadline.unit,
        opened_by=deadline.opened_by, missed=miss.id, because=command.because,
    )  # fmt: skip


def _approaching(command: Warn, state: Published) -> list[Fact]:
    """Once per revision, and of a new revision only if the instant that it runs to is another: a correction may raise
    the revision and move nothing."""
    deadline = command.deadline
    missed = state.missed.get(deadline)
    if (deadline, command.threshold, command.revision) in state.said:
        return []
    if state.warned.get((deadline, command.threshold)) == command.due:
        return []
    if missed is not None and command.due <= missed.due:
        return []
    if deadline.clock == "promise":
        return [
            DeadlineApproaching(
                case_id=command.case_id, cycle=deadline.cycle, threshold=command.threshold,
                revision=command.revision, due=command.due,
            )
        ]  # fmt: skip
    return [
        LimitApproaching(
            case_id=command.case_id, cycle=deadline.cycle, clock=deadline.clock, unit=deadline.unit,
            opened_by=deadline.opened_by, threshold=command.threshold, revision=command.revision, due=command.due,
        )
    ]  # fmt: skip


def _missed(command: Warn, state: Published) -> list[Fact]:
    deadline = command.deadline
    if deadline in state.missed:
        return []
    if deadline.clock == "promise":
        return [
            DeadlineMissed(
                case_id=command.case_id, cycle=deadline.cycle, revision=command.revision, due=command.due
            )
        ]  # fmt: skip
    return [
        LimitMissed(
            case_id=command.case_id, cycle=deadline.cycle, clock=deadline.clock, unit=deadline.unit,
            opened_by=deadline.opened_by, revision=command.revision, due=command.due,
        )
    ]  # fmt: skip


def _overrun(command: Warn, state: Published) -> list[Fact]:
    miss = state.missed.get(command.deadline)
    if miss is None or (miss.id, command.threshold) in state.escalated:
        return []
    return [
        DeadlineOverrun(
            case_id=command.case_id, cycle=command.deadline.cycle, step=command.threshold, due=miss.due, missed=miss.id
        )
    ]


promise: Decider[Command, Published] = Decider(category="promise", initial=Published(), decide=decide, evolve=evolve)
