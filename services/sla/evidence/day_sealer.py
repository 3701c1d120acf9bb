"""Seals of days in Postgres: the only writer of `day_seals`, and the trees behind them.

The seal of a day covers what was recorded before the day ended, was kept here (below the horizon) when it was made, and
is in no seal before it. So a fact that comes late falls into a later seal, and nothing that was signed changes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deadlines.instants import day_on, instant_of, local_date, midnight
from events.service.runtime import Parts
from events.signing import Signed, digest_of
from events.store.database import TRANSIENT, Connection, Pool
from events.subscriptions.follower import START, TRY_LOCK, LogPosition
from events.subscriptions.wakeup import rest
from sla.evidence.day_seal import Before, Head, sealed
from sla.live import watermarks
from sla.rebuild.cutover import key

LOGS = ("inbox", "events")
LOCK = "sla.day-seals"
LAST = "select * from day_seals order by number desc limit 1"
NUMBERED = "select * from day_seals where number = any($1)"
SETTLED_SINCE = """
from {log} where (epoch, tx, position) > ($1, $2, $3)
    and (epoch < (select epoch from cluster) or tx < (select pg_snapshot_xmin(pg_current_snapshot())))
"""
KEPT = f"select epoch, tx, position {SETTLED_SINCE} order by epoch desc, tx desc, position desc limit 1"
# Of the rows that are kept up to here: those which the seal before covers, and those which it does not.
COVERED = "((epoch, tx, position) <= ($7, $8, $9) and recorded_at < $10)"
KEPT_SINCE = f"""
from {{log}} where (epoch, tx, position) > ($1, $2, $3) and (epoch, tx, position) <= ($4, $5, $6) and not {COVERED}
"""
OLDEST = f"select min(recorded_at) {KEPT_SINCE} and recorded_at < $11"
HEADS = f"""
select distinct on (stream collate "C") stream, version, hash, count(*) over (partition by stream) as facts
{KEPT_SINCE} and recorded_at < $11 order by stream collate "C", version desc
"""
LEFT = f"select epoch, tx, position {KEPT_SINCE} and recorded_at >= $11 order by epoch, tx, position limit 1"
BEFORE = """
select epoch, tx, position from {log}
where (epoch, tx, position) >= ($1, $2, $3) and (epoch, tx, position) < ($4, $5, $6)
order by epoch desc, tx desc, position desc limit 1
"""
KEEP = "insert into day_seals values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
SINCE = "select document from day_seals where day >= $1 order by number limit $2"
EVERY = 2.0  # seconds between looks whether a day is over
log = structlog.get_logger("sla.dayseals")


class Standing(NamedTuple):
    """How far the seals have come: the last one, when its day ended, and of each log what was kept when it was made and
    up to where all of it is sealed."""

    before: Before
    ends: datetime
    kept: Mapping[str, LogPosition]
    whole: Mapping[str, LogPosition]

    def window(self, name: str, up_to: LogPosition, ends: datetime) -> tuple[Any, ...]:
        """The arguments of a query for what is kept up to a mark, recorded before an instant, and in no seal."""
        return *self.whole[name], *up_to, *self.kept[name], self.ends, ends


NONE = Standing(Before(), datetime.min.replace(tzinfo=UTC), dict.fromkeys(LOGS, START), dict.fromkeys(LOGS, START))


class DaySeals:
    """Seals each day once it is over and everything recorded in it was heard."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.key = parts, key(parts.settings)
        self._looked: tuple[date, Sequence[LogPosition]] | None = None
        """On which day, and how far the logs had come, when there was nothing to seal."""

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                while await self.round():
                    pass
            except TRANSIENT as error:
                log.warning("waiting", doing="seal a day", error=repr(error))
            await rest(stopping, EVERY)

    async def round(self) -> bool:
        """Seal one day that is over, if there is one."""
        pool, settings = self.parts.pool, self.parts.settings
        passed = await watermarks.passed(pool, log_clock=settings.log_clock)
        if passed is None:
            return False
        look = local_date(passed), [await _kept(pool, name, START) for name in LOGS]
        if look == self._looked:
            return False
        made = await seal(pool, passed, self.key)
        if made is None:
            self._looked = look
            return False
        log.info("day sealed", day=made.document["day"], streams=made.document["streams"])
        return True


