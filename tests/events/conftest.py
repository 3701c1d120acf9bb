"""The logs of services, each in a schema of its own: far quicker to make and drop than a database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import parts
import pytest
import structlog
from hypothesis import HealthCheck, settings

from events.store import database as postgres_of
from events.store.database import Pool
from local.postgres import Postgres

# A busy machine is no failed property.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# One line for each log entry: a traceback with all its values takes longer to print than most tests run.
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    logger_factory=structlog.ReturnLoggerFactory(),
)

SCHEMA = "select format('create schema %I authorization %I', $1::text, $2::text)"
NewLog = Callable[[], Awaitable[Pool]]


@pytest.fixture(scope="session")
def home(postgres: str) -> Iterator[dict[str, str]]:
    """One database for the run, with the roles of the services."""
    name, urls = asyncio.run(parts.fresh_database(postgres))
    yield urls
    asyncio.run(parts.drop_database(postgres, name))


@pytest.fixture
async def new_schema(home: dict[str, str]) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Makes a schema that the intake service's role owns, and tells the URL that leads into it."""
    made: list[str] = []
    admin = await asyncpg.connect(home["admin"])

    async def make() -> str:
        made.append(f"s{await admin.fetchval('select replace(gen_random_uuid()::text, $1, $2)', '-', '')}")
        role = await admin.fetchval("select current_database() || '_intake'")
        await admin.execute(await admin.fetchval(SCHEMA, made[-1], role))
        return f"{home['intake']}?search_path={made[-1]}"

    yield make
    for name in made:
        await admin.execute(f"drop schema {name} cascade")
    await admin.close()


@pytest.fixture
async def new_log(new_schema: Callable[[], Awaitable[str]]) -> AsyncIterator[NewLog]:
    """Makes an empty log of a service."""
    async with AsyncExitStack() as stack:

        async def make() -> Pool:
            pool = await postgres_of.connect(await new_schema())
            stack.push_async_callback(pool.close)
            await postgres_of.migrate(pool, postgres_of.LOG)
            return pool

        yield make


@pytest.fixture
async def pool(new_log: NewLog) -> Pool:
    """The empty log of one service."""
    return await new_log()


@pytest.fixture
async def listener(new_log: NewLog) -> Pool:
    """The empty log of another service, that hears the first."""
    return await new_log()


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[Postgres]:
    """A PostgreSQL server of this test's own."""
    made = Postgres(folder / "postgres", password="test")
    await made.start()
    yield made
    await made.kill()
