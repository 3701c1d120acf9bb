"""A copy of the database's files is put back: the cluster calls itself what it did, and is behind its topics."""

import asyncio
import shutil
from pathlib import Path

import parts
import pytest
from contracts.given import catch_up, closed, line, rated, received, say, step, stream
from events_restored import System, tiny

from events.errors import StoreBehind
from events.store import database
from events.store.database import LOG
from local.postgres import Postgres


async def put(source: Path, target: Path) -> None:
    """A copy of a stopped server's files, which keeps whose they are."""
    process = await asyncio.create_subprocess_exec("cp", "-a", str(source), str(target))
    assert await process.wait() == 0


async def test_an_older_copy_is_refused_and_adopted(
    server: Postgres, kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Its transaction numbers go on where the copy was made, so nothing but the topics tells."""
    _, urls = await parts.fresh_database(server.admin_url)
    system = System(tiny(tmp_path), kafka, topic_prefix, urls["intake"], urls["intake"])
    data, copy = server.folder / "data", server.folder / "copy"
    async with system.at_work() as (pool, relay):
        await say(pool, line(stream(1), received(1), rated(1)))
        await catch_up(relay)
    await server.stop()
    await put(data, copy)
    await server.start()
    async with system.at_work() as (pool, relay):
        await say(pool, line(stream(1), closed(1), expected=2), line(stream(2), received(2)))
        await catch_up(relay)
    before, rows = await system.sent(), await system.rows(system.new)
    await server.stop()
    shutil.rmtree(data)
    copy.rename(data)
    await server.start()

    async with system.log(system.new) as pool:
        await database.migrate(pool, LOG)  # the same cluster
        with pytest.raises(StoreBehind):
            await system.refuse(pool)
    assert (await system.adopt()).found.missing == {"case": 2}
    async with system.at_work() as (pool, relay):
        await system.refuse(pool)
        assert await step(relay) == 0
        await say(pool, line(stream(2), rated(2), expected=1))
        await catch_up(relay)
    assert await system.rows(system.new) != rows
    assert sorted(set(await system.sent()) - set(before)) == [f"{stream(2)}@2"]
