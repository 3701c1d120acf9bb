"""The seal of a day: what its document says of the streams' heads, and of the seal before it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.signing import Signed, sign
from sla.evidence.merkle import Tree

FORMAT = "onedoor.day-seal.v1"
FIRST = ""
"""What the first seal names as the one before it."""


class Head(NamedTuple):
    """A fact that is the last of its stream among those that a seal covers, and its hash, which holds all before it."""

    stream: str
    version: int
    hash: bytes

    @property
    def leaf(self) -> bytes:
        """The text of its leaf. No stream has a space in its name."""
        return f"{self.stream}@{self.version} {self.hash.hex()}".encode()


class Before(NamedTuple):
    """The seal before: its number, its day, and the digest of its document."""

    number: int = 0
    day: date | None = None
    digest: str = FIRST


def tree_of(heads: Sequence[Head]) -> Tree:
    """The tree over heads, which stand in the order of their streams' bytes."""
    return Tree(head.leaf for head in heads)


def sealed(
    day: date,
    heads: Sequence[Head],
    facts: int,
    before: Before,
    marks: Mapping[str, Sequence[int]],
    passed: datetime,
    key: Ed25519PrivateKey | None,
) -> Signed:
    """The document, signed where there is a key. `passed`: everything that was recorded before this instant had been
    heard when it was made. `marks`: how far each log had come, as epoch, transaction, position."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "number": before.number + 1,
        "day": day.isoformat(),
        "streams": len(heads),
        "facts": facts,
        "root": tree_of(heads).root.hex(),
        "previous": before.digest,
        "passed": msgspec.to_builtins(passed),
        "marks": {log: list(mark) for log, mark in marks.items()},
    }
    return sign(document, key)
