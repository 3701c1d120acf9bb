"""What was published about a case's promises: verdicts, warnings, misses. Pure; read from our own log, never judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from events.contracts.sla import (
    Class,
    DeadlineApproaching,
    DeadlineMissed,
    DeadlineMissWithdrawn,
    DeadlineOverrun,
    VerdictAmended,
    VerdictReached,
)
from events.decider import Said


class Verdict(NamedTuple):
    """A cycle's published verdict."""

    due: datetime | None
    released: datetime | None
    by_date: Class | None
    by_session: Class | None
    by_766: Class | None


@dataclass(frozen=True, slots=True)
class Published:
    """Per cycle: the last verdict, the thresholds that were said, the miss that stands. `withdrawn` counts misses
    that late facts disproved; each begins a new revision of the promise. `warned` is the instant that the last warning
    of a threshold ran to, `escalated` the steps that were said of each miss."""

    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    said: frozenset[tuple[int, str, int]] = frozenset()
    warned: Mapping[tuple[int, str], datetime] = field(default_factory=dict)
    missed: Mapping[int, DeadlineMissed] = field(default_factory=dict)
    missed_by: Mapping[int, str] = field(default_factory=dict)
    escalated: frozenset[tuple[str, str]] = frozenset()
    withdrawn: int = 0


def evolve(state: Published, said: Said) -> Published:
    match said.fact:
        case VerdictReached() | VerdictAmended() as it:
            verdict = Verdict(it.due, it.released, it.by_date, it.by_session, it.by_766)
            return replace(state, verdicts={**state.verdicts, it.cycle: verdict})
        case DeadlineApproaching() as it:
            said_now = state.said | {(it.cycle, it.threshold, it.revision)}
            return replace(state, said=said_now, warned={**state.warned, (it.cycle, it.threshold): it.due})
        case DeadlineMissed() as it:
            return replace(
                state, missed={**state.missed, it.cycle: it}, missed_by={**state.missed_by, it.cycle: said.id}
            )
        case DeadlineOverrun() as it:
            return replace(state, escalated=state.escalated | {(it.missed, it.step)})
        case DeadlineMissWithdrawn() as it:
            missed = {cycle: miss for cycle, miss in state.missed.items() if cycle != it.cycle}
            return replace(state, missed=missed, withdrawn=state.withdrawn + 1)
        case _:
            return state
