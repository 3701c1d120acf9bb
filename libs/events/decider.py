"""The decider: what may be done, given what has happened. Pure; the same one runs in a test and on the store."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

C = TypeVar("C")
S = TypeVar("S")
F = TypeVar("F")


@dataclass(frozen=True)  # generic, frozen and slotted crashes on Python 3.11
class Decider(Generic[C, S, F]):
    """`decide` raises Refused; doing a thing twice gives []. `evolve` never raises."""

    category: str  # the first part of the stream's name
    initial: S
    decide: Callable[[C, S], Sequence[F]]
    evolve: Callable[[S, F], S]

    def fold(self, facts: Iterable[F]) -> S:
        return reduce(self.evolve, facts, self.initial)

    def stream(self, key: str) -> str:
        return f"{self.category}-{key}"
