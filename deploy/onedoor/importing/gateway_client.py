"""The gateway as an emitter posts to it: in batches, with patience for quotas and restarts, and a new token in time."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp
import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from events.errors import OnedoorError
from events.gateway.sent import BATCH
from onedoor.client import Said, problem, token

AT_ONCE: Final = 200  # events of a request; the gateway commits as many together
LONGEST: Final = 512 * 1024  # bytes of a request, of a mebibyte that it may have
TRIES: Final = 8
FIRST: Final = 0.2  # seconds to the second try
LAST: Final = 10.0  # and at most to a later one
LATER: Final = (429, 502, 503, 504)  # over the quota, or not there just now


class Later(OnedoorError):
    """It was not taken, and may be when it is sent again; in so many seconds, where the gateway says it."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


def _wait(error: Exception) -> bool | float:
    """Whether to try again, or in how many seconds."""
    if isinstance(error, Later):
        return True if error.seconds is None else error.seconds
    return False


def _tell(details: RetryDetails) -> None:
    if details.wait_for >= 1:
        print(f"onedoor: {details.caused_by}; again in {details.wait_for:.0f} s", file=sys.stderr, flush=True)


set_on_retry_hooks([_tell])  # by default what is tried again is logged on stdout, where the answer goes


class Door:
    """Posts events for one client of the issuer. Raises OnedoorError with a sentence."""

    def __init__(self, http: aiohttp.ClientSession, url: str, issuer: str, client: str, secret: str) -> None:
        self._http, self._url, self._login = http, url.rstrip("/"), (issuer, client, secret)
        self._token: str | None = None

    async def say(self, events: Sequence[bytes]) -> list[Mapping[str, Any]]:
        """What became of each, in their order: `result`, and `problem` where it was refused."""
        body = b"[%s]" % b",".join(events)
        tries = stamina.retry_context(_wait, attempts=TRIES, timeout=None, wait_initial=FIRST, wait_max=LAST)
        try:
            async for attempt in tries:
                with attempt:
                    return await self._post(body)
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
        if answer.status == 207:
            return list(said)
        if answer.status == 401 and not fresh:
            self._token = None
            raise Later("the token has run out", 0.0)
        sentence = f"the gateway says {answer.status}: {problem(said)}"
        if answer.status in LATER:
            seconds = answer.headers.get("Retry-After")
            raise Later(sentence, None if seconds is None else float(seconds))
        raise Said(answer.status, sentence)
