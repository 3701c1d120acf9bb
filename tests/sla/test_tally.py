"""A record kept as sums is the record counted, whatever was put in and taken out on the way."""

from datetime import date
from random import Random

from oracle.judging import RULES
from oracle.telling import Story, local, promise
from oracle.year import year
from sla_at_work import KINDS, Sla

from events.subscriptions.follower import park
from sla.counting.incremental import Rows, Tally
from sla.counting.periods import Period, month
from sla.counting.record import Record, record
from sla.judging.judge import Judgement, judge
from sla.judging.rows import CycleRow
from sla.reports import record_queries
from sla.reports.cache import Totals
from sla.reports.document import Document, document

YEAR = Period(date(2017, 7, 1), date(2018, 5, 1))
JULY = month(2017, 7)


def told(found: Record | None) -> Document:
    assert found is not None
    return document(found, RULES.catalogue, items=False)


def rows_of(judged: list[Judgement]) -> Rows:
    return Rows(
        [row for one in judged for row in one.cycles],
        [row for one in judged for row in one.stays],
        [row for one in judged for row in one.referrals],
        [row for one in judged for row in one.charges],
    )


def test_cases_come_and_go_and_the_sums_are_those_of_counting() -> None:
    """First as they stood after half of their facts, then as they stand, then a third of them gone."""
    random, stories = Random(7), year(300, RULES.catalogue)
    tally = Tally(YEAR, KINDS)
    whole = {one.case_id: judge(one.facts, RULES) for one in stories}
    for one in stories:
        tally.put(one.case_id, rows_of([judge(one.facts[: len(one.facts) // 2 + 1], RULES)]))
    for case_id, judgement in random.sample([*whole.items()], len(whole)):
        tally.put(case_id, rows_of([judgement]))
    assert told(tally.record()) == told(record(YEAR, KINDS, *rows_of([*whole.values()])))
    for case_id in random.sample([*whole], 100):
        tally.put(case_id, None)
        del whole[case_id]
    assert told(tally.record()) == told(record(YEAR, KINDS, *rows_of([*whole.values()])))


def test_figures_that_do_not_add_up_are_not_kept() -> None:
    """A delay that nobody is charged with: whoever asks counts the period and is shown what is broken."""
    late = Story("000.00.02.H49-170710-0001")
    late.received(local(7, 10, 9), promise())
    late.returned(local(7, 20, 9))
    rows = rows_of([judge(late.facts, RULES)])
    tally = Tally(JULY, KINDS)
    tally.put(late.case_id, rows._replace(charges=[]))
    assert tally.record() is None
    tally.put(late.case_id, rows)
    assert tally.record() is not None


async def test_a_kept_record_follows_the_live_rows(sla: Sla) -> None:
    """What is heard, what is parked and settled, a release, and dossiers of another month."""
    totals = Totals(sla.pool, KINDS)

    async def same() -> Document:
        kept = told(await totals.record(JULY))
        assert kept == told(await record_queries.the_record(sla.pool, JULY, KINDS))
        return kept

    stories = [one for one in year(60, RULES.catalogue) if len(one.facts) > 2]
    await sla.hear(fact for one in stories[:40] for fact in one.facts[:2])
    counted = await same()
    await sla.hear(fact for one in stories for fact in one.facts)
    assert await same() != counted

    case_id = next(row.case_id for row in (CycleRow(*row) for row in (await sla.rows())["cycles"])
                   if JULY.contains(row.received_at))  # fmt: skip
    async with sla.pool.acquire() as connection:
        await park(connection, "hear", case_id, "t.events/0/0", "unreadable", b"")
    assert sum(line["figures"]["incomplete"] for line in (await same())["lines"] if line["kind"] == "counter") == 1
    await sla.pool.execute("update parked set settled = 'dismissed'")
    assert sum(line["figures"]["incomplete"] for line in (await same())["lines"]) == 0


async def test_a_kept_record_is_counted_again_after_a_swap(sla: Sla) -> None:
    """Rows of another generation are other rows."""
    one = Story("000.00.02.H49-170710-0001")
    one.received(local(7, 10, 9), promise())
    await sla.hear(one.facts)
    totals = Totals(sla.pool, KINDS)
    before = await totals.record(JULY)
    await sla.pool.execute(SWAPPED)
    after = await totals.record(JULY)
    assert before.line("PAC-193") is not None
    assert after.lines == ()


SWAPPED = """
with old as (update generations set state = 'retired' where state = 'live')
insert into generations (state) values ('building');
update generations set state = 'live' where state = 'building';
"""
