"""A watermark that stands, at the running SLA service: told to operators and alarms, and no reason to go away."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest_asyncio
from contracts.given import eventually
from serving import Serving, serving

from events.clock import now
from sla.app import service
from sla.live.watermarks import KEEP


@pytest_asyncio.fixture
async def sla(database: Mapping[str, str], kafka: str, topic_prefix: str) -> AsyncIterator[Serving]:
    async with serving(service, database["sla"], kafka, topic_prefix) as at_work:
        yield at_work


async def ready(sla: Serving) -> tuple[int, Any]:
    async with sla.http.get(f"{sla.url}/health/ready") as answer:
        return answer.status, await answer.json()


async def metrics(sla: Serving) -> str:
    async with sla.http.get(f"{sla.url}/metrics") as answer:
        return await answer.text()


async def heard(sla: Serving, source: str, ago: timedelta) -> None:
    await sla.running.parts.pool.execute(KEEP, source, now() - ago)


async def test_a_source_that_has_been_silent_for_minutes_is_told(sla: Serving) -> None:
    """With the instant since which it stands; the service stays ready. When it is heard again nothing stands."""
    await heard(sla, "field", timedelta(minutes=5))

    async def told() -> Any:
        return (await ready(sla))[1]["standing_watermarks"]

    (standing,) = await eventually(told)
    assert (standing["source"], (await ready(sla))[0]) == ("field", 200)
    far = {one["source"]: one for one in (await sla.get("/followers")).body["watermarks"]}
    assert far.keys() == {"intake", "routing", "field", "sla", "settled"}
    assert (far["field"]["stands"], far["field"]["watermark"]) == (True, standing["since"])
    assert (far["intake"]["stands"], far["intake"]["watermark"]) == (False, None)  # not yet: it may just be starting
    text = await metrics(sla)
    assert 'onedoor_watermark_stands{source="field"} 1.0' in text
    assert 'onedoor_watermark_stands{source="intake"} 0.0' in text
    assert far["field"]["age_seconds"] >= 300

    await heard(sla, "field", timedelta(0))

    async def goes_on() -> bool:
        return not await told()

    await eventually(goes_on)
    assert 'onedoor_watermark_stands{source="field"} 0.0' in await metrics(sla)


async def test_nobody_says_what_time_it_is_where_the_wall_does(sla: Serving) -> None:
    """The ticker's watermark is that of the sources alone."""
    answer = await sla.post("/clock", {"now": now().isoformat()}, role="operator", unit="onedoor")
    assert (answer.status, answer.body["title"]) == (409, "clock is the walls")
