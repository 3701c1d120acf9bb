"""What other rules change: two judgements of one case side by side, and the counts over many. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from deadlines.verdict import Class
from events.contracts.rules import Impact
from sla.rows import CycleRow


class Change(NamedTuple):
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
        return tuple(kind for kind, is_so in zip(KINDS, happened, strict=True) if is_so)


KINDS: Final = ("due_moved", "verdicts_changed", "newly_overdue", "no_longer_overdue")


class Standing(NamedTuple):
    """What of a cycle a change is told from, as it stands in the live table; a CycleRow has the same names."""

    case_id: str
    cycle: int
    counter: str
    organisation: str
    unit: str
    due_at: datetime | None
    ended_at: datetime | None
    class_a: Class | None
    class_b: Class | None


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
    found = Counter(kind for change in changes for kind in change.kinds)
    return {kind: found[kind] for kind in KINDS}


def impact(cases: int, changes: Iterable[Change]) -> Impact:
    """The counts as a published rule carries them."""
    return Impact(cases=cases, **counts(changes))


def by_unit(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The same counts for each organisation and each counter, as the record counts dossiers; the most moved first."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        for kind, unit in (("organisation", change.organisation), ("counter", change.counter)):
            groups.setdefault((kind, unit), []).append(change)
    lines = [{"unit": unit, "kind": kind, **counts(own)} for (kind, unit), own in groups.items()]
    return sorted(lines, key=lambda line: (line["kind"] != "organisation", -line["due_moved"], line["unit"]))
