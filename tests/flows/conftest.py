"""One whole system for all flows: four services, the issuer and the simulator on a real broker and a real server."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from flows import house as running
from flows.house import House

LAST = ("test_nothing_personal.py", "test_identities.py")  # they look back at what all others did


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those who look back come after the flows, whatever their names are."""
    flows = [number for number, item in enumerate(items) if item.path.parent.name == "flows"]
    ordered = sorted((items[number] for number in flows), key=lambda item: item.path.name in LAST)
    for number, item in zip(flows, ordered, strict=True):
        items[number] = item


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(kafka: str, postgres: str) -> AsyncIterator[House]:
    """The system that all flows share; each makes dossiers of its own."""
    async with running.of_its_own(kafka, postgres) as made:
        yield made
        assert all(part.alive for part in made.stack.parts.values())
