"""A gateway that answers as a test tells it, and an issuer beside it, over real HTTP."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import ceil
from time import monotonic
from typing import Any

import aiohttp
from aiohttp import web

from events.gateway.emitters import Emitter
from events.gateway.rate_limit import Quotas
from onedoor.importing.gateway_client import Door

GONE = 500  # dies while it answers
TAKEN = 207
RATE = 1000  # events a second
QUICK = Emitter(
    code="X",
    source="urn:test",
    name="test",
    facts=("CaseClosed",),
    units=("X",),
    dossiers=("H49",),
    per_minute=60 * RATE,
)


class Gateway:
    """Answers as it is told, one after the other, and then takes in whatever comes."""

    def __init__(self, answers: Sequence[int], left: int | None = None, *, tells: bool = True) -> None:
        """`left`: so much of a quota of RATE events a second is left; `tells`: it says so in its headers."""
        self.answers, self.bodies, self.tokens = list(answers), list[bytes](), 0
        self.unit = ""  # that this emitter may not name
        self.heard: list[str] = []
        self.events: dict[str, Any] = {}
        self.over, self.tells, self.quotas = 0, tells, Quotas() if left is not None else None
        if self.quotas is not None and left is not None:
            self.quotas.wait(QUICK, QUICK.per_minute - left, monotonic())

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes([
            web.get("/.well-known/openid-configuration", self.about), web.post("/token", self.token),
            web.post("/events", self.say),
        ])  # fmt: skip
        return application

    async def about(self, request: web.Request) -> web.Response:
        return web.json_response({"token_endpoint": str(request.url.with_path("/token"))})

    async def token(self, _: web.Request) -> web.Response:
        self.tokens += 1
        return web.json_response({"access_token": f"t{self.tokens}"})

    def kept(self, event: Any) -> Any:
        """An event without an id is always another one."""
        if "id" not in event:
            return {"result": "accepted"}
        if self.unit and self.unit in event["data"].values():
            return {"result": "refused", "problem": {"type": "urn:onedoor:problem:unit-not-yours", "field": "data"}}
        before = self.events.setdefault(event["id"], event)
        if before is event:
            return {"result": "accepted"}
        if before == event:
            return {"result": "duplicate"}
        return {"result": "refused", "problem": {"type": "urn:onedoor:problem:id-reused", "field": "id"}}

    async def say(self, request: web.Request) -> web.Response:
        self.heard.append(request.headers["Authorization"])
        self.bodies.append(await request.read())
        if not self.answers:
            sent, headers = await request.json(), dict[str, str]()
            if self.quotas is not None:
                seconds = self.quotas.wait(QUICK, len(sent), monotonic())
                headers = self.quotas.headers(QUICK, monotonic()) if self.tells else {}
                if seconds > 0:
                    self.over += 1
                    return web.json_response({}, status=429, headers={**headers, "Retry-After": str(ceil(seconds))})
            return web.json_response([self.kept(one) for one in sent], status=207, headers=headers)
        status = self.answers.pop(0)
        if status == TAKEN:
            return web.json_response([self.kept(one) for one in await request.json()], status=207)
        if status == GONE and request.transport is not None:
            request.transport.close()
        return web.json_response({"detail": "no", "way_out": "ask"}, status=status, headers={"Retry-After": "0"})


@asynccontextmanager
async def door(gateway: Gateway) -> AsyncIterator[Door]:
    runner = web.AppRunner(gateway.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as http:
            yield Door(http, url, url, "emitter.X", "s")
    finally:
        await runner.cleanup()
