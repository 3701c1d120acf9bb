"""The monthly record: how many were handled ahead of time, on time and overdue, and exactly which ones. Pure counting.

Columns follow template II.06a/VPCP/KSTT. Every figure is the list of what it counts, so that it can be opened; the
identities are checked on what was counted, not on the sums.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from deadlines.verdict import Class
from events.contracts.terms import UnitKind
from sla.counting.annex import Delay, Dwell, Late, Parts, Stayed, delays, dwells, late, stayed
from sla.counting.line import CYCLES, Column, Cut, Item, Line
from sla.counting.periods import Period
from sla.judging.rows import ChargeRow, CycleRow, Outcome, ReferralRow, StayRow

CLASSIFIER: Final = "A@1"
"""Whose classes the columns of the template hold; "C@2" is in those of Decision 766."""

OTHER: Final = "other"
"""The service or field of dossiers whose receipt names none of the catalogue."""

ONLINE: Final = frozenset({"online", "zalo"})
"""Channels of the template's column 4; counter, post and hotline are its column 5."""

_CLASS_COLUMN: Final[Mapping[Class, Column]] = {"ahead": "ahead", "on-time": "on time", "overdue": "overdue"}
_OUTCOME_COLUMN: Final[Mapping[Outcome, Column]] = {
    "refused": "refused", "withdrawn": "withdrawn", "stopped": "stopped",
}  # fmt: skip
UNITS: Final[tuple[Cut, ...]] = ("organisation", "counter", "department", "team", "agency")
CUTS: Final[tuple[Cut, ...]] = ("service", "field", "channel", "district")


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one period: a line per unit that had anything to do with a dossier in it, by kind and code.

    `cuts` are lines of the same dossiers by service, field, channel and district.
    """

    period: Period
    lines: tuple[Line, ...]
    cuts: tuple[Line, ...] = ()
    annex: tuple[Late, ...] = ()
    delays: tuple[Delay, ...] = ()
    dwells: tuple[Dwell, ...] = ()
    stayed: tuple[Stayed, ...] = ()
    sound: bool = False
    """Each case's own record was checked when it was added to this one, which holds the sums alone."""

    def line(self, unit: str, kind: Cut | None = None) -> Line | None:
        """A unit's line, or a cut's."""
        return next(
            (line for line in (*self.lines, *self.cuts) if line.unit == unit and kind in (None, line.kind)), None
        )

    def broken(self, before: "Record | None" = None) -> list[str]:
        """Every identity that does not hold, also that what was open before is carried over now."""
        if self.sound:
            return []
        lines = (*self.lines, *self.cuts)
        found = [sentence for line in lines for sentence in line.broken()]
        found += [*self._cuts_that_differ(), *self._delays_that_differ()]
        if before is not None:
            earlier = (*before.lines, *before.cuts)
            then = {(line.kind, line.unit): line.items("open") for line in earlier if line.count("open")}
            now = {(line.kind, line.unit): line.items("carried over") for line in lines if line.count("carried over")}
            for key in sorted(then.keys() | now.keys()):
                if then.get(key, []) != now.get(key, []):
                    found.append(f"{key[1]}: open at the end of {before.period.until} is not what was carried over")
        return found

    def _cuts_that_differ(self) -> Iterator[str]:
        """Organisations, counters, services, fields, channels and districts each split up the same dossiers."""
        counted: dict[Cut, dict[Column, list[Item]]] = {}
        for line in (*self.lines, *self.cuts):
            if line.kind in CYCLES:
                sums = counted.setdefault(line.kind, {})
                for column, items in line.figures.items():
                    sums.setdefault(column, []).extend(items)
        whole = {column: sorted(items) for column, items in counted.get("organisation", {}).items()}
        for kind, sums in counted.items():
            if {column: sorted(items) for column, items in sums.items()} != whole:
                yield f"{kind}: does not count the dossiers of the organisations"

    def _delays_that_differ(self) -> Iterator[str]:
        released = [one for one in self.annex if one.released_at is not None]
        if sum(delay.seconds for delay in self.delays) != sum(one.delay_seconds for one in released):
            yield "delay by unit is not the delay of the dossiers"
        for kind in CYCLES:
            lines = [line for line in (*self.lines, *self.cuts) if line.kind == kind]
            if sum(line.delay_seconds for line in lines) != sum(one.delay_seconds for one in released):
                yield f"{kind}: its delay is not the delay of the dossiers"


