"""What the SLA service says: verdicts, warnings, sealed records, remedial actions, and which generation is live."""

from typing import Annotated, Literal

from events.contracts.catalogue import fact
from events.contracts.terms import (
    CaseId,
    Count,
    EventId,
    Instant,
    LocalDate,
    Reference,
    UnitCode,
    UnitKind,
    Whole,
    Word,
    value,
)

Class = Literal["ahead", "on-time", "overdue"]
LimitClock = Literal["step", "agency"]


@fact(schema=1)
class DeadlineApproaching:
    """A promise has used up a share of its time (`threshold`: half, four-fifths, one-day). Said once per revision."""

    case_id: CaseId
    cycle: Count
    threshold: Word
    revision: Count
    due: Instant


@fact(schema=1)
class DeadlineMissed:
    """The due instant has passed and the dossier was not released. Said once per revision."""

    case_id: CaseId
    cycle: Count
    revision: Count
    due: Instant


@fact(schema=1)
class DeadlineOverrun:
    """The dossier of a missed deadline is still open when a `step` of the catalogue's escalations has come. Said once
    per miss."""

    case_id: CaseId
    cycle: Count
    step: Word
    due: Instant
    missed: EventId


@fact(schema=1)
class DeadlineMissWithdrawn:
    """A fact that arrived late shows that the deadline was kept after all."""

    case_id: CaseId
    cycle: Count
    missed: EventId
    because: EventId | None = None


@fact(schema=1)
class LimitApproaching:
    """A limit inside a dossier has used up a share of its time: a unit's step, or an agency's answer.

    `opened_by` is the hand-over or the referral that began it. The promise to the customer is not touched by it.
    """

    case_id: CaseId
    cycle: Count
    clock: LimitClock
    unit: UnitCode
    opened_by: EventId
    threshold: Word
    revision: Count
    due: Instant


@fact(schema=1)
class LimitMissed:
    """The limit has run out and the unit has not handed the dossier on, or the agency has not answered."""

    case_id: CaseId
    cycle: Count
    clock: LimitClock
    unit: UnitCode
    opened_by: EventId
    revision: Count
    due: Instant


@fact(schema=1)
class LimitMissWithdrawn:
    """A fact that arrived late shows that the limit was kept after all, or was never this unit's."""

    case_id: CaseId
    cycle: Count
    clock: LimitClock
    unit: UnitCode
    opened_by: EventId
    missed: EventId
    because: EventId | None = None


@fact(schema=1)
class VerdictReached:
    """A cycle was released; its class by date (A), by session (B) and by Decision 766 (C)."""

    case_id: CaseId
    cycle: Count
    due: Instant | None = None
    released: Instant
    by_date: Class | None = None
    by_session: Class | None = None
    by_766: Class | None = None


@fact(schema=1)
class VerdictAmended:
    """A published verdict changed. `because`: the fact that came late, the correction, or the swap that found it.

    `late_seconds`: how long after it happened the cause was recorded, in plain seconds; of a correction, how long
    after what it puts right had happened. A swap is not late.
    """

    case_id: CaseId
    cycle: Count
    due: Instant | None = None
    released: Instant | None = None
    by_date: Class | None = None
    by_session: Class | None = None
    by_766: Class | None = None
    was_by_date: Class | None = None
    was_by_session: Class | None = None
    was_by_766: Class | None = None
    because: EventId | None = None
    late_seconds: Annotated[int, Whole()] | None = None


@fact(schema=1)
class GenerationSwapped:
    """Readers see another generation of the tables from here on; its rebuild and its comparison are named."""

    generation: Count
    replaced: Count
    events: Count
    rows: Count
    hash: Reference
    differences: Count


@fact(schema=1)
class MonthSealed:
    """A leader signed the record of the local dates [since, until) for the whole province.

    The figures are the province's dossiers by `classifier`. `kept` is where the whole record stands, byte for byte, and
    `hash` its SHA-256.
    """

    since: LocalDate
    until: LocalDate
    classifier: Reference
    received: Count
    carried_over: Count
    ahead: Count
    on_time: Count
    overdue: Count
    open_in_time: Count
    open_overdue: Count
    undetermined: Count
    incomplete: Count
    hash: Reference
    kept: Reference


@value
class Difference:
    """One figure of a sealed record that is not what it was. Equal numbers: other dossiers make it up."""

    kind: Word
    line: Reference
    column: Word
    was: Count
    now: Count


@fact(schema=1)
class MonthRestated:
    """Late facts, or a swap, changed the figures of a sealed period. The sealed record stays; this is what it is now.

    `number` counts the restatements of the period, each against the one before; `cases` are the dossiers that differ
    and `because` the swap that changed them, or else the last fact heard of them. A fact holds only the first
    differences and cases; `…_in_all` says how many there are (absent: all are here), `cases_hash` is the SHA-256 of all
    case ids in ascending order, one a line, and all of them stand with the restatement at `kept`.
    """

    since: LocalDate
    until: LocalDate
    number: Count
    sealed: EventId
    differences: tuple[Difference, ...]
    cases: tuple[CaseId, ...]
    because: EventId | None = None
    hash: Reference
    kept: Reference
    differences_in_all: Count | None = None
    cases_in_all: Count | None = None
    cases_hash: Reference | None = None


@fact(schema=1)
class RemedialActionOpened:
    """A unit passed a threshold (`why`) in a sealed period: `overdue` of `solved`; something is to be done by `due`."""

    unit: UnitCode
    kind: UnitKind
    since: LocalDate
    until: LocalDate
    why: Word
    solved: Count
    overdue: Count
    due: LocalDate
    because: EventId


@fact(schema=1)
class RemedialActionClosed:
    """A leader says what was done about it, in a word, and where it is written down."""

    unit: UnitCode
    since: LocalDate
    until: LocalDate
    outcome: Word
    evidence: Reference
