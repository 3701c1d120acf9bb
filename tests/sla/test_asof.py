"""As known on a day, on a real database: the rows, lists and record of only what had been recorded by then."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from contracts.keeping import kept
from contracts.keeping import record as on_topic
from oracle.judging import RULES, SHIPPED
from oracle.quarter import quarter, told_late
from oracle.swapped import swapped
from oracle.telling import Story, local

from deadlines.inforce import InForce
from deadlines.load import load
from deadlines.published import STREAM
from events.kafka.inbox import park
from events.store import database as postgres_of
from events.store.database import Pool
from events.store.envelope import Cause
from events.store.store import Append, append
from sla.counting.periods import Period
from sla.counting.record import record
from sla.judging.judge import Judgement, judge
from sla.live import row_store
from sla.live.watermarks import KEEP
from sla.reports.as_of import as_of, end_of

CATALOGUE = Path(__file__).parents[2] / "deploy" / "catalogue"
MIGRATIONS = Path(__file__).parents[2] / "services" / "sla" / "migrations"
KINDS = {unit.code: unit.kind for unit in SHIPPED.units()}
JULY = Period(date(2017, 7, 1), date(2017, 8, 1))
IN_FORCE = InForce(SHIPPED, "events")


@pytest.fixture
async def pool(database: dict[str, str]) -> AsyncIterator[Pool]:
    pool = await postgres_of.connect(database["sla"])
    await postgres_of.migrate(pool, postgres_of.LOG, MIGRATIONS)
    yield pool
    await pool.close()


def by_hand(stories: list[Story], day: datetime) -> list[Judgement]:
    """Each case judged from the facts recorded by the day, in order of case."""
    known = [[fact for fact in story.facts if fact.recorded_at <= day] for story in stories]
    return [judge(facts, RULES) for facts in known if facts]


async def test_ten_instants_equal_judging_only_what_was_recorded_by_then(pool: Pool) -> None:
    """Row for row, list for list, figure for figure, where a fifth of the facts are recorded late."""
    stories = told_late(quarter(400))
    facts = [fact for story in stories for fact in story.facts]
    assert sum(fact.recorded_at > fact.at for fact in facts) > len(facts) / 6
    Random(1).shuffle(facts)
    await kept(pool, facts, batch=700)
    random = Random(10)
    for _ in range(10):
        day = local(7, 10) + timedelta(minutes=random.randrange(80 * 1440))
        expected = by_hand(stories, day)
        async with as_of(pool, IN_FORCE, day, log_clock=True) as then:
            found = [judgement async for judgement in then.judgements()]
            assert row_store.rows_of(found) == row_store.rows_of(expected)
            late = sorted(
                (row.due_at, row.case_id)
                for one in expected for row in one.cycles
                if row.ended_at is None and row.due_at is not None and row.due_at < day
            )  # fmt: skip
            assert [(row["due_at"], row["case_id"]) for row in await then.overdue(None, 5000)] == late
            assert [row["case_id"] for row in await then.overdue(None, 3)] == [case_id for _, case_id in late[:3]]
            cycles = [row for one in expected for row in one.cycles]
            stays = [row for one in expected for row in one.stays]
            referrals = [row for one in expected for row in one.referrals]
            charges = [row for one in expected for row in one.charges]
            assert await then.the_record(JULY, KINDS) == record(JULY, KINDS, cycles, stays, referrals, charges)


async def test_pages_of_cases_follow_each_other(pool: Pool) -> None:
    """Every case once, by case id, whatever the page's length."""
    stories = quarter(30)
    await kept(pool, [fact for story in stories for fact in story.facts])
    async with as_of(pool, IN_FORCE, local(12, 1), log_clock=True) as then:
        pages: list[dict[str, Any]] = []
        after = ""
        while True:
            page, following = await then.cases(after, 7)
            pages += page
            if following is None:
                break
            after = following
    assert [one["case_id"] for one in pages] == [story.case_id for story in stories]


