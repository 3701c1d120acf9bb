"""A rebuild is killed at moments that nobody chose: the old generation stays or the new one does, whole."""

import asyncio
import os
import signal
import time
from random import Random

import psutil
import pytest
from contracts.given import eventually
from flows.dossier import receive
from flows.house import LEFT, House

from local.demo.doors import OPERATOR

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(1200)]
KILLS = int(os.environ.get("ONEDOOR_KILLS", "5"))

LIVE = "select id from sla.generations where state = 'live'"
ROWS = """
select md5(string_agg(row::text, '' order by row::text)) as rows from (
    select case_id, cycle, outcome, due_at, released_at, class_a, class_b, class_c from sla.cycles
    where generation = (select id from sla.generations where state = 'live')
) as row
"""
TABLES = "select count(*) as n from pg_tables where schemaname = 'sla' and tablename like 'cycles\\_%'"


async def test_a_rebuild_killed_at_any_moment_leaves_one_whole_generation(house: House) -> None:
    """Parent and workers at once, as when the machine's memory runs out. What was said of swaps is what was swapped."""
    it = await receive(house, "2017-07-19 08:00", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-19 16:00")
    began = time.monotonic()
    assert (await house.rebuilt())["swapped"]
    takes, moments = time.monotonic() - began, Random(2017)
    (rows,) = await house.sql(ROWS)
    swapped, cut_short = await house.swaps(), 0
    for _ in range(KILLS):
        (before,) = await house.sql(LIVE)
        asked = {"accept_differences": False, "accept_holes": LEFT}
        run = (await house.doors.post("sla", "/rebuilds", asked, who=OPERATOR))["run"]
        await asyncio.sleep(moments.uniform(0, takes))  # no condition: any moment will do
        kill(run)
        how = await house.ended(run)
        (after,) = await house.sql(LIVE)
        assert after["id"] == (run if how["swapped"] else before["id"]), how
        assert await house.sql(ROWS) == [rows]
        swapped += [run] if how["swapped"] else []
        cut_short += how["state"] == "failed"
        assert await house.swaps() == swapped
    assert cut_short > 0  # else nothing was tried
    last = await house.rebuilt()
    assert (last["swapped"], last["differences"]) == (True, 0), last
    assert await house.sql(ROWS) == [rows]

    async def two_are_left() -> bool:  # the live one, and the one before it
        return [row["n"] for row in await house.sql(TABLES)] == [2]

    await eventually(two_are_left)


def kill(run: int) -> None:
    """SIGKILL of the run's process and its workers, if it has not ended."""
    for process in psutil.Process().children(recursive=True):
        try:
            if "sla.rebuild" in (words := process.cmdline()) and str(run) in words:
                for one in [*process.children(recursive=True), process]:
                    one.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
