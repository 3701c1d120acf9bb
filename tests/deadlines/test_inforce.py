"""The catalogue of a running service: what was published joins it, and no id@version has two contents."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from contracts.given import eventually
from oracle.swapped import URBAN, services, swapped
from oracle.telling import local

from deadlines.catalogue import Catalogue
from deadlines.entries import CalendarEntry
from deadlines.errors import TwoContents
from deadlines.inforce import InForce, remember
from deadlines.load import load
from deadlines.published import STREAM
from events.contracts.catalogue import Fact
from events.contracts.terms import Limit
from events.store import database as postgres_of
from events.store.database import Pool
from events.store.envelope import Cause
from events.store.store import Append, append

FOLDER = Path(__file__).parents[2] / "deploy" / "catalogue"
NOON = local(7, 10, 12)


@pytest.fixture
async def pool(database: dict[str, str]) -> AsyncIterator[Pool]:
    pool = await postgres_of.connect(database["sla"])
    await postgres_of.migrate(pool, postgres_of.LOG)
    yield pool
    await pool.close()


async def publish(pool: Pool, *facts: Fact, after: int = 0) -> None:
    async with pool.acquire() as connection, connection.transaction():
        cause = Cause(correlation="x", causation="x", actor="staff-22-01")
        await append(connection, [Append(stream=STREAM, expected=after, facts=facts, cause=cause, at=NOON)])


def edited(old: str, new: str, folder: Path) -> Catalogue:
    """The shipped files with one thing changed in the services."""
    for path in FOLDER.glob("*.yaml"):
        text = path.read_text("utf-8")
        (folder / path.name).write_text(text.replace(old, new, 1) if path.name == "services.yaml" else text, "utf-8")
    return load(folder)


async def test_a_service_starts_with_what_was_published(pool: Pool) -> None:
    """From its own log, in the order of publication."""
    await publish(pool, swapped(), swapped("VN-PAC@2017.3"))
    rules = InForce(load(FOLDER), "events")
    await rules.open(pool)
    assert [fact.version for fact in rules.facts] == [1, 2]
    assert rules.catalogue.in_force("VN-PAC@2017.1") == "VN-PAC@2017.3"
    assert "VN-PAC@2017.2" not in rules.files.calendars


async def test_a_running_service_learns_what_is_published(pool: Pool) -> None:
    """Whoever holds the catalogue sees it; nothing is restarted."""
    held = load(FOLDER)
    rules, stopping = InForce(held, "events"), asyncio.Event()
    await rules.open(pool)
    watching = asyncio.create_task(rules.watch(pool, stopping))
    await publish(pool, swapped())
    await eventually(lambda: "VN-PAC@2017.2" in held.calendars)
    stopping.set()
    await watching
    assert await pool.fetchval("select count(*) from rule_versions where id = 'VN-PAC@2017.2'") == 1


async def test_an_edited_version_is_refused_at_start(pool: Pool, folder: Path) -> None:
    """The sentence names it and says what to do; the shipped files start again."""
    await InForce(load(FOLDER), "events").open(pool)
    other = edited("amount: 3", "amount: 2", folder)
    with pytest.raises(TwoContents, match=r"LV-RES-URBAN@2017-07-01.*a version of its own"):
        await InForce(other, "events").open(pool)
    await InForce(load(FOLDER), "events").open(pool)


async def test_mended_texts_and_an_end_are_no_other_content(pool: Pool, folder: Path) -> None:
    """Neither changes what a receipt that names the version promised."""
    await remember(pool, load(FOLDER))
    await remember(pool, edited("New low-voltage supply, household, city", "New supply, household, city", folder))


async def test_a_file_that_contradicts_what_was_published_is_refused(pool: Pool) -> None:
    """VN-PAC@2017.2 was the swap day; the file deployed later under that number is another calendar."""
    await publish(pool, swapped("VN-PAC@2017.2"))
    files = load(FOLDER)
    other = replace(swapped().calendar, cutoff_at="16:00:00")
    files.calendars["VN-PAC@2017.2"] = CalendarEntry.of_terms(other, "1/QD")
    with pytest.raises(TwoContents, match=r"VN-PAC@2017\.2"):
        await InForce(files, "events").open(pool)


async def test_a_running_service_stops_being_ready_at_a_contradiction(pool: Pool) -> None:
    """Its watch ends with the error, which the runtime shows as a task that died."""
    rules = InForce(load(FOLDER), "events")
    await rules.open(pool)
    await publish(pool, services(replace(URBAN, limit=Limit(amount=9, unit="working_days"))))
    with pytest.raises(TwoContents):
        async with asyncio.timeout(20):
            await rules.watch(pool, asyncio.Event())
