"""A log that was restored from a backup is brought up to what was published, before its service may start again.

Three steps, each of which may be repeated after a kill: in one transaction everything that the service's own topics
have comes back under a new epoch; then the inbox hears all that others have said since; then the service's own tables
are put right and the log is this cluster's. Until the last one the service refuses to start.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg

from events.errors import OnedoorError
from events.kafka import topics
from events.kafka.hear import TopicConsumer
from events.kafka.topic_ends import spans
from events.service.refill import Regained, regain
from events.service.runtime import Service
from events.settings import Settings
from events.store import database
from events.store.database import Connection
from events.subscriptions.wakeup import Wakeup

UNHURRIED = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0"
# Its own role's sessions are all that a service sees, and all that matter.
OTHERS = """
select count(*) from pg_stat_activity
where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
  and backend_type = 'client backend'
"""
IS_OURS = "select c.system_identifier = s.system_identifier from cluster c, pg_control_system() s"
# Not any cluster's until it is done.
BEGIN = "update cluster set epoch = epoch + 1, system_identifier = 0"
ADOPTED = "select adopted()"
OURS = "update cluster set system_identifier = (select system_identifier from pg_control_system()) returning epoch"
EPOCH = "select epoch from cluster"
LOOK = 0.05  # seconds between two looks whether all is heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What an adoption found (see Regained) and whether there was anything to do; of a trial, what there would be.

    `lost` are topics of this service, or that it hears, which do not exist: what only they had is not brought back.
    """

    service: str
    needed: bool
    dry_run: bool
    epoch: int
    found: Regained
    lost: Sequence[str]


class _Undone(Exception):
    """Nothing is to be kept of it."""


async def adopt(service: Service, settings: Settings, *, dry_run: bool = False) -> Adopted:
    """Bring the log that DATABASE_URL leads to up to its topics. Raises OnedoorError while the service is at work."""
    bootstrap, prefix = settings.kafka_bootstrap_servers, settings.onedoor_topic_prefix
    said = [prefix + name for name in service.says if name in topics.LOG_TOPICS]
    hears = [prefix + name for name in service.hears]
    names = dict.fromkeys((*service.says, *service.hears))
    lost = await topics.ensure(bootstrap, prefix, names, {prefix + name for name in names})
    async with AsyncExitStack() as stack:
        connection = await asyncpg.connect(settings.database_url, server_settings={"timezone": "UTC", "jit": "off"})
        stack.push_async_callback(connection.close)
        needed, epoch, found = await _regained(
            connection, bootstrap, service, [name for name in said if name not in lost], dry_run=dry_run
        )
        done = Adopted(service=service.name, needed=needed, dry_run=dry_run, epoch=epoch, found=found, lost=list(lost))
        if not needed or dry_run:
            return done
        await _hear(service, settings, [name for name in hears if name not in lost])
        async with connection.transaction():
            await connection.execute(UNHURRIED)
            await connection.execute(ADOPTED)
            await connection.execute(OURS)
        return done


async def _regained(
    connection: Connection, bootstrap: str, service: Service, said: Sequence[str], *, dry_run: bool
) -> tuple[bool, int, Regained]:
    """The first step; rolled back when there is nothing to do, or it is a trial."""
    needed, epoch, found = False, 0, None
    try:
        async with connection.transaction():
            await connection.execute(UNHURRIED)
            await database.apply(connection, database.LOG, service.migrations)
            if others := await connection.fetchval(OTHERS):
                raise OnedoorError(f"{service.name} is at work: {others} sessions of its role; stop it first")
            ours = await connection.fetchval(IS_OURS)
            await connection.execute(BEGIN)
            found = await regain(connection, bootstrap, said, service.name)
            needed, epoch = found.news or not ours, await connection.fetchval(EPOCH)
            if not needed or dry_run:
                raise _Undone
    except _Undone:
        pass
    assert found is not None
    return needed, epoch, found


async def _hear(service: Service, settings: Settings, hears: Sequence[str]) -> None:
    """Keep everything that others have said, as the service itself hears it, up to where their topics end now."""
    if not hears:
        return
    there = await spans(settings.kafka_bootstrap_servers, hears)
    wanted = {(tp.topic, tp.partition): end for tp, (begin, end) in there.items() if begin < end}
    pool = await database.connect(settings.database_url, size=4)
    try:
        ears = TopicConsumer(
            pool, Wakeup(), hears, bootstrap=settings.kafka_bootstrap_servers,
            service=settings.onedoor_topic_prefix + service.name, instance=settings.onedoor_instance,
        )  # fmt: skip
        async with ears.listening():
            while not ears.ready or any(ears.heard.get(place, 0) < end for place, end in wanted.items()):
                await asyncio.sleep(LOOK)
    finally:
        await pool.close()
