"""The SLA service's judge and followers on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest
from judged_year import World, judged_year
from sla_at_work import Sla, at_work


@pytest.fixture
async def sla(database: dict[str, str]) -> AsyncIterator[Sla]:
    async with at_work(database["sla"]) as one:
        yield one


@pytest.fixture(scope="session")
def world() -> World:
    return judged_year()