async def test_what_was_not_known_then_is_not_there(pool: Pool) -> None:
    """Received on Monday and told on Wednesday: on Tuesday nobody knew of it."""
    story = Story()
    story.received(local(7, 10, 9))
    story.facts = told_late([story], share=1.0, days=2)[0].facts
    recorded = story.facts[0].recorded_at
    await kept(pool, story.facts)
    async with as_of(pool, IN_FORCE, recorded - timedelta(seconds=1), log_clock=True) as then:
        assert await then.case(story.case_id) is None
        assert await then.explained(story.case_id, local(8, 1)) is None
        assert await then.cases("", 10) == ([], None)
    async with as_of(pool, IN_FORCE, recorded, log_clock=True) as then:
        assert (await then.case(story.case_id)) == judge(story.facts, RULES)


async def test_an_open_case_is_explained_up_to_the_day(pool: Pool) -> None:
    """Or up to now, where the day is yet to come."""
    story = Story()
    story.received(local(7, 10, 9))
    await kept(pool, story.facts)
    async with as_of(pool, IN_FORCE, local(7, 12, 9), log_clock=True) as then:
        day = await then.explained(story.case_id, local(8, 1))
        now = await then.explained(story.case_id, local(7, 11))
    assert day is not None
    assert now is not None
    assert (day.cycles[0].judged_to, now.cycles[0].judged_to) == (local(7, 12, 9), local(7, 11))


async def test_a_day_is_final_when_nothing_recorded_by_then_can_still_come(pool: Pool) -> None:
    """The watermark of the caller's clock, or the one up to which all sources are kept and judged."""
    for name, log_clock in (("clock", True), ("settled", False)):
        async with as_of(pool, IN_FORCE, local(7, 10), log_clock=log_clock) as then:
            assert then.mark == {"as_of": local(7, 10), "final": False, "standing": "provisional"}
        await pool.execute(KEEP, name, local(7, 10))
        async with as_of(pool, IN_FORCE, local(7, 10), log_clock=log_clock) as then:
            assert then.final
        async with as_of(pool, IN_FORCE, local(7, 10, 0, 1), log_clock=log_clock) as then:
            assert not then.final


async def test_a_case_with_a_hole_is_incomplete_on_every_day(pool: Pool) -> None:
    """Nobody knows when the parked fact was recorded."""
    story = Story()
    story.received(local(7, 10, 9))
    await kept(pool, story.facts)
    async with pool.acquire() as connection:
        await park(connection, on_topic(story.facts[0]), story.case_id, "unreadable")
    async with as_of(pool, IN_FORCE, local(7, 11), log_clock=True) as then:
        judgement = await then.case(story.case_id)
    assert judgement is not None
    assert judgement.incomplete


async def test_what_another_process_just_published_counts(pool: Pool) -> None:
    """On the days from its publication on, though nothing has told this process yet."""
    at = local(7, 11, 9)
    cause = Cause(correlation="told", causation="told", actor="staff-22-01")
    saying = Append(stream=STREAM, expected=0, facts=[swapped()], cause=cause, at=at, recorded_at=at)
    async with pool.acquire() as connection, connection.transaction():
        await append(connection, [saying])
    in_force = InForce(load(CATALOGUE), "events")
    async with as_of(pool, in_force, at - timedelta(seconds=1), log_clock=True) as then:
        assert then.rules.revised == {}
    async with as_of(pool, in_force, at, log_clock=True) as then:
        assert then.rules.revised["VN-PAC@2017.1"] == "VN-PAC@2017.2"


def test_a_day_without_a_time_is_its_local_end() -> None:
    """The last instant before midnight in Quang Ninh."""
    assert end_of(date(2017, 7, 10)) == local(7, 11) - timedelta(microseconds=1)
    assert end_of(local(7, 10, 9)) == local(7, 10, 9)
