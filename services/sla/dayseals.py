"""Seals of days in Postgres: the only writer of `day_seals`, and the trees behind them.

A seal covers what its logs gained since the one before, in the order in which it was kept here and below the horizon,
up to the first fact that was recorded after its day. So a fact that comes late falls into a later seal, and nothing
that was signed changes.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deadlines.instants import day_on, instant_of, local_date, midnight
from events.database import TRANSIENT, Connection, Pool
from events.follow import START, TRY_LOCK, Mark
from events.runtime import Parts
from events.signing import Signed
from sla.dayseal import Before, Head, digest_of, sealed
from sla.exchange import key
from sla.ticker import CLOCK, SETTLED

LOGS = ("inbox", "events")
LOCK = "sla.day-seals"
WATERMARK = "select watermark from watermarks where service = $1"
LAST = """
select number, day, digest, inbox_epoch, inbox_tx, inbox_position, events_epoch, events_tx, events_position
from day_seals order by number desc limit 1
"""
SETTLED_SINCE = """
from {log} where (epoch, tx, position) > ($1, $2, $3)
    and (epoch < (select epoch from cluster) or tx < (select pg_snapshot_xmin(pg_current_snapshot())))
"""
NEXT = f"select recorded_at {SETTLED_SINCE} order by epoch, tx, position limit 1"
# In one statement, so that no row becomes settled between the look for the day's end and the look for what lies before.
UP_TO = f"""
with beyond as (
    select epoch, tx, position {SETTLED_SINCE} and recorded_at >= $4 order by epoch, tx, position limit 1
)
select epoch, tx, position {SETTLED_SINCE}
    and (not exists (select from beyond) or (epoch, tx, position) < (select epoch, tx, position from beyond))
order by epoch desc, tx desc, position desc limit 1
"""
HEADS = """
with covered as (
    select stream, version, hash from inbox
    where (epoch, tx, position) > ($1, $2, $3) and (epoch, tx, position) <= ($4, $5, $6)
    union all
    select stream, version, hash from events
    where (epoch, tx, position) > ($7, $8, $9) and (epoch, tx, position) <= ($10, $11, $12)
)
select distinct on (stream collate "C") stream, version, hash, count(*) over (partition by stream) as facts
from covered order by stream collate "C", version desc
"""
KEEP = "insert into day_seals values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
SINCE = "select document from day_seals where day >= $1 order by number limit $2"
SPAN = """
select number, inbox_epoch, inbox_tx, inbox_position, events_epoch, events_tx, events_position
from day_seals where number = any($1) order by number
"""
EVERY = 0.5  # seconds between looks whether a day is over
log = structlog.get_logger("sla.dayseals")


class DaySeals:
    """Seals each day once it is over and everything recorded in it was heard."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.key = parts, key(parts.settings)

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                while await self.round():
                    pass
            except TRANSIENT as error:
                log.warning("waiting", doing="seal a day", error=repr(error))
            try:
                async with asyncio.timeout(EVERY):
                    await stopping.wait()
            except TimeoutError:
                pass

    async def round(self) -> bool:
        """Seal one day that is over, if there is one."""
        pool, settings = self.parts.pool, self.parts.settings
        passed: datetime | None = await pool.fetchval(WATERMARK, CLOCK if settings.log_clock else SETTLED)
        if passed is None:
            return False
        made = await seal(pool, passed, self.key)
        if made:
            log.info("day sealed", day=made.document["day"], streams=made.document["streams"])
        return made is not None


async def seal(pool: Pool, passed: datetime, signing_key: Ed25519PrivateKey | None) -> Signed | None:
    """Seal the next day, if it was over at `passed`, up to which everything has been heard; None when there is none.

    Two at once: the second finds the lock taken and seals nothing.
    """
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(TRY_LOCK, LOCK, 0):
            return None
        before, marks = _before(await connection.fetchrow(LAST))
        day = await _next(connection, before, marks)
        if day is None or passed < (ends := instant_of(midnight(day_on(day) + 1))):
            return None
        up_to = {name: await _up_to(connection, name, marks[name], ends) for name in LOGS}
        rows = await connection.fetch(HEADS, *_spans(marks, up_to))
        heads = [Head(row["stream"], row["version"], row["hash"]) for row in rows]
        facts = sum(row["facts"] for row in rows)
        made = sealed(day, heads, facts, before, up_to, passed, signing_key)
        await connection.execute(
            KEEP, before.number + 1, day, *up_to["inbox"], *up_to["events"], digest_of(made.document),
            msgspec.json.encode(made),
        )  # fmt: skip
        return made


async def since(pool: Pool | Connection, day: date, limit: int) -> list[msgspec.Raw]:
    """The seals of a day and later ones, as they were signed."""
    return [msgspec.Raw(row["document"]) for row in await pool.fetch(SINCE, day, limit)]


async def heads(connection: Pool | Connection, number: int) -> Sequence[Head]:
    """The heads that a seal covers, in the order of its leaves."""
    ends = {row["number"]: _marks(row) for row in await connection.fetch(SPAN, [number - 1, number])}
    began = ends.get(number - 1, dict.fromkeys(LOGS, START))
    return [
        Head(row["stream"], row["version"], row["hash"])
        for row in await connection.fetch(HEADS, *_spans(began, ends[number]))
    ]


async def _next(connection: Connection, before: Before, marks: dict[str, Mark]) -> date | None:
    """The day of the next seal: of what was kept next, but never one that is sealed."""
    found = [await connection.fetchval(NEXT.format(log=name), *marks[name]) for name in LOGS]
    days = [local_date(recorded_at) for recorded_at in found if recorded_at is not None]
    if not days:
        return None
    return max(min(days), before.day + timedelta(days=1)) if before.day else min(days)


async def _up_to(connection: Connection, name: str, mark: Mark, ends: datetime) -> Mark:
    row = await connection.fetchrow(UP_TO.format(log=name), *mark, ends)
    return mark if row is None else Mark(*row)


def _before(row: Any) -> tuple[Before, dict[str, Mark]]:
    if row is None:
        return Before(), dict.fromkeys(LOGS, START)
    return Before(row["number"], row["day"], row["digest"]), _marks(row)


def _marks(row: Any) -> dict[str, Mark]:
    return {name: Mark(row[f"{name}_epoch"], row[f"{name}_tx"], row[f"{name}_position"]) for name in LOGS}


def _spans(began: dict[str, Mark], ended: dict[str, Mark]) -> list[int]:
    """The arguments of HEADS: of each log, after which place and up to which."""
    return [part for name in LOGS for mark in (began[name], ended[name]) for part in mark]
