"""The decider: what may be done, given what has happened. Pure; the same one runs in a test and on the store."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, NamedTuple, TypeVar

from events.contracts.catalogue import Fact
from events.envelope import Recorded

C = TypeVar("C")
S = TypeVar("S")

Reaction = Sequence[tuple[str, C]]  # what a policy asks for: ids of streams, and a command for each


class Said(NamedTuple):
    """A fact of the stream, who said it, and its id: what a later answer refers to."""

    fact: Fact
    by: str
    id: str


@dataclass(frozen=True)  # generic, frozen and slotted crashes on Python 3.11
class Decider(Generic[C, S]):
    """`decide` raises Refused; the same command of the same actor again gives []. `evolve` never raises."""

    category: str  # the first part of the stream's name
    initial: S
    decide: Callable[[C, S], Sequence[Fact]]
    evolve: Callable[[S, Said], S]

    def stream(self, id: str) -> str:
        return f"{self.category}-{id}"

    def fold(self, past: Iterable[Said]) -> S:
        return reduce(self.evolve, past, self.initial)

    def state(self, past: Iterable[Recorded], since: S | None = None) -> S:
        """Where a stream stands after the facts that were loaded (or after more of them, `since` a state)."""
        said = (Said(recorded.fact, recorded.cause.actor, recorded.id) for recorded in past)
        return reduce(self.evolve, said, self.initial if since is None else since)
