"""What the door says: counters, customers' applications, and messages in and out."""

from typing import Annotated, Literal

from events.contracts.catalogue import fact
from events.contracts.terms import (
    ActorId,
    CaseId,
    Channel,
    EventId,
    Flag,
    Gap,
    Instant,
    PersonRef,
    Promise,
    Reference,
    ServiceId,
    UnitCode,
    Whole,
    Word,
)


@fact(schema=1)
class ApplicationSubmitted:
    """A customer sent an application that waits in its counter's list. No promise runs yet."""

    submission_id: Reference
    counter: UnitCode
    service: ServiceId
    district: UnitCode
    channel: Channel
    applicant_ref: PersonRef


@fact(schema=1)
class AdviceGiven:
    """A counter answered a question without taking a dossier in. Counted, nothing more."""

    advice_id: Reference
    counter: UnitCode
    topic: Word
    channel: Channel


@fact(schema=1)
class ApplicationReceived:
    """A counter took a dossier in and gave a receipt. The clock of the promise starts."""

    case_id: CaseId
    counter: UnitCode
    organisation: UnitCode
    sector: Word
    district: UnitCode
    channel: Channel
    documents: tuple[Word, ...] = ()
    submission: Reference | None = None
    previous_case: CaseId | None = None
    applicant_ref: PersonRef | None = None
    appointment: Instant | None = None
    promise: Promise | None = None


@fact(schema=1)
class SupplementRequested:
    """The counter asks the customer, once and completely, for what is missing. The customer's clock runs."""

    case_id: CaseId
    gaps: tuple[Gap, ...]
    approved_by: ActorId | None = None


@fact(schema=1)
class SupplementReceived:
    """The customer brought what SupplementRequested (`answers`) asked for."""

    case_id: CaseId
    answers: EventId


@fact(schema=1)
class ApplicationRefused:
    """The dossier is refused after receipt; it ends without result."""

    case_id: CaseId
    reason: Word


@fact(schema=1)
class ApplicationWithdrawn:
    """The customer took the application back; it ends without result."""

    case_id: CaseId
    reason: Word


@fact(schema=1)
class ProcessingStopped:
    """The office stopped the processing; it ends without result."""

    case_id: CaseId
    reason: Word


@fact(schema=1)
class DeadlineExtended:
    """An apology and a new appointment, once and before expiry. The class keeps the original due."""

    case_id: CaseId
    appointment: Instant
    reason: Word
    leader: ActorId


@fact(schema=1)
class CaseClosed:
    """The customer has the result in hand. Later than release and outside every clock."""

    case_id: CaseId


@fact(schema=1)
class CaseReopened:
    """A closed or ended case starts a new cycle; the time between is nobody's."""

    case_id: CaseId
    reason: Word
    due: Instant | None = None


@fact(schema=1)
class ServiceReclassified:
    """The dossier is another service than its receipt says. Limit and clock policy are that service's, from receipt."""

    case_id: CaseId
    service: ServiceId
    reason: Word
    leader: ActorId


@fact(schema=1)
class CustomerRated:
    """The customer's mark for the service, 1 (poor) to 5 (very good)."""

    case_id: CaseId
    stars: Annotated[int, Whole(1, 5)]


@fact(schema=1)
class MessagePrepared:
    """One intent to tell one addressee one thing. Said before any call; a replay sends nothing."""

    message_id: Reference
    case_id: CaseId | None = None
    to: UnitCode | PersonRef
    template: Word
    about: EventId


@fact(schema=1)
class MessageDelivered:
    """The provider took the message. `repeat`: an earlier call may have delivered it already."""

    message_id: Reference
    case_id: CaseId | None = None
    provider_id: Reference
    repeat: Flag = False


@fact(schema=1)
class MessageFailed:
    """The provider refused the message for good; somebody must reach the addressee another way."""

    message_id: Reference
    case_id: CaseId | None = None
    code: Annotated[int, Whole()]
    action: Literal["token", "reschedule", "human", "other-channel", "permanent"]


@fact(schema=1)
class MessageInDoubt:
    """A crash fell between the call and its answer: the message may or may not have arrived. It is sent again."""

    message_id: Reference
    case_id: CaseId | None = None


@fact(schema=1)
class StaffReplied:
    """A unit answered over Zalo: NHAN (we have it) or XONG (our part is done)."""

    case_id: CaseId
    unit: UnitCode
    word: Literal["NHAN", "XONG"]
