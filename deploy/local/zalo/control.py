"""What tests, the demo and a curious person ask of the simulator; real Zalo has none of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from events.clock import new_id, now
from local.zalo.messages import Failure

if TYPE_CHECKING:
    from local.zalo.server import Simulator


def routes(simulator: "Simulator") -> Sequence[web.RouteDef]:
    """The routes below /simulator."""
    control = Control(simulator)
    return [
        web.post("/simulator/say", control.say),
        web.get("/simulator/messages", control.messages),
        web.post("/simulator/fail", control.fail),
        web.post("/simulator/hang", control.hang),
        web.post("/simulator/release", control.release),
        web.post("/simulator/follow", control.follow),
        web.post("/simulator/unfollow", control.unfollow),
        web.post("/simulator/consent", control.consent),
        web.post("/simulator/expire", control.expire),
    ]


class Control:
    """One method per route; bodies are JSON objects."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator

    async def say(self, request: web.Request) -> web.Response:
        """{user_id, text, msg_id?, at?}: the user says it at that instant (else Onedoor-Now, else now).

        502 when the webhook did not take it, with what it said.
        """
        body = await _body(request, "user_id", "text")
        webhook, http = self._simulator.webhook, self._simulator.http
        assert http is not None
        moment = request.headers.get("Onedoor-Now")
        msg_id, at = str(body.get("msg_id") or new_id()), _instant(body.get("at") or moment)
        raw, timestamp = webhook.user_send_text(str(body["user_id"]), str(body["text"]), msg_id, at)
        result = await webhook.deliver(http, raw, timestamp, moment)
        taken = result["status"] is not None and result["status"] < 400
        return web.json_response(result, status=200 if taken else 502)

    async def messages(self, request: web.Request) -> web.Response:
        """Every send after number `since`, refused ones too, and the totals."""
        since = request.query.get("since", "0")
        if not since.isdigit():
            raise web.HTTPBadRequest(text="since is the number of a message")
        return web.json_response(self._simulator.messages.since(int(since)))

    async def fail(self, request: web.Request) -> web.Response:
        """{code, times?, user_id?, status?}: the next sends fail like this."""
        body = await _body(request, "code")
        failure = Failure(
            int(body["code"]), int(body.get("times", 1)), body.get("user_id"), int(body.get("status", 200))
        )
        self._simulator.messages.failures.append(failure)
        return _done()

    async def hang(self, request: web.Request) -> web.Response:
        """{times?, seconds?}: the next sends are accepted and kept; their answers come late."""
        body = await _body(request)
        hang = self._simulator.hang
        hang.times, hang.seconds = int(body.get("times", 1)), float(body.get("seconds", 60))
        hang.released.clear()
        return _done()

    async def release(self, _: web.Request) -> web.Response:
        """Let the late answers go now."""
        self._simulator.hang.times = 0
        self._simulator.hang.released.set()
        return _done()

    async def follow(self, request: web.Request) -> web.Response:
        """{user_id}: the user follows the account again."""
        self._simulator.messages.follow(str((await _body(request, "user_id"))["user_id"]), follows=True)
        return _done()

    async def unfollow(self, request: web.Request) -> web.Response:
        """{user_id}: texts to the user are refused from now on."""
        self._simulator.messages.follow(str((await _body(request, "user_id"))["user_id"]), follows=False)
        return _done()

    async def consent(self, _: web.Request) -> web.Response:
        """The account's owner consents again: a new refresh token; the one before is worth nothing."""
        return web.json_response({"refresh_token": self._simulator.account.consent(now())})

    async def expire(self, _: web.Request) -> web.Response:
        """Every access token runs out now."""
        self._simulator.account.expire(now())
        return _done()


def _done() -> web.Response:
    return web.json_response({"done": True})


async def _body(request: web.Request, *needed: str) -> dict[str, Any]:
    try:
        body = await request.json() if request.can_read_body else {}
    except ValueError:
        body = None
    if not isinstance(body, dict) or any(name not in body for name in needed):
        raise web.HTTPBadRequest(text=f"a JSON object with {', '.join(needed) or 'nothing special'} is wanted")
    return body


def _instant(said: object) -> datetime:
    """An ISO instant with its offset, or now."""
    if said is None:
        return now()
    try:
        instant = datetime.fromisoformat(str(said))
    except ValueError:
        raise web.HTTPBadRequest(text=f"at is not an instant: {said}") from None
    if instant.tzinfo is None:
        raise web.HTTPBadRequest(text=f"at has no offset: {said}")
    return instant
