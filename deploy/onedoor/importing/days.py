"""When an event happened of which a table says only the day. Pure.

A receipt lies at the opening of its day, so that nothing of that day precedes it; any other act at the closing, so that
it counts on its day and is not before what was done in that day's hours. Events of one instant are then ordered by what
can follow what.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from deadlines.calendar import Calendar
from deadlines.instants import local_date
from events.contracts.ranks import RANKS
from onedoor.screen import VIETNAM

RECEIPT: Final = "ApplicationReceived"
REOPENED: Final = "CaseReopened"
ENDS: Final = frozenset(
    {"DossierReturned", "ApplicationRefused", "ApplicationWithdrawn", "ProcessingStopped", "CaseClosed"}
)


@dataclass(frozen=True, slots=True)
class Days:
    """Places the events of dossiers in their days, beside those of which the instant is known."""

    calendar: Calendar
    _known: dict[tuple[str, date], list[tuple[str, datetime]]] = field(default_factory=lambda: defaultdict(list))
    _reopened: set[str] = field(default_factory=set)

    def known(self, case_id: str, kind: str, at: datetime) -> None:
        """An event of which the instant is known. All of them are told before any day is asked for."""
        self._known[case_id, local_date(at)].append((kind, at))

    def of(self, case_id: str, kind: str) -> None:
        """An event, whatever is known of its time."""
        if kind == REOPENED:
            self._reopened.add(case_id)

    def opening(self, on: date) -> datetime:
        """When a day begins; one that is not worked at midnight."""
        return self.calendar.opening_of(on) if self.calendar.is_working_day(on) else _local(on, time())

    def closing(self, on: date) -> datetime:
        """When a day ends; one that is not worked with its last second."""
        return self.calendar.closing_of(on) if self.calendar.is_working_day(on) else _local(on, time(23, 59, 59))

    def place(self, case_id: str, kind: str, on: date, question: datetime | None = None) -> datetime:
        """The instant of an event of a day. `question`: when what it answers was asked.

        Never before what precedes it in the dossier on that day, and not behind an end of that day whose instant is
        known: the closing is only a guess.
        """
        rank, known = RANKS[kind], self._known.get((case_id, on), ())
        if kind == RECEIPT:
            return min([self.opening(on), *(at for _, at in known)])
        at = self.closing(on)
        if case_id not in self._reopened:
            at = min([at, *_instants(known, lambda other: other in ENDS and RANKS[other] > rank)])
        asked = [question] if question is not None else []
        return max([at, *_instants(known, lambda other: RANKS[other] < rank), *asked])


def _instants(known: list[tuple[str, datetime]] | tuple[()], which: Callable[[str], bool]) -> list[datetime]:
    return [at for kind, at in known if which(kind)]


def first_of(on: date) -> datetime:
    """The first instant of a day."""
    return _local(on, time())


def last_of(on: date) -> datetime:
    """The last instant of a day."""
    return _local(on, time()) + timedelta(days=1, microseconds=-1)


def _local(on: date, clock: time) -> datetime:
    return datetime.combine(on, clock, VIETNAM).astimezone(UTC)
