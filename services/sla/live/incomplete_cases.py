"""A case that becomes incomplete, or complete again, though no fact is judged: told to all who follow its status."""

from collections.abc import Sequence

import asyncpg
import structlog

from deadlines.inforce import InForce
from events.errors import WrongVersion
from events.store.database import TRANSIENT, Connection
from events.store.store import COLUMNS, recorded_from
from events.subscriptions.follower import WAIT_LOCK, Entry, Follower, Log
from sla.judging.case import JUDGED
from sla.live import queries
from sla.live.projector import NAME as JUDGE
from sla.live.projector import WRITES, rejudge, status

NAME = "sla.holes"
LOG: Log[str] = Log("holes", "subject", lambda row: str(row["subject"]))
# The last fact of a case in which nothing is missing (any more).
LAST_OF_WHOLE = f"""
select {COLUMNS} from inbox where subject = $1 and type = any($2)
    and not exists (select from parked where parked.subject = $1 and settled is null)
order by epoch desc, tx desc, position desc limit 1
"""
CHANGED = "insert into changes (epoch, subject, data, hole) select epoch, $1, $2, true from cluster"
log = structlog.get_logger("sla.holes")


def teller(in_force: InForce, *, log_clock: bool) -> Follower[str]:
    """Says how these cases stand. What is complete again is judged again, for nothing was said of it meanwhile.

    What is parked under a word that is no case of ours concerns nobody.
    """

    async def apply(connection: Connection, entries: Sequence[Entry[str]]) -> None:
        (entry,) = entries
        case_id = entry.item
        await connection.execute(WAIT_LOCK, JUDGE, 0)  # which is also the lock of `changes`
        last = await connection.fetchrow(LAST_OF_WHOLE, case_id, JUDGED)
        if last is not None:
            try:
                await rejudge(connection, {case_id: recorded_from(last)}, in_force, log_clock=log_clock)
                return
            except (WrongVersion, asyncpg.PostgresError, *TRANSIENT):
                raise
            except Exception as error:  # the judge threw, before anything was written: the others go on
                log.error("not judged", case_id=case_id, exc_info=error)
        for cycles in (await queries.cycles(connection, [case_id])).values():
            await connection.execute(CHANGED, case_id, status(case_id, received=True, cycles=cycles))

    return Follower(name=NAME, log=LOG, apply=apply, stuck="halt", batch=1, writes=WRITES)
