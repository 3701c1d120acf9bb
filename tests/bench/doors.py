"""The gateway: batches over HTTP against a bare FastAPI handler, the topic against a raw drain into committed rows,
and what intake's memory does while a million events come in."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import parts
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from gateway.told import CASE, EVERYTHING, Event, enter, golden
from serving import issuing, process

from bench.figures import line, ratio
from events.clock import new_id, now
from events.contracts.channels import INBOUND
from events.contracts.terms import owner_of
from events.gateway.cloudevent import BATCH
from events.kafka import topics
from events.settings import Settings
from local.ports import free_port
from local.served import Served
from local.wait import listens, until

RUNS, EVENTS, LONG, CLIENTS = 3, 20_000, 100, 4
MILLION = 1_000_000
MINUTES = float(os.environ.get("ONEDOOR_MINUTES", "20"))  # how long the memory is watched at most
KINDS = ("ApplicationReceived", "DossierForwarded", "StepCompleted", "DossierReturned", "CaseClosed")
HEARD = "select coalesce(sum(next_offset), 0)::bigint from heard where topic = $1"
RAW_TABLE = """
create table raw (
    topic text, partition int, at bigint, key bytea, headers text, value bytea, primary key (topic, partition, at)
)
"""
RAW = "insert into raw select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::text[], $6::bytea[])"


def told(count: int) -> Iterator[Event]:
    """So many events, whose ids nobody has used: five of each dossier."""
    run, at = new_id()[:12], now() - timedelta(hours=1)
    data = {kind: golden(kind) for kind in KINDS}
    for number in range(count):
        case_id = f"{owner_of(CASE)}-{170710 + number // 25_000:06d}-{number // 5 % 5_000 + 1:04d}"
        kind = KINDS[number % 5]
        yield Event(
            kind, data[kind] | {"case_id": case_id}, id=f"{run}-{number}", at=at + timedelta(seconds=number % 3000)
        )


def batches(count: int) -> list[bytes]:
    events = list(told(count))
    return [
        json.dumps([one.structured for one in events[begin : begin + LONG]]).encode() for begin in range(0, count, LONG)
    ]


@dataclass
class Intake:
    """Intake as a process of its own, with one emitter, and the token of that one."""

    served: Served
    settings: Settings
    headers: dict[str, str]

    @property
    def topic(self) -> str:
        return self.settings.onedoor_topic_prefix + INBOUND

    @property
    def memory(self) -> float:
        """MiB that are resident."""
        return float(psutil.Process(self.served.pid).memory_info().rss) / 2**20


@asynccontextmanager
async def intake(kafka: str, postgres: str) -> AsyncIterator[Intake]:
    name, urls = await parts.fresh_database(postgres)
    for what in ("api_url", "oauth_url", "app_id", "app_secret", "oa_secret", "refresh_token"):
        os.environ.setdefault(f"ZALO_{what.upper()}", "http://127.0.0.1:9")  # nobody answers: nothing is sent
    with tempfile.TemporaryDirectory() as folder:
        async with issuing() as issuer:
            emitters = Path(folder) / "emitters.yaml"
            enter(emitters, EVERYTHING.model_copy(update={"per_minute": 1_000_000}))
            settings = Settings(
                kafka_bootstrap_servers=kafka, database_url=urls["intake"], onedoor_topic_prefix=f"b{new_id()[:8]}.",
                oidc_issuer=issuer.url, onedoor_port=free_port(), onedoor_emitters=emitters,
            )  # fmt: skip
            served = process("intake", settings, Path(folder))
            await served.start()
            token = issuer.sign(role="emitter", unit=EVERYTHING.code, member="01")
            try:
                yield Intake(served, settings, {"Authorization": f"Bearer {token}", "Content-Type": BATCH})
            finally:
                await served.stop()
    await parts.drop_topics(kafka, settings.onedoor_topic_prefix)
    await parts.drop_database(postgres, name)


async def compare(kafka: str, postgres: str) -> None:
    async with intake(kafka, postgres) as door:
        await _over_http(door)
        await _on_kafka(door)


async def measure(kafka: str, postgres: str) -> None:
    """Memory over a million events, or as many as come in the time."""
    async with intake(kafka, postgres) as door:
        print(f"gateway's memory: {MILLION:,} events in batches of {LONG} over HTTP, for {MINUTES:.0f} minutes at most")
        sent, part, samples, end = 0, 50_000, list[float](), time.monotonic() + MINUTES * 60
        while sent < MILLION and time.monotonic() < end:
            seconds = await _load(f"{door.served.url}/events", batches(part), door.headers)
            sent += part
            samples.append(door.memory)
            print(f"  {sent:>9,} events {samples[-1]:>8.1f} MiB {part / seconds:>8,.0f} events/s", flush=True)
        print(f"  after the first {part:,} at most {max(samples) - samples[0]:+.1f} MiB (wanted: within 64)")


async def _over_http(door: Intake) -> None:
    port = free_port()
    bare = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("bare_doors.py")),
        env={**os.environ, "DATABASE_URL": door.settings.database_url, "PORT": str(port)},
    )  # fmt: skip
    print(f"gateway over HTTP: {EVENTS:,} events a run, {CLIENTS} clients with batches of {LONG}")
    theirs, ours = [], []
    try:
        if not await until(lambda: listens("127.0.0.1", port), within=10):
            raise TimeoutError("the bare server does not answer")
        for _ in range(RUNS):
            plain = {"Content-Type": "application/json"}
            theirs.append(EVENTS / await _load(f"http://127.0.0.1:{port}/events", batches(EVENTS), plain))
            ours.append(EVENTS / await _load(f"{door.served.url}/events", batches(EVENTS), door.headers))
            await _published(door)
    finally:
        bare.terminate()
        await bare.wait()
    of_theirs = line("bare FastAPI, one insert a batch", theirs, "events/s")
    ratio(line("gateway: judged, kept, answered", ours, "events/s"), of_theirs, "at least 0.5")


async def _load(url: str, bodies: Sequence[bytes], headers: dict[str, str]) -> float:
    """Seconds until all of them are answered, each event accepted."""
    waiting = iter(bodies)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS), headers=headers) as http:

        async def client() -> None:
            for body in waiting:
                async with http.post(url, data=body) as answer:
                    items = await answer.read()
                    assert answer.status == 207, items
                    assert items.count(b'"accepted"') == LONG, items

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return time.perf_counter() - began


async def _published(door: Intake) -> None:
    """Until intake has nothing left to do from the run before."""
    connection = await asyncpg.connect(door.settings.database_url)
    try:
        behind = """
            select count(*) from bookmarks b where name in ('relay', 'intake.tell-customers') and exists
            (select from events e where (e.epoch, e.tx, e.position) > (b.epoch, b.tx, b.position))
        """

        async def none() -> bool:
            return bool(await connection.fetchval(behind) == 0)

        if not await until(none, within=120, every=0.1):
            raise TimeoutError("intake is still behind")
    finally:
        await connection.close()


async def _on_kafka(door: Intake) -> None:
    """The same records each time: put while intake is away, then taken, in turn by the door and by a bare consumer."""
    print(f"gateway on Kafka: {EVENTS:,} signed records a run, in structured mode, lz4")
    raw, ours = [], []
    await topics.ensure(door.settings.kafka_bootstrap_servers, door.settings.onedoor_topic_prefix, [INBOUND])
    connection = await asyncpg.connect(door.settings.database_url)
    await connection.execute(RAW_TABLE)
    for run in range(RUNS):
        await door.served.stop()
        await _put(door, list(told(EVENTS)))
        raw.append(EVENTS / await _drained(door, connection, EVENTS * run))
        ours.append(EVENTS / await _taken(door, connection, EVENTS * run))
    await connection.close()
    of_theirs = line("raw drain, one insert a batch", raw, "events/s")
    ratio(line("gateway: verified, judged, kept", ours, "events/s"), of_theirs, "at least 0.3")


async def _put(door: Intake, events: Sequence[Event]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=door.settings.kafka_bootstrap_servers, compression_type="lz4", linger_ms=20
    )
    await producer.start()
    for one in events:
        letter = one.letter()
        await producer.send(door.topic, letter.value, key=one.id.encode(), headers=list(letter.headers.items()))
    await producer.stop()


async def _drained(door: Intake, connection: "asyncpg.Connection[asyncpg.Record]", before: int) -> float:
    """Seconds from the first record to the last committed row."""
    consumer = AIOKafkaConsumer(
        door.topic, bootstrap_servers=door.settings.kafka_bootstrap_servers, auto_offset_reset="earliest",
        enable_auto_commit=False, group_id=f"raw-{door.topic}-{before}",
    )  # fmt: skip
    await consumer.start()
    seen, began = 0, 0.0
    while seen < before + EVENTS:
        got = await consumer.getmany(timeout_ms=1000, max_records=5000)
        records = [one for batch in got.values() for one in batch]
        began = began or (time.perf_counter() if records else 0.0)
        seen += len(records)
        rows = [(one.topic, one.partition, one.offset, one.key, _headers(one), one.value) for one in records]
        if rows:
            await connection.execute(RAW, *zip(*rows, strict=True))
    seconds = time.perf_counter() - began
    await consumer.stop()
    await connection.execute("truncate raw")
    return seconds * EVENTS / seen


def _headers(record: Any) -> str:
    return json.dumps({name: value.decode() for name, value in record.headers})


async def _taken(door: Intake, connection: "asyncpg.Connection[asyncpg.Record]", before: int) -> float:
    """Seconds from the first committed group to the last, for as many events as came between."""
    await door.served.start()
    first, began, taken = 0, 0.0, before
    while taken < before + EVENTS:
        taken = int(await connection.fetchval(HEARD, door.topic))
        if taken > before and not began:
            first, began = taken, time.perf_counter()
        await asyncio.sleep(0.02)
    return (time.perf_counter() - began) * EVENTS / (before + EVENTS - first)
