"""The live judge on a real database: rows, timers, changes and published verdicts, in any order and once each."""

import asyncio
import random

import msgspec
from oracle.telling import local
from sla_at_work import MONDAY, PARKED, Record, Sla, story

from events.contracts.sla import (
    DeadlineApproaching,
    DeadlineMissed,
    LimitMissed,
    LimitMissWithdrawn,
    VerdictAmended,
    VerdictReached,
)
from events.contracts.terms import Limit
from events.kafka.inbox import keep
from events.operations.parked import retry


async def test_a_release_publishes_its_verdict_once(sla: Sla) -> None:
    """The same facts again change nothing and say nothing."""
    told = story()
    told.returned(local(7, 12, 10))
    await sla.hear(told.facts)
    await sla.hear(told.facts)
    (verdict,) = await sla.said(told.case_id)
    assert isinstance(verdict, VerdictReached)
    assert (verdict.by_date, verdict.due) == ("ahead", local(7, 13, 17))


async def test_any_arrival_gives_the_same_tables(sla: Sla) -> None:
    """Facts one by one in disorder, some twice, leave the rows that one ordered batch leaves."""
    told = [story(number) for number in range(1, 8)]
    for number, one in enumerate(told):
        one.forwarded(MONDAY, "DL-193")
        asked = one.supplement(local(7, 10, 15))
        one.supplemented(local(7, 11, 9 + number), asked)
        one.returned(local(7, 13, 10 + number))
    facts = [fact for one in told for fact in one.facts]
    await sla.hear(facts)
    ordered = await sla.rows()

    generation = (await sla.comparing()).generation
    assert await sla.rows(generation) == ordered

    shuffled = facts + facts[::3]
    random.Random(7).shuffle(shuffled)
    await sla.pool.execute("delete from cycles; delete from stays; delete from referrals; delete from charges")
    await sla.pool.execute("alter table events disable trigger all; delete from events; delete from inbox")
    for fact in shuffled:
        await sla.hear([fact])
    assert await sla.rows() == ordered


async def test_a_late_fact_amends_a_published_verdict(sla: Sla) -> None:
    """The supplement of Monday is heard after the release: due moves, and so does the class."""
    told = story()
    told.returned(local(7, 14, 9))
    await sla.hear(told.facts)
    asked = told.supplement(local(7, 11, 7))
    told.supplemented(local(7, 12, 7), asked)
    await sla.hear(told.facts[2:])
    reached, amended = await sla.said(told.case_id)
    assert isinstance(reached, VerdictReached)
    assert isinstance(amended, VerdictAmended)
    assert (amended.was_by_date, amended.by_date) == ("overdue", "on-time")


async def test_a_correction_amends_a_published_verdict_once(sla: Sla) -> None:
    """It is the cause, whatever else is heard with it, and as late as what it puts right; again it says nothing."""
    told = story()
    release = told.returned(local(7, 14, 9))
    await sla.hear(told.facts)
    mended = told.corrected(local(8, 1, 9), release, "at", local(7, 13, 10))
    told.rated(local(8, 1, 10), 5)
    await sla.hear(told.facts[2:])
    await sla.hear(told.facts)
    _, amended = await sla.said(told.case_id)
    assert isinstance(amended, VerdictAmended)
    assert (amended.was_by_date, amended.by_date, amended.because) == ("overdue", "on-time", mended)
    assert amended.late_seconds == 18 * 86400
    (row,) = await sla.pool.fetch("select corrections, acts, acts_at from cycles")
    assert tuple(row) == (1, ["correction"], [local(7, 13, 10)])


async def test_each_threshold_is_said_once(sla: Sla) -> None:
    """Half, four fifths, one day and due, however often the clock is moved; a paused case says nothing."""
    told, paused = story(1), story(2)
    paused.supplement(local(7, 10, 10))
    await sla.hear([*told.facts, *paused.facts])
    for day in (11, 12, 13, 14, 14):
        await sla.tick(local(7, day, 23))
    said = await sla.said(told.case_id)
    assert [getattr(fact, "threshold", "missed") for fact in said] == ["half", "one-day", "four-fifths", "missed"]
    assert isinstance(said[-1], DeadlineMissed)
    assert await sla.said(paused.case_id) == []


async def test_a_late_fact_withdraws_a_miss_and_warns_anew(sla: Sla) -> None:
    """Missed on Thursday; then a pause of Tuesday is heard: the miss is withdrawn, and the later due is missed once."""
    told = story()
    await sla.hear(told.facts)
    await sla.tick(local(7, 13, 23))
    asked = told.supplement(local(7, 11, 7))
    told.supplemented(local(7, 12, 7), asked)
    await sla.hear(told.facts[1:])
    names = [type(fact).__name__ for fact in await sla.said(told.case_id)]
    assert names[-2:] == ["DeadlineMissed", "DeadlineMissWithdrawn"]
    await sla.tick(local(7, 20))
    again = [fact for fact in await sla.said(told.case_id) if isinstance(fact, DeadlineMissed)]
    assert [missed.due for missed in again] == [local(7, 13, 17), local(7, 14, 17)]
    assert [missed.revision for missed in again] == [1, 2]


