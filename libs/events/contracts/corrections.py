"""What puts a wrong fact right. Said in the stream of that fact, by the service that said it; facts are never edited.

Apart from the services' modules, because intake, routing and field all say them.
"""

from events.contracts.catalogue import fact
from events.contracts.terms import ActorId, CaseId, EventId, FactName, FieldName, Reference, Word


@fact(schema=1)
class FactVoided:
    """What the fact `voids` says never happened. `kind` is that fact's name, for those who do not hold its log."""

    case_id: CaseId
    voids: EventId
    kind: FactName
    reason: Word
    leader: ActorId


@fact(schema=1)
class FactCorrected:
    """One field of the fact `corrects` is replaced: a field of its data, or `at` (when it happened).

    `value` is one code, instant or number, written as in the fact's JSON.
    """

    case_id: CaseId
    corrects: EventId
    kind: FactName
    field: FieldName
    value: Reference
    reason: Word
    leader: ActorId
