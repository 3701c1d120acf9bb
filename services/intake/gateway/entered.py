"""The emitters that are entered just now: the file is read again when it has changed, so that a new key or a new system
needs no restart."""

from collections.abc import Collection
from pathlib import Path

import structlog

from events.errors import OnedoorError
from events.gateway.emitters import Emitters, load

log = structlog.get_logger("intake.gateway.entered")


class Entered:
    """Raises OnedoorError when made of a wrong file. When it becomes wrong later, what it said before stands."""

    def __init__(self, path: Path, ours: Collection[str]) -> None:
        self._path, self._ours = path, frozenset(ours)
        self._seen = self._stamp()
        self._emitters = load(path, self._ours)

    @property
    def ours(self) -> frozenset[str]:
        return self._ours

    def now(self) -> Emitters:
        """A look at the file's time and size; it is read when they are others."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._emitters = load(self._path, self._ours)
                log.info("emitters changed", emitters=sorted(self._emitters.by_code))
            except OnedoorError as wrong:
                log.error("emitters are wrong", error=str(wrong), way_out="mend the file; what it said before stands")
        return self._emitters

    def _stamp(self) -> tuple[int, int, int]:
        try:
            about = self._path.stat()
        except OSError:
            return 0, 0, 0
        return about.st_mtime_ns, about.st_size, about.st_ino
