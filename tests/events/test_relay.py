"""The relay: every fact reaches Kafka in the order of its stream, and a crash after sending repeats none."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.partitioner import DefaultPartitioner
from contracts.given import catch_up, closed, eventually, line, rated, received, say, step, stream
from contracts.sending import facts_of, records, relaying

from events.contracts.intake import AdviceGiven
from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent
from events.subscriptions.follower import Entry, Follower, Following, Overtaken
from events.subscriptions.wakeup import Wakeup


async def sent(kafka: str, prefix: str) -> Sequence[RecordedEvent]:
    return facts_of(await records(kafka, f"{prefix}intake.events"))


def in_order(facts: Sequence[RecordedEvent]) -> bool:
    """Every stream from its first version on, without a gap."""
    versions = defaultdict(list)
    for fact in facts:
        versions[fact.stream].append(fact.version)
    return all(found == list(range(1, len(found) + 1)) for found in versions.values())


async def test_every_fact_arrives_as_it_was_recorded(pool: Pool, kafka: str, topic_prefix: str) -> None:
    """Equal in every field, its data bytes and its hash included."""
    said = [fact for number in range(20) for fact in await say(pool, line(stream(number), received(number)))]
    async with relaying(pool, kafka, topic_prefix) as following:
        await catch_up(following)
    assert sorted(await sent(kafka, topic_prefix), key=lambda fact: fact.id) == sorted(said, key=lambda fact: fact.id)


async def test_each_stream_arrives_in_order_and_in_its_key_s_partition(
    pool: Pool, kafka: str, topic_prefix: str
) -> None:
    """As Kafka's own default partitioner would have chosen, so that others can write beside us."""
    for number in range(40):
        await say(pool, line(stream(number), received(number), rated(number), closed(number)))
    await say(
        pool, line("advice-a-1", AdviceGiven(advice_id="a-1", counter="PAC-1", topic="tariff", channel="hotline"))
    )
    async with relaying(pool, kafka, topic_prefix) as following:
        await catch_up(following)
    found = await records(kafka, f"{topic_prefix}intake.events")
    assert in_order(facts_of(found))
    assert len(found) == 121
    everything = list(range(12))
    for record, fact in zip(found, facts_of(found), strict=True):
        assert record.key == fact.subject.encode()
        assert record.partition == DefaultPartitioner()(record.key, everything, everything)
        assert record.headers == ()  # which the AsyncAPI document tells everybody


async def test_a_batch_that_is_larger_than_a_request_may_be_goes_out_in_parts(
    pool: Pool, kafka: str, topic_prefix: str
) -> None:
    """One busy case, hundreds of facts, small requests: in order nevertheless."""
    await say(pool, line(stream(), received(), *[rated()] * 999))
    async with relaying(pool, kafka, topic_prefix, max_batch_size=1 << 12) as following:
        await catch_up(following)
    assert [fact.version for fact in await sent(kafka, topic_prefix)] == list(range(1, 1001))


def crashing(following: Following[Any]) -> Following[Any]:
    """The same relay, but its process dies after the brokers have everything and before the bookmark moves."""
    follower = following.follower

    async def apply(connection: Connection, entries: Sequence[Entry[Any]]) -> None:
        await follower.take_effect(connection, entries)
        raise SystemError("killed")

    return Following(
        following.pool,
        Follower(name=follower.name, log=follower.log, apply=apply, stuck="halt", batch=50, outside=follower.outside),
    )


async def test_a_crash_between_sending_and_noting_repeats_nothing(pool: Pool, kafka: str, topic_prefix: str) -> None:
    """The next process reads what is there and goes on behind it."""
    for number in range(20):
        await say(pool, line(stream(number), received(number), rated(number)))
    for _ in range(2):
        async with relaying(pool, kafka, topic_prefix) as following:
            with pytest.raises(SystemError):
                await step(crashing(following))
    assert await pool.fetchval("select position from bookmarks where name = 'relay'") == 0
    for number in range(20):
        await say(pool, line(stream(number), closed(number), expected=2))
    async with relaying(pool, kafka, topic_prefix) as following:
        await catch_up(following)
    facts = await sent(kafka, topic_prefix)
    assert len(facts) == 60
    assert in_order(facts)


async def test_the_same_process_that_failed_to_note_repeats_nothing_either(
    pool: Pool, kafka: str, topic_prefix: str
) -> None:
    """The database went away at the commit; the records are there all the same."""
    await say(pool, line(stream(), received(), rated()))
    async with relaying(pool, kafka, topic_prefix) as following:
        with pytest.raises(SystemError):
            await step(crashing(following))
        await catch_up(following)
    assert [fact.version for fact in await sent(kafka, topic_prefix)] == [1, 2]


