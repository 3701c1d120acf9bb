"""Working time as an index: which seconds are worked, how many lie between two instants, and back again.

A calendar is built once from data for every day of 1990-2100. Every question is then a look-up in
running totals or one bisection, whatever the span.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Literal, NamedTuple

import holidays as national

from deadlines.errors import OutsideCalendar
from deadlines.instants import (
    DAY,
    Day,
    Second,
    date_of,
    day_of,
    day_on,
    instant_of,
    midnight,
    second_of,
)

FIRST, LAST = date(1990, 1, 1), date(2100, 12, 31)
FIRST_DAY: Day = day_on(FIRST)

Session = tuple[int, int]
"""Opening and closing of half a day, in seconds after local midnight."""
Kind = Literal["worked", "closed hours", "holiday"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Opening hours in force from a date on, on these weekdays (ISO numbers, 1 = Monday)."""

    since: date
    until: date | None
    sessions: tuple[Session, ...]
    weekdays: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A day that differs from the national calendar: off, worked as a make-up day, or worked for some sessions only."""

    on: date
    sessions: tuple[Session, ...] | None
    """None: a make-up day, which has the hours of the first weekday that is worked (Monday's); empty: off."""
    name: str


class Segment(NamedTuple):
    """A stretch of time that is worked, outside opening hours (nights, weekends), or a holiday."""

    start: Second
    end: Second
    kind: Kind


@lru_cache(maxsize=4)
def national_days(country: str) -> tuple[Mapping[date, str], frozenset[date]]:
    """The public holidays of a country, and the weekend days worked instead of one (package `holidays`, pinned)."""
    days = national.country_holidays(country, years=range(FIRST.year, LAST.year + 1))
    # A swap into the next year is only known to the package when both years are asked for, as here.
    return dict(days.items()), frozenset(days.weekend_workdays)


class Calendar:
    """The working time of one calendar version ("VN-PAC@2017.1").

    Methods on `Second` and `Day` are the quick core; those on datetime and date say the same for callers
    at the edge. Working time is in whole seconds. `cutoff_at` is the second of the local day after
    which a hand-over (or a promise, by service) belongs to the next working day.
    """

    __slots__ = (
        "_base", "_closes", "_closings", "_counted", "_days", "_holidays", "_mark_less_open", "_marks", "_opens",
        "cutoff_at", "id",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        *,
        country: str,
        hours: Sequence[Hours],
        overrides: Iterable[Override] = (),
        cutoff_at: int,
    ) -> None:
        self.id = id
        self.cutoff_at = cutoff_at
        off, made_up = national_days(country)
        self._holidays = {day_on(on): name for on, name in off.items()}
        special: dict[Day, tuple[Session, ...] | None] = {day_on(on): None for on in made_up}
        special |= dict.fromkeys(self._holidays, ())
        for override in overrides:
            day = day_on(override.on)
            special[day] = override.sessions
            if override.sessions == ():
                self._holidays[day] = override.name
            else:
                self._holidays.pop(day, None)
        self._base = FIRST_DAY
        self._days: list[tuple[Session, ...]] = _sessions_by_day(hours, special, self._base)
        self._counted = [self._base + number for number, sessions in enumerate(self._days) if sessions]
        self._closings: list[Second] = [self.closing(day) for day in self._counted]
        self._opens: list[Second] = []
        self._closes: list[Second] = []
        self._mark_less_open: list[int] = []
        self._marks: list[int] = []
        worked = 0
        for day in self._counted:
            zero = midnight(day)
            for opens, closes in self._days[day - self._base]:
                self._opens.append(zero + opens)
                self._closes.append(zero + closes)
                self._mark_less_open.append(worked - zero - opens)
                worked += closes - opens
                self._marks.append(worked)

    def __repr__(self) -> str:
        return f"Calendar({self.id!r})"

    # -- working time -------------------------------------------------------------------------

    def mark(self, second: Second) -> int:
        """The working seconds from the start of the span to an instant: rises only while somebody works."""
        place = bisect_right(self._opens, second) - 1
        if place < 0:
            return 0
        closes = self._closes[place]
        return self._mark_less_open[place] + (second if second < closes else closes)

    def at_mark(self, mark: int) -> Second:
        """The earliest second at which so much has been worked: the inverse of `mark`. Raises OutsideCalendar."""
        place = bisect_left(self._marks, mark)
        if place == len(self._marks) or mark <= 0:
            raise OutsideCalendar(f"{self.id} covers {FIRST} to {LAST}; the instant asked for lies beyond it")
        return mark - self._mark_less_open[place]

    def worked(self, start: Second, end: Second) -> int:
        """The working seconds in [start, end)."""
        return self.mark(end) - self.mark(start)

    def after(self, start: Second, seconds: int) -> Second:
        """The earliest second by which so many working seconds after `start` have passed; `start` itself for none."""
        return self.at_mark(self.mark(start) + seconds) if seconds else start

    # -- counted days -------------------------------------------------------------------------

    def counts(self, day: Day) -> bool:
        """Whether a local day is a working day."""
        number = day - self._base
        return 0 <= number < len(self._days) and bool(self._days[number])

    def nth_after(self, day: Day, n: int) -> Day:
        """The n-th working day after a local day (n of at least 1). Raises OutsideCalendar."""
        return self._counted[self._nth(day, n)]

    def nth_closing(self, day: Day, n: int) -> Second:
        """When the n-th working day after a local day ends (n of at least 1). Raises OutsideCalendar."""
        return self._closings[self._nth(day, n)]

    def _nth(self, day: Day, n: int) -> int:
        place = bisect_right(self._counted, day) + n - 1
        if day >= FIRST_DAY and place < len(self._counted):
            return place
        raise OutsideCalendar(f"{self.id} covers {FIRST} to {LAST}; {date_of(day)} + {n} working days lies beyond it")

    def counted_between(self, day: Day, later: Day) -> int:
        """How many working days lie after one local day, up to and with another."""
        return bisect_right(self._counted, later) - bisect_right(self._counted, day)

    def opening(self, day: Day) -> Second:
        """When a working day begins. Raises OutsideCalendar for a day that is not worked."""
        return midnight(day) + self._sessions(day)[0][0]

    def closing(self, day: Day) -> Second:
        """When a working day ends; its last second where that is 24:00, for a promise is due on its day.

        Raises OutsideCalendar for a day that is not worked.
        """
        return midnight(day) + min(self._sessions(day)[-1][1], DAY - 1)

    def session_start(self, second: Second) -> Second:
        """When the half-day session that holds an instant began; in closed hours, the last one that began before."""
        place = bisect_right(self._opens, second) - 1
        if place < 0:
            raise OutsideCalendar(f"{self.id} covers {FIRST} to {LAST}; {instant_of(second)} lies beyond it")
        return self._opens[place]

    def _sessions(self, day: Day) -> tuple[Session, ...]:
        if not self.counts(day):
            raise OutsideCalendar(f"{date_of(day)} is not a working day of {self.id}")
        return self._days[day - self._base]

    def differs_from(self, other: "Calendar") -> list[Day]:
        """The local days on which other sessions are worked, in order."""
        pairs = zip(self._days, other._days, strict=True)
        return [self._base + number for number, (ours, theirs) in enumerate(pairs) if ours != theirs]

    # -- for print ----------------------------------------------------------------------------

    def segments(self, start: Second, end: Second) -> Iterator[Segment]:
        """Tiles [start, end) by what kind of time it is; neighbours differ in kind."""
        held: Segment | None = None
        for piece in self._pieces(start, end):
            if held is not None and held.kind == piece.kind:
                held = Segment(held.start, piece.end, piece.kind)
            else:
                if held is not None:
                    yield held
                held = piece
        if held is not None:
            yield held

    def _pieces(self, start: Second, end: Second) -> Iterator[Segment]:
        for day in range(day_of(start), day_of(end) + 1):
            zero = midnight(day)
            edge = zero
            for opens, closes in self._days[day - self._base] if self.counts(day) else ():
                yield from _clip(edge, zero + opens, "closed hours", start, end)
                yield from _clip(zero + opens, zero + closes, "worked", start, end)
                edge = zero + closes
            rest: Kind = "holiday" if day in self._holidays else "closed hours"
            yield from _clip(edge, zero + DAY, rest, start, end)

    def holiday(self, on: date) -> str | None:
        """The name of the holiday on a date, if it is one."""
        return self._holidays.get(day_on(on))

    # -- the same for datetimes ---------------------------------------------------------------

    def is_working_day(self, on: date) -> bool:
        """Whether a date counts as a working day."""
        return self.counts(day_on(on))

    def nth_working_day(self, after: date, n: int) -> date:
        """The n-th working day after a date (n of at least 1)."""
        return date_of(self.nth_after(day_on(after), n))

    def working_days_between(self, after: date, until: date) -> int:
        """Working days after one date, up to and with another."""
        return self.counted_between(day_on(after), day_on(until))

    def opening_of(self, on: date) -> datetime:
        """The UTC instant at which a working day begins."""
        return instant_of(self.opening(day_on(on)))

    def closing_of(self, on: date) -> datetime:
        """The UTC instant at which a working day ends."""
        return instant_of(self.closing(day_on(on)))

    def working_seconds(self, start: datetime, end: datetime) -> int:
        """Working seconds in [start, end)."""
        return self.worked(second_of(start), second_of(end))

    def add_working_seconds(self, start: datetime, seconds: int) -> datetime:
        """The earliest instant by which so many working seconds after `start` have passed."""
        return instant_of(self.after(second_of(start), seconds))


def _clip(begin: Second, close: Second, kind: Kind, start: Second, end: Second) -> Iterator[Segment]:
    begin, close = max(begin, start), min(close, end)
    if begin < close:
        yield Segment(begin, close, kind)


def _sessions_by_day(
    hours: Sequence[Hours], special: Mapping[Day, tuple[Session, ...] | None], base: Day
) -> list[tuple[Session, ...]]:
    """The sessions of every day of the span. No two hours of one weekday are in force at once."""
    days: list[tuple[Session, ...]] = [()] * (day_on(LAST) - base + 1)
    ordinary: list[tuple[Session, ...]] = [()] * len(days)  # of the earliest weekday that is worked
    for era in sorted(hours, key=lambda era: min(era.weekdays, default=0), reverse=True):
        first = max(day_on(era.since), base)
        last = day_on(min(era.until or LAST, LAST))
        for day in range(first, last + 1):
            ordinary[day - base] = era.sessions
            # 1970-01-01, day 0, was a Thursday: ISO weekday 4.
            if (day + 3) % 7 + 1 in era.weekdays:
                days[day - base] = era.sessions
    for day, sessions in special.items():
        if 0 <= day - base < len(days):
            days[day - base] = ordinary[day - base] if sessions is None else sessions
    return days
