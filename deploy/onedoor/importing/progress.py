"""How far an import has come, kept beside the table until it has ended.

The ids of its events follow from the rows, so an import that begins anew repeats what was said and harms nothing: the
position only saves the time. It counts for the very table and mapping that it was written of; where either has changed,
rows may stand elsewhere, and the import begins anew.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from local.places import read_json, write_private
from onedoor.importing.rows import RowRefused

SHOWN = 3  # examples of each reason


@dataclass(slots=True)
class Reason:
    """Rows that were refused alike."""

    count: int = 0
    examples: list[RowRefused] = field(default_factory=list)


@dataclass(slots=True)
class Far:
    """The row that is done last, what became of the events so far, and how long the list of refused rows is (bytes)."""

    of: str
    row: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    silent: int = 0
    listed: int = 0
    reasons: dict[str, Reason] = field(default_factory=dict)

    def refuse(self, one: RowRefused) -> None:
        """A row was refused."""
        self.refused += 1
        reason = self.reasons.setdefault(f"{one.rule} {one.where}", Reason())
        reason.count += 1
        if len(reason.examples) < SHOWN:
            reason.examples.append(one)

    @classmethod
    def kept(cls, path: Path, of: str) -> Self:
        """Where an earlier import of the same stopped, or the beginning."""
        found = read_json(path)
        if found is None or found.get("of") != of:
            return cls(of)
        reasons = {name: Reason(one["count"], [RowRefused(*row) for row in one["examples"]])
                   for name, one in found["reasons"].items()}  # fmt: skip
        return cls(**{**found, "reasons": reasons})

    def keep(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self), ensure_ascii=False))

    @property
    def shown(self) -> dict[str, Any]:
        """What a program is told."""
        return {
            "rows": self.row, "accepted": self.accepted, "repeated": self.repeated, "refused": self.refused,
            "silent": self.silent,
            "reasons": [
                {"count": one.count, "examples": [row._asdict() for row in one.examples]}
                for one in self.reasons.values()
            ],
        }  # fmt: skip
