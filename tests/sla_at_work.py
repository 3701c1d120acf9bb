"""The SLA service without its HTTP and without Kafka: an inbox, the judge, what follows it, on a real database."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from oracle.telling import Story, local, promise

from deadlines.inforce import InForce
from deadlines.load import load
from events.actor import Actor
from events.commands.handle import Answer, Moment
from events.http.app import Asked
from events.kafka.cloudevent import to_cloudevent
from events.kafka.inbox import keep
from events.service.runtime import Parts
from events.settings import Settings
from events.store import database as postgres_of
from events.store.database import Pool
from events.store.envelope import RecordedEvent
from events.store.store import load as load_streams
from events.subscriptions.follower import Following
from events.subscriptions.wakeup import Wakeup
from sla.counting.periods import Period
from sla.counting.record import Record as MonthlyRecord
from sla.judging.judge import Rules
from sla.live import projector, row_store
from sla.live.ticker import tick
from sla.rebuild import generations
from sla.rebuild.certificate import Vouched
from sla.rebuild.comparison import Comparing, Comparison
from sla.reports import record_queries
from sla.reports.document import Document, document, read, written
from sla.seals import remedial_store, seal_store

ROOT = Path(__file__).parents[1]
RULES = Rules(load(ROOT / "deploy" / "catalogue"))
KINDS = {unit.code: unit.kind for unit in RULES.catalogue.units()}
MIGRATIONS = ROOT / "services" / "sla" / "migrations"
SWAPPED = datetime(2017, 8, 2, 1, tzinfo=UTC)
MONDAY = local(7, 10, 9)
LEADER = Actor(id="staff-22-01", roles=frozenset({"leader"}), unit="PC-QN")


CHANGED = "insert into changes (epoch, subject, data) values (1, $1, '{}')"
PARKED = (
    "insert into parked (follower, subject, place, reason, body) values ('sla.judge', $1, $2, 'a mistake of ours', '')"
)


def story(number: int = 1) -> Story:
    """A household in town, received on a Monday, due Thursday 17:00."""
    told = Story(f"000.00.02.H49-170710-{number:04d}")
    told.received(MONDAY, promise())
    return told


class Record(msgspec.Struct, frozen=True):
    """A Kafka record as `keep` sees it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes


def on_the_wire(fact: RecordedEvent) -> bytes:
    """A fact as its record's value."""
    row: dict[str, Any] = {name: getattr(fact, name) for name in fact.__struct_fields__}
    row |= {"actor": fact.cause.actor, "correlation": fact.cause.correlation}
    row |= {"causation": fact.cause.causation, "trace": None}
    return to_cloudevent(row, "/onedoor/test")


