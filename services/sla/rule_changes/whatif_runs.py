"""The record of what-if runs: begun by the API, told forward by the process, read by whoever watches."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from deadlines.entries import CatalogueFile
from events.contracts.rules import Impact
from events.errors import Conflict
from events.store.database import Connection, Pool
from sla.judging.case_rules import Supposed
from sla.rule_changes.impact import Change, by_unit, counts

# Held by the process that judges, for as long as it lives: a row that says 'running' without it was killed.
LOCK = "select pg_try_advisory_lock(hashtextextended(current_schema() || '.what-if', 0))"
UNLOCK = "select pg_advisory_unlock(hashtextextended(current_schema() || '.what-if', 0))"
RUNNING = "select id from what_ifs where state = 'running'"
BEGIN = "insert into what_ifs (actor, supposed, now) values ($1, $2, $3) returning id"
ASKED = "select supposed, now from what_ifs where id = $1 and state = 'running'"
PROGRESS = "update what_ifs set cases = $2, judged = $3, seconds = $4 where id = $1"
DONE = """
update what_ifs set state = 'done', finished_at = clock_timestamp(), cases = $2, judged = $2, seconds = $3,
    impact = $4, changes = $5 where id = $1
"""
FAILED = """
update what_ifs set state = 'failed', finished_at = clock_timestamp(), error = $2 where id = $1 and state = 'running'
"""
SHOWN = "id, state, actor, supposed, now, started_at, finished_at, cases, judged, seconds, impact, error"
ONE = f"select {SHOWN}, changes from what_ifs where id = $1"
ALL = f"select {SHOWN} from what_ifs order by id"


async def begin(pool: Pool, supposed: Supposed, actor: str, now: datetime) -> int:
    """Open a run. Raises Conflict while another one is at work; one that was killed is recorded as failed."""
    async with pool.acquire() as connection:
        running: int | None = await connection.fetchval(RUNNING)
        if not await connection.fetchval(LOCK):
            raise Conflict("what-if-running", f"what-if {running} is at work", way_out="wait for it, or watch it")
        try:
            if running is not None:
                await connection.execute(FAILED, running, "its process ended before it did")
            run: int = await connection.fetchval(BEGIN, actor, _written(supposed), now)
        finally:
            await connection.execute(UNLOCK)
    return run


async def asked(connection: Connection, run: int) -> tuple[Supposed, datetime]:
    """What a run supposes, and its now."""
    row = await connection.fetchrow(ASKED, run)
    assert row is not None, f"there is no running what-if {run}"
    told = msgspec.json.decode(row["supposed"])
    file = CatalogueFile.model_validate({"calendars": told["calendars"], "services": told["services"]})
    return Supposed(file=file, policy=told["policy"], clock_policy=told["clock_policy"]), row["now"]


async def progress(connection: Connection, run: int, cases: int, judged: int, seconds: float) -> None:
    """How far it is; `cases` is an estimate until the end."""
    await connection.execute(PROGRESS, run, cases, judged, seconds)


async def finish(connection: Connection, run: int, cases: int, seconds: float, changes: Sequence[Change]) -> None:
    """Keep the result: the only thing that a what-if writes, in one row."""
    report = {"cases": cases, **counts(changes), "units": by_unit(changes)}
    dossiers = zlib.compress(msgspec.json.encode(changes), 1)
    await connection.execute(DONE, run, cases, seconds, msgspec.json.encode(report).decode(), dossiers)


async def fail(connection: Connection, run: int, why: str) -> None:
    await connection.execute(FAILED, run, why[:2000])


async def one(pool: Pool, run: int, *, dossiers: bool) -> dict[str, Any] | None:
    """A run, with its rate and the seconds that remain; with `dossiers`, every cycle that changes."""
    row = await pool.fetchrow(ONE, run)
    if row is None:
        return None
    shown = _shown(row)
    if dossiers and row["changes"] is not None:
        shown["dossiers"] = msgspec.json.decode(zlib.decompress(row["changes"]))
    return shown


async def every(pool: Pool) -> list[dict[str, Any]]:
    """All runs there were."""
    return [_shown(row) for row in await pool.fetch(ALL)]


def impact_of(run: dict[str, Any]) -> Impact:
    """The counts of a finished run, as a published rule carries them."""
    return Impact(**{name: count for name, count in run["impact"].items() if name != "units"})


def _shown(row: Any) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in ("id", "changes")}
    shown |= {name: msgspec.json.decode(row[name]) for name in ("supposed", "impact") if row[name] is not None}
    rate = row["judged"] / row["seconds"] if row["seconds"] else None
    left = max(row["cases"] - row["judged"], 0) / rate if rate and row["state"] == "running" else None
    return {"run": row["id"], **shown, "cases_per_second": rate, "seconds_left": left}


def _written(supposed: Supposed) -> str:
    told = supposed.file.model_dump(mode="json", by_alias=True, include={"calendars", "services"})
    return msgspec.json.encode(
        told | {"policy": supposed.policy, "clock_policy": supposed.clock_policy}
    ).decode()  # fmt: skip
