"""Generations of the judged tables: open one, swap it with the live one, publish what differed, drop what failed."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
import structlog
from asyncpg import LockNotAvailableError

from deadlines.inforce import InForce
from events.contracts.sla import GenerationSwapped
from events.errors import Conflict
from events.operations.operator_action import OperatorAction
from events.store.database import Connection, Pool
from events.store.envelope import Cause
from events.store.store import Append, append, load
from events.subscriptions.follower import WAIT_LOCK, Entry, Follower, Log, bookmark_of, park
from events.subscriptions.log_reader import LogPosition
from sla.judging.case import JUDGED
from sla.live import row_store
from sla.live.projector import NAME as JUDGE
from sla.live.projector import WRITES, rejudge
from sla.rebuild.certificate import Vouched
from sla.rebuild.comparison import Comparison

OPEN = "insert into generations (state, phase, actor, dry_run) values ('building', 'starting', $1, $2) returning id"
TABLES = "select open_generation($1)"
DROP = "select drop_generation($1)"
# Held by the process that builds, for as long as it lives: a row that says 'building' without it was killed.
BUILDER = "select pg_try_advisory_lock(hashtextextended(current_schema() || '.builder', 0))"
UNLOCK = "select pg_advisory_unlock(hashtextextended(current_schema() || '.builder', 0))"
STRANDED = (
    "select id, started_at > clock_timestamp() - $1::interval as starting from generations where state = 'building'"
)
FAIL = """
update generations set state = $3, phase = $3, error = $2, finished_at = clock_timestamp()
where id = $1 and state = 'building'
"""
CANCEL = "update generations set cancelled_by = $2 where id = $1 and state = 'building' returning true"
CANCELLED = "select cancelled_by from generations where id = $1"
CHECKED = """
update generations set state = 'checked', phase = $2, finished_at = clock_timestamp()
where id = $1 and state = 'building' and cancelled_by is null returning id
"""
PUT_RIGHT = "put right"  # the phase of a run that ended so
FORGET = "delete from bookmarks where name = $1"
COMPARED = """
update generations set phase = 'compared', rows = $2, hash = $3, differences = $4, certificate = $5,
    certified_differences = $6 where id = $1
"""
CERTIFICATE = "select certificate, certified_differences from generations where id = $1"
RETIRE = """
update generations set state = 'retired', phase = 'replaced',
    replaced_at_epoch = $1, replaced_at_tx = $2, replaced_at_position = $3
where state = 'live'
"""
# The one that was replaced last, if its rows are still there and it is known how far they go.
BEFORE = """
select id, rules, replaced_at_epoch, replaced_at_tx, replaced_at_position from generations
where state = 'retired' and replaced_at_epoch is not null and to_regclass('cycles_' || id) is not null
order by id desc limit 1
"""
RETIRED = "select id from generations where state = 'retired' and to_regclass('cycles_' || id) is not null order by id"
ACTIVATE = """
update generations set state = 'live', phase = 'live', finished_at = clock_timestamp()
where id = $1 and state = 'building' and cancelled_by is null returning id
"""
# Whatever has tables and is of no use: what failed, was called off or only tried, and what was replaced but for the
# last one, to which one could go back. Ids rise in the order of the swaps.
USELESS = """
select id from generations
where (state in ('failed', 'cancelled', 'checked')
        or state = 'retired' and id < (select max(id) from generations where state = 'retired'))
    and to_regclass('cycles_' || id) is not null
