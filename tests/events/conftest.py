"""A log of one service in a database of its own."""

from collections.abc import AsyncIterator, Mapping

import pytest

from events import database as postgres_of
from events.database import Pool


@pytest.fixture
async def pool(database: Mapping[str, str]) -> AsyncIterator[Pool]:
    """The intake service's schema with an empty log."""
    made = await postgres_of.connect(database["intake"])
    await postgres_of.migrate(made, postgres_of.LOG)
    yield made
    await made.close()


@pytest.fixture
async def listener(database: Mapping[str, str]) -> AsyncIterator[Pool]:
    """Another service's schema with an empty log, for what it hears from the first."""
    made = await postgres_of.connect(database["sla"])
    await postgres_of.migrate(made, postgres_of.LOG)
    yield made
    await made.close()
