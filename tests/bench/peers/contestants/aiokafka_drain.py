"""aiokafka, reading everything and doing nothing with it."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.peers.contestants import told


async def main() -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=told.KAFKA, enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=told.FETCH,
    )  # fmt: skip
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for topic in told.TOPICS for number in range(told.PARTITIONS)])
    began, left = time.perf_counter(), told.EVENTS
    while left > 0:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=told.AT_ONCE)).values():
            left -= len(records)
    seconds = time.perf_counter() - began
    await consumer.stop()
    told.report(seconds)


asyncio.run(main())
