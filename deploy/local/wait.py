"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Condition = Callable[[], Awaitable[bool]]


async def until(condition: Condition, *, within: float, every: float = 0.05) -> bool:
    """Ask until the answer is yes; False when it was not within so many seconds. Raises what the condition raises."""
    end = time.monotonic() + within
    while not await condition():
        if time.monotonic() >= end:
            return False
        await asyncio.sleep(every)
    return True


async def listens(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """All at once. The first failure, raised as it is, or our own cancellation ends the others first."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
