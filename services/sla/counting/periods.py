"""The stretch of time that a record is about: local dates, first and first after, by themselves or by a name."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from deadlines.instants import DAY, day_on, instant_of, midnight


@dataclass(frozen=True)
class Period:
    """Local dates [since, until). Without slots: its instants, with which every row is compared, are made once."""

    since: date
    until: date
    seen: date | None = None
    """Of a period that is not over: the local date that it is."""

    @property
    def id(self) -> str:
        """Its name in streams and addresses: 2017-07-01-2017-08-01."""
        return f"{self.since}-{self.until}"

    @cached_property
    def begins(self) -> datetime:
        """The first instant."""
        return instant_of(midnight(day_on(self.since)))

    @cached_property
    def ends(self) -> datetime:
        """The first instant after."""
        return instant_of(midnight(day_on(self.until)))

    @cached_property
    def overdue_before(self) -> datetime:
        """An open dossier due before this is overdue by classifier A: the last day of the period begins, or today."""
        return instant_of(midnight(day_on(self.seen))) if self.seen else self.ends - timedelta(seconds=DAY)

    @cached_property
    def late_before(self) -> datetime:
        """The same by Decision 766, which compares instants: the period ends, or today begins."""
        return self.overdue_before if self.seen else self.ends

    def on(self, today: date) -> "Period":
        """The period as it is to be told of on a local date: nothing is late before its time has come."""
        return Period(self.since, self.until, max(today, self.since) if today < self.until else None)

    def contains(self, instant: datetime | None) -> bool:
        """Whether something happened in it."""
        return instant is not None and self.begins <= instant < self.ends


def month(year: int, number: int) -> Period:
    """A calendar month, the default period."""
    return Period(date(year, number, 1), _first_of_next(date(year, number, 1)))


def ending_in(first_day: int, year: int, number: int) -> Period:
    """The period of a kind that begins on `first_day` of a month and that ends within this month.

    With 1 it is the month itself; with 15 it runs from the 15th of the month before to the 14th.
    """
    if first_day == 1:
        return month(year, number)
    last = date(year, number, 1) - timedelta(days=1)
    return Period(last.replace(day=first_day), date(year, number, first_day))


def _first_of_next(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
