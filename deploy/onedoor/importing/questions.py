"""Which question of a dossier an answer of the same table answers. Pure.

In the order of time each answer takes the oldest question that is open and can be before it. Refused rows count too:
what they say has happened, and no other answer may be moved onto it.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

Group = tuple[str, str]
"""A dossier, and the type of the questions."""


class Act(NamedTuple):
    """A question or an answer, of which it is known that it was from `first` to `last`. Sorted by what surely was."""

    last: datetime
    first: datetime
    id: str
    row: int

    @property
    def at(self) -> datetime | None:
        """When it was, where that is known."""
        return self.first if self.first == self.last else None


@dataclass(frozen=True, slots=True)
class Questions:
    """First everything is told, refused rows as such before what they say; then it is paired, then asked for."""

    _asked: dict[Group, dict[str, Act]] = field(default_factory=lambda: defaultdict(dict))
    _answers: dict[Group, dict[str, Act]] = field(default_factory=lambda: defaultdict(dict))
    _timeless: dict[Group, int] = field(default_factory=dict)
    _refused: set[int] = field(default_factory=set)
    _pairs: dict[str, Act] = field(default_factory=dict)

    def asked(self, group: Group, question: Act) -> None:
        """A question; the same one again counts once, by a row that is not refused where there is one."""
        known = self._asked[group].get(question.id)
        if known is None or known.row in self._refused:
            self._asked[group][question.id] = question

    def answered(self, group: Group, answer: Act) -> None:
        """An answer; the same one again counts once."""
        self._answers[group].setdefault(answer.id, answer)

    def timeless(self, group: Group, row: int) -> None:
        """A question or an answer without a time: which answer is whose, nobody knows in this group."""
        self._timeless.setdefault(group, row)

    def refuse(self, row: int) -> None:
        """The row is refused, whatever it says."""
        self._refused.add(row)

    def pair(self) -> None:
        """Everything is told."""
        for group, answers in self._answers.items():
            waiting = sorted(self._asked.get(group, {}).values())
            for answer in sorted(answers.values()):
                taken = next((n for n, one in enumerate(waiting) if one.first <= answer.last), None)
                if taken is not None:
                    self._pairs[answer.id] = waiting.pop(taken)
        while self._refuse_answers():
            pass

    def _refuse_answers(self) -> bool:
        """Refuse the rows of the answers that cannot be said; such a row may ask something itself."""
        before = len(self._refused)
        for group, answers in self._answers.items():
            for answer in answers.values():
                if self.of(answer.id) is None or self.refused_with(group, answer) is not None:
                    self.refuse(answer.row)
        return len(self._refused) > before

    def of(self, answer: str) -> Act | None:
        """What this one answers."""
        return self._pairs.get(answer)

    def refused_with(self, group: Group, answer: Act) -> int | None:
        """The other row that has to be mended before this answer can be said."""
        question = self.of(answer.id)
        for row in (self._timeless.get(group), question.row if question is not None else None):
            if row is not None and row != answer.row and row in self._refused:
                return row
        return None
