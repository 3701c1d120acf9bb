"""Deciders as sentences: given facts, when a command, then facts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from events.commands.decider import Decider, Said
from events.contracts.catalogue import Fact
from events.errors import Refused

C = TypeVar("C")
S = TypeVar("S")


@dataclass
class Scenario(Generic[C, S]):
    """`Scenario(case, id, by="staff-1").given(received).when(Close(...)).then(closed)`.

    `by` is who says the given facts and who decides; the given facts are versions 1, 2, … of the stream.
    """

    decider: Decider[C, S]
    id: str
    by: str = "staff-193-01"
    past: list[Said] = field(default_factory=list)
    said: Sequence[Fact] = ()
    refused: Refused | None = None

    def given(self, *facts: Fact, by: str | None = None) -> Self:
        for fact in facts:
            self.past.append(self._next(self.past, fact, by or self.by))
        return self

    def when(self, command: C) -> Self:
        """Decide; where something is said, decide it again: doing a thing twice says nothing more."""
        try:
            self.said = self.decider.decide(command, self.decider.fold(self.past))
            self.refused = None
        except Refused as refused:
            self.refused = refused
            return self
        past = list(self.past)
        for fact in self.said:
            past.append(self._next(past, fact, self.by))
        if self.said:
            again = self.decider.decide(command, self.decider.fold(past))
            assert list(again) == [], f"deciding it twice says {again}"
        return self

    def then(self, *facts: Fact) -> None:
        assert self.refused is None, f"refused: {self.refused}"
        assert list(self.said) == list(facts)

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, rule: str) -> Refused:
        assert self.refused is not None, f"not refused; said {self.said}"
        assert self.refused.rule == rule, f"refused by {self.refused.rule}: {self.refused}"
        return self.refused

    def _next(self, past: Sequence[Said], fact: Fact, by: str) -> Said:
        return Said(fact, by, f"{self.decider.stream(self.id)}@{len(past) + 1}")