def record(
    period: Period,
    kinds: Mapping[str, UnitKind],
    cycles: Iterable[CycleRow],
    stays: Iterable[StayRow] = (),
    referrals: Iterable[ReferralRow] = (),
    charges: Iterable[ChargeRow] = (),
) -> Record:
    """Counts a period: cycles for counters and organisations, stays for departments and teams, referrals for agencies.

    `kinds` says what each unit is; a unit that it does not know counts as a department, so that nothing is lost.
    """
    stays, referrals = list(stays), list(referrals)
    parts = Parts(stays, referrals, charges)
    lines: dict[tuple[Cut, str], Line] = {}
    channels: dict[tuple[str, int], str] = {}
    annex: list[Late] = []

    def line_of(kind: Cut, unit: str) -> Line:
        return lines.setdefault((kind, unit), Line(unit, kind))

    for row in cycles:
        channels[row.case_id, row.cycle] = row.channel
        columns = _of_cycle(row, period)
        if "overdue" in columns or "open overdue" in columns:
            annex.append(late(row, period, parts))
        for kind, key in _cuts_of(row):
            _book_cycle(line_of(kind, key), row, columns, period)
    for stay in stays:
        kind = kinds.get(stay.unit, "department")
        if kind in ("department", "team"):
            item = Item(stay.case_id, stay.cycle, str(stay.stay))
            _book(line_of(kind, stay.unit), item, _of_stay(stay, period, channels))
    for referral in referrals:
        item = Item(referral.case_id, referral.cycle, referral.referral)
        _book(line_of("agency", referral.agency), item, _of_referral(referral, period, channels))
    annex.sort(key=lambda one: one.item)
    return Record(
        period,
        in_order((line for line in lines.values() if line.figures), UNITS),
        in_order((line for line in lines.values() if line.figures), CUTS),
        tuple(annex),
        delays(annex),
        dwells(stays, period),
        stayed(stays, period),
    )


def in_order(lines: Iterable[Line], kinds: tuple[Cut, ...]) -> tuple[Line, ...]:
    """The lines of these kinds, kind by kind, by code."""
    own = (line for line in lines if line.kind in kinds)
    return tuple(sorted(own, key=lambda line: (kinds.index(line.kind), line.unit)))


def _cuts_of(row: CycleRow) -> tuple[tuple[Cut, str], ...]:
    return (
        ("organisation", row.organisation), ("counter", row.counter), ("service", row.service or OTHER),
        ("field", row.field or OTHER), ("channel", row.channel), ("district", row.district),
    )  # fmt: skip


def _of_cycle(row: CycleRow, period: Period) -> list[Column]:
    judged = row.determined and (row.ended_at is None or row.due_at is not None)
    columns = _columns(
        period, row.received_at, row.ended_at, row.due_at, row.incomplete, judged, row.class_a, row.channel
    )
    if "overdue" in columns:
        columns.append("with apology" if row.extended_at else "without apology")
    if "without result" in columns:
        columns.append(_OUTCOME_COLUMN[row.outcome])
    if "open" in columns and _paused_at(row, period.ends):
        columns.append("waiting")
    if "solved" in columns:
        columns.append("766 late" if row.class_c == "overdue" else "766 on time")
    elif "open" in columns and row.due_at is not None and row.due_at < period.late_before:
        # Decision 766 takes the end of the period as the end of what is unfinished.
        columns.append("766 pending late")
    return columns


def _book_cycle(line: Line, row: CycleRow, columns: Iterable[Column], period: Period) -> None:
    _book(line, Item(row.case_id, row.cycle), columns)
    if period.contains(row.ended_at) and not row.incomplete:
        if row.field == "MV" and row.released_at is not None:
            line.mv.append(row)
        if row.stars is not None:
            line.stars.append(row.stars)
            line.rated.append(Item(row.case_id, row.cycle))
        if "overdue" in columns:
            line.delay_seconds += row.delay_seconds


def _of_stay(row: StayRow, period: Period, channels: Mapping[tuple[str, int], str]) -> list[Column]:
    judged = row.determined and not (row.left_at is not None and row.class_a is None)
    channel = channels.get((row.case_id, row.cycle), "")
    columns = _columns(period, row.entered_at, row.left_at, row.due_at, row.incomplete, judged, row.class_a, channel)
    return [*columns, "without apology"] if "overdue" in columns else columns


def _of_referral(row: ReferralRow, period: Period, channels: Mapping[tuple[str, int], str]) -> list[Column]:
    over = row.replied_at or row.ended_at
    channel = channels.get((row.case_id, row.cycle), "")
    columns = _columns(period, row.referred_at, over, row.due_at, row.incomplete, row.determined, row.class_a, channel)
    return [*columns, "without apology"] if "overdue" in columns else columns


def _columns(
    period: Period,
    started: datetime,
    over: datetime | None,
    due: datetime | None,
    incomplete: bool,
    judged: bool,
    class_a: Class | None,
    channel: str,
) -> list[Column]:
    """The columns that something counts in: it started, and is over or not, before, in or after the period."""
    begins, ends = period.begins, period.ends
    if started >= ends or (over is not None and over < begins):
        return []
    if incomplete:
        return ["incomplete"]
    if not judged:
        return ["undetermined"]
    columns: list[Column] = ["carried over"]
    if started >= begins:
        columns = ["received", "received online" if channel in ONLINE else "received direct"]
    if over is not None and over < ends:
        # Column 9 of the template takes what ended without a result; it is also shown apart and in no ratio.
        columns += ["solved", _CLASS_COLUMN[class_a] if class_a else "on time"]
        if class_a is None:
            columns.append("without result")
    else:
        # A pause after the period cannot have moved a due that had passed within it, so today's due decides.
        overdue = due is not None and due < period.overdue_before
        columns += ["open", "open overdue" if overdue else "open in time"]
    return columns


def _paused_at(row: CycleRow, at: datetime) -> bool:
    ends = [*row.pauses_to, None] if len(row.pauses_to) < len(row.pauses_from) else row.pauses_to
    return any(begun < at and (over is None or over >= at) for begun, over in zip(row.pauses_from, ends, strict=True))


def _book(line: Line, item: Item, columns: Iterable[Column]) -> None:
    for column in columns:
        line.figures.setdefault(column, []).append(item)
