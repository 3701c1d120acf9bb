"""What the services stand on is killed in the middle of the work: nothing is lost, nothing is doubled."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence

import parts
import pytest
import pytest_asyncio
from contracts.given import NINE, eventually, line, rated, received, say, stream
from contracts.hearing import hearing
from contracts.sending import SAID, facts_of, producing, records, relay_of

from events.contracts import write
from events.kafka import topics
from events.kafka.cloudevent import to_cloudevent
from events.store import database as postgres_of
from events.store.database import Pool
from events.store.envelope import RecordedEvent
from events.subscriptions.follower import Following
from events.subscriptions.wakeup import Wakeup
from local.errors import LocalError
from local.kafka import choose
from local.kafka.broker import Broker
from local.postgres import Postgres

STREAMS, VERSIONS = 20, 12


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker() -> AsyncIterator[Broker]:
    """A broker that these tests may kill; each starts it again."""
    with parts.folder() as place:
        try:
            made = choose.embedded(place / "kafka")
        except LocalError as missing:
            pytest.skip(str(missing))
        if not isinstance(made, Broker):
            pytest.skip("only a broker that runs here as a process can be killed")
        await made.start()
        yield made
        await made.kill()


def whole(facts: Sequence[RecordedEvent]) -> bool:
    """Every version of every stream once, in order."""
    assert not [one for one, count in Counter(fact.id for fact in facts).items() if count > 1]
    versions = defaultdict(list)
    for fact in facts:
        versions[fact.stream].append(fact.version)
    return versions == {stream(number): list(range(1, VERSIONS + 1)) for number in range(STREAMS)}


async def talk(pool: Pool, half: asyncio.Event, on: asyncio.Event) -> None:
    """Say everything, with a pause in the middle for the kill."""
    for version in range(VERSIONS):
        if version == VERSIONS // 2:
            half.set()
            await on.wait()
        for number in range(STREAMS):
            fact = rated(number) if version else received(number)
            await say(pool, line(stream(number), fact, expected=version))


async def test_a_broker_that_is_killed_loses_and_doubles_nothing(pool: Pool, broker: Broker, topic_prefix: str) -> None:
    """SIGKILL while the relay sends; commands go on being accepted, and everything is there afterwards."""
    await topics.ensure(broker.bootstrap, topic_prefix, SAID)
    half, on, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with producing(broker.bootstrap) as producer:
        following = Following(pool, relay_of(producer, broker.bootstrap, topic_prefix).follower())
        relaying = asyncio.create_task(following.run(Wakeup(), stopping))
        talking = asyncio.create_task(talk(pool, half, on))
        await half.wait()
        await broker.kill()
        on.set()
        await talking
        await broker.start()
        stopping.set()
        await relaying
        facts = facts_of(await records(broker.bootstrap, f"{topic_prefix}intake.events"))
    assert whole(facts)


async def test_a_broker_that_is_killed_while_others_listen_is_heard_again(
    pool: Pool, listener: Pool, broker: Broker, topic_prefix: str
) -> None:
    """The consumer finds its way back by itself and goes on where the inbox stands."""
    await topics.ensure(broker.bootstrap, topic_prefix, SAID)
    half, on, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with producing(broker.bootstrap) as producer, hearing(listener, broker.bootstrap, topic_prefix):
        following = Following(pool, relay_of(producer, broker.bootstrap, topic_prefix).follower())
        relaying = asyncio.create_task(following.run(Wakeup(), stopping))
        talking = asyncio.create_task(talk(pool, half, on))
        await half.wait()
        await eventually(lambda: _kept(listener, STREAMS))
        await broker.kill()
        await broker.start()
        on.set()
        await talking
        await eventually(lambda: _kept(listener, STREAMS * VERSIONS), within=60)
        stopping.set()
        await relaying
    assert await listener.fetchval("select count(*) from parked") == 0
    assert await _order_kept(listener)


async def test_a_database_that_is_killed_while_records_flow_loses_and_doubles_nothing(
    kafka: str, topic_prefix: str, server: Postgres
) -> None:
    """Postgres is away for some seconds; the batch that was at hand waits, and the next ones behind it."""
    admin = await postgres_of.connect(server.admin_url)
    await admin.execute("create schema sla; alter role postgres set search_path = sla")
    await admin.close()
    listener = await postgres_of.connect(server.admin_url)
    await postgres_of.migrate(listener, postgres_of.LOG)
    await topics.ensure(kafka, topic_prefix, SAID)
    away = asyncio.Event()

    async def flow() -> None:
        async with producing(kafka) as producer:
            for version in range(1, VERSIONS * 20 + 1):
                for number in range(STREAMS):
                    await producer.send(f"{topic_prefix}intake.events", _record(number, version), key=_key(number))
                await producer.flush()
                if version == VERSIONS * 5:
                    away.set()

    async with hearing(listener, kafka, topic_prefix):
        flowing = asyncio.create_task(flow())
        await away.wait()
        await eventually(lambda: _kept(listener, 1))
        await server.kill()
        await flowing
        await server.start()
        await eventually(lambda: _kept(listener, STREAMS * VERSIONS * 20), within=60)
    assert await listener.fetchval("select count(*) from inbox") == STREAMS * VERSIONS * 20
    assert await listener.fetchval("select sum(next_offset) from heard") == STREAMS * VERSIONS * 20
    assert await listener.fetchval("select count(*) from parked") == 0
    assert await _order_kept(listener)
    await listener.close()


def _key(number: int) -> bytes:
    return received(number).case_id.encode()


def _record(number: int, version: int) -> bytes:
    row: Mapping[str, object] = {
        "stream": stream(number), "version": version, "subject": received(number).case_id, "type": "CustomerRated",
        "schema": 1, "at": NINE, "recorded_at": NINE, "actor": "a", "correlation": "c", "causation": "c",
        "trace": None, "data": write(rated(number)), "hash": version.to_bytes(32, "big"),
    }  # fmt: skip
    return to_cloudevent(row, "/onedoor/intake")


async def _kept(listener: Pool, count: int) -> bool:
    try:
        return bool(await listener.fetchval("select count(*) >= $1 from inbox", count))
    except postgres_of.TRANSIENT:
        return False


async def _order_kept(listener: Pool) -> bool:
    """A follower of the inbox meets every stream in order."""
    return bool(
        await listener.fetchval("""
        select bool_and(version = n) from (
            select version, row_number() over (partition by stream order by epoch, tx, position) as n from inbox) as s
    """)
    )
