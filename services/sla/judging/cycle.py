"""One cycle while it is judged: the unit in charge, who is waited for, and the time that each of them uses.

`Cycle` is the judge's own working state and is thrown away after it; what stays are its rows (`row_builder`).
"""

from datetime import datetime
from typing import Literal, NamedTuple

from deadlines.calendar import Calendar
from deadlines.errors import OutsideCalendar
from deadlines.instants import Second
from deadlines.promise import NEVER, Counted, Pause, moved
from events.contracts.intake import ApplicationReceived
from events.contracts.terms import Limit
from sla.judging.rows import Act, Clock, Outcome, Span

Stretch = tuple[str, int, int]
"""The unit in charge, and the calendar's marks between which it worked on the utility's clock."""


class Wait(NamedTuple):
    """An entry of the waiting set: the event that opened it, and whose answer is awaited."""

    opened_by: str
    clock: Literal["customer", "agency"]
    holder: str
    why: str
    may_restart: bool = False
    """A supplement asked for before the promise ran out: its answer may make the days count anew."""


class Referral:
    """A question to an agency on a clock of its own."""

    __slots__ = ("agency", "at", "due", "id", "matter", "replied", "reply")

    def __init__(self, id: str, agency: str, matter: str, at: Second, due: Second | None) -> None:
        self.id, self.agency, self.matter, self.at, self.due = id, agency, matter, at, due
        self.replied: Second | None = None
        self.reply: str | None = None


class Stay:
    """A unit's time in charge, with its utility and paused working time; its stretches are `[first:last]`."""

    __slots__ = (
        "ack_limit", "acknowledged", "at", "by", "first", "last", "left", "limit", "paused", "step", "unit", "utility",
    )  # fmt: skip

    def __init__(
        self, unit: str, step: str, at: Second, by: str, limit: Limit | None, ack_limit: Limit | None, first: int
    ) -> None:
        self.unit, self.step, self.at, self.by, self.limit, self.ack_limit = unit, step, at, by, limit, ack_limit
        self.acknowledged: Second | None = None
        self.left: Second | None = None
        self.utility = self.paused = 0
        self.first = self.last = first


