"""What the judge leaves behind: rows of plain values, one tuple per row in the order of its table's columns."""

from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import msgspec

from deadlines.instants import Second
from deadlines.verdict import Class

Clock = Literal["utility", "customer", "agency"]
Act = Literal["extension", "supplement", "action", "obstacle", "refusal", "early closing", "correction"]
Outcome = Literal["open", "released", "closed", "refused", "withdrawn", "stopped"]


class Deadline(NamedTuple):
    """What can be missed: the promise of a cycle, or a limit inside it, known by whose it is and what opened it."""

    cycle: int
    clock: Literal["promise", "step", "agency"] = "promise"
    unit: str = ""
    opened_by: str = ""


class CycleRow(NamedTuple):
    """One run of a dossier from receipt (or reopening) to release. Counters and organisations count these.

    All lengths are whole seconds of working time, except `not_counted_seconds`, which is the rest of the elapsed
    time. Nothing here depends on "now": the sums and holder of an open cycle stand as of `judged_to`.
    """

    case_id: str
    cycle: int
    """1 for the first run; each reopening adds one."""
    counter: str
    organisation: str
    sector: str
    district: str
    service: str | None
    field: str | None
    """LV, MV or CONTRACT; None where the receipt names no service of the catalogue."""
    channel: str
    received_at: datetime
    """Receipt, or reopening."""
    determined: bool
    """False: there is no promise to judge by, so the cycle is undetermined."""
    incomplete: bool
    """A fact of the case is parked or forked: nothing about it is published."""
    due_at: datetime | None
    """None while undetermined, or paused before due."""
    waiting_since: datetime | None
    """Begin of the open pause that stops the promise's clock."""
    pauses_from: tuple[datetime, ...]
    pauses_to: tuple[datetime, ...]
    """Begin and end of every pause that began before due; an open one has no end here."""
    appointment: datetime | None
    """What the receipt says, or the apology."""
    extended_at: datetime | None
    """When the one apology that counts was given."""
    supplements: int
    """How often the customer was asked to supplement."""
    released_at: datetime | None
    ended_at: datetime | None
    """Release, or the end without result."""
    outcome: Outcome
    class_a: Class | None
    class_b: Class | None
    class_c: Class | None
    """By Decision 766, which also classes what ended without a result."""
    utility_seconds: int
    customer_seconds: int
    agency_seconds: int
    not_counted_seconds: int
    delay_seconds: int
    """Time on the utility clock between due and release, or `judged_to`."""
    unit: str
    """The unit in charge; after release the counter."""
    holder: str
    """Whose time runs: the unit in charge, "customer", or an agency."""
    holder_clock: Clock | None
    """Whose clock runs; None when the cycle has ended."""
    waiting_for: str | None
    """The word of what is waited for while the clock is not the utility's: supplement, own-works, a matter."""
    step: str
    """The step that the unit in charge is in."""
    stars: int | None
    """The customer's mark, the last one given."""
    closed_at: datetime | None
    """When the customer collected the result: outside every clock."""
    revision: int
    """Of the promise, over the whole case: 1, and more for each restart, extension, reopening and correction."""
    judged_to: datetime
    """The last fact, or the end of the cycle."""
    corrections: int
    """How many corrections touched this cycle: the record shows it as amended."""
    acts: tuple[Act, ...]
    acts_at: tuple[datetime, ...]
    """What was done that stops, moves or ends a promise, or puts a fact of it right; and when each happened."""

    @property
    def deadline(self) -> Deadline:
        return Deadline(self.cycle)


class StayRow(NamedTuple):
    """One unit's time in charge, from hand-over in to hand-over out or end of cycle. Departments and teams count these.

    `entered_by` is the event that brought the dossier. A stay without a limit is not `determined`. `utility_seconds`
    is the working time on the utility clock, `overrun_seconds` the part of it after the step's due, `paused_seconds`
    the working time on somebody else's clock while the unit was in charge.
    """

    case_id: str
    cycle: int
    stay: int
    unit: str
    step: str
    entered_at: datetime
    entered_by: str
    determined: bool
    incomplete: bool
    due_at: datetime | None
    left_at: datetime | None
    class_a: Class | None
    class_b: Class | None
    class_d: Class | None
    """By the processed minutes against the limit's: independent of due, so of nights and of who paused."""
    acknowledge_due: datetime | None
    acknowledged_at: datetime | None
    utility_seconds: int
    overrun_seconds: int
    paused_seconds: int

    @property
    def deadline(self) -> Deadline:
        return Deadline(self.cycle, "step", self.unit, self.entered_by)


class ReferralRow(NamedTuple):
    """One question to an agency, on a clock of its own that no pause moves. Agencies count these.

    `ended_at` is the end of the cycle when it came before the reply. `seconds` is working time from referral to
    reply, end or `judged_to` of the cycle.
    """

    case_id: str
    cycle: int
    referral: str
    agency: str
    matter: str
    referred_at: datetime
    determined: bool
    incomplete: bool
    due_at: datetime | None
    replied_at: datetime | None
    ended_at: datetime | None
    reply: str | None
    class_a: Class | None
    class_b: Class | None
    seconds: int

    @property
    def deadline(self) -> Deadline:
        return Deadline(self.cycle, "agency", self.agency, self.referral)


class ChargeRow(NamedTuple):
    """A unit's share of a cycle's delay, in seconds; the shares of a cycle add up to its delay."""

    case_id: str
    cycle: int
    unit: str
    seconds: int


class Span(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a cycle in which nothing about custody changed: the raw material of the printed ledger."""

    cycle: int
    start: Second
    end: Second
    unit: str
    """The unit in charge."""
    clock: Clock
    holder: str
    """Whose time runs: the unit, "customer", or the agency."""
    why: str | None
    """What is waited for, when the clock is not the utility's."""
    because: str
    """The event that began it."""


class Finding(NamedTuple):
    """Something worth a look: a fact that moved nothing, or two sources that disagree. `what` is a stable word."""

    event: str
    what: str
    detail: str = ""


CLASSES: Final = {"class_a": "by_date", "class_b": "by_session", "class_c": "by_766", "class_d": "by_minutes"}


class Amendment(NamedTuple):
    """A correction that took effect: the event, what it was about and which field, the old and the new value."""

    event: str
    kind: Literal["voided", "corrected", "reclassified"]
    about: str
    fact: str
    """The name of the fact that was put right."""
    field: str
    """Empty for a void."""
    was: str
    now: str
    reason: str
    leader: str
    at: datetime
    happened: datetime
    """When what it is about happened, as it stands now."""


def shown(row: Any) -> dict[str, Any]:
    """A row as it is shown everywhere: the classes by what they compare (A, B, C and D of `deadlines.verdict`)."""
    return {CLASSES.get(name, name): value for name, value in row.items() if name not in ("case_id", "generation")}
