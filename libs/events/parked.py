"""Parked facts again: at start (the code may be new) and when an operator asks."""

from typing import Any

from events.database import Connection, Pool
from events.follow import Entry, Following, Mark
from events.inbox import FAILED, SETTLE, retry_unreadable

OPEN = """
select p.id, p.place, l.epoch, l.tx, l.position, l.subject, {columns}
from parked p join {table} l on p.place = l.stream || '@' || l.version
where p.follower = $1 and p.settled is null order by l.epoch, l.tx, l.position
"""


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
    async with pool.acquire() as connection:
        rows = await connection.fetch(OPEN.format(table=f.log.table, columns=columns), f.name)
    for row in rows:
        async with pool.acquire() as connection:
            try:
                async with connection.transaction():
                    await _once(connection, following, row)
                settled += 1
            except Exception as error:
                await connection.execute(FAILED, row["id"], f"{type(error).__name__}: {error}")
    return settled


async def _once(connection: Connection, following: Following[Any], row: Any) -> None:
    f = following.follower
    mark = Mark(row["epoch"], row["tx"], row["position"])
    entry = Entry(mark, row["subject"], row["place"], f.log.understand(row), row["data"])
    await f.apply(connection, [entry])
    await connection.execute(SETTLE, row["id"], "retried")
