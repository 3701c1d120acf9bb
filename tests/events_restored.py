"""A service before and after a restore, reduced to its log, its relay and its topics: what such tests share."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from contracts.sending import facts_of, records, relaying
from fastapi import APIRouter

from events.service import preflight
from events.service.adopt import Adopted, adopt
from events.service.runtime import Service
from events.settings import Settings
from events.store import database
from events.store.database import LOG, Pool
from events.store.store import COLUMNS
from events.subscriptions.follower import Following

ROWS = f"select {COLUMNS} from events order by stream, version"
# As a logical backup has them: the numbers of the old cluster's transactions, far above those of the new one.
RESTORE = f"""
insert into events (epoch, tx, {COLUMNS}) select 1, ((2^40)::bigint + $1)::text::xid8, $2, $3, $4, $5, $6, $7, $8, $9,
$10, $11, $12, $13, $14
"""
BOOKMARK = "insert into bookmarks (name, epoch, tx, position) values ('relay', 1, $1, $2)"


def tiny(folder: Path) -> Service:
    """A service that says and hears one topic; its own migrations are in `folder`."""
    migrations = folder / "tiny" / "migrations"
    migrations.mkdir(parents=True)
    return Service(
        name="intake", says=("intake.events",), hears=("intake.events",), migrations=migrations,
        api=lambda _: APIRouter(), followers=lambda _: (),
    )  # fmt: skip


class System:
    """A service before and after a restore: the topics are one, the databases two."""

    def __init__(self, service: Service, kafka: str, prefix: str, old: str, new: str) -> None:
        self.service, self.kafka, self.prefix, self.old, self.new = service, kafka, prefix, old, new
        self.topic = f"{prefix}intake.events"

    @asynccontextmanager
    async def log(self, url: str) -> AsyncIterator[Pool]:
        pool = await database.connect(url, size=4)
        try:
            yield pool
        finally:
            await pool.close()

    @asynccontextmanager
    async def at_work(self, *, old: bool = False) -> AsyncIterator[tuple[Pool, Following[Any]]]:
        """The service's log and its relay."""
        async with self.log(self.old if old else self.new) as pool:
            await database.migrate(pool, LOG)
            async with relaying(pool, self.kafka, self.prefix) as relay:
                yield pool, relay

    async def restore(self, facts: int) -> None:
        """Into the new database, a backup that was taken when the service had said and sent so many facts."""
        async with self.log(self.old) as old, self.log(self.new) as new:
            await database.migrate(new, LOG)
            kept = await old.fetch(f"select {COLUMNS} from events order by epoch, tx, position limit $1", facts)
            for number, row in enumerate(kept):
                await new.execute(RESTORE, number, *row)
            if kept:
                await new.execute(BOOKMARK, 2**40 + facts - 1, facts)
            await new.execute("update cluster set system_identifier = 7")

    async def adopt(self, *, dry_run: bool = False) -> Adopted:
        settings = Settings(
            kafka_bootstrap_servers=self.kafka, database_url=self.new, oidc_issuer="", onedoor_topic_prefix=self.prefix
        )
        return await adopt(self.service, settings, dry_run=dry_run)

    async def rows(self, url: str) -> Sequence[Any]:
        async with self.log(url) as pool:
            return await pool.fetch(ROWS)

    async def sent(self) -> list[str]:
        found = await records(self.kafka, self.topic)
        return [fact.id for fact in facts_of(sorted(found, key=lambda one: (one.partition, one.offset)))]

    async def refuse(self, pool: Pool) -> None:
        """As the service does at its start."""
        await preflight.refuse(pool, self.kafka, [self.topic], "intake")