async def test_two_processes_relay_each_fact_once(pool: Pool, kafka: str, topic_prefix: str) -> None:
    """Whoever holds the lock sends; the other looks what is there when its turn comes."""
    stopping, bell = asyncio.Event(), Wakeup()
    async with relaying(pool, kafka, topic_prefix) as one, relaying(pool, kafka, topic_prefix) as other:
        tasks = [asyncio.create_task(following.run(bell, stopping)) for following in (one, other)]
        for number in range(30):
            await say(pool, line(stream(number), received(number), rated(number)))
        stopping.set()
        await asyncio.gather(*tasks)
        await catch_up(one)
    facts = await sent(kafka, topic_prefix)
    assert Counter(fact.id for fact in facts).most_common(1)[0][1] == 1
    assert len(facts) == 60
    assert in_order(facts)


async def test_who_was_overtaken_between_reading_and_locking_sends_nothing(
    pool: Pool, kafka: str, topic_prefix: str
) -> None:
    """Its rows are stale: the other has sent some of them already, and would send the rest a second time."""
    async with relaying(pool, kafka, topic_prefix) as one, relaying(pool, kafka, topic_prefix) as other:
        await say(pool, line(stream(), received()))
        mine, _ = await one._read()
        await say(pool, line(stream(), rated(), closed(), expected=1))
        stale, _ = await other._read()
        assert (len(mine), len(stale)) == (1, 3)
        await one._commit(mine)
        with pytest.raises(Overtaken):
            await other._commit(stale)
        await catch_up(one)
    assert [fact.version for fact in await sent(kafka, topic_prefix)] == [1, 2, 3]


class Flaky:
    """A producer that loses its broker at one send, once."""

    def __init__(self, producer: Any) -> None:
        self._producer, self.sends_left = producer, 10**9

    def create_batch(self) -> Any:
        return self._producer.create_batch()

    async def send_batch(self, *args: Any, **more: Any) -> Any:
        self.sends_left -= 1
        if self.sends_left == 0:
            raise KafkaConnectionError("gone")
        return await self._producer.send_batch(*args, **more)


async def test_a_broker_that_goes_away_in_the_middle_of_a_send_gets_the_rest_later(
    pool: Pool, kafka: str, topic_prefix: str
) -> None:
    """Some partitions had theirs, others not; the same process looks before it sends again."""
    async with relaying(pool, kafka, topic_prefix) as following:
        relay: Any = following.follower.apply
        relay.__self__.producer = flaky = Flaky(relay.__self__.producer)
        await say(pool, line(stream(99), received(99)))
        await catch_up(following)
        for number in range(20):
            await say(pool, line(stream(number), received(number), rated(number)))
        flaky.sends_left = 4
        with pytest.raises(KafkaConnectionError):
            await step(following)
        await catch_up(following)
    facts = await sent(kafka, topic_prefix)
    assert len(facts) == 41
    assert in_order(facts)


async def test_somebody_else_s_last_record_does_not_stop_the_relay(pool: Pool, kafka: str, topic_prefix: str) -> None:
    """A stranger wrote garbage to our topic; our facts follow it."""
    async with relaying(pool, kafka, topic_prefix) as following:
        relay: Any = following.follower.apply
        producer = relay.__self__.producer
        for partition in range(12):
            await producer.send_and_wait(f"{topic_prefix}intake.events", b"garbage", partition=partition)
        await say(pool, line(stream(), received()))
        await catch_up(following)
    found = await records(kafka, f"{topic_prefix}intake.events")
    assert sum(record.value != b"garbage" for record in found) == 1


async def test_what_was_published_is_shown_by_offset(pool: Pool, kafka: str, topic_prefix: str) -> None:
    """The next offset of each partition, also after a restart: how an operator sees that a listener has it all."""
    for number in range(30):
        await say(pool, line(stream(number), received(number)))
    async with relaying(pool, kafka, topic_prefix) as following:
        await catch_up(following)
        published = _published(following)
    assert sum(published.values()) == 30
    await say(pool, line(stream(), rated(), expected=1))
    async with relaying(pool, kafka, topic_prefix) as following:
        await catch_up(following)
        assert sum(_published(following).values()) == 31
    assert set(published) <= {(f"{topic_prefix}intake.events", number) for number in range(12)}


def _published(following: Following[Any]) -> dict[tuple[str, int], int]:
    relay: Any = following.follower.apply
    published: dict[tuple[str, int], int] = relay.__self__.published
    return published


async def test_a_fact_follows_its_append_at_once(pool: Pool, kafka: str, topic_prefix: str) -> None:
    """The loop is woken by the bell; nobody has to wait for its next look."""
    stopping, bell = asyncio.Event(), Wakeup()
    async with relaying(pool, kafka, topic_prefix) as following:
        task = asyncio.create_task(following.run(bell, stopping))
        await say(pool, line(stream(), received()))
        bell.ring("events")
        await eventually(lambda: _arrived(kafka, topic_prefix), within=10)
        stopping.set()
        await task


async def _arrived(kafka: str, prefix: str) -> bool:
    return len(await sent(kafka, prefix)) == 1
