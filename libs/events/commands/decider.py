"""The decider: what may be done, given what has happened. Pure; the same one runs in a test and on the store."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

from events.commands.amend import amend, said_of
from events.contracts.catalogue import Fact
from events.store.envelope import RecordedEvent, Said

__all__ = ["Decider", "Reaction", "Said"]

C = TypeVar("C")
S = TypeVar("S")

Reaction = Sequence[tuple[str, C]]  # what a policy asks for: ids of streams, and a command for each


@dataclass(frozen=True)  # generic, frozen and slotted crashes on Python 3.11
class Decider(Generic[C, S]):
    """`decide` raises Refused; the same command of the same actor again gives []. `evolve` never raises.

    The state is folded from the facts as corrected: no `evolve` knows corrections. `bare`: from what was said, each
    correction a fact among others.
    """

    category: str  # the first part of the stream's name
    initial: S
    decide: Callable[[C, S], Sequence[Fact]]
    evolve: Callable[[S, Said], S]
    bare: bool = False

    def stream(self, id: str) -> str:
        return f"{self.category}-{id}"

    def fold(self, past: Iterable[Said], since: S | None = None) -> S:
        """Where a stream stands after its facts (or after more of them, `since` a state that none of them corrects)."""
        facts = past if self.bare else amend(past).facts
        return reduce(self.evolve, facts, self.initial if since is None else since)

    def state(self, past: Iterable[RecordedEvent], since: S | None = None) -> S:
        """The same, of facts that were loaded."""
        return self.fold((said_of(recorded) for recorded in past), since)
