"""Ahead of time, on time or overdue: named versions of the same question, because the sources disagree.

A compares dates and goes on the record. B compares with the half-day session (OpenCPS v2, `BetimeUtils`).
C is the national indicator (Decision 766/QD-TTg). D compares the processed minutes of a step with its limit
(Bkav eGov). A, B and C of a dossier look at the end of processing, never at the day the customer collects.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

from deadlines.calendar import Calendar
from deadlines.instants import DAY, OFFSET, Second
from events.contracts.terms import Limit

Class = Literal["ahead", "on-time", "overdue"]

WORKING_DAY_MINUTES: Final = 480
"""A limit in working days as minutes of work, for classifier D."""
MINUTES: Final = {"working_days": WORKING_DAY_MINUTES, "working_hours": 60, "working_minutes": 1}


def by_date(finished: Second, due: Second) -> Class:
    """Classifier A: the local date of finishing against the local date of due; the time of day is ignored."""
    days = (finished + OFFSET) // DAY - (due + OFFSET) // DAY
    return "on-time" if not days else "ahead" if days < 0 else "overdue"


def by_session(calendar: Calendar, finished: Second, due: Second) -> Class:
    """Classifier B: ahead before the half-day session that holds due begins, on time until due, then overdue."""
    if finished > due:
        return "overdue"
    return "ahead" if finished < calendar.session_start(due) else "on-time"


def by_766(finished: Second, due: Second, supplements: int, of_dossier: int) -> Class:
    """Classifier C: on time up to the due instant itself, ahead merged into it; a second supplement request is late.

    `supplements` are the requests of this cycle, `of_dossier` those of all its cycles: a reopening does not give a
    second one away. A cycle without a request of its own is not late for those of another.
    """
    return "overdue" if finished > due or (supplements and of_dossier > 1) else "on-time"


def by_minutes(processed: int, limit: int) -> Class:
    """Classifier D: whole processed minutes of work against the step's limit in minutes, whatever the dates say."""
    if processed < limit:
        return "ahead"
    return "on-time" if processed == limit else "overdue"


def minutes_of(limit: Limit) -> int:
    """A limit as working minutes: a working day is 480 of them."""
    return limit.amount * MINUTES[limit.unit]


class Finished(NamedTuple):
    """Everything that some classifier asks about a finished piece of work. Without a due or a limit there is no class.

    `processed` and `limit` are whole minutes of work on the utility clock; only a step has them.
    """

    at: Second
    due: Second | None
    calendar: Calendar
    supplements: int = 0
    supplements_of_dossier: int = 0
    processed: int = 0
    limit: int | None = None


CLASSIFIERS: Final[Mapping[str, Callable[[Finished], Class | None]]] = {
    "A@1": lambda it: None if it.due is None else by_date(it.at, it.due),
    "B@1": lambda it: None if it.due is None else by_session(it.calendar, it.at, it.due),
    "C@1": lambda it: None if it.due is None else by_766(it.at, it.due, it.supplements, it.supplements),
    "C@2": lambda it: None if it.due is None else by_766(it.at, it.due, it.supplements, it.supplements_of_dossier),
    "D@1": lambda it: None if it.limit is None else by_minutes(it.processed, it.limit),
}
"""Every classifier by its name and version. A changed rule is a new version beside the old one, never an edit."""


def classes(finished: Finished) -> dict[str, Class | None]:
    """All classes of a finished piece of work at once, by classifier; None is undetermined."""
    return {version: classify(finished) for version, classify in CLASSIFIERS.items()}
