"""Wakes the followers of this process when something was committed here; others' commits are found by polling."""

import asyncio
import time

APART = 0.002  # seconds between two looks of one reader


class Bell:
    """Ring after a commit. `wait` returns at once when it rang since the caller last looked."""

    def __init__(self) -> None:
        self.rung = 0
        self.at = 0.0  # when it rang last, in monotonic seconds
        self._next = asyncio.Event()

    def ring(self) -> None:
        self.rung += 1
        self.at = time.monotonic()
        ringing, self._next = self._next, asyncio.Event()
        ringing.set()

    async def wait(self, since: int, seconds: float) -> None:
        """Until the bell has rung more than `since` times, or for `seconds` at most."""
        if self.rung == since:
            try:
                async with asyncio.timeout(seconds):
                    await self._next.wait()
            except TimeoutError:
                pass


class Pace:
    """Keeps the looks of one reader apart: the first after a rest is at once, and under load each finds many rows."""

    def __init__(self) -> None:
        self._last = 0.0

    async def keep(self) -> None:
        early = self._last + APART - time.monotonic()
        if early > 0:
            await asyncio.sleep(early)
        self._last = time.monotonic()
