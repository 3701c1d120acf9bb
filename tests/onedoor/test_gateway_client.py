"""Posting events with patience: a quota, a restart and a token that has run out are waited for, a refusal is not."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import ceil
from time import monotonic

import aiohttp
import pytest
from aiohttp import web

from events.errors import OnedoorError
from events.gateway.emitters import Emitter
from events.gateway.quota import Quotas
from onedoor.client import Said
from onedoor.importing.gateway_client import Door

GONE = 500  # dies while it answers
RATE = 1000  # events a second
QUICK = Emitter(code="X", source="urn:test", name="test", facts=("CaseClosed",), units=("X",), dossiers=("H49",),
                per_minute=60 * RATE)  # fmt: skip


class Gateway:
    """Answers as it is told, one after the other, and then takes in whatever comes."""

    def __init__(self, answers: Sequence[int], left: int | None = None, *, tells: bool = True) -> None:
        """`left`: so much of a quota of RATE events a second is left; `tells`: it says so in its headers."""
        self.answers, self.bodies, self.tokens = list(answers), list[bytes](), 0
        self.heard: list[str] = []
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

    async def say(self, request: web.Request) -> web.Response:
        self.heard.append(request.headers["Authorization"])
        self.bodies.append(await request.read())
        if not self.answers:
            events, headers = len(await request.json()), dict[str, str]()
            if self.quotas is not None:
                seconds = self.quotas.wait(QUICK, events, monotonic())
                headers = self.quotas.headers(QUICK, monotonic()) if self.tells else {}
                if seconds > 0:
                    self.over += 1
                    return web.json_response({}, status=429, headers={**headers, "Retry-After": str(ceil(seconds))})
            return web.json_response([{"result": "accepted"}] * events, status=207, headers=headers)
        status = self.answers.pop(0)
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


async def test_a_quota_and_a_restart_are_waited_for_and_the_same_is_sent_again() -> None:
    gateway = Gateway([429, 503, GONE])
    async with door(gateway) as it:
        assert await it.say([b'{"id":"1"}', b'{"id":"2"}']) == [{"result": "accepted"}] * 2
        assert await it.say([b'{"id":"3"}']) == [{"result": "accepted"}]
    assert gateway.bodies == [b'[{"id":"1"},{"id":"2"}]'] * 4 + [b'[{"id":"3"}]']
    assert gateway.tokens == 1


async def test_a_token_that_has_run_out_is_renewed() -> None:
    gateway = Gateway([])
    async with door(gateway) as it:
        await it.say([b"{}"])
        gateway.answers = [401]
        assert await it.say([b"{}"]) == [{"result": "accepted"}]
    assert gateway.heard == ["Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.parametrize("status", [400, 401, 403, 413])
async def test_what_will_not_become_better_is_said_at_once(status: int) -> None:
    gateway = Gateway([status])
    async with door(gateway) as it:
        with pytest.raises(Said, match=f"^the gateway says {status}: no; ask$"):
            await it.say([b"{}"])
    assert len(gateway.bodies) == 1


async def test_patience_ends() -> None:
    async with door(gateway := Gateway([503] * 99)) as it:
        with pytest.raises(OnedoorError, match="give the command again later"):
            await it.say([b"{}"])
    assert len(gateway.bodies) == 8


async def test_the_pace_follows_the_quota_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    """Each batch is sent once, when there is room for it; who waits is told, and nothing is printed."""
    gateway, waits = Gateway([], left=100), list[float]()
    async with door(gateway) as it:
        for _ in range(8):
            assert len(await it.say([b"{}"] * 100, waits.append)) == 100
    assert (len(gateway.bodies), gateway.over) == (8, 0)
    assert waits
    assert all(0 < seconds <= 100 / RATE for seconds in waits)
    assert capfd.readouterr() == ("", "")


async def test_a_gateway_that_does_not_tell_its_quota_is_waited_for_as_it_says(
    capfd: pytest.CaptureFixture[str],
) -> None:
    gateway, waits = Gateway([], left=150, tells=False), list[float]()
    async with door(gateway) as it:
        for _ in range(2):
            assert len(await it.say([b"{}"] * 100, waits.append)) == 100
    assert (len(gateway.bodies), gateway.over) == (3, 1)
    assert waits == [1.0]
    assert capfd.readouterr() == ("", "")


async def test_a_quota_that_never_fills_is_an_error_and_no_loop() -> None:
    async with door(Gateway([429] * 1000)) as it:
        with pytest.raises(OnedoorError, match=r"429.*give the command again later"):
            await it.say([b"{}"])