async def test_a_late_hand_over_withdraws_the_miss_of_a_step(sla: Sla) -> None:
    """Two agencies and a step run beside the promise; then it is heard that the team had handed on in time."""
    told = story()
    first = told.forwarded(local(7, 10, 10), "TC-193", hours=4)
    for agency in ("QN-SGTVT", "QN-SXD"):
        told.referred(local(7, 10, 16), agency, limit=Limit(amount=1, unit="working_days"))
    await sla.hear(told.facts)
    await sla.tick(local(7, 12))
    said = [fact for fact in await sla.said(told.case_id) if isinstance(fact, LimitMissed)]
    assert [(fact.clock, fact.unit) for fact in said] == [
        ("step", "TC-193"),
        ("agency", "QN-SGTVT"),
        ("agency", "QN-SXD"),
    ]
    told.forwarded(local(7, 10, 15), "DL-193", by="TC-193", hours=1)
    await sla.hear(told.facts)
    withdrawn = (await sla.said(told.case_id))[-1]
    assert isinstance(withdrawn, LimitMissWithdrawn)
    assert (withdrawn.opened_by, withdrawn.because) == (first, told.facts[-1].id)
    await sla.tick(local(7, 12))
    units = [fact.unit for fact in await sla.said(told.case_id) if isinstance(fact, LimitMissed)]
    assert units == ["TC-193", "QN-SGTVT", "QN-SXD", "DL-193"]


async def test_a_released_case_is_not_warned_of(sla: Sla) -> None:
    """Timers go with the release."""
    told = story()
    told.returned(local(7, 10, 16))
    await sla.hear(told.facts)
    assert await sla.tick(local(8, 1)) == 0
    assert not [fact for fact in await sla.said(told.case_id) if isinstance(fact, DeadlineApproaching)]


async def test_two_tickers_say_it_once(sla: Sla) -> None:
    """Two processes tick at the same time."""
    told = [story(number) for number in range(1, 30)]
    await sla.hear([fact for one in told for fact in one.facts])
    await asyncio.gather(*(sla.tick(local(7, 20)) for _ in range(4)))
    while await sla.tick(local(7, 20)):
        pass
    for one in told:
        said = await sla.said(one.case_id)
        assert len(said) == len({(type(fact), getattr(fact, "threshold", "")) for fact in said}) == 5


async def test_a_parked_fact_keeps_a_case_unpublished(sla: Sla) -> None:
    """What cannot be read of a case makes it incomplete; other cases go on."""
    told, other = story(1), story(2)
    for one in (told, other):
        one.returned(local(7, 12, 10))
    record = Record("t.events", 1, 0, told.case_id.encode(), b"{not json")
    async with sla.pool.acquire() as connection:
        await keep(connection, [record])
    await sla.hear([*told.facts, *other.facts])
    assert await sla.said(told.case_id) == []
    assert len(await sla.said(other.case_id)) == 1


async def test_an_incomplete_case_is_not_warned_of_until_its_hole_is_settled(sla: Sla) -> None:
    """The parked record came after the timers were set."""
    told = story()
    await sla.hear(told.facts)
    async with sla.pool.acquire() as connection:
        await keep(connection, [Record("t.events", 1, 0, told.case_id.encode(), b"{not json")])
    assert await sla.tick(local(7, 20)) == 0
    await sla.pool.execute("update parked set settled = 'dismissed'")
    assert await sla.tick(local(7, 20)) == 5


async def test_every_change_is_told_with_a_rising_revision(sla: Sla) -> None:
    """One change per judged case and batch, in order."""
    told = story()
    told.returned(local(7, 12, 10))
    await sla.hear(told.facts[:1])
    await sla.hear(told.facts[1:])
    rows = await sla.pool.fetch("select position, subject, data from changes order by position")
    assert [row["subject"] for row in rows] == [told.case_id, told.case_id]
    outcomes = [msgspec.json.decode(row["data"])["cycles"][0]["outcome"] for row in rows]
    assert outcomes == ["open", "released"]


async def test_a_fact_that_was_parked_by_the_judge_is_judged_when_it_is_retried(sla: Sla) -> None:
    """Its own hole is no reason to keep silent: the warnings of the case are set."""
    told = story()
    await sla.hear(told.facts)
    timers = "select count(*) from timers where case_id = $1"
    assert await sla.pool.fetchval(timers, told.case_id) == 5
    await sla.pool.execute(PARKED, told.case_id, told.facts[-1].id)
    assert await retry(sla.pool, [sla.judge]) == 1
    assert await sla.pool.fetchval(timers, told.case_id) == 5
