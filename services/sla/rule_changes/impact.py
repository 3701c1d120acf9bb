"""What other rules change: two judgements of one case side by side, and the counts over many. Pure."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, compress
from typing import Any, Final, NamedTuple, Self

import msgspec

from deadlines.instants import DAY, Day, Second, midnight, second_of
from deadlines.verdict import Class
from events.contracts.rules import Impact
from sla.judging.case_rules import Rules
from sla.judging.rows import CycleRow


class Change(msgspec.Struct, frozen=True):
    """A cycle that other rules judge otherwise. The instants are due instants; `late` is overdue, released or not."""

    case_id: str
    cycle: int
    counter: str
    organisation: str
    unit: str
    """The unit in charge, or the counter after release."""
    due: datetime | None
    new_due: datetime | None
    by_date: Class | None
    new_by_date: Class | None
    by_session: Class | None
    new_by_session: Class | None
    late: bool
    new_late: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        """In which counts the change appears."""
        verdict = (self.by_date, self.by_session) != (self.new_by_date, self.new_by_session)
        happened = (self.due != self.new_due, verdict, self.new_late > self.late, self.late > self.new_late)
        return tuple(compress(KINDS, happened))


KINDS: Final = ("due_moved", "verdicts_changed", "newly_overdue", "no_longer_overdue")


class Standing(NamedTuple):
    """What of a cycle a change is told from, as it stands in the live table; a CycleRow has the same names."""

    case_id: str
    cycle: int
    counter: str
    organisation: str
    unit: str
    service: str | None
    determined: bool
    received_at: datetime
    judged_to: datetime
    due_at: datetime | None
    ended_at: datetime | None
    class_a: Class | None
    class_b: Class | None


AROUND: Final = 15 * DAY
"""Seconds before and after a cycle that count as within it: class B looks back over the longest closed stretch."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which cases other rules can change at all: those of some services, those that live through some days, or all.

    Due and both classes are computed from the working time between receipt and the later of due and the last fact.
    """

    everything: bool
    services: frozenset[str]
    days: tuple[Second, ...]
    """The midnights of the days on which a calendar and what stands for it differ, in order."""

    @classmethod
    def of(cls, before: Rules, after: Rules) -> Self:
        """What lies between two sets of rules."""
        everything = before.clock_policy != after.clock_policy
        days: set[Day] = set()
        for id in after.catalogue.calendars:
            old, new = before.revised.get(id, id), after.revised.get(id, id)
            if old != new:
                one, other = after.catalogue.calendar(old), after.catalogue.calendar(new)
                everything = everything or one.cutoff_at != other.cutoff_at
                days.update(one.differs_from(other))
        services = [id for id in after.catalogue.services if before.revised.get(id, id) != after.revised.get(id, id)]
        return cls(everything, frozenset(services), tuple(midnight(day) for day in sorted(days)))

    def may_change(self, cycles: Sequence[Standing]) -> bool:
        """Whether a case with these cycles can be judged otherwise. One without a due may get it from a new version."""
        if self.everything or any(not row.determined or row.service in self.services for row in cycles):
            return True
        first = min(second_of(row.received_at) for row in cycles) - AROUND
        last = max(second_of(max(row.judged_to, row.due_at or row.judged_to)) for row in cycles) + AROUND
        return bisect_left(self.days, first) < bisect_right(self.days, last)


def differences(before: Iterable[Standing | CycleRow], after: Iterable[CycleRow], now: datetime) -> list[Change]:
    """The cycles of a case that differ in due, verdict or lateness. The facts are the same, so the cycles are."""
    changes = []
    for row, new in zip(before, after, strict=True):
        change = Change(
            row.case_id, row.cycle, row.counter, row.organisation, row.unit, row.due_at, new.due_at,
            row.class_a, new.class_a, row.class_b, new.class_b, _late(row, now), _late(new, now),
        )  # fmt: skip
        if change.kinds:
            changes.append(change)
    return changes


def _late(row: Standing | CycleRow, now: datetime) -> bool:
    """Released overdue by date, or open past its due instant: as the record and the overdue list have it."""
    if row.ended_at is not None:
        return row.class_a == "overdue"
    return row.due_at is not None and row.due_at < now


def counts(changes: Iterable[Change]) -> dict[str, int]:
    """How many cycles change in each way."""
    found = Counter(chain.from_iterable(change.kinds for change in changes))
    return {kind: found[kind] for kind in KINDS}


def impact(cases: int, changes: Iterable[Change]) -> Impact:
    """The counts as a published rule carries them."""
    return Impact(cases=cases, **counts(changes))


def by_unit(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The same counts for each organisation and each counter, as the record counts dossiers; the most moved first."""
    alike = Counter((change.organisation, change.counter, change.kinds) for change in changes)
    groups: dict[tuple[str, str], Counter[str]] = {}
    for (organisation, counter, kinds), cycles in alike.items():
        for group in (("organisation", organisation), ("counter", counter)):
            groups.setdefault(group, Counter()).update(dict.fromkeys(kinds, cycles))
    lines = [
        {"unit": unit, "kind": kind, **{column: found[column] for column in KINDS}}
        for (kind, unit), found in groups.items()
    ]
    return sorted(lines, key=lambda line: (line["kind"] != "organisation", -line["due_moved"], line["unit"]))
