"""A rebuild is killed at moments that nobody chose: the old generation stays or the new one does, whole."""

import asyncio
import json
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


async def test_a_worker_that_is_killed_ends_the_run_with_one_line(house: House) -> None:
    """As when the machine's memory runs out for one of them. What the others say of it then is told by nobody."""
    before = errors(house)
    run = (await house.doors.post("sla", "/rebuilds", {"throttle": 1, "accept_holes": LEFT}, who=OPERATOR))["run"]
    await eventually(lambda: worker_killed(run))
    how = await house.ended(run)
    assert (how["state"], how["swapped"]) == ("failed", False)
    assert "BrokenProcessPool" in how["error"]
    assert errors(house)[len(before) :] == ["rebuild failed"]


def errors(house: House) -> list[str]:
    """What sla's log tells of errors; of what is no line of ours, the line."""
    lines = [json.loads(line) for line in house.logs()["sla.log"].splitlines() if line.startswith("{")]
    return [line["event"] for line in lines if line.get("level") in ("error", "critical")]


async def worker_killed(run: int) -> bool:
    """Kill one of the run's workers, once there are any."""
    for process in psutil.Process().children(recursive=True):
        try:
            words = process.cmdline()
            if "sla.rebuild" in words and str(run) in words and (workers := process.children()):
                workers[0].send_signal(signal.SIGKILL)
                return True
        except psutil.NoSuchProcess:
            continue
    return False


def kill(run: int) -> None:
    """SIGKILL of the run's process and its workers, if it has not ended."""
    for process in psutil.Process().children(recursive=True):
        try:
            if "sla.rebuild" in (words := process.cmdline()) and str(run) in words:
                for one in [*process.children(recursive=True), process]:
                    one.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