class Sla:
    """The SLA service without its HTTP: a log, an inbox and the judge."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self.pool = pool
        self.judge = Following(pool, projector.follower(InForce(RULES.catalogue, "events"), log_clock=True))
        self.marker = Following(pool, seal_store.marker())
        self.opener = Following(pool, remedial_store.opener(RULES.catalogue, log_clock=True))
        self.parts = Parts(settings=settings, pool=pool, bell=Wakeup(), producer=None)
        self.restating = seal_store.Restating(self.parts, RULES.catalogue)
        self._offset = 0

    async def hear(self, facts: Iterable[RecordedEvent]) -> None:
        """Keep these facts in the inbox and judge."""
        await self.keep(facts)
        while (await self.judge.step())[0]:
            pass

    async def keep(self, facts: Iterable[RecordedEvent]) -> None:
        """Keep these facts in the inbox; nobody looks at them yet."""
        records = []
        for fact in facts:
            records.append(Record("t.events", 0, self._offset, fact.subject.encode(), on_the_wire(fact)))
            self._offset += 1
        for start in range(0, len(records), 5000):
            async with self.pool.acquire() as connection:
                await keep(connection, records[start : start + 5000])

    async def tick(self, watermark: datetime) -> int:
        return await tick(self.parts, watermark)

    async def said(self, case_id: str) -> list[Any]:
        """The facts that were published about a case."""
        async with self.pool.acquire() as connection:
            stream = f"promise-{case_id}"
            return [recorded.fact for recorded in (await load_streams(connection, stream))[stream]]

    async def rows(self, generation: int | None = None) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of a generation (the live one), without its number."""
        found = {}
        for table, columns in row_store.FIELDS.items():
            which = generation or await self.pool.fetchval("select id from generations where state = 'live'")
            query = f"select {', '.join(columns)} from {table} where generation = $1 order by 1, 2, 3, 4"
            found[table] = [tuple(row) for row in await self.pool.fetch(query, which)]
        return found

    async def comparing(self) -> Comparing:
        """A new generation, compared with the live one as far as it goes without holding up the judge."""
        generation = await generations.begin(self.pool, "op-1")
        it = Comparing(self.pool, Following(self.pool, projector.building(RULES, generation, {})), generation)
        assert await it.begin(0)
        return it

    async def finish(self, it: Comparing) -> Comparison:
        """The comparison to its end."""
        async with self.pool.acquire() as connection, connection.transaction():
            return await it.finish(connection)

    async def swap(
        self, differing: Sequence[str] = (), at: datetime = SWAPPED, stuck: Mapping[str, str] | None = None
    ) -> int:
        """A generation that is equal, but for what is said to differ, becomes the live one."""
        it = await self.comparing()
        async with self.pool.acquire() as connection, connection.transaction():
            found = replace(await it.finish(connection), differing=tuple(differing))
            await generations.swap(
                connection,
                it.generation,
                found,
                events=1,
                actor="policy-test",
                at=at,
                recorded_at=at,
                stuck=stuck or {},
                vouched=Vouched(b"{}", b"[]"),
            )  # fmt: skip
        return it.generation

    async def calm(self) -> int:
        """Let everything that follows the judge catch up; returns how many restatements that said."""
        for following in (self.opener, self.marker):
            while (await following.step())[0]:
                pass
        return await self.restating.round()

    async def record(self, period: Period) -> MonthlyRecord:
        """The record of a period from the live rows."""
        return await record_queries.the_record(self.pool, period, KINDS)

    async def seal(self, period: Period, at: datetime, *, actor: Actor = LEADER, key: str | None = None) -> Answer:
        """A leader signs a period."""
        effects = await record_queries.effects(self.pool, await self.record(period))
        return await seal_store.seal(self.pool, RULES.catalogue, period, effects, frame(at, key, str(period)), actor)

    async def last_said(self, period: Period) -> Any:
        """The figures of a sealed period as they were last said, in its seal or its last restatement."""
        kept = await self.pool.fetchval(LAST_SAID, period.id)
        return plain(read(kept))

    async def figures(self, period: Period) -> Any:
        """The same as they are now."""
        return plain(read(written(document(await self.record(period), RULES.catalogue, items=True))))

    async def stream(self, name: str) -> Sequence[RecordedEvent]:
        """One stream of the service's own log."""
        async with self.pool.acquire() as connection:
            return (await load_streams(connection, name))[name]


LAST_SAID = """
select coalesce((select document from restatements where seal = $1 order by number desc limit 1),
                (select document from seals where id = $1))
"""


def plain(told: Document) -> Any:
    """Of a document what a period settles: what each line counts, the sums behind its averages, delays and dwells."""
    lines = {
        (line["kind"], line["unit"]): (line["items"], line.get("sums")) for line in (*told["lines"], *told["cuts"])
    }
    late = [(one["case_id"], one["cause"], one["unit"], one["holders"]) for one in told["annex"] if one["released"]]
    return {**lines, **({"settled": (late, told["delays"], told["dwell"])} if lines else {})}


def frame(at: datetime, key: str | None = None, body: str = "") -> Asked:
    """The frame of a command, as HTTP would make it."""
    return Asked(
        moment=Moment(now=at, recorded_at=at), correlation=key or "asked", trace=None, key=key, seen=None,
        body_hash=body.encode(), route="POST /test",
    )  # fmt: skip


@asynccontextmanager
async def at_work(url: str) -> AsyncIterator[Sla]:
    """The service on a fresh database."""
    pool = await postgres_of.connect(url)
    await postgres_of.migrate(pool, postgres_of.LOG, MIGRATIONS)
    settings = Settings(kafka_bootstrap_servers="", database_url=url, oidc_issuer="", onedoor_clock="log")
    yield Sla(pool, settings)
    await pool.close()
