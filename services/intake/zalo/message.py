"""One message to one addressee: prepared, perhaps in doubt, then delivered or failed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from events.commands.decider import Decider, Said
from events.contracts.catalogue import Fact
from events.contracts.intake import MessageDelivered, MessageFailed, MessageInDoubt, MessagePrepared


@dataclass(frozen=True, slots=True)
class Unprepared:
    """No such intent yet."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """To be sent. `doubts`: how often a crash fell between a call and its answer."""

    message: MessagePrepared
    doubts: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """Delivered, or failed for good."""


State = Unprepared | Prepared | Settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    message: MessagePrepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """The provider's answer."""

    outcome: MessageDelivered | MessageFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Nobody knows whether the `times`-th call arrived."""

    doubt: MessageInDoubt
    times: int


Command = Prepare | Settle | Doubt


def decide(command: Command, state: State) -> Sequence[Fact]:
    """Total: this decider hears, so nothing is refused."""
    match command:
        case Prepare():
            return [command.message] if isinstance(state, Unprepared) else []
        case Settle():
            return [command.outcome] if isinstance(state, Prepared) else []
        case Doubt():
            return [command.doubt] if isinstance(state, Prepared) and state.doubts < command.times else []
        case _:
            assert_never(command)


def evolve(state: State, said: Said) -> State:
    fact = said.fact
    if isinstance(fact, MessagePrepared):
        return Prepared(fact) if isinstance(state, Unprepared) else state
    if isinstance(fact, MessageInDoubt) and isinstance(state, Prepared):
        return Prepared(state.message, state.doubts + 1)
    if isinstance(fact, MessageDelivered | MessageFailed):
        return Settled()
    return state


message: Decider[Command, State] = Decider(category="message", initial=Unprepared(), decide=decide, evolve=evolve)
