"""Relay (log → Kafka) against a bare aiokafka producer that sends the same bytes in the same batches."""

import time
from typing import Any

import parts
from aiokafka import AIOKafkaProducer

from bench import made
from bench.figures import line, ratio
from events.clock import new_id
from events.kafka import topics
from events.kafka.cloudevent import to_cloudevent
from events.kafka.outbox_relay import NAME, Relay
from events.kafka.topics import partition_of
from events.store import database as postgres_of
from events.store.database import Pool
from events.subscriptions.follower import START, Following

CASES, RUNS = 6000, 3
FILL = """
insert into events (epoch, tx, stream, version, subject, type, schema, at, recorded_at, actor, correlation, causation,
                    trace, data, hash)
select 1, pg_current_xact_id(), * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::smallint[],
    $6::timestamptz[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::bytea[])
"""
COLUMNS = (
    "stream", "version", "subject", "type", "schema", "at", "recorded_at", "actor", "correlation", "causation", "trace",
    "data", "hash",
)  # fmt: skip


async def compare(kafka: str, postgres: str) -> None:
    """The same log to a fresh topic, in turn by the relay and by a loop that has the records ready."""
    name, urls = await parts.fresh_database(postgres)
    pool = await postgres_of.connect(urls["intake"])
    await postgres_of.migrate(pool, postgres_of.LOG)
    rows = [made.row(fact) for fact in made.facts(CASES)]
    for start in range(0, len(rows), 5000):
        part = rows[start : start + 5000]
        await pool.execute(FILL, *([row[column] for row in part] for column in COLUMNS))
    print(f"relay: {len(rows):,} events, acks=all, idempotent, lz4, whole batches")
    bare, ours = [], []
    for _ in range(RUNS):
        bare.append(len(rows) / await _bare(kafka, rows))
        ours.append(len(rows) / await _relay(kafka, pool))
    theirs = line("bare producer, same batches", bare, "events/s")
    ratio(line("relay: read, encode, send, mark", ours, "events/s"), theirs, "at least 0.7")
    await pool.close()
    await parts.drop_database(postgres, name)


def _producer(kafka: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=True, compression_type="lz4", max_batch_size=1 << 19
    )


async def _bare(kafka: str, rows: list[dict[str, Any]]) -> float:
    """As many records a round as the relay reads rows, by partition, with keys and values ready."""
    prefix = f"bare{new_id()[:8]}."
    await topics.ensure(kafka, prefix, ["intake.events"])
    rounds: list[dict[int, list[tuple[bytes, bytes]]]] = []
    for start in range(0, len(rows), 2000):
        partitions: dict[int, list[tuple[bytes, bytes]]] = {}
        for row in rows[start : start + 2000]:
            key = row["subject"].encode()
            partitions.setdefault(partition_of(key), []).append((key, to_cloudevent(row, "/onedoor/bench")))
        rounds.append(partitions)
    producer = _producer(kafka)
    await producer.start()
    began = time.perf_counter()
    for partitions in rounds:
        sent = []
        for partition, records in partitions.items():
            batch = producer.create_batch()
            for key, value in records:
                assert batch.append(key=key, value=value, timestamp=None) is not None
            batch.close()
            sent.append(await producer.send_batch(batch, prefix + "intake.events", partition=partition))
        for one in sent:
            await one
    seconds = time.perf_counter() - began
    await producer.stop()
    await parts.drop_topics(kafka, prefix)
    return seconds


async def _relay(kafka: str, pool: Pool) -> float:
    prefix = f"relay{new_id()[:8]}."
    await topics.ensure(kafka, prefix, ["intake.events"])
    producer = _producer(kafka)
    await producer.start()
    relay = Relay(
        producer, kafka, lambda _: prefix + "intake.events",
        "/onedoor/bench", [prefix + "intake.events"],
    )  # fmt: skip
    following = Following(pool, relay.follower())
    await pool.execute("insert into bookmarks values ($1, 0) on conflict do nothing", NAME)
    await pool.execute("update bookmarks set epoch = $2, tx = $3, position = $4 where name = $1", NAME, *START)
    began = time.perf_counter()
    while (await following.step())[0]:
        pass
    seconds = time.perf_counter() - began
    await producer.stop()
    await parts.drop_topics(kafka, prefix)
    return seconds
