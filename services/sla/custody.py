"""One cycle while it is judged: the unit in charge, who is waited for, and the time that each of them uses.

`Cycle` is the judge's own working state and is thrown away after it; what stays are its rows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from deadlines import verdict
from deadlines.calendar import Calendar
from deadlines.errors import OutsideCalendar
from deadlines.instants import Second, instant_of
from deadlines.promise import NEVER, Counted, Pause, count, moved
from events.contracts.intake import ApplicationReceived
from events.contracts.terms import Limit
from sla.ledger import charge
from sla.rows import Act, ChargeRow, Clock, CycleRow, Outcome, ReferralRow, Span, StayRow


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
    """A unit's time in charge; `utility` is the utility time of the cycle when it began."""

    __slots__ = (
        "ack_limit",
        "acknowledged",
        "at",
        "by",
        "left",
        "limit",
        "paused",
        "spans",
        "step",
        "to",
        "unit",
        "utility",
    )

    def __init__(self, unit: str, step: str, at: Second, by: str, limit: Limit | None, ack_limit: Limit | None) -> None:
        self.unit, self.step, self.at, self.by, self.limit, self.ack_limit = unit, step, at, by, limit, ack_limit
        self.acknowledged: Second | None = None
        self.left: Second | None = None
        self.utility = self.paused = 0
        self.spans = 0
        self.to = 0


