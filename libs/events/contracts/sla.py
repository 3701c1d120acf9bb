"""What the SLA service says: verdicts, warnings and which generation is live."""

from typing import Annotated, Literal

from pydantic import Field

from events.contracts.catalogue import fact
from events.contracts.terms import CaseId, EventId, Instant, Reference, Word

Count = Annotated[int, Field(ge=0)]
Class = Literal["ahead", "on-time", "overdue"]


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
class DeadlineMissWithdrawn:
    """A fact that arrived late shows that the deadline was kept after all."""

    case_id: CaseId
    cycle: Count
    missed: EventId
    because: EventId | None = None


@fact(schema=1)
class VerdictReached:
    """A cycle was released; its class by date (A) and by session (B)."""

    case_id: CaseId
    cycle: Count
    due: Instant | None = None
    released: Instant
    by_date: Class | None = None
    by_session: Class | None = None


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
    was_by_date: Class | None = None
    was_by_session: Class | None = None
    because: EventId | None = None
    late_seconds: int | None = None


@fact(schema=1)
class GenerationSwapped:
    """Readers see another generation of the tables from here on; its rebuild and its comparison are named."""

    generation: Count
    replaced: Count
    events: Count
    rows: Count
    hash: Reference
    differences: Count
