"""A stream ends with the right of who follows it and goes on where it was left; HEAD is GET without its body."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import aiohttp
import pytest
import pytest_asyncio
from contracts.servers import Issuer, issuing, serving
from fastapi import Depends, FastAPI, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from events.actor import Actor
from events.clock import now
from events.http import problems
from events.http.auth import Allowed, Gate
from events.http.event_stream import Events, Resumed, event_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

Reads = Annotated[Actor, Depends(Allowed("read"))]
LARGEST = 2**63 - 1


@dataclass
class Client:
    """An application with streams, and how many of them are open."""

    issuer: Issuer
    http: aiohttp.ClientSession
    url: str = ""
    open: set[str] = field(default_factory=set)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, path: str, lasts: float = 3600) -> list[tuple[str, Any]]:
        """Every event of a stream to its end, with a token that lasts so many seconds."""
        async with asyncio.timeout(20), self.http.get(self.url + path, headers=self.bearer(lasts)) as answer:
            assert answer.status == 200
            text = (await answer.text()).replace("\r\n", "\n")
        events = [dict(line.split(": ", 1) for line in one.splitlines()) for one in text.strip().split("\n\n")]
        return [(one["event"], json.loads(one["data"])) for one in events]

    async def resumed(self, query: str = "", **headers: str) -> tuple[int, Any]:
        """After which event the stream goes on, for a query and its headers."""
        sent = {name.replace("_", "-"): one for name, one in headers.items()}
        async with self.http.get(f"{self.url}/resumed{query}", headers=sent) as answer:
            return answer.status, await answer.json(content_type=None)

    def bearer(self, lasts: float = 3600) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(exp=int(now().timestamp() + lasts))}"}

    async def events(self, name: str, each: float) -> Events:
        self.open.add(name)
        self.ended.clear()
        try:
            number = 0
            while True:
                number += 1
                yield ServerSentEvent(data=str(number), event="number")
                await asyncio.sleep(each)
        finally:
            self.open.discard(name)
            self.ended.set()


def application(client: Client) -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.state.gate = Gate(client.issuer.url)

    @app.get("/silent")
    async def silent(request: Request, _: Reads) -> EventSourceResponse:
        return event_stream(request, client.events("silent", 3600))

    @app.get("/busy")
    async def busy(request: Request, _: Reads) -> EventSourceResponse:
        return event_stream(request, client.events("busy", 0))

    @app.get("/short")
    async def short(request: Request, _: Reads) -> EventSourceResponse:
        async def events() -> Events:
            yield ServerSentEvent(data="1", event="number")

        return event_stream(request, events())

    @app.get("/resumed")
    async def resume(after: Resumed) -> int | None:
        return after

    @app.get("/text")
    async def text() -> str:
        return "of this length"

    @app.post("/act")
    async def act() -> str:
        return "done"

    return app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[Client]:
    async with issuing() as issuer, aiohttp.ClientSession() as http:
        one = Client(issuer, http)
        async with serving(application(one)) as url:
            one.url = url
            yield one


@pytest.mark.parametrize("path", ["/silent", "/busy"])
async def test_a_stream_ends_with_the_token_and_says_so(client: Client, path: str) -> None:
    """Whether or not it has something to tell all the time; nobody reads on for it."""
    *numbers, (name, told) = await client.follow(path, lasts=2)
    assert numbers[0] == ("number", 1)
    assert {name for name, _ in numbers} == {"number"}
    assert (name, told["type"], told["status"]) == ("expired", "urn:onedoor:problem:token-expired", 401)
    assert "Last-Event-ID" in told["way_out"]
    assert client.open == set()


async def test_a_stream_that_ends_by_itself_says_nothing_of_the_token(client: Client) -> None:
    assert await client.follow("/short") == [("number", 1)]


@pytest.mark.parametrize(
    ("query", "header", "after"),
    [
        ("", None, None),
        ("?after=7", None, 7),
        ("?after=7", "9", 9),
        (f"?after={LARGEST}", None, LARGEST),
        ("", str(LARGEST), LARGEST),
        ("", "", None),
        ("?after=7", "", 7),
        ("", "yesterday", None),
        ("", "-1", None),
        ("", "1.5", None),
        ("", "²", None),
    ],
)
async def test_a_stream_goes_on_where_it_was_left(
    client: Client, query: str, header: str | None, after: int | None
) -> None:
    """A browser sends back whatever it was told last; what is no number of ours begins with what is to come."""
    headers = {} if header is None else {"Last_Event_ID": header}
    assert await client.resumed(query, **headers) == (200, after)


@pytest.mark.parametrize(
    ("query", "header", "field"),
    [
        (f"?after={LARGEST + 1}", "", "query.after"),
        ("?after=-1", "", "query.after"),
        ("?after=%00", "", "query.after"),
        ("", str(LARGEST + 1), "header.last-event-id"),
        ("", "9" * 5000, "header.last-event-id"),
    ],
)
async def test_a_number_that_no_event_can_have_is_refused_before_anything_is_sent(
    client: Client, query: str, header: str, field: str
) -> None:
    status, body = await client.resumed(query, Last_Event_ID=header)
    assert (status, body["field"]) == (422, field)


@pytest.mark.parametrize("path", ["/text", "/resumed?after=x", "/silent", "/nowhere", "/openapi.json", "/act"])
async def test_head_is_get_without_the_body(client: Client, path: str) -> None:
    """Status and headers are the same, of a refusal too; only how a body would be framed is about a body."""
    told = []
    for method in ("GET", "HEAD"):
        headers = client.bearer()
        async with asyncio.timeout(10), client.http.request(method, client.url + path, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name not in ("Date", "Transfer-Encoding")}
            told.append((answer.status, kept))
            if method == "HEAD":
                assert await answer.read() == b""
    assert told[0] == told[1]


async def test_head_of_a_stream_leaves_nothing_open(client: Client) -> None:
    """It is closed as soon as its headers were sent."""
    async with asyncio.timeout(10):
        async with client.http.head(f"{client.url}/silent", headers=client.bearer()) as answer:
            assert (answer.status, answer.content_type) == (200, "text/event-stream")
        await client.ended.wait()
    assert client.open == set()


async def test_a_method_that_is_not_is_told_which_there_are(client: Client) -> None:
    async with client.http.put(f"{client.url}/text") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    async with client.http.put(f"{client.url}/act") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
