"""What an operator does to a running service. Apart from the services' modules, because each of them says it."""

from typing import Literal

from events.contracts.catalogue import fact
from events.contracts.terms import Reference, Word

Act = Literal[
    "parked-dismissed", "parked-retried", "follower-paused", "follower-resumed", "follower-replayed",
    "topics-republished",
]  # fmt: skip


@fact(schema=1)
class OperatorActed:
    """An operator settled something that was parked, took a follower in hand, or had lost topics written again; who it
    was is the fact's actor.

    `target` is the thing as the service that says this names it: `parked/17`, `follower/field.workorders`,
    `service/intake` for all topics on which it says facts. `reason` is a code; to try something again, or to let a
    follower go on, needs none.
    """

    act: Act
    target: Reference
    reason: Word | None = None
