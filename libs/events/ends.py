"""The end of topics: how far each partition goes, and the last record that stands there."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from events.topics import partitions_in


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


async def look(consumer: AIOKafkaConsumer, names: Sequence[str]) -> Ends:
    """Read the last record of every partition of these topics, with a consumer that is used for nothing else."""
    partitions = partitions_of(names)
    ends = await consumer.end_offsets(partitions)
    begins = await consumer.beginning_offsets(partitions)
    filled = [tp for tp in partitions if ends[tp] > begins[tp]]
    consumer.assign(filled)
    for tp in filled:
        consumer.seek(tp, ends[tp] - 1)
    last: dict[TopicPartition, Last] = {}
    while len(last) < len(filled):
        for tp, records in (await consumer.getmany(timeout_ms=1000)).items():
            last.setdefault(tp, Last(records[0].offset, records[0].value or b""))
    return Ends(ends, last)
