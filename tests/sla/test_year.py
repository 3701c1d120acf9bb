"""A year of one-door work through the inbox into real tables: the record adds up in every month, unit and cut."""

import os
from itertools import pairwise

from oracle.year import facts, year
from sla_at_work import RULES, Sla

from sla.counting.line import CYCLES
from sla.counting.periods import ending_in, month

CASES = int(os.environ.get("ONEDOOR_CASES", "1000"))
MONTHS = [(2017 + (number - 1) // 12, (number - 1) % 12 + 1) for number in range(7, 22)]
DELAYS = "select sum(delay_seconds) from cycles"
CHARGES = "select sum(seconds) from charges"
ENDED = "select count(*) from cycles where ended_at is not null and determined"


async def test_the_record_of_a_year_adds_up(sla: Sla) -> None:
    """Identities, carried-over links, both kinds of period; every delay is charged, every dossier solved once."""
    await sla.hear(facts(year(CASES, RULES.catalogue)))
    for first_day in (1, 15):
        periods = [ending_in(first_day, *number) for number in MONTHS]
        records = [await sla.record(period) for period in periods]
        assert [sentence for found in records for sentence in found.broken()] == []
        assert [sentence for before, found in pairwise(records) for sentence in found.broken(before)] == []
        ended = await sla.pool.fetchval(ENDED)
        for kind in CYCLES:
            lines = [line for found in records for line in (*found.lines, *found.cuts) if line.kind == kind]
            assert sum(line.count("solved") for line in lines) == ended > 0
        seen = {column for found in records for line in found.lines for column in line.figures}
        assert {"refused", "withdrawn", "stopped", "with apology", "waiting", "open overdue", "766 late"} <= seen
    assert await sla.pool.fetchval(DELAYS) == await sla.pool.fetchval(CHARGES) > 0


async def test_a_year_sealed_month_by_month(sla: Sla) -> None:
    """Facts come as time goes, a tenth of them late; every month is sealed when it is over and restated until it is
    what the whole log says of it."""
    told = list(facts(year(CASES // 4, RULES.catalogue)))
    heard = 0
    for number in MONTHS:
        period = month(*number)
        upto = next((place for place, fact in enumerate(told) if fact.at >= period.ends), len(told))
        await sla.hear(told[heard:upto])
        heard = max(heard, upto)
        await sla.calm()
        await sla.seal(period, period.ends)
    await sla.hear(told[heard:])
    await sla.calm()
    restated = await sla.pool.fetchval("select count(*) from restatements")
    said = await sla.pool.fetchval("select count(*) from events where type = 'MonthRestated'")
    assert restated == said > 0
    for number in MONTHS:
        assert await sla.last_said(month(*number)) == await sla.figures(month(*number))
    assert await sla.calm() == 0
