"""A what-if as it runs: a process over a real inbox, its record, and nothing else left behind."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from contracts.keeping import kept
from oracle import naive
from oracle.judging import SHIPPED
from oracle.quarter import quarter
from oracle.swapped import second_oracle, swap_file
from oracle.telling import Story, local

from deadlines.inforce import InForce
from events.errors import Conflict
from events.settings import Settings
from events.store import database as postgres_of
from events.store.database import Pool
from events.subscriptions.follower import Following
from sla.judging.case_rules import Supposed
from sla.live import projector
from sla.rule_changes import whatif_runs

MIGRATIONS = Path(__file__).parents[2] / "services" / "sla" / "migrations"
NOW = local(8, 1, 9)
SWAP = Supposed(file=swap_file(), policy="as-revised")
OTHERS = """
select table_name from information_schema.tables
where table_schema = current_schema() and table_type = 'BASE TABLE' and table_name <> 'what_ifs' order by 1
"""


@pytest.fixture
async def pool(database: dict[str, str]) -> AsyncIterator[Pool]:
    pool = await postgres_of.connect(database["sla"])
    await postgres_of.migrate(pool, postgres_of.LOG, MIGRATIONS)
    yield pool
    await pool.close()


async def run(pool: Pool, url: str, supposed: Supposed) -> dict[str, Any]:
    """Begin a run, let its process do it, and read what came of it."""
    number = await whatif_runs.begin(pool, supposed, "staff-22-01", NOW)
    settings = Settings(kafka_bootstrap_servers="", database_url=url, oidc_issuer="", onedoor_clock="log")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sla.rule_changes.whatif", str(number), env={**os.environ, **settings.environment()},
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await process.wait()
    found = await whatif_runs.one(pool, number, dossiers=True)
    assert found is not None
    return found


def instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def content(pool: Pool) -> dict[str, int]:
    """How many rows every table has but the runs'."""
    names = [row["table_name"] for row in await pool.fetch(OTHERS)]
    return {name: await pool.fetchval(f"select count(*) from {name}") for name in names}


def dues(oracle: Any, story: Story) -> list[datetime | None]:
    """The due instants of a dossier's cycles, by an oracle."""
    return [
        None if one.due is None or (one.end is None and one.paused_before_due())
        else (naive.ZERO + timedelta(minutes=one.due.at)).astimezone(UTC)
        for one in oracle.Oracle(story.facts).runs
    ]  # fmt: skip


async def test_a_swap_day_lists_exactly_the_dossiers_whose_due_date_moves(pool: Pool, database: dict[str, str]) -> None:
    """Over a generated quarter, checked by two oracles that share no code with the judge; only the run stays behind."""
    stories = quarter(1500)
    await kept(pool, [fact for story in stories for fact in story.facts])
    before = await content(pool)
    done = await run(pool, database["sla"], SWAP)
    assert (done["state"], done["cases"], done["judged"]) == ("done", 1500, 1500), done["error"]

    swapped = second_oracle()
    moved = {
        (story.case_id, cycle, old, new)
        for story in stories
        for cycle, (old, new) in enumerate(zip(dues(naive, story), dues(swapped, story), strict=True), 1)
        if old != new
    }
    assert moved
    told = [one for one in done["dossiers"] if one["due"] != one["new_due"]]
    assert {(one["case_id"], one["cycle"], instant(one["due"]), instant(one["new_due"])) for one in told} == moved
    assert done["impact"]["due_moved"] == len(told) == len(moved)
    assert [one["case_id"] for one in done["dossiers"]] == sorted(one["case_id"] for one in done["dossiers"])
    assert done["impact"]["units"][0]["due_moved"] == len(moved)
    assert await content(pool) == before


@pytest.mark.parametrize("supposed", [SWAP, Supposed(clock_policy="RESTART")], ids=["some-reached", "all-reached"])
async def test_the_live_rows_stand_in_for_judging_twice(
    pool: Pool, database: dict[str, str], supposed: Supposed
) -> None:
    """The same difference whether the live judge has seen everything, or nothing yet."""
    await kept(pool, [fact for story in quarter(600) for fact in story.facts])
    async with pool.acquire() as connection:
        assert not await projector.caught_up(connection)
        judged_twice = await run(pool, database["sla"], supposed)
        live = Following(pool, projector.follower(InForce(SHIPPED, "events"), log_clock=True))
        while (await live.step())[0]:
            pass
        assert await projector.caught_up(connection)
    from_rows = await run(pool, database["sla"], supposed)
    assert from_rows["dossiers"] == judged_twice["dossiers"] != []
    await pool.execute("update cycles set due_at = due_at + interval '1 day' where due_at is not null")
    assert (await run(pool, database["sla"], supposed))["dossiers"] != from_rows[
        "dossiers"
    ]  # the rows were what was read


async def test_pinned_changes_nothing(pool: Pool, database: dict[str, str]) -> None:
    """A newer calendar is used under as-revised only."""
    await kept(pool, [fact for story in quarter(20) for fact in story.facts])
    done = await run(pool, database["sla"], Supposed(file=swap_file(), policy="pinned"))
    assert (done["state"], done["dossiers"], done["impact"]["units"]) == ("done", [], [])
    assert done["impact"]["cases"] == 20


async def test_an_empty_inbox_is_judged_too(pool: Pool, database: dict[str, str]) -> None:
    """No case, no change."""
    done = await run(pool, database["sla"], SWAP)
    assert (done["state"], done["impact"]["cases"]) == ("done", 0)


async def test_a_failed_run_says_why(pool: Pool, database: dict[str, str]) -> None:
    """Versions that contradict those in force; the API refuses them before it begins a run."""
    done = await run(pool, database["sla"], Supposed(file=swap_file("VN-PAC@2017.1")))
    assert done["state"] == "failed"
    assert "VN-PAC@2017.1 is defined twice" in done["error"]


async def test_one_at_a_time_and_a_killed_one_is_recorded(pool: Pool) -> None:
    """While the lock is held the second is told of the first; a row without a process is failed by the next."""
    first = await whatif_runs.begin(pool, SWAP, "staff-22-01", NOW)
    async with pool.acquire() as holder:
        assert await holder.fetchval(whatif_runs.LOCK)
        with pytest.raises(Conflict, match=str(first)):
            await whatif_runs.begin(pool, SWAP, "staff-22-01", NOW)
        await holder.fetchval(whatif_runs.UNLOCK)
    second = await whatif_runs.begin(pool, SWAP, "staff-22-01", NOW)
    assert [(one["run"], one["state"]) for one in await whatif_runs.every(pool)] == [
        (first, "failed"),
        (second, "running"),
    ]


async def test_a_run_tells_its_rate_and_what_remains(pool: Pool) -> None:
    """Half of a thousand cases in two seconds."""
    number = await whatif_runs.begin(pool, SWAP, "staff-22-01", NOW)
    async with pool.acquire() as connection:
        await whatif_runs.progress(connection, number, 1000, 500, 2.0)
    found = await whatif_runs.one(pool, number, dossiers=True)
    assert found is not None
    assert (found["cases_per_second"], found["seconds_left"]) == (250.0, 2.0)
