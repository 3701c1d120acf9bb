"""The live judge on a real database: rows, timers, changes and published verdicts, in any order and once each."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from oracle.telling import Story, local, promise
from sla_at_work import RULES, Record, Sla

from deadlines.inforce import InForce
from events.contracts.intake import MessageDelivered
from events.contracts.sla import (
    DeadlineApproaching,
    DeadlineMissed,
    LimitMissed,
    LimitMissWithdrawn,
    VerdictAmended,
    VerdictReached,
)
from events.contracts.terms import Limit
from events.database import Connection
from events.envelope import Cause
from events.errors import Conflict
from events.follow import Following
from events.inbox import keep
from events.parked import retry
from events.store import Append, append
from sla import fold, generations, projector, queries
from sla.comparing import Comparison
from sla.judge import judge

MONDAY = local(7, 10, 9)
CHANGED = "insert into changes (epoch, subject, data) values (1, $1, '{}')"
PARKED = (
    "insert into parked (follower, subject, place, reason, body) values ('sla.judge', $1, $2, 'a mistake of ours', '')"
)


def story(number: int = 1) -> Story:
    """A household in town, due Thursday 17:00."""
    told = Story(f"000.00.02.H49-170710-{number:04d}")
    told.received(MONDAY, promise())
    return told


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


async def test_a_damaged_row_is_found_by_the_comparison(sla: Sla) -> None:
    """One verdict changed by hand in the live table: the rebuilt one names the case."""
    told = [story(number) for number in range(1, 6)]
    for one in told:
        one.returned(local(7, 12, 10))
    await sla.hear([fact for one in told for fact in one.facts])
    await sla.pool.execute("update cycles set class_a = 'overdue' where case_id = $1", told[2].case_id)
    assert (await sla.finish(await sla.comparing())).differing == (told[2].case_id,)


async def test_what_moves_during_the_comparison_is_looked_at_again(sla: Sla) -> None:
    """Heard meanwhile, parked and retried meanwhile, mended meanwhile: the last look says what looking once would."""
    told = [story(number) for number in range(1, 6)]
    for one in told:
        one.returned(local(7, 12, 10))
    await sla.hear([fact for one in told[:4] for fact in one.facts])
    damaged, mended = told[1].case_id, told[2].case_id
    await sla.pool.execute("update cycles set class_a = 'overdue' where case_id = $1", mended)
    it = await sla.comparing()
    assert it.differing == {mended}

    told[0].closed(local(7, 13, 9))
    await sla.hear([told[0].facts[-1], *told[4].facts])
    await sla.pool.execute("update cycles set class_a = 'overdue' where generation = 1 and case_id = $1", damaged)
    await sla.pool.execute(CHANGED, damaged)
    await sla.pool.execute(PARKED, mended, told[2].facts[-1].id)
    assert await retry(sla.pool, [sla.judge]) == 1  # judged again, so right again
    found = await sla.finish(it)
    assert found.differing == (damaged,)
    # Counted at once from the same rows, in a generation of its own.
    async with sla.pool.acquire() as connection:
        await generations.fail(connection, it.generation, "another one")
    assert await sla.finish(await sla.comparing()) == found


async def test_a_fact_that_was_parked_by_the_judge_is_judged_when_it_is_retried(sla: Sla) -> None:
    """Its own hole is no reason to keep silent: the warnings of the case are set."""
    told = story()
    await sla.hear(told.facts)
    timers = "select count(*) from timers where case_id = $1"
    assert await sla.pool.fetchval(timers, told.case_id) == 5
    await sla.pool.execute(PARKED, told.case_id, told.facts[-1].id)
    assert await retry(sla.pool, [sla.judge]) == 1
    assert await sla.pool.fetchval(timers, told.case_id) == 5


async def test_a_second_rebuild_is_told_of_the_first(sla: Sla) -> None:
    """While its process starts or lives; one that was killed is cleared away."""
    first = await generations.begin(sla.pool, "op-1")
    async with sla.pool.acquire() as builder:
        await builder.fetchval(generations.BUILDER)
        with pytest.raises(Conflict, match=str(first)):
            await generations.begin(sla.pool, "op-1")
        await builder.fetchval(generations.UNLOCK)
    with pytest.raises(Conflict, match=str(first)):  # its process may not have come as far as the lock
        await generations.begin(sla.pool, "op-1")
    await sla.pool.execute("update generations set started_at = started_at - interval '1 minute' where id = $1", first)
    second = await generations.begin(sla.pool, "op-1")
    states: Sequence[Any] = await sla.pool.fetch("select id, state from generations order by id")
    assert [tuple(row) for row in states] == [(1, "live"), (first, "failed"), (second, "building")]


async def test_a_run_whose_process_was_killed_can_be_called_off(sla: Sla) -> None:
    """There is nobody who would heed it, so it is ended at once; afterwards there is nothing to call off."""
    run = await generations.begin(sla.pool, "op-1")
    await sla.pool.execute("update generations set started_at = started_at - interval '1 minute' where id = $1", run)
    await generations.cancel(sla.pool, run, "op-2")
    how = await sla.pool.fetchrow(
        "select state, error, to_regclass('cycles_' || id) from generations where id = $1", run
    )
    assert tuple(how or ()) == ("cancelled", "called off by op-2; its process had ended", None)
    with pytest.raises(Conflict, match="not under way"):
        await generations.cancel(sla.pool, run, "op-2")


@pytest.mark.parametrize("trial", [True, False])
async def test_a_run_that_was_called_off_neither_swaps_nor_ends_well(sla: Sla, trial: bool) -> None:
    """Also in the last moment."""
    await sla.hear(story().facts)
    it = await sla.comparing()
    await generations.cancel(sla.pool, it.generation, "op-2")
    found = await sla.finish(it)
    with pytest.raises(generations.Cancelled, match="called off by op-2"):
        await ended(sla, it.generation, found, trial)
    states = await sla.pool.fetch("select id, state from generations order by id")
    assert [tuple(row) for row in states] == [(1, "live"), (it.generation, "building")]


async def ended(sla: Sla, run: int, found: Comparison, trial: bool) -> None:
    async with sla.pool.acquire() as connection, connection.transaction():
        if trial:
            await generations.checked(connection, run, found)
        else:
            moment = {"at": MONDAY, "recorded_at": MONDAY}
            await generations.swap(connection, run, found, events=1, actor="op-1", stuck={}, **moment)


async def test_a_swap_is_one_step_for_a_reader(sla: Sla) -> None:
    """The new generation is live, the old one is kept, and the judge goes on in the new one."""
    told = story()
    await sla.hear(told.facts)
    before = await sla.rows()
    generation = await sla.swap()
    assert await sla.pool.fetchval("select id from generations where state = 'live'") == generation
    assert await sla.rows() == before
    told.returned(local(7, 12, 10) + timedelta(minutes=1))
    await sla.hear(told.facts[1:])
    (cycle,) = (await sla.rows())["cycles"]
    assert "released" in cycle


async def test_what_was_replaced_is_dropped_but_for_the_last_and_no_reader_waits(sla: Sla) -> None:
    """While somebody reads for long the drop steps back, so that others are answered; then it happens."""
    await sla.hear(story().facts)
    second, third = await sla.swap(), await sla.swap()
    async with sla.pool.acquire() as sweeper:
        async with sla.pool.acquire() as reader, reader.transaction():
            await reader.fetch("select case_id from cycles")
            sweeping = asyncio.create_task(generations.sweep(sweeper))
            for _ in range(100):
                await sla.pool.fetch("select case_id from cycles", timeout=1)
            assert not sweeping.done()
        await sweeping
    there = [one for one in (1, second, third) if await sla.pool.fetchval("select to_regclass($1)", f"stays_{one}")]
    assert there == [second, third]


def test_a_case_that_the_judge_throws_at_is_set_aside() -> None:
    """The others are judged; when it is judged after all it is stuck no longer."""
    one, other = story(1), story(2)
    faulty: Any = [msgspec.structs.replace(fact, at=None) for fact in other.facts]
    stuck: projector.Stuck = {}
    judged = projector.judged({one.case_id: one.facts, other.case_id: faulty}, RULES, stuck)
    assert [judgement.case_id for judgement in judged] == [one.case_id]
    assert [*stuck] == [other.case_id]
    projector.judged({other.case_id: other.facts}, RULES, stuck)
    assert not stuck


async def test_a_case_that_cannot_be_written_is_set_aside(sla: Sla) -> None:
    """The others of its chunk are written, also those whose rows were copied before it failed."""
    generation = await generations.begin(sla.pool, "op-1")
    judged = [judge(story(number).facts, RULES) for number in (1, 2)]
    bad = msgspec.structs.replace(judged[1], stays=tuple(row._replace(step="\0") for row in judged[1].stays))
    stuck: projector.Stuck = {}
    async with sla.pool.acquire() as connection:
        await fold.write(connection, generation, [judged[0], bad], stuck)
    assert [*stuck] == [judged[1].case_id]
    rows = await sla.rows(generation)
    assert [{row[0] for row in rows[table]} for table in ("cycles", "stays")] == [{judged[0].case_id}] * 2


async def test_a_swap_keeps_the_rows_of_a_case_that_was_set_aside_and_it_is_incomplete(sla: Sla) -> None:
    """Until the judge can be run on its last fact again: a message is none at which it would look."""
    one, other = story(1), story(2)
    last = other.facts[-1].id
    other.tell(MessageDelivered(message_id="m-1", case_id=other.case_id, provider_id="z-1"), local(7, 10, 10))
    await sla.hear([*one.facts, *other.facts])
    before = await sla.rows()
    generation = await sla.swap(stuck={other.case_id: "TypeError: a mistake of ours"})
    assert await sla.rows() == before
    assert await queries.is_parked(sla.pool, other.case_id)
    assert not await queries.is_parked(sla.pool, one.case_id)
    assert await sla.pool.fetchval("select place from parked where settled is null") == last
    assert await retry(sla.pool, [sla.judge]) == 1
    assert not await queries.is_parked(sla.pool, other.case_id)
    assert await sla.rows(generation) == before


class Killed(Exception):
    """The process ends before its transaction does."""


async def test_differences_are_published_in_batches_each_once(sla: Sla) -> None:
    """A process killed between two batches, another within one: the next one goes on, and says nothing twice."""
    told = [story(number) for number in range(1, 6)]
    for one in told:
        one.returned(local(7, 12, 10))
    await sla.hear([fact for one in told for fact in one.facts])
    cases = [one.case_id for one in told]
    for case_id in cases:
        await wrongly_published(sla, case_id)
    generation = await sla.swap(cases)

    publishing = replace(generations.certified(InForce(RULES.catalogue, "events"), log_clock=True), batch=2)
    await Following(sla.pool, publishing).step()
    assert [len(await sla.said(case_id)) for case_id in cases] == [3, 3, 2, 2, 2]

    async def killed(connection: Connection, entries: Sequence[Any]) -> None:
        assert publishing.apply is not None
        await publishing.apply(connection, entries)
        raise Killed

    with pytest.raises(Killed):
        await Following(sla.pool, replace(publishing, apply=killed)).step()
    assert [len(await sla.said(case_id)) for case_id in cases] == [3, 3, 2, 2, 2]
    last = Following(sla.pool, publishing)
    while (await last.step())[0]:
        pass
    for case_id in cases:
        amended = (await sla.stream(f"promise-{case_id}"))[2:]
        assert [one.cause.causation for one in amended] == [f"generation-{generation}@1"]
        assert isinstance(amended[0].fact, VerdictAmended)
        assert amended[0].fact.by_date == "ahead"


async def wrongly_published(sla: Sla, case_id: str) -> None:
    """As a faulty version of the service would have amended it."""
    stream = f"promise-{case_id}"
    (right,) = await sla.stream(stream)
    assert isinstance(right.fact, VerdictReached)
    wrong = VerdictAmended(
        case_id=case_id, cycle=1, due=right.fact.due, released=right.fact.released, by_date="overdue",
        by_session="ahead", by_766=right.fact.by_766, was_by_date="ahead", was_by_session="ahead",
        was_by_766="on-time",
    )  # fmt: skip
    cause = Cause(correlation="faulty", causation="faulty", actor="policy-sla-judge")
    async with sla.pool.acquire() as connection, connection.transaction():
        saying = Append(stream=stream, expected=1, facts=[wrong], cause=cause, at=right.at, recorded_at=right.at)
        await append(connection, [saying])
