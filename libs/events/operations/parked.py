"""What is parked: shown, dismissed by an operator, and tried again at start (the code may be new) and when one asks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from events.errors import Conflict, NotFound, Unreadable, WrongVersion
from events.kafka.cloudevent import from_cloudevent
from events.kafka.inbox import HEAR, insert, known_hashes
from events.operations.operator_action import OperatorAction
from events.store.database import TRANSIENT, Connection, Pool
from events.subscriptions.follower import WAIT_LOCK, Entry, Following, LogPosition
from events.text_safety import storable

RETRY = """
select id, body from parked
where follower = $1 and settled is null and ($2::bigint is null or id = $2) and id > $3
order by id limit $4 for update
"""
RETRIED_AT_ONCE = 20
SETTLE = """
update parked set settled = $2, settled_by = $3, settled_why = $4, settled_at = clock_timestamp()
where id = $1 and settled is null returning true
"""
FAILED = "update parked set attempts = attempts + 1, reason = $2 where id = $1"
OPEN = """
select p.id, p.place, l.epoch, l.tx, l.position, l.subject, {columns}
from parked p join {table} l
    on l.stream = regexp_replace(p.place, '@[0-9]+$', '') and l.version = substring(p.place from '[0-9]+$')::int
where p.follower = $1 and p.settled is null and ($2 = 1 or (hashtext(l.subject) & 2147483647) % $2 = $3)
  and ($4::bigint is null or p.id = $4)
order by l.epoch, l.tx, l.position
"""
# A follower that is paused applies nothing, not what was parked either.
STILL_OPEN = """
select settled is null and not exists (select from bookmarks where name = $2 and paused_at is not null)
from parked where id = $1
"""
IS_PAUSED = "select exists (select from bookmarks where name = $1 and paused_at is not null)"
SHOWN = "id, follower, subject, place, reason, parked_at, attempts, settled, settled_by, settled_at, settled_why"
LIST = f"select {SHOWN} from parked where settled is null or $1 order by id limit $2"
ONE = f"select {SHOWN}, body from parked where id = $1"
OPEN_OF = """
select id, body, parked_at from parked
where follower = $1 and settled is null and ($2::bigint is null or id = $2) order by id
"""
LISTED = 1000  # rows of one answer, the oldest first: when they are settled the next ones come
ATTEMPTS = 8  # when somebody appends to the same stream at the same time


Again = Callable[[bytes, datetime], Awaitable[str | None]]
"""Does again what neither inbox nor follower parked, given its bytes and when it was parked; twice is once. None when
it took effect, else why it did not."""
Others = Mapping[str, Again]
"""By the name under which it is parked."""
NO_OTHERS: Others = {}


class SettledMeanwhile(Exception):
    """Somebody else settled it while it was tried again; what was applied here is rolled back."""


async def listed(pool: Pool, *, settled: bool) -> list[dict[str, Any]]:
    """What is parked, the oldest first, without the bytes; `settled`: and what no longer is."""
    return [dict(row) for row in await pool.fetch(LIST, settled, LISTED)]


async def shown(pool: Pool, id: int) -> dict[str, Any]:
    """One thing that is or was parked, with its bytes as text. Raises NotFound."""
    row = await pool.fetchrow(ONE, id)
    if row is None:
        raise NotFound("nothing-parked", f"nothing was parked under {id}", field="id",
                       way_out="GET /parked lists what is parked, ?all=true also what is settled")  # fmt: skip
    return {**row, "body": row["body"].decode(errors="replace")}


async def dismiss(
    pool: Pool, followings: Sequence[Following[Any]], id: int, order: OperatorAction
) -> Mapping[str, Any]:
    """The service goes on without it, and its case is complete without it. The same order twice is one.

    Raises NotFound, or Conflict when it was settled by others or in another way, or when nothing can go on without it.
    """
    follower = (await shown(pool, id))["follower"]
    if any(one.follower.by_set for one in followings if one.follower.name == follower):
        raise Conflict(
            "counts-all-the-same", f"{follower} takes all facts of a case together and would count this one later",
            field="id", way_out="mend the code and retry it, or have the fact voided by the service that said it",
        )  # fmt: skip
    async with pool.acquire() as connection, connection.transaction():
        done = await connection.fetchval(SETTLE, id, "dismissed", order.by, order.why)
        if done:
            await order.say(connection, "parked-dismissed", f"parked/{id}")
    found = await shown(pool, id)
    if not done and (found["settled"], found["settled_by"], found["settled_why"]) != ("dismissed", order.by, order.why):
        raise _settled(found)
    return found


async def retry_one(
    pool: Pool, followings: Sequence[Following[Any]], id: int, order: OperatorAction, others: Others = NO_OTHERS
) -> Mapping[str, Any]:
    """Read or apply one parked thing again. Raises NotFound, or Conflict when it is settled, or stays parked."""
    found = await shown(pool, id)
    if found["settled"]:
        raise _settled(found)
    follower = found["follower"]
    if follower not in (HEAR, *others) and not any(one.follower.name == follower for one in _parking(followings)):
        raise Conflict("no-such-follower", f"{follower}, who parked it, is not at work in this version", field="id",
                       way_out="dismiss it")  # fmt: skip
    if await pool.fetchval(IS_PAUSED, follower):
        raise Conflict("follower-paused", f"{follower} is paused and applies nothing", field="id",
                       way_out=f"POST /followers/{follower}/resume first")  # fmt: skip
    settled = await retry(pool, followings, order, id, others)
    found = await shown(pool, id)
    if not settled:
        if found["settled"]:
            raise _settled(found)
        raise Conflict("still-parked", f"tried {found['attempts']} times: {found['reason']}", field="id",
                       way_out="mend the cause and retry it, or dismiss it")  # fmt: skip
    return found


def _settled(found: Mapping[str, Any]) -> Conflict:
    by, at = found["settled_by"] or "the service itself", found["settled_at"]
    when = f" on {at.isoformat()}" if at else ""
    return Conflict("already-settled", f"{found['id']} was {found['settled']} by {by}{when}", field="id",
                    way_out="GET /parked lists what is still open")  # fmt: skip


async def retry(
    pool: Pool, followings: Sequence[Following[Any]], order: OperatorAction | None = None, only: int | None = None,
    others: Others = NO_OTHERS,
) -> int:  # fmt: skip
    """Read and apply again what is parked, or `only` the one. What a follower parked has a transaction of its own.

    `order` is the operator's; None: the service itself, at a start. Returns how many were settled.
    """
    settled = await retry_unreadable(pool, order, only)
    for following in _parking(followings):
        settled += await _apply_again(pool, following, order, only)
    for name, again in others.items():
        settled += await _do_again(pool, name, again, order, only)
    return settled


async def _do_again(pool: Pool, name: str, again: Again, order: OperatorAction | None, only: int | None) -> int:
    settled = 0
    for row in await pool.fetch(OPEN_OF, name, only):
        if (reason := await again(row["body"], row["parked_at"])) is not None:
            await pool.execute(FAILED, row["id"], storable(reason))
            continue
        async with pool.acquire() as connection, connection.transaction():
            settled += await settle(connection, row["id"], "retried", order)
    return settled


def _parking(followings: Sequence[Following[Any]]) -> list[Following[Any]]:
    return [one for one in followings if one.follower.stuck == "park"]


async def _apply_again(pool: Pool, following: Following[Any], order: OperatorAction | None, only: int | None) -> int:
    f, settled = following.follower, 0
    columns = ", ".join(f"l.{column.strip()}" for column in f.log.columns.split(","))
    query = OPEN.format(table=f.log.table, columns=columns)
    for row in await pool.fetch(query, f.name, f.shards, following.shard, only):
        for _ in range(ATTEMPTS):
            try:
                settled += await _once(pool, following, row, order)
                break
            except WrongVersion:
                continue
            except SettledMeanwhile:
                break
            except TRANSIENT:
                raise
            except Exception as error:
                await pool.execute(FAILED, row["id"], storable(f"{type(error).__name__}: {error}"))
                break
    return settled


async def _once(pool: Pool, following: Following[Any], row: Any, order: OperatorAction | None) -> bool:
    """Apply it, unless another process just did: under the follower's own lock, which takes no transaction number."""
    f = following.follower
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(WAIT_LOCK, f.name, following.shard)
        if not await connection.fetchval(STILL_OPEN, row["id"], f.name):
            return False
        mark = LogPosition(row["epoch"], row["tx"], row["position"])
        entry = Entry(mark, row, f.log.understand(row))
        await f.take_effect(connection, [entry])
        if not await settle(connection, row["id"], "retried", order):  # dismissed meanwhile, which takes no lock
            raise SettledMeanwhile
    return True


