"""How far everyone is, as an operator sees it, and the watermark that others may rely on."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from contracts.given import eventually, line, rated, received, say, step, stream
from contracts.sending import producing, relay_of
from prometheus_client import generate_latest

from events.kafka import topics
from events.kafka.heartbeat import CEILING, STANDS_AFTER, Watermark, all_sent, heartbeat, watermarks
from events.operations.metrics import Horizon, exposition, standing
from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent
from events.subscriptions.follower import EVENTS, Entry, Follower, Following


async def nothing(_: Connection, __: Sequence[Entry[RecordedEvent]]) -> None:
    """A follower without effect."""


async def test_a_follower_s_distance_is_counted_in_rows_and_seconds(pool: Pool) -> None:
    """Before it began, half-way, and at the end."""
    following = Following(pool, Follower(name="f", log=EVENTS, apply=nothing, stuck="halt", batch=2))
    relay: Any = type("Sent", (), {"published": {("intake.events", 3): 7, ("intake.events", 0): 1}})
    await say(pool, line(stream(), received(), rated(), rated()))
    behind = []
    async with pool.acquire() as connection:
        for _ in range(3):
            far = await standing(connection, [following], None, relay, Horizon())
            behind.append(far["followers"][0]["behind_events"])
            assert (far["followers"][0]["behind_seconds"] > 0) is (behind[-1] > 0)
            await step(following)
    assert behind == [3, 1, 0]
    assert far["published"] == {"intake.events": {"0": 1, "3": 7}}
    following.trouble = "halted"
    async with pool.acquire() as connection:
        text = generate_latest(exposition(await standing(connection, [following], None, relay, Horizon()), []))
    assert b'onedoor_follower_trouble{follower="f"} 1.0' in text
    assert b'onedoor_follower_lag_events{follower="f",shard="0"} 0.0' in text


async def test_a_writing_transaction_of_anybody_is_seen_to_hold_the_horizon(pool: Pool, home: dict[str, str]) -> None:
    """Of another role, in another schema, where this role may not look: it holds our followers all the same."""
    horizon, other = Horizon(), await asyncpg.connect(home["admin"])
    async with pool.acquire() as connection:
        async with other.transaction():
            await other.execute("create table held (x int)")
            before = await horizon.age(connection)
            await eventually(lambda: horizon.age(connection))
            assert await horizon.age(connection) > before
            await other.execute("drop table held")
        await eventually(lambda: _let_go(horizon, connection))
    await other.close()


async def _let_go(horizon: Horizon, connection: Connection) -> bool:
    return await horizon.age(connection) == 0.0


async def _vouched(pool: Pool) -> bool:
    return await all_sent(pool, await pool.fetchval(CEILING))


@pytest.mark.parametrize("category", ["case", "foreign"])
async def test_a_watermark_is_not_said_before_everything_is_sent(
    pool: Pool, kafka: str, topic_prefix: str, category: str
) -> None:
    """Not while a fact waits for the relay, even before it has ever begun, nor while one is being written; whichever of
    the service's topics it goes to."""
    await say(pool, line(f"{category}-1", received(1)))
    assert not await _vouched(pool)
    await topics.ensure(kafka, topic_prefix, ("intake.events", "provincial.events"))
    async with producing(kafka) as producer:
        following = Following(pool, relay_of(producer, kafka, topic_prefix).follower())
        await step(following)
        await eventually(lambda: _vouched(pool))
        async with pool.acquire() as writer, writer.transaction():
            await writer.execute("select pg_current_xact_id()")
            assert not await _vouched(pool)
        await say(pool, line(f"{category}-2", received(2)))
        assert not await _vouched(pool)
        await step(following)
        await eventually(lambda: _vouched(pool))


def test_a_watermark_stands_when_it_is_old_or_was_never_heard() -> None:
    """One that was never heard is as old as the listening: a system that just starts is not in trouble."""
    at = datetime(2017, 7, 10, 2, tzinfo=UTC)
    fresh, old = at - timedelta(seconds=STANDS_AFTER), at - timedelta(seconds=STANDS_AFTER + 1)
    known = {"intake": fresh, "field": old, "routing": None}
    assert watermarks(known, fresh, at) == [
        Watermark("intake", fresh, STANDS_AFTER, False),
        Watermark("field", old, STANDS_AFTER + 1, True),
        Watermark("routing", None, STANDS_AFTER, False),
    ]
    assert watermarks(known, old, at)[2] == Watermark("routing", None, STANDS_AFTER + 1, True)
    assert watermarks({"sla": at + timedelta(seconds=2)}, old, at) == [
        Watermark("sla", at + timedelta(seconds=2), 0, False)
    ]


class Kept:
    """A producer that only remembers what it was given."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send_and_wait(self, topic: str, body: bytes, key: bytes) -> None:
        self.sent.append((topic, key, msgspec.json.decode(body)))


async def _beating(pool: Pool, producer: Kept, stopping: asyncio.Event) -> None:
    beat: Any = heartbeat
    await beat(pool, producer, "heartbeats", "intake", stopping)


async def test_the_watermark_is_an_instant_of_the_past_under_the_service_s_name(pool: Pool) -> None:
    """Others take it for: nothing of this service that is older is still on its way."""
    stopping, producer = asyncio.Event(), Kept()
    task = asyncio.create_task(_beating(pool, producer, stopping))
    await eventually(lambda: producer.sent)
    topic, key, told = producer.sent[0]
    assert (topic, key, told["service"]) == ("heartbeats", b"intake", "intake")
    assert datetime.fromisoformat(told["watermark"]) <= await pool.fetchval("select clock_timestamp()")
    stopping.set()
    await task


async def test_a_service_on_its_way_out_does_not_vouch_for_what_it_never_sent(pool: Pool) -> None:
    """It waits for the relay, and is told to stop before that was done."""
    stopping, producer = asyncio.Event(), Kept()
    await say(pool, line(stream(), received()))  # nobody relays it
    task = asyncio.create_task(_beating(pool, producer, stopping))
    for _ in range(20):
        await pool.fetchval("select 1")
    stopping.set()
    await task
    assert producer.sent == []
