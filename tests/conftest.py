"""The parts that tests share: one broker and one server for the run, a database and a topic prefix for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import parts
import pytest
import pytest_asyncio

from events.clock import new_id


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """KAFKA_BOOTSTRAP_SERVERS of a real broker."""
    with parts.kafka() as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The administrator's URL of a real PostgreSQL."""
    with parts.postgres() as admin_url:
        yield admin_url


@pytest_asyncio.fixture
async def database(postgres: str) -> AsyncIterator[dict[str, str]]:
    """A database of this test's own: one URL per service, and `admin`."""
    name, urls = await parts.fresh_database(postgres)
    yield urls
    await parts.drop_database(postgres, name)


@pytest_asyncio.fixture
async def topic_prefix(kafka: str) -> AsyncIterator[str]:
    """What this test's topics begin with; they are gone afterwards."""
    prefix = f"t{new_id()[:12]}."
    yield prefix
    await parts.drop_topics(kafka, prefix)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state folder of this test's own."""
    with parts.folder() as place:
        yield place


REAL = {"kafka", "postgres"}
SHARED = ("house", "left")  # a system that is made once, and that the files of its folder look at


@pytest.hookimpl(tryfirst=True)  # before the groups are dealt out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for a real broker or server is marked so; tests of the embedded parts themselves are, too.

    Tests of one file stay in one process, and so do all that share the one system: some look back at the others.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if REAL & fixtures or "tests/local/" in item.path.as_posix():
            item.add_marker(pytest.mark.parts)
        system = next((item.path.parent / name for name in SHARED if name in fixtures), item.path)
        item.add_marker(pytest.mark.xdist_group(system.relative_to(item.config.rootpath).as_posix()))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Dealt out one by one, tests would make every shared system once in each process, and look back at half of it."""
    if hasattr(session.config, "workerinput") and not all("@" in item.nodeid for item in session.items):
        raise pytest.UsageError("xdist does not know the groups of tests: another version of pytest or pytest-xdist?")