async def retry_unreadable(pool: Pool, order: OperatorAction | None = None, only: int | None = None) -> int:
    """Read again what could not be read (`only`: this one): after an upgrade it may be readable. Some at a time, each
    group in a transaction of its own: thousands in one would hold every follower of the cluster back.

    A forked record stays parked: only a person decides between two bodies. Returns how many were settled.
    """
    settled, after, full = 0, 0, True
    while full:
        async with pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(RETRY, HEAR, only, after, RETRIED_AT_ONCE)
            for row in rows:
                settled += await _retry(connection, row["id"], row["body"], order)
                after = row["id"]
        full = len(rows) == RETRIED_AT_ONCE
    return settled


async def _retry(connection: Connection, id: int, body: bytes, order: OperatorAction | None) -> bool:
    """One of them; whether it is settled now."""
    try:
        fact = from_cloudevent(body)
    except Unreadable as error:
        await connection.execute(FAILED, id, storable(str(error)))
        return False
    how: Literal["retried", "repeated"]
    if await insert(connection, [fact]):
        how = "retried"
    elif (await known_hashes(connection, [fact]))[fact.stream, fact.version] == fact.hash:
        how = "repeated"
    else:
        return False
    return await settle(connection, id, how, order)


async def settle(
    connection: Connection, id: int, how: Literal["retried", "repeated"], order: OperatorAction | None
) -> bool:
    """Something parked took effect after all, in the transaction of that effect; False when it was settled before.

    Where an operator ordered it (None: the service itself, at a start) it is said that they did.
    """
    by, why = (order.by, order.why) if order else (None, None)
    if not await connection.fetchval(SETTLE, id, how, by, why):
        return False
    if order is not None:
        await order.say(connection, "parked-retried", f"parked/{id}")
    return True
