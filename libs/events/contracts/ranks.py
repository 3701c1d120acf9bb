"""The order in which the events of one instant can follow each other in the life of a dossier. Pure; the only table.

Judge, gateway check and history use it; `docs/ordering.md` states the whole order.
"""

from typing import Final

ORDER: Final = "onedoor.order.v2"
"""The name of the order. Evidence states it, so that a verifier knows by which order the verdicts were reached."""

_LIFE: Final = (
    "ApplicationSubmitted", "AdviceGiven", "ApplicationReceived",
    # An answer to an earlier question comes before a new question.
    "SupplementReceived", "CustomerActionCompleted", "AgencyReplied", "WorkResumed",
    # What a unit does with a dossier comes before it hands the dossier on.
    "DossierAcknowledged", "StaffReplied", "SupplementRequested", "DeadlineExtended",
    "WorkOrderIssued", "VisitScheduled", "VisitMissed", "WorkStarted", "WorkObstructed", "WorkCompleted",
    "StepCompleted", "CustomerActionRequested", "AgencyReferred", "DossierEscalated", "DossierForwarded",
    # A release counts before any other end, an end before the result is collected, and that before a new cycle.
    "DossierReturned", "ApplicationRefused", "ApplicationWithdrawn", "ProcessingStopped", "CaseClosed",
    "DossierRecalled", "WorkOrderCancelled", "CustomerRated", "CaseReopened",
    "ServiceReclassified", "FactCorrected", "FactVoided",
)  # fmt: skip
RANKS: Final = {name: rank for rank, name in enumerate(_LIFE)}
"""The rank of an event type; whatever is not here (messages, types that this version does not know) comes last."""
