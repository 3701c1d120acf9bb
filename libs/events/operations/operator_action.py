"""An operator's order to a running service: whose it is and why, and the fact that is said of it with its effect."""

from dataclasses import dataclass

from events.clock import new_id
from events.commands.handle import Moment
from events.contracts.operations import Act, OperatorActed
from events.kafka.topics import OPERATION
from events.store.database import Connection
from events.store.envelope import Cause
from events.store.store import Append, append

# A transaction appends once, so that nobody begins to append to a stream behind a first write. The effect of an order
# may have been an append; what is said of the order is a stream of its own, new every time, which is safe at any place.
BESIDE = "select set_config('onedoor.appended', '', true)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAction:
    """`service` is the first word of the topic on which it is said; `why` a code, where the order needs one."""

    service: str
    cause: Cause
    moment: Moment
    why: str | None = None

    @property
    def by(self) -> str:
        """The operator."""
        return self.cause.actor

    async def say(self, connection: Connection, act: Act, target: str) -> str:
        """Append the fact in the transaction of the order's effect, behind it; the stream that it makes."""
        await connection.execute(BESIDE)
        stream = f"{OPERATION}-{self.service}-{new_id()}"
        said = Append(
            stream=stream, expected=0, cause=self.cause, at=self.moment.now, recorded_at=self.moment.recorded_at,
            facts=[OperatorActed(act=act, target=target, reason=self.why)],
        )  # fmt: skip
        await append(connection, [said])
        return stream
