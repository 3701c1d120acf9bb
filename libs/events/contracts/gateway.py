"""What the gateway says to other systems: which of their events it refused. Codes only, for everybody may read it."""

from typing import Annotated

from events.contracts.catalogue import fact
from events.contracts.terms import Digest, FieldPath, Reference, UnitCode, Whole, Word


@fact(schema=1)
class EventRefused:
    """An event of another system was not taken in, and nothing came of it. What was sent is not repeated here.

    `event` is its id, where that can be read and is a code; `body` the SHA-256 of what was sent, for those that have
    no id. `rule` says why and `field` where; docs/emitters.md has each rule with its way out.
    """

    source: Reference
    emitter: UnitCode
    event: Reference | None = None
    body: Digest
    rule: Word
    field: FieldPath | None = None
    status: Annotated[int, Whole(400, 499)]