async def seal(pool: Pool, passed: datetime, signing_key: Ed25519PrivateKey | None) -> Signed | None:
    """Seal the next day, if it was over at `passed`, up to which everything has been heard; None when there is none.

    Two at once: the second finds the lock taken and seals nothing.
    """
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(TRY_LOCK, LOCK, 0):
            return None
        standing = _standing(await connection.fetchrow(LAST))
        kept = {name: await _kept(connection, name, standing.kept[name]) for name in LOGS}
        day = await _next(connection, standing, kept, passed)
        if day is None or passed < (ends := _end(day)):
            return None
        covered, facts = await _heads(connection, standing, kept, ends)
        made = sealed(day, covered, facts, standing.before, kept, passed, signing_key)
        whole = [await _whole(connection, name, standing, kept[name], ends) for name in LOGS]
        await connection.execute(
            KEEP, made.document["number"], day, ends, *kept["inbox"], *kept["events"], *whole,
            digest_of(made.document), msgspec.json.encode(made),
        )  # fmt: skip
        return made


async def since(pool: Pool | Connection, day: date, limit: int) -> list[msgspec.Raw]:
    """The seals of a day and later ones, as they were signed."""
    return [msgspec.Raw(row["document"]) for row in await pool.fetch(SINCE, day, limit)]


async def heads(connection: Pool | Connection, number: int) -> Sequence[Head]:
    """The heads that a seal covers, in the order of its leaves."""
    found = {row["number"]: row for row in await connection.fetch(NUMBERED, [number - 1, number])}
    own = _standing(found[number])
    return (await _heads(connection, _standing(found.get(number - 1)), own.kept, own.ends))[0]


async def _heads(
    connection: Pool | Connection, standing: Standing, kept: Mapping[str, LogPosition], ends: datetime
) -> tuple[Sequence[Head], int]:
    """The heads that the next seal covers, by the bytes of their streams, and how many facts those are."""
    found = [
        row
        for name in LOGS
        for row in await connection.fetch(HEADS.format(log=name), *standing.window(name, kept[name], ends))
    ]
    covered = sorted(Head(row["stream"], row["version"], row["hash"]) for row in found)
    return covered, sum(row["facts"] for row in found)


async def _next(
    connection: Connection, standing: Standing, kept: Mapping[str, LogPosition], passed: datetime
) -> date | None:
    """The day of the next seal: of the oldest fact that is in none, but never one that is sealed. None when no fact of
    a day that was over is without one."""
    today = instant_of(midnight(day_on(local_date(passed))))
    found = [
        await connection.fetchval(OLDEST.format(log=name), *standing.window(name, kept[name], today)) for name in LOGS
    ]
    days = [local_date(recorded_at) for recorded_at in found if recorded_at is not None]
    if not days:
        return None
    return max(min(days), standing.before.day + timedelta(days=1)) if standing.before.day else min(days)


async def _kept(connection: Pool | Connection, name: str, mark: LogPosition) -> LogPosition:
    """The last place in a log below the horizon."""
    row = await connection.fetchrow(KEPT.format(log=name), *mark)
    return mark if row is None else LogPosition(*row)


async def _whole(connection: Connection, name: str, standing: Standing, kept: LogPosition, ends: datetime) -> str:
    """Up to where all of a log is sealed by then."""
    left = await connection.fetchrow(LEFT.format(log=name), *standing.window(name, kept, ends))
    if left is None:
        return _text(kept)
    row = await connection.fetchrow(BEFORE.format(log=name), *standing.whole[name], *left)
    return _text(standing.whole[name] if row is None else LogPosition(*row))


def _standing(row: Any) -> Standing:
    if row is None:
        return NONE
    kept = {name: LogPosition(row[f"{name}_epoch"], row[f"{name}_tx"], row[f"{name}_position"]) for name in LOGS}
    whole = {name: LogPosition(*map(int, row[f"{name}_from"].split("/"))) for name in LOGS}
    return Standing(Before(row["number"], row["day"], row["digest"]), row["ends"], kept, whole)


def _text(mark: LogPosition) -> str:
    return "/".join(map(str, mark))


def _end(day: date) -> datetime:
    """The first instant after a local day."""
    return instant_of(midnight(day_on(day) + 1))
