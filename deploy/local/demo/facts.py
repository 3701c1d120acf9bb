"""What is on the topics in the end, read as any other reader would."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator

from confluent_kafka import Consumer, KafkaError, TopicPartition

from events.kafka.cloudevent import PREFIX
from events.kafka.topics import DOSSIER_TOPICS
from local.errors import LocalError

_TYPE = b'"type":"' + PREFIX.encode()


async def count(bootstrap: str, prefix: str) -> Counter[str]:
    """How many facts of each type were said."""
    return await asyncio.to_thread(lambda: Counter(_type(value) for value in read(bootstrap, prefix)))


def read(bootstrap: str, prefix: str, topics: Iterable[str] = DOSSIER_TOPICS) -> Iterator[bytes]:
    """The value of every record that is there now; a tombstone is empty."""
    settings = {"bootstrap.servers": bootstrap, "group.id": f"{prefix}demo", "enable.partition.eof": True}
    consumer = Consumer({**settings, "enable.auto.commit": False, "isolation.level": "read_committed"})
    try:
        places = [
            TopicPartition(prefix + topic, partition, 0)
            for topic in topics
            for partition in consumer.list_topics(prefix + topic, timeout=10).topics[prefix + topic].partitions
        ]
        consumer.assign(places)
        left = len(places)
        while left:
            for record in consumer.consume(10_000, timeout=1):
                error = record.error()
                if error is None:
                    yield record.value() or b""
                elif error.code() == KafkaError._PARTITION_EOF:
                    left -= 1
                else:
                    raise LocalError(f"Kafka: {error}")
    finally:
        consumer.close()


def _type(value: bytes) -> str:
    begins = value.find(_TYPE) + len(_TYPE)
    return value[begins : value.find(b".v", begins)].decode()
