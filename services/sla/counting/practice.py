"""How a unit came by its record: what stops, moves or ends promises, counted so that gaming is visible. Pure.

Apart from the record, which counts outcomes. No figure here is a fault by itself; each opens to its dossiers.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from events.contracts.terms import UnitKind
from sla.counting.periods import Period
from sla.judging.rows import Act, CycleRow, StayRow

ACTS: tuple[Act, ...] = get_args(Act)


@dataclass(slots=True)
class Practice:
    """One unit's acts in a period, and of what ended in it how much working time (seconds) was somebody else's."""

    unit: str
    kind: UnitKind
    acts: dict[Act, list[str]] = field(default_factory=lambda: {act: [] for act in ACTS})
    """Per act the dossier of each, so that a dossier may stand there more than once."""
    paused_seconds: int = 0
    working_seconds: int = 0
    ended: list[str] = field(default_factory=list)
    """The dossiers that the share is counted from."""

    @property
    def paused_share(self) -> float | None:
        """Paused of all working time; None, not available, when nothing ended or no working time passed."""
        return self.paused_seconds / self.working_seconds if self.working_seconds else None


def practice(
    period: Period, kinds: Mapping[str, UnitKind], cycles: Iterable[CycleRow], stays: Iterable[StayRow]
) -> list[Practice]:
    """Counts the acts of a period by when each happened, for the organisation, the counter and the unit in charge.

    The rows are those that ran at some instant of the period. An act of a department counts where the dossier was
    then, whoever entered it. The paused share is of cycles (stays, for departments and teams) that ended in the period.
    """
    found: dict[tuple[UnitKind, str], Practice] = {}

    def of(kind: UnitKind, unit: str) -> Practice:
        return found.setdefault((kind, unit), Practice(unit, kind))

    in_charge: dict[tuple[str, int], list[StayRow]] = {}
    for stay in sorted(stays, key=lambda stay: (stay.case_id, stay.cycle, stay.stay)):
        kind = kinds.get(stay.unit, "department")
        if kind not in ("department", "team"):
            continue
        in_charge.setdefault((stay.case_id, stay.cycle), []).append(stay)
        if _within(period, stay.left_at):
            _add(of(kind, stay.unit), stay.case_id, stay.paused_seconds, stay.utility_seconds)
    for row in cycles:
        doors = [of("organisation", row.organisation), of("counter", row.counter)]
        if _within(period, row.ended_at):
            paused = row.customer_seconds + row.agency_seconds
            for door in doors:
                _add(door, row.case_id, paused, row.utility_seconds)
        for act, at in zip(row.acts, row.acts_at, strict=True):
            if not _within(period, at):
                continue
            unit = _unit_at(in_charge.get((row.case_id, row.cycle), []), at)
            hands = [of(kinds.get(unit, "department"), unit)] if unit else []
            for one in (*doors, *hands):
                one.acts[act].append(row.case_id)
    order: list[UnitKind] = ["organisation", "counter", "department", "team", "agency"]
    return [
        found[key]
        for key in sorted(found, key=lambda key: (order.index(key[0]), key[1]))
        if found[key].ended or any(found[key].acts.values())
    ]


def _add(one: Practice, case_id: str, paused: int, utility: int) -> None:
    one.ended.append(case_id)
    one.paused_seconds += paused
    one.working_seconds += paused + utility


def _within(period: Period, at: datetime | None) -> bool:
    return at is not None and period.begins <= at < period.ends


def _unit_at(stays: list[StayRow], at: datetime) -> str | None:
    """The department or team in charge at an instant; None while the counter was."""
    place = bisect_right(stays, at, key=lambda stay: stay.entered_at)
    if not place:
        return None
    last = stays[place - 1]
    return last.unit if last.left_at is None or at <= last.left_at else None
