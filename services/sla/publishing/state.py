"""What was published about a case: verdicts, and what was said of its deadlines. Pure; from our own log, not judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from events.commands.decider import Said
from events.contracts.sla import (
    Class,
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
from sla.judging.rows import Deadline


class Verdict(NamedTuple):
    """A cycle's published verdict."""

    due: datetime | None
    released: datetime | None
    by_date: Class | None
    by_session: Class | None
    by_766: Class | None


class Miss(NamedTuple):
    """A miss that was said and stands: the event that said it, and the due that was missed."""

    id: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """The last verdict of each cycle; per deadline the thresholds that were said and the miss that stands.

    `warned` is the instant that the last warning of a threshold ran to, `escalated` the steps that were said of each
    miss. `withdrawn` counts, by clock, the misses that late facts disproved; each begins a new revision there.
    """

    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    said: frozenset[tuple[Deadline, str, int]] = frozenset()
    warned: Mapping[tuple[Deadline, str], datetime] = field(default_factory=dict)
    missed: Mapping[Deadline, Miss] = field(default_factory=dict)
    escalated: frozenset[tuple[str, str]] = frozenset()
    withdrawn: Mapping[str, int] = field(default_factory=dict)


def evolve(state: Published, said: Said) -> Published:
    match said.fact:
        case VerdictReached() | VerdictAmended() as it:
            verdict = Verdict(it.due, it.released, it.by_date, it.by_session, it.by_766)
            return replace(state, verdicts={**state.verdicts, it.cycle: verdict})
        case DeadlineApproaching() | LimitApproaching() as it:
            deadline = _deadline(it)
            said_now = state.said | {(deadline, it.threshold, it.revision)}
            return replace(state, said=said_now, warned={**state.warned, (deadline, it.threshold): it.due})
        case DeadlineMissed() | LimitMissed() as it:
            return replace(state, missed={**state.missed, _deadline(it): Miss(said.id, it.due)})
        case DeadlineOverrun() as it:
            return replace(state, escalated=state.escalated | {(it.missed, it.step)})
        case DeadlineMissWithdrawn() | LimitMissWithdrawn() as it:
            gone = _deadline(it)
            missed = {deadline: miss for deadline, miss in state.missed.items() if deadline != gone}
            withdrawn = {**state.withdrawn, gone.clock: state.withdrawn.get(gone.clock, 0) + 1}
            return replace(state, missed=missed, withdrawn=withdrawn)
        case _:
            return state


def _deadline(
    it: DeadlineApproaching
    | DeadlineMissed
    | DeadlineMissWithdrawn
    | LimitApproaching
    | LimitMissed
    | LimitMissWithdrawn,
) -> Deadline:
    if isinstance(it, LimitApproaching | LimitMissed | LimitMissWithdrawn):
        return Deadline(it.cycle, it.clock, it.unit, it.opened_by)
    return Deadline(it.cycle)
