"""Followers in an operator's hand: paused, resumed, replayed, rewound; for all shards, and seen by every process."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from events.errors import Conflict, NotFound
from events.operations.operator_action import OperatorAction
from events.store.database import Connection, Pool
from events.subscriptions.follower import OPEN, Follower, Following, replay, rewind

# In the order of the shards, so that of two orders the second waits for the first.
STATE = """
select paused_by, paused_at, paused_why from bookmarks where name = $1 order by shard for update
"""
PAUSE = "update bookmarks set paused_by = $2, paused_at = clock_timestamp(), paused_why = $3 where name = $1"
RESUME = "update bookmarks set paused_by = null, paused_at = null, paused_why = null where name = $1"


def named(followings: Sequence[Following[Any]], name: str) -> Follower[Any]:
    """The follower of this service by that name. Raises NotFound, which lists them."""
    known = {one.follower.name: one.follower for one in followings}
    if name not in known:
        raise NotFound("no-such-follower", f"this service has no follower {name}", field="name",
                       way_out=f"one of: {', '.join(sorted(known))}")  # fmt: skip
    return known[name]


async def pause(pool: Pool, follower: Follower[Any], order: OperatorAction) -> Mapping[str, Any]:
    """It applies nothing until it is resumed, whatever restarts. The same order twice is one.

    Raises Conflict when it is paused already, by others or for another reason.
    """
    async with pool.acquire() as connection, connection.transaction():
        standing = await _standing(connection, follower)
        if standing["paused_at"] is None:
            await connection.execute(PAUSE, follower.name, order.by, order.why)
            await order.say(connection, "follower-paused", _target(follower))
        elif (standing["paused_by"], standing["paused_why"]) != (order.by, order.why):
            raise Conflict(
                "already-paused", f"{follower.name} was paused by {standing['paused_by']} on "
                f"{standing['paused_at'].isoformat()}: {standing['paused_why']}", field="name",
                way_out="leave it, or resume it first",
            )  # fmt: skip
        return await _standing(connection, follower)


async def resume(pool: Pool, follower: Follower[Any], order: OperatorAction) -> Mapping[str, Any]:
    """It goes on where it stood. Raises Conflict when it is not paused."""
    async with pool.acquire() as connection, connection.transaction():
        if (await _standing(connection, follower))["paused_at"] is None:
            raise Conflict("not-paused", f"{follower.name} is not paused", field="name",
                           way_out="GET /followers says who is, and what troubles the others")  # fmt: skip
        await connection.execute(RESUME, follower.name)
        await order.say(connection, "follower-resumed", _target(follower))
        return await _standing(connection, follower)


async def again(pool: Pool, follower: Follower[Any], order: OperatorAction) -> Mapping[str, Any]:
    """It forgets all that it made and reads its log from the start; a paused one when it is resumed.

    Raises Conflict for one that does not say how to forget: what it did has left its tables, and would be done twice.
    """
    if follower.forget is None:
        raise Conflict(
            "cannot-forget", f"{follower.name} cannot take back what it did", field="name",
            way_out="retry what it parked; judged tables are folded again by `onedoor sla rebuild`",
        )  # fmt: skip
    async with pool.acquire() as connection, connection.transaction():
        await replay(connection, follower)
        await order.say(connection, "follower-replayed", _target(follower))
        return await _standing(connection, follower)


async def back(pool: Pool, follower: Follower[Any], order: OperatorAction, to: datetime) -> Mapping[str, Any]:
    """It reads its log again from what was recorded at an instant on; a paused one when it is resumed.

    Raises Conflict for one that would do again what it did, and where nothing that it has read was recorded since.
    """
    if not follower.by_set:
        raise Conflict(
            "cannot-rewind", f"{follower.name} would do again what it did", field="name",
            way_out="one whose whole effect is its own table may be replayed; parked rows are retried one by one",
        )  # fmt: skip
    async with pool.acquire() as connection, connection.transaction():
        if not await rewind(connection, follower, to):
            raise Conflict(
                "nothing-to-rewind", f"{follower.name} has read nothing that was recorded since {to.isoformat()}",
                field="to", way_out="an earlier instant; GET /followers says how far it is",
            )  # fmt: skip
        await order.say(connection, "follower-replayed", _target(follower))
        return await _standing(connection, follower)


def _target(follower: Follower[Any]) -> str:
    return f"follower/{follower.name}"


async def _standing(connection: Connection, follower: Follower[Any]) -> dict[str, Any]:
    """Who has paused it, when and why; its bookmarks are locked, and opened where it never ran."""
    for shard in range(follower.shards):
        await connection.execute(OPEN, follower.name, shard)
    rows = await connection.fetch(STATE, follower.name)
    return {"name": follower.name, **rows[0]}
