"""Going back: a new generation from the rows of the one that was replaced last, and what was heard since.

Replaced rows are never made live again as they are: they are older than what people were told since.
"""

import time

from events.clock import now
from events.settings import Settings
from events.store.database import Pool
from sla.judging.judge import Rules
from sla.live import row_store
from sla.live.projector import Stuck
from sla.rebuild import certificate_data, generations
from sla.rebuild.certificate import Certificate
from sla.rebuild.comparison import fingerprint
from sla.rebuild.cutover import Asked, catching_up, exchange
from sla.rebuild.generations import Before

CEILING = "select pg_snapshot_xmax(pg_current_snapshot())"
CASES = "select distinct case_id from cycles where generation = $1 and case_id > $2 order by case_id limit $3"
PROGRESS = "update generations set phase = $2, cases = $3, seconds = $4 where id = $1"
AT_ONCE = 200  # cases in one transaction: a long one holds every follower back


async def go_back(pool: Pool, settings: Settings, rules: Rules, asked: Asked, to: Before) -> None:
    """Take over the rows, judge the cases of which something was heard since, compare, swap.

    A case that was not touched since has the rows that it had, whatever today's code would make of it: that is what
    one goes back for. Raises what `exchange` raises, and Conflict when the rows are gone.
    """
    generation = asked.generation
    stuck: Stuck = {}
    await generations.before(pool)  # again: until this process held the builder's lock it could be pruned
    follower = await catching_up(pool, rules, generation, stuck, to.until)
    last, taken, started = "", 0, time.monotonic()
    while cases := [row[0] for row in await pool.fetch(CASES, to.id, last, AT_ONCE)]:
        async with pool.acquire() as connection, connection.transaction():
            await row_store.carry(connection, generation, to.id, cases)
        last, taken = cases[-1], taken + len(cases)
        phase = f"taking over the rows of generation {to.id}"
        await pool.execute(PROGRESS, generation, phase, taken, time.monotonic() - started)
        await generations.raise_if_cancelled(pool, generation)
    told = Certificate(
        generation=generation, taken_from=to.id, asked_by=asked.actor, made_at=now(), code=certificate_data.code(),
        published=to.rules, rules=rules.catalogue.fingerprints(), partitions=(), records=0, unreadable=0, cases=taken,
        folded=await fingerprint(pool, generation), holes=(), holes_accepted=None, dismissed=(), stuck={},
        differences_accepted=asked.accept,
    )  # fmt: skip
    ceiling = await pool.fetchval(CEILING)
    await exchange(pool, settings, asked, follower, ceiling, stuck, told)
