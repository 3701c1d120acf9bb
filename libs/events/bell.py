"""Wakes the followers of this process when something was committed here; others' commits are found by polling."""

import asyncio


class Bell:
    """Ring after a commit. `wait` returns at once when it rang since the caller last looked."""

    def __init__(self) -> None:
        self.rung = 0
        self._next = asyncio.Event()

    def ring(self) -> None:
        self.rung += 1
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
