"""The ends of topics where there are transactions: how far each partition goes, and the last record that stands there.

Whoever waits until a partition is read to its end waits for its high watermark: a record of ours may stand above one of
a transaction that is still open, and is read when that has ended. Markers and aborted records take offsets that nobody
reads, so a reader's position tells how far it is, and not the offset of the last record that it got.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from events.kafka.topics import partitions_in

LOOK = 200  # milliseconds until a reader's position is looked at again, where no record comes
AT_ONCE = 5000  # records


class Last(NamedTuple):
    """The last record of a partition."""

    offset: int
    value: bytes


class Ends(NamedTuple):
    """The next offset of every partition, and the last record of those that have one."""

    next: Mapping[TopicPartition, int]
    last: Mapping[TopicPartition, Last]


def partitions_of(names: Sequence[str]) -> list[TopicPartition]:
    """Every partition of these topics."""
    return [TopicPartition(name, number) for name in names for number in range(partitions_in(name))]


def place_of(topic: str, partition: int, offset: int) -> str:
    """How a record is named where it is parked."""
    return f"{topic}/{partition}/{offset}"


def committed(bootstrap: str, **more: Any) -> AIOKafkaConsumer:
    """A consumer of what was committed, without a group."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, isolation_level="read_committed", **more
    )


def measure(bootstrap: str) -> AIOKafkaConsumer:
    """A consumer that is asked for high watermarks: its `end_offsets` are above what open transactions wrote. It reads
    nothing."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, isolation_level="read_uncommitted"
    )  # fmt: skip


async def spans(bootstrap: str, names: Sequence[str]) -> dict[TopicPartition, tuple[int, int]]:
    """The first offset and the high watermark of every partition of these topics."""
    partitions = partitions_of(names)
    async with measure(bootstrap) as consumer:
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    return {tp: (begins[tp], ends[tp]) for tp in partitions}


async def look(bootstrap: str, names: Sequence[str]) -> Ends:
    """The last record of every partition of these topics."""
    there = await spans(bootstrap, names)
    behind = {tp: 1 for tp, (begin, end) in there.items() if begin < end}  # how far before its end each was looked at
    ends = {tp: end for tp, (_, end) in there.items()}
    last: dict[TopicPartition, Last] = {}
    if not behind:
        return Ends(ends, last)
    async with committed(bootstrap) as consumer:
        consumer.assign(list(behind))
        for tp in behind:
            consumer.seek(tp, there[tp][1] - 1)
        while behind:
            for tp, records in (await consumer.getmany(timeout_ms=LOOK)).items():
                if found := [record for record in records if record.offset < there[tp][1]]:
                    last[tp] = Last(found[-1].offset, found[-1].value or b"")
            for tp in await _at_their_end(consumer, behind, there):
                begin, end = there[tp]
                if tp in last or end - behind[tp] <= begin:
                    del behind[tp]
                else:  # only markers, or what was aborted
                    behind[tp] *= 8
                    consumer.seek(tp, max(begin, end - behind[tp]))
    return Ends(ends, last)


async def everything(bootstrap: str, names: Sequence[str]) -> AsyncIterator[Sequence[ConsumerRecord]]:
    """All records that stand on these topics now, some at a time, each partition in order."""
    there = await spans(bootstrap, names)
    behind = {tp for tp, (begin, end) in there.items() if begin < end}
    if not behind:
        return
    async with committed(bootstrap, fetch_max_bytes=1 << 24, max_partition_fetch_bytes=1 << 22) as consumer:
        consumer.assign(list(behind))
        for tp in behind:
            consumer.seek(tp, there[tp][0])
        while behind:
            for tp, records in (await consumer.getmany(timeout_ms=LOOK, max_records=AT_ONCE)).items():
                yield [record for record in records if record.offset < there[tp][1]]
            behind -= set(await _at_their_end(consumer, behind, there))


async def _at_their_end(
    consumer: AIOKafkaConsumer, behind: Collection[TopicPartition], there: Mapping[TopicPartition, tuple[int, int]]
) -> list[TopicPartition]:
    return [tp for tp in behind if await consumer.position(tp) >= there[tp][1]]
