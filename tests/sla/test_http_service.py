"""HTTP of the running SLA service over every route of its document: HEAD, limits, streams, the page."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
import jwt
import parts
import pytest
import pytest_asyncio
from contracts.given import eventually
from oracle.judging import received
from serving import Serving, serving

from events.clock import now
from events.event_stream import EXPIRED
from events.openapi import FOLDER
from sla.app import service

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT: Final = json.loads((Path(__file__).parents[2] / "docs" / FOLDER / "sla.json").read_text())
GETS: Final = {path: methods["get"] for path, methods in DOCUMENT["paths"].items() if "get" in methods}
GOOD: Final = {"case_id": "000.00.22.H49-170710-0001", "month": "2017-07", "case": "000.00.22.H49-170710-0001"}
BEYOND: Final = str(2**63)
NEVER_THE_SAME: Final = ("Date", "Content-Length", "Transfer-Encoding")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sla(postgres: str, kafka: str) -> AsyncIterator[Serving]:
    name, urls = await parts.fresh_database(postgres)
    async with serving(service, urls["sla"], kafka, "http.") as at_work:
        yield at_work
    await parts.drop_database(postgres, name)
    await parts.drop_topics(kafka, "http.")


def bearer(sla: Serving) -> dict[str, str]:
    return {"Authorization": f"Bearer {sla.issuer.sign(role='operator', unit='onedoor', member='01')}"}


def filled(path: str, **instead: str) -> str:
    """The path with good values, and the query of what must be given; some of them replaced."""
    query = []
    for one in GETS[path].get("parameters", ()):
        name, schema = one["name"], one["schema"]
        value = instead.get(name) or GOOD.get(name) or str((schema.get("enum") or ["1"])[0])
        if one["in"] == "path":
            path = path.replace(f"{{{name}}}", value)
        elif one["in"] == "query" and (one.get("required") or name in instead):
            query.append(f"{name}={value}")
    return f"{path}?{'&'.join(query)}" if query else path


def wrong() -> Iterator[Any]:
    """Every parameter of every GET with a zero character, and every number past bigint."""
    for path, one in GETS.items():
        for parameter in one.get("parameters", ()):
            if parameter["in"] != "header":
                kinds = re.findall(r'"type": "(\w+)"', json.dumps(parameter["schema"]))
                for value in ("%00", *((BEYOND,) if "integer" in kinds else ())):
                    yield pytest.param(path, parameter["name"], value, id=f"{path} {parameter['name']} {value}")


async def asked(sla: Serving, method: str, address: str) -> tuple[int, dict[str, str]]:
    """Status and headers; of a stream no more is read."""
    async with asyncio.timeout(20), sla.http.request(method, sla.url + address, headers=bearer(sla)) as answer:
        if method == "HEAD":
            assert await answer.read() == b""
        return answer.status, {name: value for name, value in answer.headers.items() if name not in NEVER_THE_SAME}


@pytest.mark.parametrize(("path", "name", "value"), wrong())
async def test_what_no_column_can_hold_is_refused(sla: Serving, path: str, name: str, value: str) -> None:
    """422 or 404 by a problem document, before anything is streamed."""
    async with (
        asyncio.timeout(20),
        sla.http.get(sla.url + filled(path, **{name: value}), headers=bearer(sla)) as answer,
    ):
        assert answer.status in (404, 422), await answer.text()
        assert answer.content_type == "application/problem+json"


async def test_head_answers_on_every_route_that_has_get(sla: Serving) -> None:
    """With the status and the headers of GET, and no body."""
    for path in [*map(filled, GETS), "/", "/web/page.js", "/docs", "/openapi.json"]:
        assert await asked(sla, "HEAD", path) == await asked(sla, "GET", path), path


async def test_the_stream_ends_with_its_token(sla: Serving) -> None:
    """By an event that says so, and not without a word."""
    claims = jwt.decode(bearer(sla)["Authorization"].partition(" ")[2], options={"verify_signature": False})
    claims |= {"exp": now() + timedelta(seconds=2)}
    token = jwt.encode(claims, sla.issuer._key, algorithm="EdDSA")
    timeout = aiohttp.ClientTimeout(total=20)
    async with sla.http.get(
        f"{sla.url}/stream", headers={"Authorization": f"Bearer {token}"}, timeout=timeout
    ) as answer:
        assert answer.status == 200
        text = await answer.text()
    assert f"event: {EXPIRED}\r\n" in text
    assert '"way_out"' in text
    assert f'"{EXPIRED}"' in (await _page(sla, "/web/page.js"))[1]


async def test_the_page_opens_on_the_newest_month_that_has_dossiers(sla: Serving) -> None:
    """On this one where there is none; what the address names is shown."""
    assert (await _page(sla, "/"))[0] == "/"
    story = received()
    await sla.hear(story.facts[0].stream, 1, story.facts[0].fact, story.facts[0].at)

    async def judged() -> bool:
        return (await sla.get(f"/cases/{story.case_id}")).status == 200

    await eventually(judged)
    assert (await _page(sla, "/"))[0] == "/?month=2017-07"
    assert (await _page(sla, "/?month=2017-06"))[0] == "/?month=2017-06"


async def _page(sla: Serving, address: str) -> tuple[str, str]:
    """Where the browser ends up, and what it gets."""
    async with sla.http.get(sla.url + address) as answer:
        assert answer.status == 200
        return answer.url.path_qs, await answer.text()
