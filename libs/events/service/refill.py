"""What a service has said and its restored store does not have, brought back from its topics, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import ConsumerRecord

from events.errors import Unreadable
from events.kafka.cloudevent import from_cloudevent, said_by, source_of
from events.kafka.outbox_relay import NAME as RELAY
from events.kafka.topic_ends import everything, place_of
from events.service.preflight import NAME
from events.store.database import Connection
from events.store.store import COLUMNS
from events.subscriptions.follower import LogPosition, bookmark_of, park

# What the topics have and the store does not, as it stands there. A table of the transaction, gone with it.
STAGE = f"""
create table regained as
select ''::text as topic, 0 as partition, 0::bigint as "offset", ''::bytea as body, {COLUMNS} from events with no data
"""
UNSTAGE = "drop table regained"
REPEATS = """
delete from regained a using regained b where (a.stream, a.version, a.hash) = (b.stream, b.version, b.hash)
    and (a.topic, a.partition, a."offset") > (b.topic, b.partition, b."offset")
"""
INDEX = "create index on regained (stream, version); analyze regained"
KNOWN = """
select stream, version, hash from events where (stream, version) in (select * from unnest($1::text[], $2::int[]))
"""
# Rows of which it is not sure that they are on the topics: behind the relay's bookmark, or younger than the row at
# which it stands and yet before it in the order, as what is said after a restore under the old epoch.
UNSURE = """
select stream, version, hash, epoch, tx, position from events
where (epoch, tx, position) > ($1, $2, $3) or position > $3
"""
LINKED = """
r.hash = link({previous}, r.stream, r.version, r.type, r.schema, r.at, r.recorded_at, r.actor, r.correlation,
              r.causation, r.data)
"""
# Whatever follows, hash on hash, from what the store has; behind a fork too, whose id the store has with another body.
# Of two bodies that are both missing, the first on the topic is what everybody heard. In the order of each partition,
# among partitions by when it was recorded: so the relay finds that the last record of each stands for all before it.
BRING_BACK = f"""
with recursive fitting as (
    select r.* from regained r left join events e on e.stream = r.stream and e.version = r.version - 1
    where (r.version = 1 or e.hash is not null) and {LINKED.format(previous="coalesce(e.hash, '')")}
    union all
    select r.* from fitting f join regained r on r.stream = f.stream and r.version = f.version + 1
    where {LINKED.format(previous="f.hash")}
), missing as (
    select distinct on (stream, version) * from fitting f
    where not exists (select from events e where e.stream = f.stream and e.version = f.version)
    order by stream, version, partition, "offset"
), told as (
    select *, max(recorded_at) over (partition by topic, partition order by "offset") as by_then from missing
), back as (
    insert into events (epoch, tx, {COLUMNS})
    select (select epoch from cluster), pg_current_xact_id(), {COLUMNS} from told
    order by by_then, topic, partition, "offset" returning stream
) select split_part(stream, '-', 1) as category, count(*) as facts from back group by 1 order by 1
"""
FORKED = """
select topic, partition, "offset", body, r.subject, r.stream || '@' || r.version as id, e.hash is not null as forked
from regained r left join events e on e.stream = r.stream and e.version = r.version
where e.hash is distinct from r.hash order by topic, partition, "offset"
"""
SET_ASIDE = "select count(*) from parked where follower = $1"
LAST = "select epoch, tx, position from events order by epoch desc, tx desc, position desc limit 1"
# Everything up to here is on the topics: the relay sends none of it again.
STAND = """
insert into bookmarks (name, epoch, tx, position) values ($1, $2, $3, $4)
on conflict (name, shard) do update set epoch = excluded.epoch, tx = excluded.tx, position = excluded.position
"""
PLACE_LAST = "select place_last($1, $2)"
STAGED = ("topic", "partition", "offset", "body", *COLUMNS.split(", "))

Id = tuple[str, int]  # stream, version


@dataclass(frozen=True, slots=True, kw_only=True)
class Regained:
    """What came of it, in numbers of facts: brought back, by category of stream; forked, with one body in the store and
    another on the topic; loose, following nothing that is there; unsent, in the store and never published.

    `news`: something is not as it was.
    """

    missing: Mapping[str, int]
    forked: int
    loose: int
    unsent: int
    news: bool


async def regain(connection: Connection, bootstrap: str, names: Sequence[str], service: str) -> Regained:
    """Append what is missing, each fact under its own id and hash; set aside what is forked or follows nothing.

    In the caller's transaction, under an epoch above that of every row, while nobody else writes. The relay then stands
    behind all that is on the topics, and what was never published behind that.
    """
    relay = await bookmark_of(connection, RELAY)
    rows = await connection.fetch(UNSURE, *relay)
    unsure = {(row["stream"], row["version"]): row for row in rows}
    await connection.execute(STAGE)
    async for records in everything(bootstrap, names):
        await _stage(connection, records, service, unsure)
    await connection.execute(REPEATS)
    await connection.execute(INDEX)
    missing = {row["category"]: row["facts"] for row in await connection.fetch(BRING_BACK)}
    before = await connection.fetchval(SET_ASIDE, NAME)
    forks = await connection.fetch(FORKED)
    for row in forks:
        place = place_of(row["topic"], row["partition"], row["offset"])
        await park(connection, NAME, row["subject"], place, _why(row), row["body"])
    await connection.execute(UNSTAGE)
    if (last := await connection.fetchrow(LAST)) is not None:
        await connection.execute(STAND, RELAY, *last)
    streams, versions = [stream for stream, _ in unsure], [version for _, version in unsure]
    await connection.execute(PLACE_LAST, streams, versions)
    forked = sum(row["forked"] for row in forks)
    hidden = any(LogPosition(row["epoch"], row["tx"], row["position"]) <= relay for row in unsure.values())
    news = bool(missing) or hidden or before < await connection.fetchval(SET_ASIDE, NAME)
    return Regained(missing=missing, forked=forked, loose=len(forks) - forked, unsent=len(unsure), news=news)


def _why(row: Any) -> str:
    if row["forked"]:
        return f"forked: {row['id']} was published with another body than the store has"
    return f"loose: {row['id']} was published and follows nothing that the store or the topics have"


async def _stage(
    connection: Connection, records: Sequence[ConsumerRecord], service: str, unsure: dict[Id, Any]
) -> None:
    """Keep what the store does not have in the very same words, and strike out what proves to be on the topic."""
    said = []
    for record in records:
        try:
            fact = from_cloudevent(record.value or b"")
        except Unreadable:
            continue  # whoever hears the topic has parked it
        if said_by(record.value) == source_of(service):
            said.append((fact, record))
    streams, versions = [fact.stream for fact, _ in said], [fact.version for fact, _ in said]
    known = {(row[0], row[1]): row[2] for row in await connection.fetch(KNOWN, streams, versions)}
    staged = []
    for fact, record in said:
        id = fact.stream, fact.version
        if known.get(id) == fact.hash:
            unsure.pop(id, None)
            continue
        cause = fact.cause
        staged.append(
            (
                record.topic, record.partition, record.offset, record.value, fact.stream, fact.version, fact.subject,
                fact.type, fact.schema, fact.at, fact.recorded_at, cause.actor, cause.correlation, cause.causation,
                cause.trace, fact.data, fact.hash,
            )
        )  # fmt: skip
    await connection.copy_records_to_table("regained", records=staged, columns=STAGED)
