"""The ends of topics on which somebody wrote in transactions: markers and aborted records are passed, an open one is
waited for."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from contracts.sending import SAID, producing, transact, transacting

from events.kafka import topic_ends, topics
from events.kafka.topic_ends import everything, look, spans
from local.places import CHECKOUT

WITHIN = 15.0  # seconds; a reader that waits for a marker waits for ever


async def put(kafka: str, topic: str, *values: bytes) -> None:
    async with producing(kafka) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=3)


async def seen(kafka: str, prefix: str) -> tuple[list[bytes], Sequence[bytes]]:
    """The last record of each partition that has one, and all records, each as a reader of the topic sees them."""
    names = [prefix + name for name in SAID]
    async with asyncio.timeout(WITHIN):
        last = [one.value for one in (await look(kafka, names)).last.values()]
        return last, [one.value async for some in everything(kafka, names) for one in some]


@pytest.fixture
async def topic(kafka: str, topic_prefix: str) -> str:
    await topics.ensure(kafka, topic_prefix, SAID)
    return topic_prefix + SAID[0]


async def test_a_marker_at_the_end_is_passed(kafka: str, topic_prefix: str, topic: str) -> None:
    await transact(kafka, topic, b"1", b"2", partition=3)
    assert await seen(kafka, topic_prefix) == ([b"2"], [b"1", b"2"])


async def test_what_was_aborted_is_passed_however_much_it_is(kafka: str, topic_prefix: str, topic: str) -> None:
    await put(kafka, topic, b"1")
    await transact(kafka, topic, *(b"%d" % number for number in range(30)), abort=True, partition=3)
    assert await seen(kafka, topic_prefix) == ([b"1"], [b"1"])


async def test_a_partition_in_which_nothing_was_committed_has_no_last_record(
    kafka: str, topic_prefix: str, topic: str
) -> None:
    await transact(kafka, topic, b"1", b"2", abort=True, partition=3)
    assert await seen(kafka, topic_prefix) == ([], [])


async def test_what_lies_above_an_open_transaction_is_waited_for(kafka: str, topic_prefix: str, topic: str) -> None:
    """It may be ours, and is on the topic already."""
    async with transacting(kafka) as producer:
        await producer.send_and_wait(topic, b"open", partition=3)
        await put(kafka, topic, b"above")
        assert [end for _, end in (await spans(kafka, [topic])).values() if end] == [2]
        reading = asyncio.create_task(seen(kafka, topic_prefix))
        done, _ = await asyncio.wait([reading], timeout=1)
        assert not done
        await producer.abort_transaction()
    assert await reading == ([b"above"], [b"above"])


def test_every_reader_says_which_records_it_reads() -> None:
    """By default aiokafka reads what was aborted, too."""
    making = re.compile(
        r"\b(?:AIOKafkaConsumer|Consumer|Librdkafka|subscriber)\((?!AIOKafka|ConsumerRebalance)(?!NamedTuple)"
    )
    files = [file for folder in ("libs", "services", "deploy") for file in (CHECKOUT / folder).rglob("*.py")]
    makers = {file.name: text for file in files if making.search(text := file.read_text())}
    assert topic_ends.__file__.endswith("ends.py")
    assert {"topic_ends.py", "hear.py", "consumer.py", "log_reader.py", "records.py", "facts.py"} <= makers.keys()
    assert [name for name, text in makers.items() if not re.search(r"isolation[._]level", text)] == []
