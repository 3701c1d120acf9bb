"""The stream and the live page of the running SLA service."""

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import jwt
import parts
import pytest
import pytest_asyncio
from contracts.given import eventually
from oracle.judging import received
from serving import Serving, serving

from events.clock import now
from events.http.event_stream import EXPIRED
from sla.app import service

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sla(postgres: str, kafka: str) -> AsyncIterator[Serving]:
    name, urls = await parts.fresh_database(postgres)
    async with serving(service, urls["sla"], kafka, "page.") as at_work:
        yield at_work
    await parts.drop_database(postgres, name)
    await parts.drop_topics(kafka, "page.")


async def test_the_stream_ends_with_its_token(sla: Serving) -> None:
    """By an event that says so, and not without a word."""
    signed = sla.issuer.sign(role="auditor", unit="PC-QN", member="01")
    claims = jwt.decode(signed, options={"verify_signature": False})
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
