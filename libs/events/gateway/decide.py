"""What becomes of one event among those that came before it: accepted, a repeat, or refused. Pure."""

import hashlib
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from events.errors import Conflict, Refused
from events.gateway import rules
from events.gateway.cloudevent import Item, Unread
from events.gateway.emitters import Emitter
from events.gateway.equality import Known, value_as_written
from events.gateway.rules import Accepted, Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an event was not taken in, as it is kept. `body` is that of a conflict, where it holds codes only."""

    name: Name | None
    digest: bytes
    why: Refused
    emitter: Emitter
    body: bytes | None = None

    @property
    def stream(self) -> str:
        """The same for the same event refused by the same rule again."""
        parts = (self.emitter.source, self.name.id if self.name else "", self.digest.hex(), self.why.rule)
        return f"refusal-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


Decision = tuple[Name | None, Accepted | Refusal | None]
"""What an event is called, and what is said of it: nothing of a duplicate."""


def decide(
    item: Item, emitter: Emitter, ours: frozenset[str], arrived: datetime, known: MutableMapping[str, Known]
) -> Decision:
    """`known` is what is on the log, or will be: an accepted event is added.

    A repeat is one before any rule is asked: what was accepted stays so when the times or the rules have changed.
    """
    if isinstance(item, Unread):
        return None, Refusal(name=None, digest=item.digest, why=item.why, emitter=emitter)
    name, body = None, None
    try:
        name = rules.named(item, emitter)
        if (before := known.get(name.stream)) is not None:
            if before.is_said_by(item):
                return name, None
            with suppress(Refused):
                body = rules.accept(item, emitter, ours, arrived).data
            raise Conflict(
                "id-reused", f"{name.id} came before with another content, which stands", field="id",
                way_out="give every event an id of its own; void what was wrong and say it anew",
            )  # fmt: skip
        accepted = rules.accept(item, emitter, ours, arrived)
    except Refused as why:
        return name, Refusal(name=name, digest=item.digest, why=why, emitter=emitter, body=body)
    known[name.stream] = Known(item.digest, value_as_written(accepted.fact, accepted.at, accepted.data))
    return name, accepted
