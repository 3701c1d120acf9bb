"""The fold, as a process of its own over real topics: the same rows however it is cut up, and never over a gap."""

import asyncio
import json
import os
import resource
import sys
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from contracts.sending import producing, transacting
from oracle.telling import Story, local
from sla_at_work import Sla, on_the_wire, story

from events.kafka import topics
from events.kafka.archive import Kept, write
from events.kafka.topic_ids import Identity
from events.kafka.topics import PARTITIONS, partition_of, topic_of
from events.store.envelope import RecordedEvent
from onedoor.topics.records import Topics
from sla.live import queries
from sla.live.projector import HEARS
from sla.rebuild import generations

ROOT = Path(__file__).parents[2]
# As `python -m sla.rebuild`, but with its own ideas of how much is read and judged at once.
CUT_UP = """
import sys
from sla.rebuild import log_reader, workers
from sla.rebuild.__main__ import main
log_reader.BATCH, workers.JUDGED_AT_ONCE = int(sys.argv.pop(1)), int(sys.argv.pop(1))
log_reader.AT_ONCE = 40 * workers.JUDGED_AT_ONCE
raise SystemExit(main())
"""
HEARD = "insert into heard (topic, partition, next_offset, topic_id) values ($1, $2, $3, $4)"
WAYS = ((1, 1_000, 1_000), (2, 1, 3), (3, 17, 1), (5, 250, 7), (12, 100, 50))
"""Workers, records read and cases judged at once."""


def told(count: int) -> list[Story]:
    """Dossiers that were handed on, asked for a paper, and returned; every fifth is still open."""
    stories = [story(number) for number in range(1, count + 1)]
    for number, one in enumerate(stories):
        one.forwarded(local(7, 10, 10), "DL-193", hours=4)
        asked = one.supplement(local(7, 11, 9))
        if number % 5:
            one.supplemented(local(7, 12, 9), asked)
            one.returned(local(7, 13 + number % 3, 10), by="DL-193")
    return stories


async def send(kafka: str, prefix: str, facts: Iterable[RecordedEvent]) -> None:
    async with producing(kafka) as producer:
        for fact in facts:
            key = fact.subject.encode()
            await producer.send(prefix + topic_of(fact.stream), on_the_wire(fact), key=key, partition=partition_of(key))
        await producer.flush()


async def ends(kafka: str, names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Topic, partition, and the offset behind its last record."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        every = [TopicPartition(name, number) for name in names for number in range(PARTITIONS)]
        return [(one.topic, one.partition, end) for one, end in (await consumer.end_offsets(every)).items()]
    finally:
        await consumer.stop()


async def folded(
    sla: Sla, kafka: str, until: Sequence[tuple[str, int, int]], workers: int = 1, read: int = 100, judged: int = 100,
    more: Sequence[str] = (), largest: int = resource.RLIM_INFINITY,
) -> Any:  # fmt: skip
    """One run up to these offsets; how it ended. `largest`: bytes of a file on its disk."""
    generation = await generations.begin(sla.pool, "op-1", dry_run=True)
    path = os.pathsep.join(str(ROOT / folder) for folder in ("libs", "services"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CUT_UP, str(read), str(judged), str(generation), "--until", json.dumps(until),
        "--workers", str(workers), *more, stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, **sla.parts.settings.environment(), "KAFKA_BOOTSTRAP_SERVERS": kafka, "PYTHONPATH": path},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY)),
    )  # fmt: skip
    await process.wait()
    return await queries.generation(sla.pool, generation)


async def test_ten_rebuilds_have_one_hash(sla: Sla, kafka: str, topic_prefix: str) -> None:
    """Whatever the workers, the batches, and how often a record stands on the log."""
    await topics.ensure(kafka, topic_prefix, HEARS)
    names = [topic_prefix + name for name in HEARS]
    facts = [fact for one in told(60) for fact in one.facts]
    await send(kafka, topic_prefix, facts)
    runs = []
    for workers, read, judged in WAYS:
        runs.append(await folded(sla, kafka, await ends(kafka, names), workers, read, judged))
        await send(kafka, topic_prefix, islice(cycle(facts), 0, len(facts), workers + 1))  # some of them again
        runs.append(await folded(sla, kafka, await ends(kafka, names), workers, read, judged))
    assert {one["error"] for one in runs} == {None}
    assert len({(one["hash"], one["rows"]) for one in runs}) == 1
    assert all(one["cases"] == 60 for one in runs)
    assert len({one["events"] for one in runs}) > len(WAYS)


async def test_the_gaps_of_transactions_are_no_holes(sla: Sla, kafka: str, topic_prefix: str) -> None:
    """Some facts came again in a transaction, nonsense in one that was aborted: every partition ends with a marker."""
    await topics.ensure(kafka, topic_prefix, HEARS)
    names = [topic_prefix + name for name in HEARS]
    facts = [fact for one in told(20) for fact in one.facts]
    await send(kafka, topic_prefix, facts)
    plain = await folded(sla, kafka, await ends(kafka, names))
    for abort in (False, True):
        async with transacting(kafka) as producer:
            for fact in facts[::3]:
                key = fact.subject.encode()
                value = b"{broken" if abort else on_the_wire(fact)
                await producer.send(topic_prefix + topic_of(fact.stream), value, key=key, partition=partition_of(key))
            await (producer.abort_transaction() if abort else producer.commit_transaction())
    run = await folded(sla, kafka, await ends(kafka, names), workers=2)
    assert (run["error"], run["undecodable"]) == (None, 0)
    assert (run["hash"], run["rows"]) == (plain["hash"], plain["rows"])
    assert run["events"] == len(facts) + len(facts[::3])


