"""Ahead of time, on time or overdue: named versions of the same question, because the sources disagree.

A compares dates and goes on the record. B compares with the half-day session (OpenCPS v2, `BetimeUtils`).
Both look at the release, never at the day the customer collects.
"""

from typing import Literal

from deadlines.calendar import Calendar
from deadlines.instants import Second, day_of

Class = Literal["ahead", "on-time", "overdue"]


def by_date(finished: Second, due: Second) -> Class:
    """Classifier A: the local date of finishing against the local date of due; the time of day is ignored."""
    finished_day, due_day = day_of(finished), day_of(due)
    if finished_day < due_day:
        return "ahead"
    return "on-time" if finished_day == due_day else "overdue"


def by_session(calendar: Calendar, finished: Second, due: Second) -> Class:
    """Classifier B: ahead before the half-day session that holds due begins, on time until due, then overdue."""
    if finished > due:
        return "overdue"
    return "ahead" if finished < calendar.session_start(due) else "on-time"
