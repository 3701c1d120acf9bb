"""What routing says: who has the dossier, which step it is in, and whom it waits for."""

from typing import Literal

from events.contracts.catalogue import fact
from events.contracts.terms import CaseId, EventId, Limit, ProcessName, UnitCode, Word


@fact(schema=1)
class DossierForwarded:
    """Giao: the dossier is handed to another unit, which is in charge from this instant.

    `limit` is the step's own length; `acknowledge_within` how soon the receiver should say "nhận".
    `work` names the site work that a field team is asked for. The first hand-over of a cycle names the `process`
    that the dossier goes through and the `district` whose units take part.
    """

    case_id: CaseId
    from_unit: UnitCode
    to_unit: UnitCode
    step: Word
    limit: Limit | None = None
    acknowledge_within: Limit | None = None
    work: Word | None = None
    process: ProcessName | None = None
    district: UnitCode | None = None


@fact(schema=1)
class DossierAcknowledged:
    """Nhận: the receiver confirms that it has the dossier."""

    case_id: CaseId
    unit: UnitCode
    step: Word


@fact(schema=1)
class StepCompleted:
    """A unit has done its step. The hand-over that follows is a fact of its own."""

    case_id: CaseId
    unit: UnitCode
    step: Word


@fact(schema=1)
class CustomerActionRequested:
    """The customer must do something of their own (build, pay, sign). The customer's clock runs."""

    case_id: CaseId
    action: Word


@fact(schema=1)
class CustomerActionCompleted:
    """The customer has done what CustomerActionRequested (`answers`) asked for."""

    case_id: CaseId
    answers: EventId


@fact(schema=1)
class AgencyReferred:
    """A state agency must reply (a trench, a corridor). The agency's own clock runs, with its own limit."""

    case_id: CaseId
    agency: UnitCode
    matter: Word
    limit: Limit | None = None


@fact(schema=1)
class AgencyReplied:
    """The agency's answer to AgencyReferred (`answers`, where the speaker knows it)."""

    case_id: CaseId
    agency: UnitCode
    answers: EventId | None = None
    outcome: Literal["agreed", "refused", "no-objection"]


@fact(schema=1)
class DossierReturned:
    """Release: the finished dossier is back at the counter and the utility's promise stops."""

    case_id: CaseId
    from_unit: UnitCode
    by: Literal["zalo", "software"]


@fact(schema=1)
class DossierRecalled:
    """The case ended at the counter without a result; the unit in charge stops working on it."""

    case_id: CaseId
    from_unit: UnitCode
    because: EventId


@fact(schema=1)
class DossierEscalated:
    """A missed deadline was put before the head of a unit: the one in charge, or a higher one as the days go by."""

    case_id: CaseId
    unit: UnitCode
    because: EventId
