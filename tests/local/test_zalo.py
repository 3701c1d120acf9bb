"""The Zalo simulator is honest: it refuses as Zalo does, signs as Zalo does, and hides no double."""

import hashlib
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from local.addresses import plain_environment
from local.ports import free_port
from local.served import Served
from local.state import StateFolder
from local.zalo.journal import Journal
from local.zalo.server import Simulator
from local.zalo.webhook import Webhook

Zalo = TestClient[Any, Any] | aiohttp.ClientSession
USER = "4900000202"


class Owner:
    """Who listens to the webhook: takes everything down; does not answer well before it has been asked often enough."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, dict[str, str]]] = []
        self.refuses = 0

    async def webhook(self, request: web.Request) -> web.Response:
        self.heard.append((await request.read(), dict(request.headers)))
        self.refuses -= 1
        return web.Response(status=503 if self.refuses >= 0 else 200)


@pytest_asyncio.fixture
async def owner() -> AsyncIterator[tuple[Owner, str]]:
    listening, application = Owner(), web.Application()
    application.router.add_post("/zalo/webhook", listening.webhook)
    async with TestServer(application) as server:
        yield listening, str(server.make_url("/zalo/webhook"))


@pytest_asyncio.fixture
async def zalo(tmp_path: Path, owner: tuple[Owner, str]) -> AsyncIterator[Zalo]:
    async with simulator(tmp_path, owner[1]) as client:
        yield client


def simulator(folder: Path, webhook: str = "http://127.0.0.1:9/", rate: int = 0) -> TestClient[Any, Any]:
    hook = Webhook(webhook, app_id="app", oa_id="oa", oa_secret="oa-secret", pauses=(0.0, 0.0, 0.0))
    made = Simulator(Journal(folder / "journal"), hook, app_secret="app-secret", refresh_token="first", rate=rate)
    return TestClient(TestServer(made.application()))


async def refresh(zalo: Zalo, token: str, secret: str = "app-secret") -> dict[str, Any]:
    form = {"grant_type": "refresh_token", "app_id": "app", "refresh_token": token}
    answer = await zalo.post("/v4/oa/access_token", data=form, headers={"secret_key": secret})
    said: dict[str, Any] = await answer.json()
    return said


async def send(zalo: Zalo, access: str, text: str, user: str = USER) -> dict[str, Any]:
    body = {"recipient": {"user_id": user}, "message": {"text": text}}
    answer = await zalo.post("/v3.0/oa/message/cs", json=body, headers={"access_token": access})
    assert answer.status == 200  # also on failure
    said: dict[str, Any] = await answer.json()
    return said


async def order(zalo: Zalo, what: str, **body: object) -> dict[str, Any]:
    answer = await zalo.post(f"/simulator/{what}", json=body)
    assert answer.status == 200
    said: dict[str, Any] = await answer.json()
    return said


async def received(zalo: Zalo, since: int = 0) -> dict[str, Any]:
    said: dict[str, Any] = await (await zalo.get(f"/simulator/messages?since={since}")).json()
    return said


async def test_a_refresh_token_is_good_for_one_use(zalo: Zalo) -> None:
    pair = await refresh(zalo, "first")
    assert pair["expires_in"] == "90000"  # a string
    assert (await refresh(zalo, "first"))["error"] == -14014
    assert "access_token" in await refresh(zalo, pair["refresh_token"])


async def test_a_wrong_application_secret_spends_nothing(zalo: Zalo) -> None:
    assert (await refresh(zalo, "first", secret="guess"))["error"] == -14004
    assert "access_token" in await refresh(zalo, "first")


async def test_a_lost_refresh_token_needs_a_new_consent(zalo: Zalo) -> None:
    await refresh(zalo, "first")  # and the answer is lost
    fresh = (await order(zalo, "consent"))["refresh_token"]
    assert "access_token" in await refresh(zalo, fresh)


async def test_a_double_is_there_twice_with_ids_that_differ(zalo: Zalo) -> None:
    access = (await refresh(zalo, "first"))["access_token"]
    ids = [(await send(zalo, access, "Hồ sơ 1"))["data"]["message_id"] for _ in range(2)]
    await send(zalo, access, "Hồ sơ 2")
    said = await received(zalo)
    assert (said["accepted"], said["repeated"]) == (3, 1)
    assert [(one["seq"], one["text"], one["nth"]) for one in said["messages"]] == [
        (1, "Hồ sơ 1", 1),
        (2, "Hồ sơ 1", 2),
        (3, "Hồ sơ 2", 1),
    ]
    assert ids == [one["message_id"] for one in said["messages"][:2]]
    assert ids[0] != ids[1]
    assert [one["seq"] for one in (await received(zalo, since=2))["messages"]] == [3]


async def test_a_token_that_is_unknown_or_has_run_out_is_refused(zalo: Zalo) -> None:
    assert (await send(zalo, "guess", "x"))["error"] == -216
    access = (await refresh(zalo, "first"))["access_token"]
    await order(zalo, "expire")
    assert (await send(zalo, access, "x"))["error"] == -220
    assert (await received(zalo))["refused"] == 2


async def test_length_is_measured_after_composing_the_letters(zalo: Zalo) -> None:
    access = (await refresh(zalo, "first"))["access_token"]
    decomposed = unicodedata.normalize("NFD", "ế" * 2000)
    assert len(decomposed) == 6000
    assert (await send(zalo, access, decomposed))["error"] == 0
    assert (await send(zalo, access, "ế" * 2001))["error"] == -210
    assert (await send(zalo, access, ""))["error"] == -201


async def test_failures_come_in_the_order_given_and_for_whom(zalo: Zalo) -> None:
    access = (await refresh(zalo, "first"))["access_token"]
    await order(zalo, "fail", code=-200, times=2, user_id=USER)
    await order(zalo, "fail", code=-32, user_id="another")
    assert [(await send(zalo, access, "x"))["error"] for _ in range(3)] == [-200, -200, 0]
    assert (await send(zalo, access, "x", user="another"))["error"] == -32
    await order(zalo, "unfollow", user_id=USER)
    assert (await send(zalo, access, "x"))["error"] == -213
    await order(zalo, "follow", user_id=USER)
    assert (await send(zalo, access, "x"))["error"] == 0


async def test_more_than_the_limit_of_a_minute_is_refused(tmp_path: Path) -> None:
    async with simulator(tmp_path, rate=3) as zalo:
        access = (await refresh(zalo, "first"))["access_token"]
        errors = [(await send(zalo, access, "x"))["error"] for _ in range(7)]
    # a new minute may begin in between, and then the limit begins again
    assert errors.count(-32) >= 1
    assert errors[:3] == [0, 0, 0]


async def test_a_message_whose_answer_never_comes_was_sent(zalo: Zalo) -> None:
    access = (await refresh(zalo, "first"))["access_token"]
    await order(zalo, "hang", times=1, seconds=60)
    body = {"recipient": {"user_id": USER}, "message": {"text": "in doubt"}}
    with pytest.raises(TimeoutError):
        await zalo.post(
            "/v3.0/oa/message/cs", json=body, headers={"access_token": access}, timeout=aiohttp.ClientTimeout(total=0.2)
        )
    assert [one["text"] for one in (await received(zalo))["messages"]] == ["in doubt"]
    assert (await send(zalo, access, "the next one"))["error"] == 0


async def test_the_webhook_is_signed_over_its_raw_bytes(zalo: Zalo, owner: tuple[Owner, str]) -> None:
    said = await order(zalo, "say", user_id=USER, text="NHẬN 0001", msg_id="m-1", at="2017-07-10T09:00:00+07:00")
    assert said == {"status": 200, "tries": 1, "answer": ""}
    body, headers = owner[0].heard[0]
    assert "NHẬN".encode() in body  # not escaped: whoever re-serialises it breaks the signature
    expected = hashlib.sha256(b"app" + body + b"1499652000000" + b"oa-secret").hexdigest()
    assert headers["X-ZEvent-Signature"] == f"mac={expected}"


async def test_the_moment_is_passed_on(zalo: Zalo, owner: tuple[Owner, str]) -> None:
    moment = {"Onedoor-Now": "2017-07-10T09:00:00+07:00"}
    await zalo.post("/simulator/say", json={"user_id": USER, "text": "x"}, headers=moment)
    body, headers = owner[0].heard[0]
    assert headers["Onedoor-Now"] == moment["Onedoor-Now"]
    assert b'"timestamp":"1499652000000"' in body


async def test_an_unanswered_webhook_comes_again_with_the_same_bytes(zalo: Zalo, owner: tuple[Owner, str]) -> None:
    owner[0].refuses = 2
    assert (await order(zalo, "say", user_id=USER, text="x"))["tries"] == 3
    assert len({body for body, _ in owner[0].heard}) == 1


async def test_a_webhook_that_stays_away_is_told(tmp_path: Path) -> None:
    async with simulator(tmp_path, webhook=f"http://127.0.0.1:{free_port()}/") as zalo:
        answer = await zalo.post("/simulator/say", json={"user_id": USER, "text": "x"})
        assert answer.status == 502
        assert (await answer.json())["tries"] == 4


async def test_a_kill_takes_back_nothing_that_was_acknowledged(folder: Path) -> None:
    """As a process: messages, spent tokens and who follows are as they were."""
    port = free_port()
    env = {
        **plain_environment(),
        "ONEDOOR_HOST": "127.0.0.1", "ONEDOOR_PORT": str(port), "ZALO_JOURNAL": str(folder / "journal"),
        "ZALO_WEBHOOK_URL": "http://127.0.0.1:9/", "ZALO_APP_ID": "app", "ZALO_OA_ID": "oa",
        "ZALO_APP_SECRET": "app-secret", "ZALO_OA_SECRET": "oa-secret", "ZALO_REFRESH_TOKEN": "first",
    }  # fmt: skip
    process = Served("zalo", "local.zalo", port, env, StateFolder(folder))
    await process.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as zalo:
        pair = await refresh(zalo, "first")
        await send(zalo, pair["access_token"], "before")
        await order(zalo, "unfollow", user_id="another")
        await process.kill()
        with (folder / "journal").open("ab") as journal:
            journal.write(b'{"kind":"send","text":"half a l')  # what a kill in the middle of a write leaves
        await process.start()
        assert (await refresh(zalo, "first"))["error"] == -14014
        assert (await send(zalo, pair["access_token"], "before"))["error"] == 0
        assert (await send(zalo, pair["access_token"], "x", user="another"))["error"] == -213
        said = await received(zalo)
        assert (said["accepted"], said["repeated"], said["refused"]) == (2, 1, 1)
    await process.stop()
