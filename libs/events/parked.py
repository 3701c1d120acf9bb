"""Parked facts again: at start (the code may be new) and when an operator asks."""

from typing import Any

from events.database import TRANSIENT, Pool
from events.errors import WrongVersion
from events.follow import WAIT_LOCK, Entry, Following, Mark, storable
from events.inbox import FAILED, SETTLE, retry_unreadable

OPEN = """
select p.id, p.place, l.epoch, l.tx, l.position, l.subject, {columns}
from parked p join {table} l
    on l.stream = regexp_replace(p.place, '@[0-9]+$', '') and l.version = substring(p.place from '[0-9]+$')::int
where p.follower = $1 and p.settled is null and ($2 = 1 or (hashtext(l.subject) & 2147483647) % $2 = $3)
order by l.epoch, l.tx, l.position
"""
STILL_OPEN = "select settled is null from parked where id = $1"
ATTEMPTS = 8  # when somebody appends to the same stream at the same time


async def retry(pool: Pool, followings: list[Following[Any]]) -> int:
    """Read and apply again what is parked, each in a transaction of its own. Returns how many were settled."""
    async with pool.acquire() as connection, connection.transaction():
        settled = await retry_unreadable(connection)
    for following in followings:
        if following.follower.stuck == "park":
            settled += await _apply_again(pool, following)
    return settled


async def _apply_again(pool: Pool, following: Following[Any]) -> int:
    f, settled = following.follower, 0
    columns = ", ".join(f"l.{column.strip()}" for column in f.log.columns.split(","))
    rows = await pool.fetch(OPEN.format(table=f.log.table, columns=columns), f.name, f.shards, following.shard)
    for row in rows:
        for _ in range(ATTEMPTS):
            try:
                settled += await _once(pool, following, row)
                break
            except WrongVersion:
                continue
            except TRANSIENT:
                raise
            except Exception as error:
                await pool.execute(FAILED, row["id"], storable(f"{type(error).__name__}: {error}"))
                break
    return settled


async def _once(pool: Pool, following: Following[Any], row: Any) -> bool:
    """Apply it, unless another process just did: under the follower's own lock, which takes no transaction number."""
    f = following.follower
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(WAIT_LOCK, f.name, following.shard)
        if not await connection.fetchval(STILL_OPEN, row["id"]):
            return False
        mark = Mark(row["epoch"], row["tx"], row["position"])
        entry = Entry(mark, row, f.log.understand(row))
        await f.take_effect(connection, [entry])
        await connection.execute(SETTLE, row["id"], "retried")
    return True
