"""For how long an open transaction holds a partition: nothing above it is read until it ends. Pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

LONGEST: Final = 60.0  # seconds that a broker of ours lets a transaction be open

Place = tuple[str, int]
"""Topic and partition."""


class Stand(NamedTuple):
    """What is known of a partition: its last stable offset and its high watermark."""

    place: Place
    stable: int
    end: int


class StableOffsets:
    """Since when the last stable offset of each partition has stood behind its high watermark, by a clock that never
    goes back."""

    def __init__(self) -> None:
        self._since: dict[Place, tuple[int, float]] = {}
        self._alarmed: set[Place] = set()

    def see(self, stands: Iterable[Stand], now: float) -> tuple[set[Place], set[Place]]:
        """Take note of how the partitions stand now, of all that are read: which of them have stood for too long since
        the last look, and which of those go on."""
        held = {one.place: one.stable for one in stands if one.stable < one.end}
        self._since = {
            place: before if (before := self._since.get(place)) is not None and before[0] == stable else (stable, now)
            for place, stable in held.items()
        }
        alarmed = {place for place, seconds in self.seconds(now).items() if seconds > LONGEST}
        begun, ended = alarmed - self._alarmed, self._alarmed - alarmed
        self._alarmed = alarmed
        return begun, ended

    def seconds(self, now: float) -> dict[Place, float]:
        """For how long each partition that is held has been."""
        return {place: now - since for place, (_, since) in self._since.items()}
