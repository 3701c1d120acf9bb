"""What an operator does to a running service. Apart from the services' modules, because each of them says it."""

from typing import Literal

from events.contracts.catalogue import fact
from events.contracts.terms import Reference, Word

Act = Literal[
    "parked-dismissed", "parked-retried", "follower-paused", "follower-resumed", "follower-replayed",
    "topics-republished", "generation-dropped", "cases-rebuilt",
]  # fmt: skip


@fact(schema=1)
class OperatorActed:
    """What an operator did: settled something that was parked, took a follower in hand, had lost topics written again,
    dropped rows to which one could have gone back, put dossiers right in the judged tables. The fact's actor did it.

    `target` is the thing as the service that says this names it: `parked/17`, `follower/field.workorders`,
    `generation/12`, `service/intake` for all topics on which it says facts. `reason` is a code; to try something again,
    to let a follower go on, or to drop what was replaced, needs none.
    """

    act: Act
    target: Reference
    reason: Word | None = None
