"""The gateway as an emitter posts to it: in batches, with patience for quotas and restarts, and a new token in time."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp

from events.errors import OnedoorError
from events.gateway.sent import BATCH
from onedoor.client import Said, token

AT_ONCE: Final = 200  # events of a request; the gateway commits as many together
LONGEST: Final = 512 * 1024  # bytes of a request, of a mebibyte that it may have
TRIES: Final = 8
LATER: Final = (429, 502, 503, 504)  # over the quota, or not there just now


class Door:
    """Posts events for one client of the issuer. Raises OnedoorError with a sentence."""

    def __init__(self, http: aiohttp.ClientSession, url: str, issuer: str, client: str, secret: str) -> None:
        self._http, self._url, self._login = http, url.rstrip("/"), (issuer, client, secret)
        self._token: str | None = None

    async def say(self, events: Sequence[bytes]) -> list[Mapping[str, Any]]:
        """What became of each, in their order: `result`, and `problem` where it was refused."""
        body = b"[%s]" % b",".join(events)
        for patience in range(TRIES):
            fresh = self._token is None
            if self._token is None:
                self._token = await token(self._http, *self._login)
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": BATCH}
            wait = min(0.2 * 2.0**patience, 10.0)
            try:
                async with self._http.post(f"{self._url}/events", data=body, headers=headers) as answer:
                    said = await answer.json(content_type=None)
                    if answer.status == 207:
                        return list(said)
                    if answer.status == 401 and not fresh:
                        self._token, wait = None, 0
                    elif answer.status not in LATER:
                        raise Said(answer.status, f"the gateway says {answer.status}: {_sentence(said)}")
                    wait = float(answer.headers.get("Retry-After", wait))
            except (aiohttp.ClientError, TimeoutError, ValueError) as away:
                if patience == TRIES - 1:
                    raise OnedoorError(f"the gateway does not answer at {self._url}: {away}") from away
            await asyncio.sleep(wait)
        raise OnedoorError(f"the gateway at {self._url} has no time for this now; give the command again later")


def _sentence(said: Any) -> str:
    words = [said.get(name) for name in ("detail", "way_out")] if isinstance(said, dict) else [said]
    return "; ".join(str(word) for word in words if word)
