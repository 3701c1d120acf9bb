"""Deciders as sentences: given facts, when a command, then facts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from events.decider import Decider
from events.errors import Refused

C = TypeVar("C")
S = TypeVar("S")
F = TypeVar("F")


@dataclass
class Scenario(Generic[C, S, F]):
    """`Scenario(case).given(received).when(Close(...)).then(closed)`."""

    decider: Decider[C, S, F]
    past: list[F] = field(default_factory=list)
    said: Sequence[F] = ()
    refused: Refused | None = None

    def given(self, *past: F) -> Self:
        self.past += past
        return self

    def when(self, command: C) -> Self:
        """Decide; where something is said, decide it again: doing a thing twice says nothing more."""
        try:
            self.said = self.decider.decide(command, self.decider.fold(self.past))
            self.refused = None
        except Refused as refused:
            self.refused = refused
            return self
        if self.said:
            again = self.decider.decide(command, self.decider.fold([*self.past, *self.said]))
            assert list(again) == [], f"deciding it twice says {again}"
        return self

    def then(self, *facts: F) -> None:
        assert self.refused is None, f"refused: {self.refused}"
        assert list(self.said) == list(facts)

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, rule: str) -> Refused:
        assert self.refused is not None, f"not refused; said {self.said}"
        assert self.refused.rule == rule, f"refused by {self.refused.rule}: {self.refused}"
        return self.refused
