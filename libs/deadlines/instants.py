"""Instants as whole seconds, and the local day that they fall on.

The arithmetic runs on `Second`, seconds since 1970-01-01T00:00Z; a fraction of a second is dropped at
the door, so that sums of parts equal the whole. Viet Nam has no daylight saving: local time is +07:00.
"""

from datetime import UTC, date, datetime

Second = int
"""Whole seconds since 1970-01-01T00:00Z."""
Day = int
"""Local days since 1970-01-01, in Asia/Ho_Chi_Minh."""

DAY = 86_400
OFFSET = 7 * 3600

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def second_of(instant: datetime) -> Second:
    """The whole second that an aware instant falls in."""
    since = instant - _EPOCH
    return since.days * DAY + since.seconds


def instant_of(second: Second) -> datetime:
    """The UTC instant of a second."""
    return datetime.fromtimestamp(second, UTC)


def day_of(second: Second) -> Day:
    """The local day of a second."""
    return (second + OFFSET) // DAY


def midnight(day: Day) -> Second:
    """The first second of a local day."""
    return day * DAY - OFFSET


def date_of(day: Day) -> date:
    """The calendar date of a local day."""
    return date.fromordinal(day + _EPOCH_ORDINAL)


def day_on(on: date) -> Day:
    """The local day of a calendar date."""
    return on.toordinal() - _EPOCH_ORDINAL


def local_date(instant: datetime) -> date:
    """The date on the wall of a counter at an instant."""
    return date_of(day_of(second_of(instant)))
