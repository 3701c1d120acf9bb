"""When something is to be said of a promise that still runs. Pure: future instants from a judged cycle."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from deadlines.calendar import Calendar
from deadlines.entries import Escalation
from deadlines.errors import OutsideCalendar
from deadlines.instants import instant_of, second_of
from deadlines.promise import count
from events.contracts.terms import Limit
from sla.rows import CycleRow

WORKING_DAY = 8 * 3600
# A share of the promised working time that is still left when the warning is due.
SHARES = (("half", 0.5), ("four-fifths", 0.2))


class Timer(NamedTuple):
    """Say `threshold` of the promise's `revision` at `fires_at`, unless the case moves before."""

    case_id: str
    cycle: int
    threshold: str
    fires_at: datetime
    revision: int
    due: datetime


def timers(row: CycleRow, calendar: Calendar, withdrawn: int, steps: Iterable[Escalation] = ()) -> Iterator[Timer]:
    """The instants of an open cycle; none while it is paused or undetermined. `steps`: what is escalated after due.

    Warnings run to the appointment where an apology moved it, but for those that had passed by then; the miss runs to
    the due that the class keeps. Shares are of the promised time itself, without the pauses that moved due.
    """
    if row.ended_at is not None or row.due_at is None:
        return
    revision = row.revision + withdrawn
    received = second_of(row.received_at)
    target = row.appointment if row.extended_at and row.appointment else row.due_at
    end = second_of(target)
    paused = sum(
        # An apology may name a day before the pause is over: the rest of the pause was never promised.
        calendar.worked(max(second_of(since), received), min(second_of(until), end))
        for since, until in zip(row.pauses_from, row.pauses_to, strict=False)
        if second_of(since) < end
    )
    total = calendar.worked(received, end) - paused
    warnings = [(threshold, _before(calendar, end, int(total * left))) for threshold, left in SHARES]
    if total > WORKING_DAY:
        warnings.append(("one-day", _before(calendar, end, WORKING_DAY)))
    for threshold, fires_at in warnings:
        if row.extended_at is None or fires_at > row.extended_at:
            yield Timer(row.case_id, row.cycle, threshold, fires_at, revision, target)
    yield Timer(row.case_id, row.cycle, "due", row.due_at, revision, row.due_at)
    for step in steps:
        after = Limit(amount=step.after_working_days, unit="working_days")
        with suppress(OutsideCalendar):  # nobody looks at what is open after the last year of the calendars
            fires_at = instant_of(count(calendar, after, second_of(row.due_at)).due)
            yield Timer(row.case_id, row.cycle, step.step, fires_at, revision, row.due_at)


def _before(calendar: Calendar, end: int, seconds: int) -> datetime:
    """The instant at which so much working time is left before `end`."""
    return instant_of(calendar.at_mark(calendar.mark(end) - seconds))
