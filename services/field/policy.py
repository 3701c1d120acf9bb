"""What we ask of ourselves when we hear where a dossier goes. Pure and total."""

from events.commands.decider import Reaction
from events.contracts.corrections import FactVoided
from events.contracts.field import WorkOrderIssued
from events.contracts.routing import DossierForwarded, DossierRecalled, DossierReturned, StepCompleted
from events.store.envelope import RecordedEvent
from field.decide import Cancel, Heard, Issue, TakeBack
from field.state import order_of

HEARD = (DossierForwarded, StepCompleted, DossierReturned, DossierRecalled, FactVoided)


def follow_dossiers(heard: RecordedEvent) -> Reaction[Heard]:
    """A hand-over with work becomes an order; what ends a unit's charge cancels an order that is still open."""
    match heard.fact:
        case DossierForwarded(work=str(work)) as it:
            order = WorkOrderIssued(
                case_id=it.case_id, work_order=order_of(heard.id), team=it.to_unit, work=work, because=heard.id
            )
            return [(it.case_id, Issue(order=order))]
        case DossierForwarded() | StepCompleted() as it:
            return [(it.case_id, Cancel(because=heard.id, goes_on=True))]
        case DossierReturned() | DossierRecalled() as it:
            return [(it.case_id, Cancel(because=heard.id, goes_on=False))]
        case FactVoided() as it:
            void = TakeBack(case_id=it.case_id, voided=it.voids, because=heard.id, reason=it.reason, leader=it.leader)
            return [(it.case_id, void)]
        case _:
            return []