order by id
"""
TRIES, PAUSE = 50, 0.1  # to find the tables of a generation unread, and seconds in between
STARTS_WITHIN = timedelta(seconds=30)  # from opening a generation to its process holding the builder's lock
DIFFER = """
insert into differences (epoch, subject, data)
select (select epoch from cluster), case_id, convert_to($2, 'UTF8') from unnest($1::text[]) as case_id
"""
log = structlog.get_logger("sla.generations")
# The last fact at which the judge looks: run on it again, it judges the case.
LAST_HEARD = """
select distinct on (subject) subject, stream || '@' || version as id, data from inbox
where subject = any($1) and type = any($2) order by subject, epoch desc, tx desc, position desc
"""
# Set aside: the judge publishes them when it can be run on their facts again.
ASIDE = "select subject from parked where follower = $1 and settled is null and subject = any($2)"
DIFFERENCES = "sla.differences"
PUBLISHED_AT_ONCE = 200  # cases whose difference is published in one transaction: the judge waits for it


class Unexplained(Exception):
    """The new generation differs from the live one and nobody has said why that is right."""


class Cancelled(Exception):
    """Somebody called the run off."""


async def begin(pool: Pool, actor: str, *, dry_run: bool = False) -> int:
    """Open a new generation. Raises Conflict, which names the run at work; one that was killed is cleared away."""
    async with pool.acquire() as connection:
        stranded = await connection.fetchrow(STRANDED, STARTS_WITHIN)
        free = await connection.fetchval(BUILDER)
        try:
            if not free or (stranded is not None and stranded["starting"]):
                what = f"generation {stranded['id']}" if stranded else "a generation"
                raise Conflict("rebuild-running", f"{what} is being built", way_out="watch that run")
            if stranded is not None:
                await fail(connection, stranded["id"], "its process ended before it did")
            async with connection.transaction():
                generation: int = await connection.fetchval(OPEN, actor, dry_run)
                await connection.execute(TABLES, generation)
        finally:
            if free:
                await connection.execute(UNLOCK)
    return generation


async def gave_up(pool: Pool, generation: int, status: int) -> None:
    """Its process ended with an error: nothing may say that it is still building."""
    async with pool.acquire() as connection:
        await fail(connection, generation, f"its process ended with {status} before it began")


async def cancel(pool: Pool, generation: int, actor: str) -> None:
    """Call a run off: its process ends it at the next look. Raises Conflict when it is not under way (any more).

    Where the process was killed, it is ended here.
    """
    async with pool.acquire() as connection:
        if not await connection.fetchval(CANCEL, generation, actor):
            raise Conflict("not-running", f"run {generation} is not under way", way_out="nothing is left to call off")
        stranded = await connection.fetchrow(STRANDED, STARTS_WITHIN)
        if stranded is not None and not stranded["starting"] and await connection.fetchval(BUILDER):
            try:
                await fail(connection, generation, f"called off by {actor}; its process had ended", "cancelled")
            finally:
                await connection.execute(UNLOCK)


async def raise_if_cancelled(connection: Connection | Pool, generation: int) -> None:
    """Raises Cancelled when the run was called off."""
    if (by := await connection.fetchval(CANCELLED, generation)) is not None:
        raise Cancelled(f"called off by {by}")


async def fail(
    connection: Connection, generation: int, why: str, state: Literal["failed", "cancelled"] = "failed"
) -> None:
    """Leave nothing of a generation but the record of its run."""
    async with connection.transaction():
        await connection.execute(FAIL, generation, why[:2000], state)
        await connection.execute(FORGET, f"{JUDGE}@{generation}")
    await sweep(connection)


class Before(NamedTuple):
    """The generation that was replaced last: its id, the published rules that it applied, and how far its rows go."""

    id: int
    rules: int
    until: LogPosition


async def before(connection: Connection | Pool) -> Before:
    """The generation that one can go back to. Raises Conflict when there is none."""
    row = await connection.fetchrow(BEFORE)
    if row is None:
        what = "no generation was replaced whose rows are still there"
        raise Conflict("nothing-before", what, way_out="rebuild from the log")
    return Before(row["id"], row["rules"], LogPosition(*row[2:]))


async def sweep(connection: Connection) -> None:
    """Drop the tables of every generation that is of no use. What is being read all the time is left for later."""
    for row in await connection.fetch(USELESS):
        if not await _drop(connection, row["id"]):
            log.warning("not dropped", generation=row["id"])


async def prune(pool: Pool, order: OperatorAction) -> list[int]:
    """Drop the tables to which one could have gone back, too; which generations they were. Of each a fact is said.

    Raises Conflict while a generation is being built, which may be made of them.
    """
    async with pool.acquire() as connection:
        if not await connection.fetchval(BUILDER):
            raise Conflict("rebuild-running", "a generation is being built", way_out="wait for it: GET /rebuilds")
        try:
            found = [row["id"] for row in await connection.fetch(RETIRED)]
            return [one for one in found if await _drop(connection, one, order)]
        finally:
            await connection.execute(UNLOCK)


async def _drop(connection: Connection, generation: int, order: OperatorAction | None = None) -> bool:
    for _ in range(TRIES):
        try:
            async with connection.transaction():
                await connection.execute(DROP, generation)
                if order is not None:
                    await order.say(connection, "generation-dropped", f"generation/{generation}")
            return True
        except LockNotAvailableError:
            await asyncio.sleep(PAUSE)
    return False


async def swap(
    connection: Connection,
    generation: int,
    comparison: Comparison,
    *,
    events: int,
    actor: str,
    at: datetime,
    recorded_at: datetime | None,
    stuck: Mapping[str, str],
    vouched: Vouched,
) -> None:
    """Make the compared generation live, in the transaction that compared it: a reader sees the one or the other.

    Cases that are `stuck` keep their rows, and are incomplete until the judge can be run on their last fact again.
    """
    fact = GenerationSwapped(
        generation=generation, replaced=comparison.replaced, events=events, rows=comparison.rows,
        hash=comparison.hash, differences=len(comparison.differing),
    )  # fmt: skip
    stream = f"generation-{generation}"
    cause = Cause(correlation=stream, causation=stream, actor=actor)
    saying = Append(stream=stream, expected=0, facts=[fact], cause=cause, at=at, recorded_at=recorded_at)
    await append(connection, [saying])
    await connection.execute(DIFFER, comparison.differing, stream)
    if stuck:
        await row_store.carry(connection, generation, comparison.replaced, list(stuck))
        for last in await connection.fetch(LAST_HEARD, list(stuck), JUDGED):
            case_id = last["subject"]
            await park(connection, JUDGE, case_id, last["id"], stuck[case_id], last["data"])
    await _keep(connection, generation, comparison, vouched)
    await connection.execute(RETIRE, *await bookmark_of(connection, JUDGE))  # its lock is held
    await _end(connection, ACTIVATE, generation)


async def put_right(
    connection: Connection, generation: int, comparison: Comparison, order: OperatorAction, vouched: Vouched
) -> None:
    """Take the rows of the cases that differ into the live generation, in the transaction that compared them.

    That an operator had it done is a fact, and the cause of what is published of each.
    """
    stream = await order.say(connection, "cases-rebuilt", f"generation/{generation}")
    await connection.execute(DIFFER, comparison.differing, stream)
    await row_store.carry(connection, comparison.replaced, generation, comparison.differing)
    await _keep(connection, generation, comparison, vouched)
    await _end(connection, CHECKED, generation, PUT_RIGHT)


async def checked(connection: Connection, generation: int, comparison: Comparison, vouched: Vouched) -> None:
    """End a trial: what was found is kept, the live generation stays."""
    await _keep(connection, generation, comparison, vouched)
    await _end(connection, CHECKED, generation, "not swapped")


async def _end(connection: Connection, how: str, generation: int, *phase: str) -> None:
    if await connection.fetchval(how, generation, *phase) is None:
        await raise_if_cancelled(connection, generation)
        raise Conflict(
            "not-building", f"generation {generation} was given up meanwhile", way_out="start another rebuild"
        )
    await connection.execute(FORGET, f"{JUDGE}@{generation}")


async def _keep(connection: Connection, generation: int, found: Comparison, vouched: Vouched) -> None:
    differing = msgspec.json.encode(found.differing).decode()
    await connection.execute(COMPARED, generation, found.rows, found.hash, differing, *vouched)


class Difference(NamedTuple):
    """A case whose rows were exchanged for different ones, and the stream of the swap or the act that did so."""

    case_id: str
    swap: str


DIFFERENCES_LOG: Log[Difference] = Log(
    "differences", "subject, data", lambda row: Difference(row["subject"], row["data"].decode())
)


def certified(in_force: InForce, *, log_clock: bool) -> Follower[Difference]:
    """After a swap: publish each certified difference once, with the swap as its cause, and refresh those cases."""

    async def apply(connection: Connection, entries: Sequence[Entry[Difference]]) -> None:
        await connection.execute(WAIT_LOCK, JUDGE, 0)
        swaps = await load(connection, *dict.fromkeys(entry.item.swap for entry in entries))
        aside = {row[0] for row in await connection.fetch(ASIDE, JUDGE, [entry.item.case_id for entry in entries])}
        published = (entry.item for entry in entries if entry.item.case_id not in aside)
        touched = {one.case_id: swaps[one.swap][0] for one in published}
        await rejudge(connection, touched, in_force, log_clock=log_clock)

    return Follower(
        name=DIFFERENCES,
        log=DIFFERENCES_LOG,
        apply=apply,
        touches=lambda difference: (difference.case_id,),  # twice, when two swaps followed each other
        stuck="halt",
        batch=PUBLISHED_AT_ONCE,
        writes=WRITES,
    )
