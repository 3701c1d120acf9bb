"""A Merkle tree: one hash over many leaves, and for each leaf a short path that proves it is among them. Pure.

As in Certificate Transparency (RFC 9162, 2.1): a leaf is hashed behind a zero byte and a node behind a one, so that
neither can be taken for the other; a tree that is not full leans to the left.
"""

import hashlib
from collections.abc import Iterable
from itertools import pairwise

SIZE = 32  # bytes of a SHA-256
NOTHING = hashlib.sha256().digest()
"""The root over no leaves."""


def leaf(text: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\0" + text).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """A tree over leaves in their order, level by level: an odd last node goes up as it stands, which gives the very
    shape of the RFC."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        """`leaves` are texts, not yet hashed."""
        self._levels = [[leaf(text) for text in leaves]]
        while len(below := self._levels[-1]) > 1:
            above = [node(left, right) for left, right in list(pairwise(below))[::2]]
            self._levels.append(above + below[-1:] * (len(below) % 2))

    def __len__(self) -> int:
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The hash over all leaves."""
        return self._levels[-1][0] if self._levels[-1] else NOTHING

    def path(self, index: int) -> list[bytes]:
        """The hashes beside the way from a leaf up to the root, the lowest first."""
        found = []
        for level in self._levels[:-1]:
            if (index ^ 1) < len(level):
                found.append(level[index ^ 1])
            index >>= 1
        return found
