"""Whom the door tells what, when it hears or says something. Pure. One message per event and addressee."""

from events.commands.decider import Reaction
from events.contracts.intake import ApplicationReceived, MessagePrepared
from events.contracts.routing import DossierForwarded, DossierRecalled
from events.store.envelope import RecordedEvent
from intake.zalo.message import Prepare

HEARD = (DossierForwarded, DossierRecalled)
SAID = (ApplicationReceived,)


def tell_units(heard: RecordedEvent) -> Reaction[Prepare]:
    """A unit learns over Zalo that a dossier came to it, or that it need not work on it any more."""
    match heard.fact:
        case DossierForwarded() as it:
            return _prepare(heard, it.to_unit, "forwarded")
        case DossierRecalled() as it:
            return _prepare(heard, it.from_unit, "recalled")
        case _:
            return []


def tell_customers(said: RecordedEvent) -> Reaction[Prepare]:
    """A customer who applied over Zalo gets the receipt there."""
    match said.fact:
        case ApplicationReceived(channel="zalo", applicant_ref=str(person)):
            return _prepare(said, person, "received")
        case _:
            return []


def _prepare(about: RecordedEvent, to: str, template: str) -> Reaction[Prepare]:
    message = MessagePrepared(
        message_id=f"{about.id}/{template}", case_id=about.subject, to=to, template=template, about=about.id
    )
    return [(message.message_id, Prepare(message=message))]
