"""Wakes the followers of this process when something was committed here; others' commits are found by polling."""

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

APART = 0.002  # seconds between two looks of one reader


@dataclass(slots=True)
class Waiter:
    """One log's: how often it was pulled, when last (monotonic seconds), and who waits for the next time."""

    rung: int = 0
    at: float = 0.0
    next: asyncio.Event = field(default_factory=asyncio.Event)

    def pull(self) -> None:
        self.rung += 1
        self.at = time.monotonic()
        ringing, self.next = self.next, asyncio.Event()
        ringing.set()


class Wakeup:
    """Ring after a commit, naming the logs (tables) that it wrote to: who reads others sleeps on.

    `wait` returns at once when its log was rung for since the caller last looked.
    """

    def __init__(self) -> None:
        self._ropes: defaultdict[str, Waiter] = defaultdict(Waiter)

    def ring(self, *logs: str) -> None:
        for log in logs:
            self._ropes[log].pull()

    def ring_all(self) -> None:
        """Wake everyone: anything may have changed."""
        self.ring(*self._ropes)

    def rung(self, log: str) -> int:
        """How often it rang for this log."""
        return self._ropes[log].rung

    def at(self, log: str) -> float:
        """When it rang for this log last, in monotonic seconds; 0 if never."""
        return self._ropes[log].at

    async def wait(self, log: str, since: int, seconds: float) -> None:
        """Until the bell has rung for this log more than `since` times, or for `seconds` at most."""
        rope = self._ropes[log]
        if rope.rung == since:
            try:
                async with asyncio.timeout(seconds):
                    await rope.next.wait()
            except TimeoutError:
                pass


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """For so many seconds, or until told to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


class Pace:
    """Keeps the looks of one reader apart: the first after a rest is at once, and under load each finds many rows."""

    def __init__(self) -> None:
        self._last = 0.0

    async def keep(self) -> None:
        early = self._last + APART - time.monotonic()
        if early > 0:
            await asyncio.sleep(early)
        self._last = time.monotonic()
