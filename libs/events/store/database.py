"""A service's own Postgres schema: the pool, the migrations, and the check that the cluster is still ours."""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from aiokafka.errors import KafkaError

from events.errors import NotOurCluster, OnedoorError, WrongVersion

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

# Errors that pass: the database or the broker is away, or another transaction was first. Wait and try again.
TRANSIENT = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    KafkaError,
    WrongVersion,
)

LOG = Path(__file__).parents[1] / "migrations"  # applied under names that begin with events/

MIGRATIONS = """
create table if not exists migrations (
    name       text primary key,        -- <set>/<file>
    hash       text not null,           -- of the file as it was applied; an edited migration is refused
    applied_at timestamptz not null default clock_timestamp()
)
"""
# Two processes of a service may start at once; the second waits and finds the work done.
LOCK = "select pg_advisory_xact_lock(hashtextextended('onedoor.migrate.' || current_schema(), 0))"
APPLIED = "select name, hash from migrations"
RECORD = "insert into migrations (name, hash) values ($1, $2)"
CLUSTER = """
select c.system_identifier as ours, s.system_identifier as actual from cluster c, pg_control_system() s
"""
NUMBERED = re.compile(r"\d{4}_[a-z0-9_]+\.sql")


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """A connection that sees one moment, and only reads: no transaction number is taken, no follower held back."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection


async def connect(url: str, *, size: int = 20) -> Pool:
    """A pool whose connections need no JIT: the statements are small and many. All of them go by an index, so a scan
    is never wanted: a statement that was planned while its table was empty would scan it for as long as it lives.

    Nothing of ours outlives a transaction in a session, but for locks that are released by hand: so the query
    with which asyncpg resets each connection on its way back, a round trip a command, is left out.
    """
    pool = await asyncpg.create_pool(
        url,
        min_size=2,
        max_size=size,
        command_timeout=60,
        server_settings={"jit": "off", "enable_seqscan": "off", "timezone": "UTC"},  # rows are hashed as text
        reset=_as_it_is,
    )
    assert pool is not None
    return pool


async def _as_it_is(_: Connection) -> None:
    """A transaction that was left open is rolled back by the pool itself."""


async def migrate(pool: Pool, *folders: Path) -> None:
    """Apply the numbered SQL files of each folder that this schema has not seen, all in one transaction.

    Raises OnedoorError when an applied file was edited or one has no number, NotOurCluster when the database was
    restored into another cluster (transaction numbers begin again there; `onedoor db adopt` raises the epoch).
    """
    async with pool.acquire() as connection, connection.transaction():
        await apply(connection, *folders)
        row = await connection.fetchrow(CLUSTER)
        assert row is not None
        if row["ours"] != row["actual"]:
            raise NotOurCluster(
                f"this log was written by cluster {row['ours']}, this is cluster {row['actual']}: it was restored from "
                "a backup. `onedoor db adopt` brings it up to what was published, once you are sure that the old "
                'cluster is gone; see "The databases were restored from a backup" in docs/operations.md'
            )


async def apply(connection: Connection, *folders: Path) -> None:
    """The migrations alone, in the caller's transaction, which holds up every start of the service from here on."""
    await connection.execute(LOCK)
    await connection.execute(MIGRATIONS)
    applied = {row["name"]: row["hash"] for row in await connection.fetch(APPLIED)}
    for folder in folders:
        for file in sorted(folder.glob("*.sql")):
            if not NUMBERED.fullmatch(file.name):
                raise OnedoorError(f"{file.name} in {folder} would never be applied: name it 0002_what_it_does.sql")
            name, text = f"{folder.parent.name}/{file.name}", file.read_text()
            digest = hashlib.sha256(text.encode()).hexdigest()
            if applied.get(name, digest) != digest:
                raise OnedoorError(f"{name} was edited after it was applied: restore it and add a new file")
            if name not in applied:
                await connection.execute(text)
                await connection.execute(RECORD, name, digest)
