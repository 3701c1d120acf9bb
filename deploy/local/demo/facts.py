"""What is on the topics in the end, counted by reading them as any other reader would."""

import asyncio
from collections import Counter

from confluent_kafka import Consumer, KafkaError, TopicPartition

from events.topics import DOSSIER_TOPICS
from events.wire import PREFIX
from local.errors import LocalError

_TYPE = b'"type":"' + PREFIX.encode()


async def count(bootstrap: str, prefix: str) -> Counter[str]:
    """How many facts of each type were said."""
    return await asyncio.to_thread(_count, bootstrap, prefix)


def _count(bootstrap: str, prefix: str) -> Counter[str]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"{prefix}demo", "enable.auto.commit": False})
    try:
        left: dict[tuple[str, int], int] = {}
        for topic in DOSSIER_TOPICS:
            for partition in consumer.list_topics(prefix + topic, timeout=10).topics[prefix + topic].partitions:
                low, high = consumer.get_watermark_offsets(TopicPartition(prefix + topic, partition), timeout=10)
                if high > low:
                    left[prefix + topic, partition] = high
        consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in left])
        counted: Counter[str] = Counter()
        while left:
            for record in consumer.consume(10_000, timeout=1):
                error = record.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise LocalError(f"Kafka: {error}")
                value = record.value() or b""
                begins = value.find(_TYPE) + len(_TYPE)
                counted[value[begins : value.find(b".v", begins)].decode()] += 1
                place = str(record.topic()), int(record.partition() or 0)
                if int(record.offset() or 0) + 1 >= left.get(place, 1 << 62):
                    left.pop(place)
        return counted
    finally:
        consumer.close()
