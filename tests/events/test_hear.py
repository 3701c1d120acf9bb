"""Hearing from a real broker: from where the inbox stands, whatever the codec, and past what cannot be read."""

import asyncio
import json
import time
from collections.abc import Sequence

import parts
import pytest
from contracts.given import case_id, eventually, line, rated, received, say, stream
from contracts.hearing import hearing
from contracts.sending import SAID, producing, transact, transacting

from events.kafka import hear, topics
from events.kafka.cloudevent import to_cloudevent
from events.kafka.hear import TopicConsumer
from events.kafka.inbox import keep
from events.kafka.topic_ends import spans
from events.store.database import Pool
from events.subscriptions.wakeup import Wakeup

KEPT = "select stream || '@' || version from inbox order by stream, version"


@pytest.fixture
async def said(pool: Pool) -> list[bytes]:
    """Twenty facts of one stream, as they go over the wire."""
    await say(pool, line(stream(), received(), *[rated()] * 19))
    return [
        to_cloudevent(dict(row), "/onedoor/intake") for row in await pool.fetch("select * from events order by version")
    ]


async def send(kafka: str, prefix: str, values: Sequence[bytes], **more: object) -> None:
    await topics.ensure(kafka, prefix, SAID)
    async with producing(kafka, **more) as producer:
        for value in values:
            await producer.send(f"{prefix}intake.events", value, key=case_id().encode())
        await producer.flush()


async def count(listener: Pool, wanted: int) -> bool:
    return bool(await listener.fetchval("select count(*) >= $1 from inbox", wanted))


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd", None])
async def test_records_of_every_codec_are_heard(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes], codec: str | None
) -> None:
    """One compressed record of another system must not kill the consumer."""
    await send(kafka, topic_prefix, said, compression_type=codec)
    async with hearing(listener, kafka, topic_prefix):
        await eventually(lambda: count(listener, 20))
    assert await listener.fetchval("select count(*) from parked") == 0


async def test_what_cannot_be_read_is_parked_and_the_next_is_heard(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes]
) -> None:
    """Bytes go past FastStream's decoder as they came: broken JSON, no JSON, nothing at all."""
    await send(kafka, topic_prefix, [said[0], b"{broken", b"\xff\x00", b"", said[1]])
    async with hearing(listener, kafka, topic_prefix):
        await eventually(lambda: count(listener, 2))
    bodies = [row["body"] for row in await listener.fetch("select body from parked order by id")]
    assert bodies == [b"{broken", b"\xff\x00", b""]


async def test_headers_that_are_no_text_stop_nothing(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes]
) -> None:
    """Anyone's client or proxy may add headers of any bytes; FastStream would decode them and drop what came along."""
    await topics.ensure(kafka, topic_prefix, SAID)
    async with producing(kafka) as producer:
        strange = [("trace", b"\xff\xfe"), ("empty", None)]
        for value, headers in zip(said, [strange, *[None] * 18, strange], strict=True):
            await producer.send(f"{topic_prefix}intake.events", value, key=case_id().encode(), headers=headers)
    async with hearing(listener, kafka, topic_prefix) as ears:
        await eventually(lambda: sum(ears.heard.values()) == 20)
    assert await count(listener, 20)


async def test_what_was_aborted_is_not_heard_and_its_gaps_are_no_holes(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes]
) -> None:
    """Also where a partition ends with markers: it is heard to its end, for others wait until it is."""
    topic = f"{topic_prefix}intake.events"
    await send(kafka, topic_prefix, said[:2])
    await transact(kafka, topic, said[2], b"{broken", key=case_id().encode(), abort=True)
    await transact(kafka, topic, *said[3:5], key=case_id().encode())
    async with hearing(listener, kafka, topic_prefix) as ears:
        (end,) = [end for _, end in (await spans(kafka, [topic])).values() if end]
        assert end == 8  # two plain ones, two aborted with a marker, two committed with a marker
        await eventually(lambda: sum(ears.heard.values()) == end)
        kept = [row[0] for row in await listener.fetch(KEPT)]
        assert kept == sorted(f"{stream()}@{number}" for number in (1, 2, 4, 5))
        assert await listener.fetchval("select sum(next_offset) from heard") == end
        await send(kafka, topic_prefix, said[5:6])
        await eventually(lambda: count(listener, 5))
    assert await listener.fetchval("select count(*) from parked") == 0


async def test_an_open_transaction_is_waited_for_and_shown(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes]
) -> None:
    topic, key = f"{topic_prefix}intake.events", case_id().encode()
    await topics.ensure(kafka, topic_prefix, SAID)
    async with hearing(listener, kafka, topic_prefix) as ears, transacting(kafka) as producer:
        await producer.send_and_wait(topic, said[0], key=key)
        await send(kafka, topic_prefix, said[1:2])
        await eventually(lambda: len(ears.stable.seconds(time.monotonic())) == 1)
        assert await listener.fetchval("select count(*) from inbox") == 0
        await producer.commit_transaction()
        await eventually(lambda: count(listener, 2))
        await eventually(lambda: ears.stable.seconds(time.monotonic()) == {})


async def test_a_restart_goes_on_where_the_inbox_stands(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes]
) -> None:
    """Not where Kafka believes the group to be: nothing was committed there."""
    await send(kafka, topic_prefix, said[:10])
    async with hearing(listener, kafka, topic_prefix) as ears:
        await eventually(lambda: count(listener, 10))
        await eventually(lambda: sum(ears.heard.values()) == 10)
    await send(kafka, topic_prefix, said[10:])
    await listener.execute("delete from inbox")  # so that a record heard twice would show
    async with hearing(listener, kafka, topic_prefix) as ears:
        await eventually(lambda: sum(ears.heard.values()) == 20)
    assert [row[0] for row in await listener.fetch(KEPT)] == sorted(f"{stream()}@{number}" for number in range(11, 21))


