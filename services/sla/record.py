"""The monthly record: how many were handled ahead of time, on time and overdue, and exactly which ones. Pure counting.

Columns follow template II.06a/VPCP/KSTT. Every figure is the list of what it counts, so that it can be opened; the
identities are checked on what was counted, not on the sums.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from deadlines.entries import UnitKind
from deadlines.instants import DAY, day_on, instant_of, midnight
from deadlines.verdict import Class
from sla.rows import CycleRow, ReferralRow, StayRow

Column = Literal[
    "received", "carried over", "solved", "ahead", "on time", "overdue", "with apology", "without apology",
    "open", "open in time", "open overdue", "waiting", "without result", "undetermined", "incomplete",
]  # fmt: skip

WORKING_DAY: Final = 8 * 3600
"""A working day of the company in working seconds, by which averages are given."""

_CLASS_COLUMN: Final[Mapping[Class, Column]] = {"ahead": "ahead", "on-time": "on time", "overdue": "overdue"}


@dataclass(frozen=True, slots=True)
class Period:
    """Local dates [since, until)."""

    since: date
    until: date

    @property
    def begins(self) -> datetime:
        """The first instant."""
        return instant_of(midnight(day_on(self.since)))

    @property
    def ends(self) -> datetime:
        """The first instant after."""
        return instant_of(midnight(day_on(self.until)))

    @property
    def last_day_begins(self) -> datetime:
        """An open dossier due before this is overdue at the end of the period, by classifier A."""
        return self.ends - timedelta(seconds=DAY)


def month(year: int, number: int) -> Period:
    """A calendar month, the default period (the Government's own reports run from the 15th)."""
    return Period(date(year, number, 1), date(year + number // 12, number % 12 + 1, 1))


class Item(NamedTuple):
    """What was counted: a cycle (`part` empty), a stay (its number) or a referral (its event)."""

    case_id: str
    cycle: int
    part: str = ""


class Averages(NamedTuple):
    """Medium-voltage dossiers released in the period: mean days on each clock, and elapsed calendar days."""

    cases: int
    utility_days: float
    customer_days: float
    agency_days: float
    elapsed_days: float


class Ratings(NamedTuple):
    """Customers' marks of the cycles that ended in the period."""

    marks: int
    mean: float


@dataclass(slots=True)
class Line:
    """One unit's line of the record; filled while counting, then only read."""

    unit: str
    kind: UnitKind
    figures: dict[Column, list[Item]] = field(default_factory=dict)
    mv: list[CycleRow] = field(default_factory=list)
    stars: list[int] = field(default_factory=list)

    def items(self, column: Column) -> list[Item]:
        """What a figure counts, in order of case."""
        return sorted(self.figures.get(column, []))

    def count(self, column: Column) -> int:
        """A figure."""
        return len(self.figures.get(column, ()))

    @property
    def on_time_share(self) -> float | None:
        """(Ahead + on time) of those solved with a result; None, not available, when there are none."""
        with_result = self.count("solved") - self.count("without result")
        kept = self.count("ahead") + self.count("on time") - self.count("without result")
        return kept / with_result if with_result else None

    @property
    def mv_averages(self) -> Averages | None:
        """Mean days of medium-voltage dossiers; None when there are none."""
        cases = len(self.mv)
        if not cases:
            return None
        elapsed = sum((row.released_at - row.received_at).total_seconds() for row in self.mv if row.released_at)
        return Averages(
            cases,
            sum(row.utility_seconds for row in self.mv) / WORKING_DAY / cases,
            sum(row.customer_seconds for row in self.mv) / WORKING_DAY / cases,
            sum(row.agency_seconds for row in self.mv) / WORKING_DAY / cases,
            elapsed / DAY / cases,
        )

    @property
    def ratings(self) -> Ratings | None:
        """The mean mark; None when nobody rated."""
        return Ratings(len(self.stars), sum(self.stars) / len(self.stars)) if self.stars else None

    def broken(self) -> list[str]:
        """The identities that do not hold, each as a sentence; empty when the line is sound."""
        received, carried = set(self.items("received")), set(self.items("carried over"))
        solved, still = set(self.items("solved")), set(self.items("open"))
        classes = [self.count(column) for column in ("ahead", "on time", "overdue")]
        checks = {
            "received + carried over = solved + open": received | carried == solved | still
            and len(received) + len(carried) == len(solved) + len(still),
            "solved = ahead + on time + overdue": len(solved) == sum(classes),
            "open = in time + overdue": len(still) == self.count("open in time") + self.count("open overdue"),
            "overdue = with apology + without": classes[2]
            == self.count("with apology") + self.count("without apology"),
        }
        return [f"{self.unit}: {identity} does not hold" for identity, holds in checks.items() if not holds]


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one period: a line per unit that had anything to do with a dossier in it, by kind and code."""

    period: Period
    lines: tuple[Line, ...]

    def line(self, unit: str) -> Line | None:
        """A unit's line."""
        return next((line for line in self.lines if line.unit == unit), None)

    def broken(self, before: "Record | None" = None) -> list[str]:
        """Every identity that does not hold, also that what was open before is carried over now."""
        found = [sentence for line in self.lines for sentence in line.broken()]
        if before is not None:
            then = {line.unit: line.items("open") for line in before.lines if line.count("open")}
            now = {line.unit: line.items("carried over") for line in self.lines if line.count("carried over")}
            for unit in sorted(then.keys() | now.keys()):
                if then.get(unit, []) != now.get(unit, []):
                    found.append(f"{unit}: open at the end of {before.period.until} is not what was carried over")
        return found


def record(
    period: Period,
    kinds: Mapping[str, UnitKind],
    cycles: Iterable[CycleRow],
    stays: Iterable[StayRow] = (),
    referrals: Iterable[ReferralRow] = (),
) -> Record:
    """Counts a period: cycles for counters and organisations, stays for departments and teams, referrals for agencies.

    `kinds` says what each unit is; a unit that it does not know counts as a department, so that nothing is lost.
    """
    lines: dict[tuple[UnitKind, str], Line] = {}

    def line_of(kind: UnitKind, unit: str) -> Line:
        return lines.setdefault((kind, unit), Line(unit, kind))

    for row in cycles:
        for line in (line_of("counter", row.counter), line_of("organisation", row.organisation)):
            _count_cycle(line, row, period)
    for stay in stays:
        kind = kinds.get(stay.unit, "department")
        if kind in ("department", "team"):
            _count_stay(line_of(kind, stay.unit), stay, period)
    for referral in referrals:
        _count_referral(line_of("agency", referral.agency), referral, period)
    order: list[UnitKind] = ["organisation", "counter", "department", "team", "agency"]
    counted = [lines[key] for key in sorted(lines, key=lambda key: (order.index(key[0]), key[1]))]
    return Record(period, tuple(line for line in counted if line.figures))


def _count_cycle(line: Line, row: CycleRow, period: Period) -> None:
    item = Item(row.case_id, row.cycle)
    judged = row.determined and not (row.released_at is not None and row.class_a is None)
    columns = _columns(period, row.received_at, row.ended_at, row.due_at, row.incomplete, judged, row.class_a)
    if "overdue" in columns:
        columns.append("with apology" if row.extended_at else "without apology")
    if "open" in columns and _paused_at(row, period.ends):
        columns.append("waiting")
    _book(line, item, columns)
    if row.ended_at is not None and period.begins <= row.ended_at < period.ends and not row.incomplete:
        if row.field == "MV" and row.released_at is not None:
            line.mv.append(row)
        if row.stars is not None:
            line.stars.append(row.stars)


def _count_stay(line: Line, row: StayRow, period: Period) -> None:
    judged = row.determined and not (row.left_at is not None and row.class_a is None)
    columns = _columns(period, row.entered_at, row.left_at, row.due_at, row.incomplete, judged, row.class_a)
    if "overdue" in columns:
        columns.append("without apology")
    _book(line, Item(row.case_id, row.cycle, str(row.stay)), columns)


def _count_referral(line: Line, row: ReferralRow, period: Period) -> None:
    over = row.replied_at or row.ended_at
    columns = _columns(period, row.referred_at, over, row.due_at, row.incomplete, row.determined, row.class_a)
    if "overdue" in columns:
        columns.append("without apology")
    _book(line, Item(row.case_id, row.cycle, row.referral), columns)


def _columns(
    period: Period,
    started: datetime,
    over: datetime | None,
    due: datetime | None,
    incomplete: bool,
    judged: bool,
    class_a: Class | None,
) -> list[Column]:
    """The columns that something counts in: it started, and is over or not, before, in or after the period."""
    begins, ends = period.begins, period.ends
    if started >= ends or (over is not None and over < begins):
        return []
    if incomplete:
        return ["incomplete"]
    if not judged:
        return ["undetermined"]
    columns: list[Column] = ["received" if started >= begins else "carried over"]
    if over is not None and over < ends:
        # Column 9 of the template takes what ended without a result; it is also shown apart and in no ratio.
        columns += ["solved", _CLASS_COLUMN[class_a] if class_a else "on time"]
        if class_a is None:
            columns.append("without result")
    else:
        # A pause after the period cannot have moved a due that had passed within it, so today's due decides.
        late = due is not None and due < period.last_day_begins
        columns += ["open", "open overdue" if late else "open in time"]
    return columns


def _paused_at(row: CycleRow, at: datetime) -> bool:
    ends = [*row.pauses_to, None] if len(row.pauses_to) < len(row.pauses_from) else row.pauses_to
    return any(begun < at and (over is None or over >= at) for begun, over in zip(row.pauses_from, ends, strict=True))


def _book(line: Line, item: Item, columns: Iterable[Column]) -> None:
    for column in columns:
        line.figures.setdefault(column, []).append(item)