async def test_a_disk_that_is_full_ends_the_run_with_a_sentence(sla: Sla, kafka: str, topic_prefix: str) -> None:
    """More is read than should lie in memory, and the rest finds no room. With room the same log is folded."""
    await topics.ensure(kafka, topic_prefix, HEARS)
    await send(kafka, topic_prefix, [fact for one in told(300) for fact in one.facts])
    until = await ends(kafka, [topic_prefix + name for name in HEARS])
    full = await folded(sla, kafka, until, judged=1, largest=10_000)
    assert full["state"] == "failed"
    assert "make room there, or name another folder in TMPDIR" in full["error"]
    assert (await folded(sla, kafka, until, judged=1))["cases"] == 300


async def test_an_empty_log_is_folded_into_nothing(sla: Sla, kafka: str, topic_prefix: str) -> None:
    """Every partition is empty: a run like any other."""
    await topics.ensure(kafka, topic_prefix, HEARS)
    run = await folded(sla, kafka, await ends(kafka, [topic_prefix + name for name in HEARS]), workers=2)
    assert (run["state"], run["events"], run["cases"], run["rows"], run["error"]) == ("checked", 0, 0, 0, None)


async def test_a_topic_that_was_cut_short_is_refused(sla: Sla, kafka: str, topic_prefix: str) -> None:
    """What retention took away would be judged as if it had never been said."""
    await topics.ensure(kafka, topic_prefix, HEARS)
    names = [topic_prefix + name for name in HEARS]
    await send(kafka, topic_prefix, [fact for one in told(5) for fact in one.facts])
    until = await ends(kafka, names)
    topic, partition, _ = next(one for one in until if one[2])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=1)})
    await admin.close()
    run = await folded(sla, kafka, until)
    assert run["state"] == "failed"
    assert f"{topic}/{partition}" in run["error"]
    assert "onedoor republish" in run["error"]


async def test_what_kafka_has_no_longer_is_read_from_what_was_exported(
    sla: Sla, kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Segments for what retention took, Kafka for what came since; one that is damaged ends the run by its name."""
    await topics.ensure(kafka, topic_prefix, HEARS)
    names = [topic_prefix + name for name in HEARS]
    facts = [fact for one in told(20) for fact in one.facts]
    await send(kafka, topic_prefix, facts[:70])
    exported = {(topic, number): end for topic, number, end in await ends(kafka, names)}
    ids = await Identity(kafka).of(names)
    with Topics(kafka, names) as there:
        for (topic, number), end in exported.items():
            records = (
                Kept(one.offset, one.key or b"", one.value or b"") for one in there.part((topic, number), 0, end)
            )
            assert list(write(tmp_path, topic, ids[topic], number, records, end)) == ([end] if end else [])
    await send(kafka, topic_prefix, facts[70:])
    until = await ends(kafka, names)
    whole = await folded(sla, kafka, until)
    heard = [(topic, number, end, ids[topic]) for topic, number, end in until]
    await sla.pool.executemany(HEARD, heard)

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    cut = {TopicPartition(*place): RecordsToDelete(before_offset=end) for place, end in exported.items() if end}
    await admin.delete_records(cut)
    await admin.close()
    assert (await folded(sla, kafka, until))["state"] == "failed"
    sla.parts.settings.onedoor_segments, sla.parts.settings.onedoor_topic_prefix = tmp_path, topic_prefix
    again = await folded(sla, kafka, until, 2, more=["--source", "segments"])
    assert again["error"] is None
    assert [again[name] for name in ("events", "cases", "rows", "hash")] == [
        whole[name] for name in ("events", "cases", "rows", "hash")
    ]

    damaged = next(tmp_path.rglob("*.gz"))  # noqa: ASYNC240
    damaged.write_bytes(damaged.read_bytes()[:-9])
    broken = await folded(sla, kafka, until, more=["--source", "segments"])
    assert broken["state"] == "failed"
    assert damaged.name in broken["error"]


async def test_without_segments_a_rebuild_from_them_says_what_to_do(sla: Sla, kafka: str, tmp_path: Path) -> None:
    """No folder was named; nothing was exported into it."""
    more = ["--source", "segments"]
    assert "ONEDOOR_SEGMENTS" in (await folded(sla, kafka, [], more=more))["error"]
    sla.parts.settings.onedoor_segments = tmp_path
    assert "`onedoor events export`" in (await folded(sla, kafka, [], more=more))["error"]


async def test_a_topic_that_ends_before_what_was_heard_of_it_is_refused(
    sla: Sla, kafka: str, topic_prefix: str
) -> None:
    """Made again and not yet written again: what is missing would be judged as if it had never been said."""
    await topics.ensure(kafka, topic_prefix, HEARS)
    await send(kafka, topic_prefix, told(1)[0].facts)
    topic, partition, end = max(await ends(kafka, [topic_prefix + name for name in HEARS]), key=lambda one: one[2])
    run = await folded(sla, kafka, [(topic, partition, end + 1)])
    assert run["state"] == "failed"
    assert f"{topic}/{partition} ends at {end}, but {end + 1} was heard" in run["error"]