class Cycle:
    """One run from receipt or reopening to release. `at`, `since` and every other instant is a `Second`."""

    __slots__ = (
        "acts", "agency_seconds", "appointment", "because", "calendar", "clock", "closed", "corrections", "counted",
        "customer_seconds",
        "ended", "extended", "field", "floor", "holder", "mark", "number", "outcome", "paused", "pauses", "receipt",
        "referrals", "released", "restarted", "revision", "since", "spans", "stars", "start", "stay", "stays",
        "supplements", "unit", "utility_obstacles", "utility_seconds", "waiting", "why",
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
        self.floor = calendar.mark(counts_from)
        # What was already worked when time began to count: everything before is the day of receipt.
        self.mark = max(calendar.mark(start), self.floor)
        self.since, self.because = start, because
        self.unit = receipt.counter
        self.clock: Clock = "utility"
        self.holder = self.unit
        self.why: str | None = None
        self.waiting: list[Wait] = []
        self.utility_obstacles: set[str] = set()
        self.paused: Second | None = None
        self.pauses: list[Pause] = []
        self.restarted: Second | None = None
        self.utility_seconds = self.customer_seconds = self.agency_seconds = 0
        self.spans: list[Span] = []
        self.stay = Stay(self.unit, "reception", start, because, None, None)
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
            self.mark = mark
            if self.clock == "utility":
                self.utility_seconds += worked
                self.stay.utility += worked
            else:
                self.stay.paused += worked
                if self.clock == "customer":
                    self.customer_seconds += worked
                else:
                    self.agency_seconds += worked
        self.spans.append(Span(self.number, self.since, at, self.unit, self.clock, self.holder, self.why, self.because))
        self.since = at

    def hand_over(self, unit: str, step: str, at: Second, because: str, limit: Limit | None, ack: Limit | None) -> None:
        """Another unit is in charge from here on. Whoever is waited for is still waited for."""
        self.run_to(at)
        self._leave(at)
        self.unit = unit
        self.stay = Stay(unit, step, at, because, limit, ack)
        self.stay.spans = len(self.spans)
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

    def restart(self, counted: Counted, at: Second) -> None:
        """The days are counted anew; pauses before no longer matter, one that is still open begins anew."""
        self.counted, self.restarted = counted, at

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
        self.stay.to = len(self.spans)

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
        if self.restarted is not None:
            since = self.restarted
            pauses = [pause for pause in pauses if pause.ends > since]
        try:
            return moved(self.calendar, self.counted, pauses)
        except OutsideCalendar:
            return None

    def runs_out_before(self, at: Second) -> bool:
        """Whether the promise has run out at an instant (a fact at due itself comes too late to move it)."""
        due = self.due()
        return due is not None and due <= at

    # -- what it leaves behind ----------------------------------------------------------------

    def rows(
        self, case_id: str, incomplete: bool, to: Second
    ) -> tuple[CycleRow, list[StayRow], list[ReferralRow], list[ChargeRow]]:
        """The rows of this cycle, an open one judged up to `to`."""
        due = self.due()
        if self.ended is None:
            self.run_to(to)
            self.stay.to = len(self.spans)
        end = self.since if self.ended is None else self.ended
        stays = [self._stay_row(case_id, incomplete, number, stay) for number, stay in enumerate(self.stays, 1)]
        referrals = [self._referral_row(case_id, incomplete, referral, end) for referral in self.referrals]
        charges: list[ChargeRow] = []
        delay = 0
        if due is not None and end > due:
            held = self._utility_after(due, 0, len(self.spans))
            delay = sum(held.values())
            overruns: dict[str, int] = {}
            for row in stays:
                if row.overrun_seconds:
                    overruns[row.unit] = overruns.get(row.unit, 0) + row.overrun_seconds
            charges = [
                ChargeRow(case_id, self.number, unit, seconds)
                for unit, seconds in charge(delay, overruns, held).items()
            ]
        return self._cycle_row(case_id, incomplete, due, end, delay), stays, referrals, charges

    def _cycle_row(self, case_id: str, incomplete: bool, due: Second | None, end: Second, delay: int) -> CycleRow:
        receipt = self.receipt
        stopping = [pause for pause in self.all_pauses() if self._stops(pause, due)] if self.counted else []
        used = self.utility_seconds + self.customer_seconds + self.agency_seconds
        return CycleRow(
            case_id=case_id,
            cycle=self.number,
            counter=receipt.counter,
            organisation=receipt.organisation,
            sector=receipt.sector,
            district=receipt.district,
            service=receipt.promise.service if receipt.promise else None,
            field=self.field,
            channel=receipt.channel,
            received_at=instant_of(self.start),
            determined=self.counted is not None,
            incomplete=incomplete,
            due_at=_instant(due),
            waiting_since=_instant(self.paused) if due is None and self.counted else None,
            pauses_from=tuple(instant_of(pause.begins) for pause in stopping),
            pauses_to=tuple(instant_of(pause.ends) for pause in stopping if pause.ends != NEVER),
            appointment=self.appointment,
            extended_at=_instant(self.extended),
            supplements=self.supplements,
            released_at=_instant(self.released),
            ended_at=_instant(self.ended),
            outcome=self.outcome,
            class_a=_by_date(self.released, due),
            class_b=self._by_session(self.released, due),
            class_c=self._by_766(due),
            utility_seconds=self.utility_seconds,
            customer_seconds=self.customer_seconds,
            agency_seconds=self.agency_seconds,
            not_counted_seconds=end - self.start - used,
            delay_seconds=delay,
            unit=self.unit,
            holder=self.holder,
            holder_clock=self.clock if self.ended is None else None,
            waiting_for=self.why if self.ended is None else None,
            step=self.stay.step,
            stars=self.stars,
            closed_at=_instant(self.closed),
            revision=self.revision,
            judged_to=instant_of(end),
            corrections=self.corrections,
            acts=tuple(act for act, _ in self.acts),
            acts_at=tuple(instant_of(at) for _, at in self.acts),
        )

    def _stay_row(self, case_id: str, incomplete: bool, number: int, stay: Stay) -> StayRow:
        left = stay.left
        due = None
        if stay.limit is not None:
            upto = NEVER if left is None else left
            inside = [
                Pause(max(pause.begins, stay.at), min(pause.ends, upto))
                for pause in self.all_pauses()
                if pause.ends > stay.at and pause.begins < upto
            ]
            due = self._moved(stay.limit, stay.at, inside)
        late = due is not None and (left is None or left > due)
        return StayRow(
            case_id=case_id,
            cycle=self.number,
            stay=number,
            unit=stay.unit,
            step=stay.step,
            entered_at=instant_of(stay.at),
            entered_by=stay.by,
            determined=stay.limit is not None,
            incomplete=incomplete,
            due_at=_instant(due),
            left_at=_instant(left),
            class_a=_by_date(left, due),
            class_b=self._by_session(left, due),
            class_d=self._by_minutes(stay),
            acknowledge_due=_instant(self._moved(stay.ack_limit, stay.at, ())) if stay.ack_limit else None,
            acknowledged_at=_instant(stay.acknowledged),
            utility_seconds=stay.utility,
            overrun_seconds=sum(self._utility_after(due, stay.spans, stay.to).values()) if late and due else 0,
            paused_seconds=stay.paused,
        )

    def _referral_row(self, case_id: str, incomplete: bool, referral: Referral, end: Second) -> ReferralRow:
        ended = self.ended if referral.replied is None else None
        replied = referral.replied
        return ReferralRow(
            case_id=case_id,
            cycle=self.number,
            referral=referral.id,
            agency=referral.agency,
            matter=referral.matter,
            referred_at=instant_of(referral.at),
            determined=referral.due is not None,
            incomplete=incomplete,
            due_at=_instant(referral.due),
            replied_at=_instant(replied),
            ended_at=_instant(ended),
            reply=referral.reply,
            class_a=_by_date(replied, referral.due),
            class_b=self._by_session(replied, referral.due),
            seconds=self.calendar.worked(referral.at, end if replied is None else replied),
        )

    def _stops(self, pause: Pause, due: Second | None) -> bool:
        # Due only ever moves forward, and never past a pause that did not move it: the last due tells them apart.
        return due is None or pause.begins < due

    def _moved(self, limit: Limit, start: Second, pauses: Sequence[Pause]) -> Second | None:
        try:
            return moved(self.calendar, count(self.calendar, limit, start), pauses)
        except OutsideCalendar:
            return None

    def _by_session(self, finished: Second | None, due: Second | None) -> verdict.Class | None:
        if finished is None or due is None:
            return None
        try:
            return verdict.by_session(self.calendar, finished, due)
        except OutsideCalendar:
            return None

    def _by_766(self, due: Second | None) -> verdict.Class | None:
        if self.ended is None or due is None:
            return None
        return verdict.by_766(self.ended, due, self.supplements)

    def _by_minutes(self, stay: Stay) -> verdict.Class | None:
        if stay.left is None or stay.limit is None:
            return None
        return verdict.by_minutes(stay.utility // 60, verdict.minutes_of(stay.limit))

    def _utility_after(self, due: Second, first: int, last: int) -> dict[str, int]:
        """Counted working time on the utility clock after an instant, by unit in charge."""
        held: dict[str, int] = {}
        floor = max(self.calendar.mark(due), self.floor)
        for span in self.spans[first:last]:
            if span.clock == "utility" and span.end > due:
                worked = self.calendar.mark(span.end) - max(self.calendar.mark(span.start), floor)
                if worked > 0:
                    held[span.unit] = held.get(span.unit, 0) + worked
        return held


def _instant(second: Second | None) -> datetime | None:
    return None if second is None else instant_of(second)


def _by_date(finished: Second | None, due: Second | None) -> verdict.Class | None:
    return verdict.by_date(finished, due) if finished is not None and due is not None else None
