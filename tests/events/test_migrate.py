"""Migrations: each file once, never edited, and never on another cluster than the log was written by."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import asyncpg
import pytest

from events.errors import NotOurCluster, OnedoorError
from events.store import database as postgres_of
from events.store.database import LOG, connect, migrate

NewSchema = Callable[[], Awaitable[str]]
NAMES = "select name from migrations order by applied_at, name"


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A service's own folder with one migration."""
    folder = tmp_path / "tiny" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0001_cases.sql").write_text("create table cases (code text primary key);\n")
    return folder


THE_LOGS = [f"events/{file.name}" for file in sorted(LOG.glob("*.sql"))]


async def test_each_file_is_applied_once_in_order(new_schema: NewSchema, service: Path) -> None:
    """The log's first, then the service's; the second start finds the work done, the third a new file."""
    pool = await connect(await new_schema())
    for _ in range(2):
        await migrate(pool, LOG, service)
    assert [row[0] for row in await pool.fetch(NAMES)] == [*THE_LOGS, "tiny/0001_cases.sql"]
    (service / "0002_more.sql").write_text("insert into cases values ('x');")
    for _ in range(2):
        await migrate(pool, LOG, service)
    assert await pool.fetchval("select count(*) from cases") == 1
    await pool.close()


async def test_four_processes_that_start_at_once_apply_each_file_once(new_schema: NewSchema, service: Path) -> None:
    """The later ones wait and find the work done."""
    url = await new_schema()
    pools = [await connect(url, size=2) for _ in range(4)]
    await asyncio.gather(*(migrate(pool, LOG, service) for pool in pools))
    assert await pools[0].fetchval("select count(*) from migrations") == len(THE_LOGS) + 1
    for pool in pools:
        await pool.close()


async def test_an_edited_migration_is_refused(new_schema: NewSchema, service: Path) -> None:
    """What ran and what is written must be the same; the message says which file."""
    pool = await connect(await new_schema())
    await migrate(pool, LOG, service)
    (service / "0001_cases.sql").write_text("create table cases (code text);\n")
    with pytest.raises(OnedoorError, match=r"tiny/0001_cases\.sql was edited"):
        await migrate(pool, LOG, service)
    await pool.close()


async def test_a_migration_that_fails_leaves_nothing(new_schema: NewSchema, service: Path) -> None:
    """All files of one start are one transaction."""
    pool = await connect(await new_schema())
    (service / "0002_wrong.sql").write_text("create table more (x int); select 1/0;")
    with pytest.raises(asyncpg.PostgresError):
        await migrate(pool, LOG, service)
    assert await pool.fetchval("select to_regclass('events') is null and to_regclass('migrations') is null")
    await pool.close()


@pytest.mark.parametrize("name", ["2_late.sql", "0002_Second.sql", "0002-second.sql", "notes.sql"])
async def test_a_file_whose_name_is_no_number_is_refused_not_skipped(
    new_schema: NewSchema, service: Path, name: str
) -> None:
    """A migration that silently does not run is worse than none."""
    pool = await connect(await new_schema())
    (service / name).write_text("create table more (x int);")
    with pytest.raises(OnedoorError, match=name):
        await migrate(pool, LOG, service)
    await pool.close()


async def test_another_cluster_is_refused(new_schema: NewSchema, service: Path) -> None:
    """A restored database: transaction numbers began again, and readers would wait for ever."""
    pool = await connect(await new_schema())
    await migrate(pool, LOG, service)
    await pool.execute("update cluster set system_identifier = 7")
    with pytest.raises(NotOurCluster, match="onedoor db adopt"):
        await migrate(pool, LOG, service)
    await pool.close()


async def test_a_connection_comes_back_without_what_was_begun_on_it(new_schema: NewSchema) -> None:
    """An open transaction is rolled back: it would hold its rows, and every follower, for ever."""
    pool = await connect(await new_schema(), size=2)
    await pool.execute("create table t (x int)")
    connection = await pool.acquire()
    await connection.transaction().start()
    await connection.execute("insert into t values (1)")
    await pool.release(connection)
    for _ in range(4):
        async with pool.acquire() as again:
            assert not again.is_in_transaction()
            assert await again.fetchval("select count(*) from t") == 0
            assert await again.fetchval("select pg_current_xact_id_if_assigned() is null")
    await pool.close()


async def test_a_service_s_own_role_can_do_it_all(database: Mapping[str, str]) -> None:
    """Nothing in the log's migration needs a superuser, and every service has its own."""
    for name in ("intake", "sla"):
        pool = await postgres_of.connect(database[name])
        await migrate(pool, LOG)
        assert await pool.fetchval("select current_schema()") == name
        await pool.close()
