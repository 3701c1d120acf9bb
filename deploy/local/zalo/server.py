"""The API that onedoor calls: tokens and texts. Zalo answers 200 and says in the body what went wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from events.clock import now
from local.zalo.account import LIFETIME, Account, Spent
from local.zalo.journal import Journal
from local.zalo.messages import MEANING, OK, RATE, TOKEN_EXPIRED, TOKEN_INVALID, Messages
from local.zalo.webhook import Webhook

# Seen in use, not in a document of Zalo's that we could read.
INVALID_SECRET, INVALID_REFRESH, UNSUPPORTED_GRANT = -14004, -14014, -14001


@dataclass
class Hang:
    """The next `times` sends are accepted and kept, and their answers come late or never."""

    seconds: float = 60.0
    times: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Rate:
    """So many calls in a minute; 0: any number."""

    limit: int
    _minute: int = 0
    _left: int = 0

    def allows(self) -> bool:
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._left = minute, self.limit
        self._left -= 1
        return self.limit == 0 or self._left >= 0

    def headers(self) -> dict[str, str]:
        shown = {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remain": str(max(0, self._left))}
        return shown if self.limit else {}


class Simulator:
    """One account, what it was sent, and the trouble ordered for it."""

    def __init__(self, journal: Journal, webhook: Webhook, *, app_secret: str, refresh_token: str, rate: int) -> None:
        self.journal, self.webhook = journal, webhook
        self.account = Account(journal, refresh_token)
        self.messages = Messages(journal)
        self.hang = Hang()
        self._rate = Rate(rate)
        self._app_secret = app_secret
        self.http: aiohttp.ClientSession | None = None
        for entry in journal.read():
            self.account.recall(entry)
            self.messages.recall(entry)

    def application(self) -> web.Application:
        from local.zalo.control import routes  # the control room looks into the simulator, not the other way round

        application = web.Application()
        application.add_routes(
            [
                web.post("/v4/oa/access_token", self.access_token),
                web.post("/v3.0/oa/message/cs", self.send),
                web.get("/health/ready", self.ready),
                *routes(self),
            ]
        )
        application.cleanup_ctx.append(self._run)
        return application

    async def access_token(self, request: web.Request) -> web.Response:
        """OAuth v4: the refresh token is spent by this call, even if its answer is lost."""
        form = await request.post()
        if request.headers.get("secret_key") != self._app_secret or form.get("app_id") != self.webhook.app_id:
            return _token_error(INVALID_SECRET, "Invalid secret key or application id")
        if form.get("grant_type") != "refresh_token":
            return _token_error(UNSUPPORTED_GRANT, "Only grant_type=refresh_token is known here")
        try:
            access, refresh = self.account.refresh(str(form.get("refresh_token", "")), now())
        except Spent:
            return _token_error(INVALID_REFRESH, "Invalid refresh token")
        lifetime = str(int(LIFETIME.total_seconds()))  # a string, as Zalo has it
        return web.json_response({"access_token": access, "refresh_token": refresh, "expires_in": lifetime})

    async def send(self, request: web.Request) -> web.Response:
        """A text to a user. Kept before it is answered, so a caller that never hears the answer has still sent it."""
        body = await _json_object(request)
        user = str(_inside(body, "recipient").get("user_id") or "")
        said = _inside(body, "message").get("text")
        text = said if isinstance(said, str) else ""
        failure = None
        error = self._refusal(request.headers.get("access_token", ""))
        if error == OK:
            failure = self.messages.ordered_failure(user)
            error = failure.code if failure else self.messages.verdict(user, text)
        kept = self.messages.take(user, text, now(), error)
        status = failure.status if failure else 200
        if error != OK:
            answer: dict[str, Any] = {"error": error, "message": MEANING.get(error, "Error")}
            return web.json_response(answer, status=status, headers=self._rate.headers())
        await self._maybe_hang()
        data = {
            "message_id": kept["message_id"],
            "user_id": user,
            "sent_time": str(int(now().timestamp() * 1000)),
            "quota": {"quota_type": "reply", "remain": "47", "total": "48"},
        }
        return web.json_response(
            {"data": data, "error": OK, "message": MEANING[OK]}, status=status, headers=self._rate.headers()
        )

    async def ready(self, _: web.Request) -> web.Response:
        return web.json_response({"ready": True})

    def _refusal(self, access: str) -> int:
        if not self._rate.allows():
            return RATE
        state = self.account.state(access, now())
        return {"good": OK, "expired": TOKEN_EXPIRED, "unknown": TOKEN_INVALID}[state]

    async def _maybe_hang(self) -> None:
        if self.hang.times > 0:
            self.hang.times -= 1
            try:
                async with asyncio.timeout(self.hang.seconds):
                    await self.hang.released.wait()
            except TimeoutError:
                pass

    async def _run(self, _: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as self.http:
            yield
        self.journal.close()


def _token_error(error: int, reason: str) -> web.Response:
    return web.json_response({"error": error, "error_name": reason, "error_description": reason})


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _inside(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}
