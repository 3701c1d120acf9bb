"""When a promise falls due: limits counted in days or in working time, and what a pause does to them.

The rules are those of the trade (Decision 09/2015/QD-TTg and Decree 61/2018/ND-CP, applied by analogy):
the day of receipt is not counted, and the customer's time before due moves due forward.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from deadlines.calendar import Calendar
from deadlines.entries import Cutoff
from deadlines.instants import Second, day_of, instant_of, midnight, second_of
from events.contracts.terms import Limit

NEVER: Second = 1 << 62
"""The end of a pause that is still open."""


class Pause(NamedTuple):
    """A stretch [begins, ends) in which somebody else's time runs."""

    begins: Second
    ends: Second


class Counted(msgspec.Struct, frozen=True, gc=False):
    """A due instant without pauses, and the instant from which time is counted towards it."""

    due: Second
    counts_from: Second
    """With a limit in working days: the midnight that ends the day of receipt. Otherwise receipt."""


def count(calendar: Calendar, limit: Limit, received: Second, cutoff: Cutoff = "transfer") -> Counted:
    """The due instant of a limit counted from receipt, before any pause. Raises OutsideCalendar.

    Working days: closing of the n-th working day after the local date of receipt; zero days: closing of the
    day of receipt itself, or of the next working day when received after the cut-off (15:00:00) or on a
    closed day. With `cutoff` "promise", receipt after the cut-off counts as the next working day.
    Working hours and minutes run from receipt.
    """
    if limit.unit != "working_days":
        seconds = limit.amount * (3600 if limit.unit == "working_hours" else 60)
        return Counted(calendar.after(received, seconds), received)
    day = day_of(received)
    late = received - midnight(day) > calendar.cutoff_at
    if limit.amount == 0:
        if late or not calendar.counts(day):
            day = calendar.nth_after(day, 1)
        return Counted(calendar.closing(day), midnight(day_of(received) + 1))
    if late and cutoff == "promise":
        day = calendar.nth_after(day, 1)
    return Counted(calendar.nth_closing(day, limit.amount), midnight(day + 1))


def moved(calendar: Calendar, counted: Counted, pauses: Iterable[Pause]) -> Second | None:
    """The due instant after pauses (apart from each other, in order); None while one that began before due is open.

    A pause that begins before due moves due forward by the working time inside it, counted as the promise
    counts; one that begins at or after due does not move it. Raises OutsideCalendar.
    """
    due = counted.due
    for begins, ends in pauses:
        if begins >= due:
            break
        if ends == NEVER:
            return None
        if ends > counted.counts_from:
            due = calendar.after(due, calendar.worked(max(begins, counted.counts_from), ends))
    return due


def merged(pauses: Iterable[tuple[Second, Second]]) -> list[Pause]:
    """Pauses in order, with those that overlap or touch joined into one."""
    joined: list[Pause] = []
    for begins, ends in sorted(pauses):
        if joined and begins <= joined[-1].ends:
            joined[-1] = Pause(joined[-1].begins, max(joined[-1].ends, ends))
        elif begins < ends:
            joined.append(Pause(begins, ends))
    return joined


def due(
    calendar: Calendar,
    limit: Limit | datetime,
    received: datetime,
    *,
    cutoff: Literal["transfer", "promise"] = "transfer",
    pauses: Iterable[tuple[datetime, datetime | None]] = (),
    restarted: datetime | None = None,
) -> datetime | None:
    """When a promise made at receipt falls due, as a UTC instant.

    `limit` is a length, or the instant itself where the receipt states one. A pause without an end is open:
    the answer is then None if it began before due. `restarted` is the last supplement that made a
    RESTART promise count anew; pauses before it no longer matter. A stated due cannot restart.
    """
    start = second_of(received)
    if isinstance(limit, datetime):
        counted = Counted(second_of(limit), start)
    else:
        start = second_of(restarted) if restarted is not None else start
        counted = count(calendar, limit, start, cutoff)
    spans = merged((second_of(begin), NEVER if end is None else second_of(end)) for begin, end in pauses)
    since = [Pause(max(begins, start), ends) for begins, ends in spans if ends > start]
    at = moved(calendar, counted, since)
    return None if at is None else instant_of(at)
