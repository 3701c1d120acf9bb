"""The gateway as an emitter posts to it: in batches, at the pace of its quota, with patience for restarts, and a new
token in time."""

import asyncio
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from events.errors import OnedoorError
from events.gateway.cloudevent import BATCH
from onedoor.client import Said, problem, token

AT_ONCE: Final = 200  # events of a request; the gateway commits as many together
LONGEST: Final = 512 * 1024  # bytes of a request, of a mebibyte that it may have
TRIES: Final = 8
FIRST: Final = 0.2  # seconds to the second try
LAST: Final = 10.0  # and at most to a later one
AWAY: Final = (502, 503, 504)
OVER_QUOTA: Final = 429
PATIENCE: Final = 100  # times that one batch is over the quota, which others may use up before it
AGAIN: Final = 1.0  # seconds until it is asked again, where it does not say
LIMIT: Final = re.compile(r";\s*([qwr])=([0-9]+)")  # of the header fields RateLimit-Policy and RateLimit

Waits = Callable[[float], object]
"""To be told of how many seconds are waited for the quota."""


class Later(OnedoorError):
    """It was not taken, and may be when it is sent again; in so many seconds, where that is known."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


class OverQuota(Later):
    """It was more than there is room for just now."""


def _wait(error: Exception) -> bool | float:
    """Whether to try again, or in how many seconds."""
    if isinstance(error, Later) and not isinstance(error, OverQuota):
        return True if error.seconds is None else error.seconds
    return False


def _tell(details: RetryDetails) -> None:
    if details.wait_for >= 1:
        print(f"onedoor: {details.caused_by}; again in {details.wait_for:.0f} s", file=sys.stderr, flush=True)


set_on_retry_hooks([_tell])  # by default what is tried again is logged on stdout, where the answer goes


@dataclass(slots=True)
class Pace:
    """How many events there is room for, as the gateway tells it. Times are seconds of a clock that never goes back."""

    most: int = 0
    """Events at once; 0 as long as it is not known."""
    window: int = 1
    """Seconds in which that many fill up again."""
    left: int = 0
    since: float = 0.0

    def hear(self, headers: Mapping[str, str], now: float) -> None:
        """What an answer says of the quota, if anything."""
        told = dict(LIMIT.findall(headers.get("RateLimit-Policy", "") + headers.get("RateLimit", "")))
        if {"q", "w", "r"} <= told.keys() and int(told["q"]) > 0:
            self.most, self.window, self.left = int(told["q"]), int(told["w"]), int(told["r"])
            self.since = now

    def wait(self, events: int, now: float) -> float:
        """The seconds until there is room for so many."""
        if not self.most:
            return 0.0
        wanted = min(events, self.most) - self.left
        return max(0.0, wanted * self.window / self.most - (now - self.since))


class Door:
    """Posts events for one client of the issuer. Raises OnedoorError with a sentence."""

    def __init__(self, http: aiohttp.ClientSession, url: str, issuer: str, client: str, secret: str) -> None:
        self._http, self._url, self._login = http, url.rstrip("/"), (issuer, client, secret)
        self._token: str | None = None
        self._pace = Pace()

    async def say(self, events: Sequence[bytes], waits: Waits = lambda _: None) -> list[Mapping[str, Any]]:
        """What became of each, in their order: `result`, and `problem` where it was refused."""
        body, clock = b"[%s]" % b",".join(events), asyncio.get_running_loop().time
        for _ in range(PATIENCE):
            if (seconds := self._pace.wait(len(events), clock())) > 0:
                waits(seconds)
                await asyncio.sleep(seconds)
            try:
                return await self._tried(body)
            except OverQuota as over:
                full = over
                waits(over.seconds or 0.0)
                await asyncio.sleep(over.seconds or 0.0)
        raise OnedoorError(f"{full}; give the command again later")

    async def _tried(self, body: bytes) -> list[Mapping[str, Any]]:
        tries = stamina.retry_context(_wait, attempts=TRIES, timeout=None, wait_initial=FIRST, wait_max=LAST)
        try:
            async for attempt in tries:
                with attempt:
                    return await self._post(body)
        except OverQuota:
            raise
        except Later as away:
            raise OnedoorError(f"{away}; give the command again later") from away
        raise AssertionError("the last try returns or raises")

    async def _post(self, body: bytes) -> list[Mapping[str, Any]]:
        fresh = self._token is None
        try:
            if self._token is None:
                self._token = await token(self._http, *self._login)
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": BATCH}
            async with self._http.post(f"{self._url}/events", data=body, headers=headers) as answer:
                said = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as away:
            raise Later(f"the gateway does not answer at {self._url}: {away}") from away
        self._pace.hear(answer.headers, asyncio.get_running_loop().time())
        if answer.status == 207:
            return list(said)
        if answer.status == 401 and not fresh:
            self._token = None
            raise Later("the token has run out", 0.0)
        sentence = f"the gateway says {answer.status}: {problem(said)}"
        seconds = answer.headers.get("Retry-After", "")
        if answer.status == OVER_QUOTA:
            raise OverQuota(sentence, float(seconds) if seconds.isdecimal() else AGAIN)
        if answer.status in AWAY:
            raise Later(sentence, float(seconds) if seconds.isdecimal() else None)
        raise Said(answer.status, sentence)
