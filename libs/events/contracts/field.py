"""What the field teams say: orders, visits, obstacles, and work handed over on site."""

from typing import Literal

from events.contracts.catalogue import fact
from events.contracts.terms import CaseId, EventId, Exhibit, Fault, Flag, Instant, Reference, UnitCode, Word


@fact(schema=1)
class WorkOrderIssued:
    """A team is asked for site work; `because` is the hand-over that asked for it."""

    case_id: CaseId
    work_order: Reference
    team: UnitCode
    work: Word
    because: EventId


@fact(schema=1)
class VisitScheduled:
    """The team and the customer agreed on a time on site."""

    case_id: CaseId
    work_order: Reference
    starts: Instant
    ends: Instant


@fact(schema=1)
class VisitMissed:
    """Nobody met on site at the agreed time, and by whose fault."""

    case_id: CaseId
    work_order: Reference
    fault: Fault
    reason: Word


@fact(schema=1)
class WorkStarted:
    """The team is on site and has begun."""

    case_id: CaseId
    work_order: Reference


@fact(schema=1)
class WorkObstructed:
    """Work cannot go on. Whose fault it is decides whose clock runs; an agency is named."""

    case_id: CaseId
    work_order: Reference
    fault: Fault | Literal["agency"]
    agency: UnitCode | None = None
    reason: Word


@fact(schema=1)
class WorkResumed:
    """The obstacle of WorkObstructed (`answers`) is gone."""

    case_id: CaseId
    work_order: Reference
    answers: EventId


@fact(schema=2)
class WorkCompleted:
    """The work is done, with evidence, and handed over to the customer (`handed_over`: the customer signed)."""

    case_id: CaseId
    work_order: Reference
    evidence: tuple[Exhibit, ...]
    handed_over: Flag


@fact(schema=1)
class WorkOrderCancelled:
    """The work is not wanted any more: the dossier was recalled."""

    case_id: CaseId
    work_order: Reference
    because: EventId
