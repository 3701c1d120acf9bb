"""The state folder of one system: who holds it, what it says about itself, and how it is wiped.

A lock that the kernel gives back is the truth about "running"; the file beside it only says where everything is.
"""

import asyncio
import fcntl
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any, Self

from local.child import end_stale
from local.errors import AlreadyRunning
from local.kafka import image
from local.places import read_json, write_private

# Everything a system keeps in its folder. A wipe removes these and nothing else: the folder may be the user's own.
CONTENTS = ("kafka", "postgres", "issuer", "sla", "segments", "zalo", "files", "logs", "run", "postgres.pid.json",
            "ports.json", "secrets.json", "up.json")  # fmt: skip

_TRIES = 20


class StateFolder:
    """One system's state; held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: int | None = None

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def hold(self) -> Self:
        """Take the folder for this process. Raises AlreadyRunning when a living process has it."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(_TRIES):
            if _taken(lock):
                self._lock = lock
                return self
            time.sleep(0.01)  # it may only be somebody who looks (`held`)
        os.close(lock)
        raise AlreadyRunning(f"a system already runs in {self.path}")

    def release(self) -> None:
        if self._lock is not None:
            (self.path / "up.json").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    @property
    def held(self) -> bool:
        """Whether any living process has the folder."""
        if self._lock is not None:
            return True
        if not (self.path / "lock").exists():
            return False
        with (self.path / "lock").open("r+") as lock:
            return not _taken(lock.fileno())

    def announce(self, about: dict[str, Any]) -> None:
        """Write for other commands where everything is. Secrets are in it: only its owner can read it."""
        write_private(self.path / "up.json", json.dumps({"pid": os.getpid(), **about}, indent=1))

    def announced(self) -> dict[str, Any] | None:
        """What the running system says about itself; None when none runs, whatever an old file says."""
        return read_json(self.path / "up.json") if self.held else None

    async def wipe(self) -> None:
        """Remove what a system keeps here. Raises AlreadyRunning while one runs."""
        self.hold()
        try:
            await asyncio.gather(*(end_stale(note) for note in (self.path / "run").glob("*.json")))
            await end_stale(self.path / "postgres.pid.json")
            await asyncio.to_thread(image.remove, self.path / "kafka")
            for name in CONTENTS:
                place = self.path / name
                shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        finally:
            self.release()
        (self.path / "lock").unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()


def _taken(lock: int) -> bool:
    """Take the lock if nobody has it; it lasts until the file is closed or its process ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