async def test_a_listener_without_offsets_hears_from_the_beginning(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes]
) -> None:
    """A lost inbox is filled again from the topics, although the group heard them before."""
    await send(kafka, topic_prefix, said)
    async with hearing(listener, kafka, topic_prefix):
        await eventually(lambda: count(listener, 20))
    await listener.execute("delete from inbox")
    await listener.execute("delete from heard")
    async with hearing(listener, kafka, topic_prefix):
        await eventually(lambda: count(listener, 20))


async def test_two_instances_hear_everything_once(listener: Pool, kafka: str, topic_prefix: str, pool: Pool) -> None:
    """The partitions are shared; each fact is in the inbox once, wherever it was heard."""
    for number in range(60):
        await say(pool, line(stream(number), received(number)))
    rows = await pool.fetch("select * from events order by position")
    await topics.ensure(kafka, topic_prefix, SAID)
    async with hearing(listener, kafka, topic_prefix, "1") as one, hearing(listener, kafka, topic_prefix, "2") as other:
        await eventually(lambda: one.assigned.is_set() and other.assigned.is_set())
        async with producing(kafka) as producer:
            for row in rows:
                await producer.send(
                    f"{topic_prefix}intake.events", to_cloudevent(dict(row), "/"), key=row["subject"].encode()
                )
        await eventually(lambda: count(listener, 60))
    assert await listener.fetchval("select count(*) from inbox") == 60
    assert await listener.fetchval("select sum(next_offset) from heard") == 60


async def test_a_fault_of_ours_parks_the_record_and_hearing_goes_on(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastStream would drop the whole batch of a handler that raises; ours never does."""

    async def faulty(connection, records, ids):  # type: ignore[no-untyped-def]
        if any(b'"sequence":"3"' in record.value for record in records):
            raise ZeroDivisionError("a mistake")
        return await keep(connection, records, ids)

    monkeypatch.setattr(hear, "keep", faulty)
    await send(kafka, topic_prefix, said)
    async with hearing(listener, kafka, topic_prefix):
        await eventually(lambda: count(listener, 19))
    parked = await listener.fetch("select subject, reason, body from parked")
    assert [tuple(row) for row in parked] == [(case_id(), "ZeroDivisionError: a mistake", said[2])]
    assert json.loads(said[2])["sequence"] == "3"
    assert await listener.fetchval("select sum(next_offset) from heard") == 20


async def test_the_bell_rings_when_something_was_kept(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes]
) -> None:
    """The policies of this process do not wait for their next look."""
    await topics.ensure(kafka, topic_prefix, SAID)
    async with hearing(listener, kafka, topic_prefix) as ears:
        waiting = asyncio.create_task(ears.bell.wait("inbox", 0, 30))
        await send(kafka, topic_prefix, said[:1])
        await waiting
        assert ears.bell.rung("inbox") > 0


@pytest.mark.parametrize("at_work", [True, False], ids=["at work", "away"])
async def test_a_topic_that_was_made_again_is_heard_from_its_beginning(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes], at_work: bool
) -> None:
    """It is longer than the old one was, so an old offset would lie within it and lose what is before."""
    await send(kafka, topic_prefix, said[:5])
    async with hearing(listener, kafka, topic_prefix) as ears:
        await eventually(lambda: count(listener, 5))
        if at_work:
            await topics.make_again(kafka, topic_prefix, SAID)
            await send(kafka, topic_prefix, said[5:])
            await eventually(lambda: count(listener, 20))
            assert sum(ears.heard.values()) == 15
    if not at_work:
        await topics.make_again(kafka, topic_prefix, SAID)
        await send(kafka, topic_prefix, said[5:])
        async with hearing(listener, kafka, topic_prefix):
            await eventually(lambda: count(listener, 20))
    assert await listener.fetchval("select sum(next_offset) from heard") == 15


async def test_a_listener_whose_topic_is_gone_is_not_ready_and_hears_the_others(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes]
) -> None:
    """Until it is made again."""
    await topics.ensure(kafka, topic_prefix, ("field.events",))
    await send(kafka, topic_prefix, said[:5])
    names = [f"{topic_prefix}{name}" for name in ("intake.events", "field.events")]
    ears = TopicConsumer(listener, Wakeup(), names, bootstrap=kafka, service=f"{topic_prefix}sla", instance="1")
    async with ears.listening():
        await eventually(lambda: ears.ready)
        await parts.drop_topics(kafka, names[1])
        await eventually(lambda: ears.missing == {names[1]})
        await send(kafka, topic_prefix, said[5:])
        await eventually(lambda: count(listener, 20))
        assert not ears.ready
        await topics.ensure(kafka, topic_prefix, ("field.events",))
        await eventually(lambda: ears.ready)


async def test_what_was_parked_of_the_old_topic_is_no_longer_at_its_place(
    listener: Pool, kafka: str, topic_prefix: str, said: list[bytes]
) -> None:
    """Else a record of the new one that stands there would be taken for it."""
    await send(kafka, topic_prefix, [b"{broken", *said[:3]])
    async with hearing(listener, kafka, topic_prefix):
        await eventually(lambda: count(listener, 3))
    (before,) = await listener.fetch("select place from parked")
    await topics.make_again(kafka, topic_prefix, SAID)
    async with hearing(listener, kafka, topic_prefix):
        pass
    (after,) = await listener.fetch("select place from parked")
    assert before["place"].startswith(f"{topic_prefix}intake.events/")
    assert after["place"].startswith(f"{topic_prefix}intake.events#")
    assert after["place"].rsplit("/", 2)[1:] == before["place"].rsplit("/", 2)[1:]
