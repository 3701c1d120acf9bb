"""When something is to be said of what still runs: a promise, a step, an agency. Pure: instants of a judged case."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from deadlines.calendar import Calendar
from deadlines.entries import Escalation
from deadlines.errors import OutsideCalendar
from deadlines.instants import Second, instant_of, second_of
from deadlines.promise import count
from events.contracts.terms import Limit
from sla.judging.judge import Judgement
from sla.judging.rows import CycleRow, Deadline

WORKING_DAY = 8 * 3600
# A share of the promised working time that is still left when the warning is due.
SHARES = (("half", 0.5), ("four-fifths", 0.2))
Pauses = Iterable[tuple[Second, Second]]


class Timer(NamedTuple):
    """Say `threshold` of a deadline's `revision` at `fires_at`, unless the case moves before."""

    case_id: str
    deadline: Deadline
    threshold: str
    fires_at: datetime
    revision: int
    due: datetime


def timers(
    judgement: Judgement, calendar: Calendar, withdrawn: Mapping[str, int], steps: Iterable[Escalation] = ()
) -> Iterator[Timer]:
    """The instants of what runs in an open cycle; of what is paused or undetermined there are none.

    `withdrawn` are the misses that were taken back, by clock; `steps`: what of the promise is escalated after due.
    Shares are of the time that was given, without the pauses that moved due.
    """
    row = judgement.cycles[-1] if judgement.cycles else None
    if row is None or row.ended_at is not None:
        return
    yield from _promise(row, calendar, row.revision + withdrawn.get("promise", 0), steps)
    for deadline, began, due, pauses in _limits(judgement, row.cycle):
        revision = row.revision + withdrawn.get(deadline.clock, 0)
        for threshold, fires_at in _warnings(calendar, second_of(began), second_of(due), pauses):
            yield Timer(row.case_id, deadline, threshold, fires_at, revision, due)
        yield Timer(row.case_id, deadline, "due", due, revision, due)


def _limits(judgement: Judgement, cycle: int) -> Iterator[tuple[Deadline, datetime, datetime, Pauses]]:
    """What runs beside the promise: the step of the unit in charge, and what agencies were asked. No pause moves the
    latter."""
    stay = judgement.stays[-1]
    if stay.due_at is not None:
        began = second_of(stay.entered_at)
        own = (span for span in judgement.spans if span.cycle == cycle and span.start >= began)
        pauses = ((span.start, span.end) for span in own if span.clock != "utility")
        yield stay.deadline, stay.entered_at, stay.due_at, pauses
    for row in judgement.referrals:
        if row.cycle == cycle and row.due_at is not None and row.replied_at is None:
            yield row.deadline, row.referred_at, row.due_at, ()


def _promise(row: CycleRow, calendar: Calendar, revision: int, steps: Iterable[Escalation]) -> Iterator[Timer]:
    """Warnings run to the appointment where an apology moved it, but for those that had passed by then; the miss runs
    to the due that the class keeps."""
    if row.due_at is None:
        return
    target = row.appointment if row.extended_at and row.appointment else row.due_at
    pauses = (
        (second_of(since), second_of(until)) for since, until in zip(row.pauses_from, row.pauses_to, strict=False)
    )
    for threshold, fires_at in _warnings(calendar, second_of(row.received_at), second_of(target), pauses):
        if row.extended_at is None or fires_at > row.extended_at:
            yield Timer(row.case_id, row.deadline, threshold, fires_at, revision, target)
    yield Timer(row.case_id, row.deadline, "due", row.due_at, revision, row.due_at)
    for step in steps:
        after = Limit(amount=step.after_working_days, unit="working_days")
        with suppress(OutsideCalendar):  # nobody looks at what is open after the last year of the calendars
            fires_at = instant_of(count(calendar, after, second_of(row.due_at)).due)
            yield Timer(row.case_id, row.deadline, step.step, fires_at, revision, row.due_at)


def _warnings(calendar: Calendar, start: Second, end: Second, pauses: Pauses) -> Iterator[tuple[str, datetime]]:
    # An apology may name a day before the pause is over: the rest of the pause was never promised.
    paused = sum(calendar.worked(max(since, start), min(until, end)) for since, until in pauses if since < end)
    total = calendar.worked(start, end) - paused
    for threshold, left in SHARES:
        yield threshold, _before(calendar, end, int(total * left))
    if total > WORKING_DAY:
        yield "one-day", _before(calendar, end, WORKING_DAY)


def _before(calendar: Calendar, end: Second, seconds: int) -> datetime:
    """The instant at which so much working time is left before `end`."""
    return instant_of(calendar.at_mark(calendar.mark(end) - seconds))
