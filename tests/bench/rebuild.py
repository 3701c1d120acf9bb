"""Rebuild (Kafka → judged rows in Postgres, one worker) against an aiokafka consumer that does nothing."""

import asyncio
import os
import sys
import time

import asyncpg
import parts
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Producer

from bench import made
from bench.figures import line, ratio
from events.clock import new_id
from events.kafka import topics
from events.kafka.cloudevent import to_cloudevent
from events.kafka.topics import PARTITIONS, partition_of
from events.settings import Settings
from events.store import database as postgres_of
from sla.app import service
from sla.live.projector import HEARS
from sla.rebuild import generations

RUNS = 3


async def compare(kafka: str, postgres: str, *, cases: int = int(os.environ.get("BENCH_CASES", "20000"))) -> None:
    """Fill the three topics once, then drain and rebuild in turn."""
    prefix = f"bench{new_id()[:8]}."
    name, urls = await parts.fresh_database(postgres)
    names = [prefix + topic for topic in HEARS]
    await topics.ensure(kafka, prefix, HEARS)
    count = _fill(kafka, prefix, cases)
    print(f"rebuild: {count:,} CloudEvents of {cases:,} cases, {PARTITIONS} partitions a topic, lz4")
    settings = Settings(
        kafka_bootstrap_servers=kafka, database_url=urls["sla"], oidc_issuer="", onedoor_topic_prefix=prefix
    )
    pool = await postgres_of.connect(urls["sla"])
    await postgres_of.migrate(pool, postgres_of.LOG, service(settings).migrations)
    await _as_if_heard(pool, kafka, names)

    drained: list[float] = []
    rebuilt: dict[int, list[float]] = {1: [], os.cpu_count() or 1: []}
    whole: list[float] = []
    for _ in range(RUNS):
        drained.append(count / await _drain(kafka, names, count))
        for workers, rates in rebuilt.items():
            generation = await generations.begin(pool, "op-1")
            began = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "sla.rebuild", str(generation), "--accept", "--workers", str(workers),
                env={**os.environ, **settings.environment()}, stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert await process.wait() == 0
            whole.append(time.monotonic() - began)
            seconds = await pool.fetchval("select seconds from generations where id = $1", generation)
            rates.append(count / seconds)
    theirs = line("raw aiokafka drain", drained, "events/s")
    for workers, rates in rebuilt.items():
        ours = line(f"rebuild: fold, judge, COPY, workers: {workers}", rates, "events/s")
        ratio(ours, theirs, "at least 0.5 with one, aim at 1.0")
    print(f"  the whole process, with its start, the comparison and the swap: {sorted(whole)[len(whole) // 2]:.2f} s")
    await pool.close()
    await parts.drop_topics(kafka, prefix)
    await parts.drop_database(postgres, name)


def _fill(kafka: str, prefix: str, cases: int) -> int:
    producer = Producer(
        {"bootstrap.servers": kafka, "compression.type": "lz4", "linger.ms": 50, "enable.idempotence": True,
         "queue.buffering.max.messages": 500_000}
    )  # fmt: skip
    failed: list[object] = []
    count = 0
    for fact in made.facts(cases):
        topic, key = prefix + made.TOPIC_OF[fact.stream.partition("-")[0]], fact.subject.encode()
        while True:
            try:
                producer.produce(
                    topic, to_cloudevent(made.row(fact), "/onedoor/bench"), key, partition_of(key),
                    on_delivery=lambda error, _: failed.append(error) if error else None,
                )  # fmt: skip
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        count += 1
    producer.flush()
    assert not failed, failed[0]
    return count


async def _as_if_heard(pool: "asyncpg.Pool[asyncpg.Record]", kafka: str, names: list[str]) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    ends = await consumer.end_offsets([TopicPartition(name, number) for name in names for number in range(PARTITIONS)])
    await consumer.stop()
    await pool.executemany("insert into heard values ($1, $2, $3)", [(tp[0], tp[1], end) for tp, end in ends.items()])


async def _drain(kafka: str, names: list[str], count: int) -> float:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
    )  # fmt: skip
    await consumer.start()
    consumer.assign([TopicPartition(name, number) for name in names for number in range(PARTITIONS)])
    began = time.perf_counter()
    left = count
    while left > 0:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=5000)).values():
            left -= len(records)
    seconds = time.perf_counter() - began
    await consumer.stop()
    return seconds
