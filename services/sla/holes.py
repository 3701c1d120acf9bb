"""A case that becomes incomplete, or complete again, though no fact is judged: told to all who follow its status."""

from collections.abc import Sequence

from events.database import Connection
from events.follow import WAIT_LOCK, Entry, Follower, Log
from sla import queries
from sla.projector import NAME as JUDGE
from sla.projector import status

LOG: Log[str] = Log("holes", "subject", lambda row: str(row["subject"]))
CHANGED = """
insert into changes (epoch, subject, data, hole)
select (select epoch from cluster), *, true from unnest($1::text[], $2::bytea[])
"""


def teller() -> Follower[str]:
    """Says how these cases stand, from their rows: the judge may be what throws at them. It seals and amends nothing.

    What is parked under a word that is no case of ours concerns nobody.
    """

    async def apply(connection: Connection, entries: Sequence[Entry[str]]) -> None:
        await connection.execute(WAIT_LOCK, JUDGE, 0)  # which is also the lock of `changes`
        cases = await queries.cycles(connection, {entry.item for entry in entries})
        told = [status(case_id, received=True, cycles=cycles) for case_id, cycles in cases.items()]
        await connection.execute(CHANGED, list(cases), told)

    return Follower(name="sla.holes", log=LOG, apply=apply, stuck="halt")
