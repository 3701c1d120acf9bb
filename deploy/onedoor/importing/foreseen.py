"""What the gateway will refuse whatever its operator has entered for an emitter, by its own rules. Pure."""

from datetime import datetime
from typing import Final

from events.contracts.channels import OTHERS
from events.contracts.terms import owner_of
from events.errors import Refused
from events.gateway.cloudevent import structured
from events.gateway.emitters import Emitter
from events.gateway.rules import accept

OLDEST: Final = 36600  # days that an operator can allow at most


def refusal(body: str, source: str, case_id: str, arrived: datetime) -> Refused | None:
    """Why this event will not be taken. None: it will be, as far as it can be known here.

    Which facts, units and old times are allowed stands with the operator: here all are. How far a time may lie ahead
    is what an operator allows unless told otherwise, so that what may have to wait is not tried.
    """
    anyone = Emitter.model_construct(
        code="ANY",
        source=source,
        name="",
        facts=OTHERS,
        units=("*",),
        dossiers=(owner_of(case_id),),
        late_days=OLDEST,
    )
    try:
        accept(structured(body.encode()), anyone, frozenset(), arrived)
    except Refused as why:
        return why
    return None
