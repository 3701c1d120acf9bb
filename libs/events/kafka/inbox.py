"""Keeping what was heard: each fact once, with the offsets, in one transaction. What cannot be read is parked."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from asyncpg import UniqueViolationError

from events.errors import Unreadable
from events.kafka.cloudevent import from_cloudevent
from events.kafka.topic_ends import place_of
from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent
from events.subscriptions import follower

Ids = Mapping[str, str]  # topic → the id that Kafka gave it
NO_IDS: Ids = {}
HEAR = "hear"  # the name under which unreadable and forked records are parked

INTO_INBOX = """
insert into inbox (epoch, stream, version, subject, type, schema, at, recorded_at,
                   actor, correlation, causation, trace, data, hash)
select (select epoch from cluster), * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::smallint[],
    $6::timestamptz[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::bytea[])
"""
KEEP = INTO_INBOX + "on conflict (stream, version) do nothing"
KNOWN = """
select stream, version, hash from inbox
where (stream, version) in (select * from unnest($1::text[], $2::int[]))
"""
# Offsets of a topic that has been made again meanwhile say nothing of the new one.
_FORWARD = """
on conflict (topic, partition) do update
set next_offset = greatest(heard.next_offset, excluded.next_offset), topic_id = excluded.topic_id
where heard.topic_id in ('', excluded.topic_id)
"""
ADVANCE = f"""
insert into heard (topic, partition, next_offset, topic_id)
select * from unnest($1::text[], $2::int[], $3::bigint[], $4::text[])
{_FORWARD}
"""
# The usual batch, all readable and all new, in one trip: a transaction of its own, which an id that is known ends.
KEEP_AND_ADVANCE = f"""
with kept as ({INTO_INBOX})
insert into heard (topic, partition, next_offset, topic_id)
select * from unnest($14::text[], $15::int[], $16::bigint[], $17::text[])
{_FORWARD}
"""


class Record(Protocol):
    """What we use of a Kafka record."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of a batch: facts that are new, repeats that were dropped, records that were parked."""

    new: int
    repeated: int
    parked: int


async def keep(connection: Connection, records: Sequence[Record], ids: Ids = NO_IDS) -> Kept:
    """Keep a batch of records of any partitions with its offsets, in a transaction of its own. Nothing makes it raise.

    `ids` tells of each topic which one it was. A repeat is dropped by its id; the same id with another hash is a fork,
    parked and shown.
    """
    facts: dict[tuple[str, int], tuple[RecordedEvent, Record]] = {}
    unreadable: list[tuple[Record, str]] = []
    forks: list[tuple[RecordedEvent, Record]] = []
    repeated = 0
    for record in records:
        try:
            fact = from_cloudevent(record.value or b"")
        except Unreadable as error:
            unreadable.append((record, str(error)))
            continue
        twin = facts.setdefault((fact.stream, fact.version), (fact, record))
        if twin[1] is not record:
            if twin[0].hash == fact.hash:
                repeated += 1
            else:
                forks.append((fact, record))
    once = [fact for fact, _ in facts.values()]
    if once and not unreadable and not forks:
        with suppress(UniqueViolationError):
            await connection.execute(KEEP_AND_ADVANCE, *_columns(once), *_offsets(records, ids))
            return Kept(new=len(once), repeated=repeated, parked=0)
    async with connection.transaction():
        for record, reason in unreadable:
            await park(connection, record, _key(record), reason)
        new = await insert(connection, once)
        if new < len(once):
            known = await known_hashes(connection, once)
            others = [(fact, record) for id, (fact, record) in facts.items() if known[id] != fact.hash]
            repeated += len(once) - new - len(others)
            forks += others
        for fact, record in forks:
            await park(connection, record, fact.subject, f"forked: {fact.id} came again with another body")
        await advance(connection, records, ids)
    return Kept(new=new, repeated=repeated, parked=len(unreadable) + len(forks))


async def set_aside(connection: Connection, record: Record, fault: Exception, ids: Ids = NO_IDS) -> Kept:
    """Park a record that our own code could not keep, and go on behind it."""
    await park(connection, record, _key(record), fault)
    await advance(connection, [record], ids)
    return Kept(new=0, repeated=0, parked=1)


async def advance(connection: Connection, records: Sequence[Record], ids: Ids) -> None:
    """These records are kept, or parked: they are not heard again."""
    await connection.execute(ADVANCE, *_offsets(records, ids))


async def passed(pool: Pool, ends: Mapping[tuple[str, int], int], ids: Ids) -> None:
    """There is nothing to hear below these offsets that was not kept: what stands there are markers of transactions,
    aborted records, or nothing any more."""
    topics, partitions = [topic for topic, _ in ends], [partition for _, partition in ends]
    await pool.execute(ADVANCE, topics, partitions, list(ends.values()), [ids.get(topic, "") for topic in topics])


async def park(connection: Connection, record: Record, subject: str, reason: Exception | str) -> None:
    """Set a record aside with its reason and its bytes; its case is incomplete until somebody settles it."""
    place = place_of(record.topic, record.partition, record.offset)
    await follower.park(connection, HEAR, subject, place, reason, record.value or b"")


def _key(record: Record) -> str:
    return (record.key or b"").decode(errors="replace")


def _offsets(records: Sequence[Record], ids: Ids) -> tuple[list[str], list[int], list[int], list[str]]:
    """The columns of `heard`: topics, partitions, next offsets, the topics' ids."""
    heard: dict[tuple[str, int], int] = {}
    for record in records:
        place = record.topic, record.partition
        heard[place] = max(heard.get(place, 0), record.offset + 1)
    topics, partitions = [topic for topic, _ in heard], [partition for _, partition in heard]
    return topics, partitions, list(heard.values()), [ids.get(topic, "") for topic in topics]


def _columns(facts: Sequence[RecordedEvent]) -> Iterator[tuple[Any, ...]]:
    """The columns of `inbox` for these facts."""
    return zip(
        *(
            (
                fact.stream, fact.version, fact.subject, fact.type, fact.schema, fact.at, fact.recorded_at,
                fact.cause.actor, fact.cause.correlation, fact.cause.causation, fact.cause.trace, fact.data, fact.hash,
            )
            for fact in facts
        ),
        strict=True,
    )  # fmt: skip


async def insert(connection: Connection, facts: Sequence[RecordedEvent]) -> int:
    """Insert the facts whose ids the inbox does not have; how many that were."""
    if not facts:
        return 0
    done = await connection.execute(KEEP, *_columns(facts))
    return int(done.removeprefix("INSERT 0 "))


async def known_hashes(connection: Connection, facts: Sequence[RecordedEvent]) -> dict[tuple[str, int], bytes]:
    """The hashes under which the inbox has these ids."""
    streams, versions = [fact.stream for fact in facts], [fact.version for fact in facts]
    return {(row["stream"], row["version"]): row["hash"] for row in await connection.fetch(KNOWN, streams, versions)}