class Cycle:
    """One run from receipt or reopening to release. `at`, `since` and every other instant is a `Second`."""

    __slots__ = (
        "acts", "agency_seconds", "appointment", "because", "calendar", "clock", "closed", "corrections", "counted",
        "customer_seconds", "ended", "extended", "field", "holder", "mark", "number", "outcome", "paused", "pauses",
        "receipt", "referrals", "released", "revision", "since", "spans", "stars", "start", "stay",
        "stays", "stretches", "supplements", "unit", "utility_obstacles", "utility_seconds", "waiting", "why",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        receipt: ApplicationReceived,
        calendar: Calendar,
        start: Second,
        because: str,
        counted: Counted | None,
        revision: int,
        field: str | None,
        counts_from: Second,
    ) -> None:
        self.number, self.receipt, self.calendar, self.start = number, receipt, calendar, start
        self.counted, self.revision, self.field = counted, revision, field
        # What was already worked when time began to count: everything before is the day of receipt.
        self.mark = calendar.mark(counts_from)
        self.since, self.because = start, because
        self.unit = receipt.counter
        self.clock: Clock = "utility"
        self.holder = self.unit
        self.why: str | None = None
        self.waiting: list[Wait] = []
        self.utility_obstacles: set[str] = set()
        self.paused: Second | None = None
        self.pauses: list[Pause] = []
        self.utility_seconds = self.customer_seconds = self.agency_seconds = 0
        self.spans: list[Span] = []
        self.stretches: list[Stretch] = []
        self.stay = Stay(self.unit, "reception", start, because, None, None, 0)
        self.stays = [self.stay]
        self.referrals: list[Referral] = []
        self.appointment: datetime | None = None
        self.extended: Second | None = None
        self.supplements = self.corrections = 0
        self.acts: list[tuple[Act, Second]] = []
        self.released: Second | None = None
        self.ended: Second | None = None
        self.outcome: Outcome = "open"
        self.closed: Second | None = None
        self.stars: int | None = None

    # -- what facts do to it ------------------------------------------------------------------

    def run_to(self, at: Second) -> None:
        """Books the time since the last change to whoever held it."""
        if at <= self.since:
            return
        mark = self.calendar.mark(at)
        if mark > self.mark:
            worked = mark - self.mark
            if self.clock == "utility":
                self.utility_seconds += worked
                self.stay.utility += worked
                self.stretches.append((self.unit, self.mark, mark))
            else:
                self.stay.paused += worked
                if self.clock == "customer":
                    self.customer_seconds += worked
                else:
                    self.agency_seconds += worked
            self.mark = mark
        self.spans.append(Span(self.number, self.since, at, self.unit, self.clock, self.holder, self.why, self.because))
        self.since = at

    def hand_over(self, unit: str, step: str, at: Second, because: str, limit: Limit | None, ack: Limit | None) -> None:
        """Another unit is in charge from here on. Whoever is waited for is still waited for."""
        self.run_to(at)
        self._leave(at)
        self.unit = unit
        self.stay = Stay(unit, step, at, because, limit, ack, len(self.stretches))
        self.stays.append(self.stay)
        self._hold(because)

    def wait(self, entry: Wait, at: Second) -> None:
        """Somebody else must do something first."""
        self.run_to(at)
        if not self.waiting:
            self.paused = at
            if self.pauses and self.pauses[-1].ends == at:
                # Two pauses that touch are one: nobody worked between them.
                self.paused = self.pauses.pop().begins
        self.waiting.append(entry)
        self._hold(entry.opened_by)

    def answered(self, opened_by: str, at: Second, because: str) -> Wait | None:
        """The entry that an event opened is answered; None when there is no such entry."""
        for entry in self.waiting:
            if entry.opened_by == opened_by:
                self.run_to(at)
                self.waiting.remove(entry)
                if not self.waiting:
                    self._resume(at)
                self._hold(because)
                return entry
        return None

    def restart(self, counted: Counted) -> None:
        """The days are counted anew; pauses that ended before that no longer matter."""
        self.counted = counted

    def end(self, outcome: Outcome, at: Second, because: str) -> None:
        """The cycle is over: with release, or without a result."""
        self.run_to(at)
        if self.waiting:
            self._resume(at)
        self._leave(at)
        self.ended, self.outcome, self.because = at, outcome, because
        if outcome in ("released", "closed"):
            self.released = at
            self.unit = self.receipt.counter
        self.holder = self.unit

    def _leave(self, at: Second) -> None:
        self.stay.left = at
        self.stay.last = len(self.stretches)

    def _resume(self, at: Second) -> None:
        if self.paused is not None and self.paused < at:
            self.pauses.append(Pause(self.paused, at))
        self.paused = None

    def _hold(self, because: str) -> None:
        self.because = because
        if not self.waiting:
            self.clock, self.holder, self.why = "utility", self.unit, None
            return
        entry = next((entry for entry in self.waiting if entry.clock == "customer"), self.waiting[0])
        self.clock, self.holder, self.why = entry.clock, entry.holder, entry.why

    # -- what can be asked of it --------------------------------------------------------------

    def all_pauses(self) -> list[Pause]:
        """Every pause so far; the open one never ends."""
        return self.pauses if self.paused is None else [*self.pauses, Pause(self.paused, NEVER)]

    def due(self) -> Second | None:
        """The due instant; None while undetermined or paused before due."""
        if self.counted is None:
            return None
        pauses = self.all_pauses()
        if not pauses:
            return self.counted.due
        try:
            return moved(self.calendar, self.counted, pauses)
        except OutsideCalendar:
            return None

    def runs_out_before(self, at: Second) -> bool:
        """Whether the promise has run out at an instant (a fact at due itself comes too late to move it)."""
        due = self.due()
        return due is not None and due <= at
