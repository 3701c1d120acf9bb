"""The services' public doors, as the demo's people use them: one token per person, one key per action, sent again with
the same key while nobody answers."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp
import msgspec

from local.errors import LocalError

OPERATOR = "operator.onedoor"
PATIENCE = 120.0  # seconds for which a service may be away
AGAIN = frozenset({502, 503, 504})


class Refusal(LocalError):
    """A service said no where the script says yes, or yes where it says no."""


class Doors:
    """HTTP to the services, the simulator and the issuer, over connections that are kept."""

    def __init__(self, urls: Mapping[str, str], issuer: str, secret: str) -> None:
        self.urls, self._issuer, self._secret = urls, issuer, secret
        self._known: dict[str, asyncio.Task[str]] = {}
        self._http: aiohttp.ClientSession | None = None
        self.unanswered = 0  # how often nobody answered, so that a request was sent again

    async def __aenter__(self) -> "Doors":
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=300)
        self._http = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._http is not None
        await self._http.close()

    async def post(
        self, service: str, path: str, body: Any, *, who: str, now: datetime | None = None, key: str | None = None,
        refused: bool = False,
    ) -> Mapping[str, Any]:  # fmt: skip
        """A command; its answer. With `refused`, the refusal is what is wanted. Raises Refusal, LocalError."""
        headers = {"Authorization": f"Bearer {await self.token(who)}", "Content-Type": "application/json"}
        if now is not None:
            headers["Onedoor-Now"] = now.isoformat()
        if key is not None:
            headers["Idempotency-Key"] = key
        status, answer = await self._send("POST", service + path, self.urls[service] + path, headers, body)
        if (status == 422) if refused else status < 300:
            return dict(answer)
        raise Refusal(f"{service} answers {status} to {path} by {who}: {answer.get('detail', answer)}")

    async def get(self, service: str, path: str, *, who: str | None = OPERATOR) -> Any:
        """What is to be read there."""
        headers = {"Authorization": f"Bearer {await self.token(who)}"} if who else {}
        status, answer = await self._send("GET", service + path, self.urls[service] + path, headers, None)
        if status >= 300:
            raise Refusal(f"{service} answers {status} to {path}: {answer}")
        return answer

    async def say(self, user: str, text: str, *, now: datetime, message: str) -> str:
        """Somebody writes to the Official Account; how the door sorted it."""
        body = {"user_id": user, "text": text, "msg_id": message, "at": now.isoformat()}
        headers = {"Content-Type": "application/json", "Onedoor-Now": now.isoformat()}
        _, answer = await self._send("POST", "zalo", self.urls["zalo"] + "/simulator/say", headers, body)
        said = msgspec.json.decode(answer.get("answer") or b"{}")
        if answer.get("status") != 200:
            raise Refusal(f"the webhook answers {answer.get('status')} to {message}: {answer.get('answer')}")
        return str(said.get("sorted"))

    async def look(self, service: str, path: str) -> Any:
        """As `get`, but None at once when nobody answers."""
        assert self._http is not None
        headers = {"Authorization": f"Bearer {await self.token(OPERATOR)}"}
        try:
            async with self._http.get(self.urls[service] + path, headers=headers) as answer:
                return msgspec.json.decode(await answer.read()) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError):
            self.unanswered += 1
            return None

    async def _send(self, method: str, what: str, url: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        assert self._http is not None
        data = None if body is None else msgspec.json.encode(body)
        until, pause = time.monotonic() + PATIENCE, 0.05
        while True:
            try:
                async with self._http.request(method, url, data=data, headers=headers) as answer:
                    content = await answer.read()
                    if answer.status not in AGAIN and not _busy(answer.status, content):
                        return answer.status, msgspec.json.decode(content) if content else {}
                    why = f"{answer.status} {content[:300]!r}"
            except (aiohttp.ClientError, TimeoutError, OSError) as away:
                why = repr(away)
            self.unanswered += 1
            if time.monotonic() > until:
                raise LocalError(f"{what} was away for {PATIENCE:.0f} s: {why}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

    async def token(self, who: str) -> str:
        if who not in self._known:
            self._known[who] = asyncio.create_task(self._fetch(who))
        return await self._known[who]

    async def _fetch(self, who: str) -> str:
        assert self._http is not None
        form = {"grant_type": "client_credentials"}
        async with self._http.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration") as about:
            endpoint = (await about.json())["token_endpoint"]
        async with self._http.post(endpoint, data=form, auth=aiohttp.BasicAuth(who, self._secret)) as answer:
            said = await answer.json(content_type=None)
            if answer.status != 200:
                raise LocalError(f"the issuer gives {who} no token: {said}")
            return str(said["access_token"])


def _busy(status: int, content: bytes) -> bool:
    return status == 409 and b"busy-dossier" in content
