"""Generations of the judged tables on a real database: compared, swapped, called off, dropped."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from oracle.telling import local
from sla_at_work import CHANGED, MONDAY, PARKED, RULES, Sla, story

from deadlines.inforce import InForce
from events.contracts.intake import MessageDelivered
from events.contracts.sla import (
    VerdictAmended,
    VerdictReached,
)
from events.errors import Conflict
from events.operations.parked import retry
from events.store.database import Connection
from events.store.envelope import Cause
from events.store.store import Append, append
from events.subscriptions.follower import START, Following, LogPosition
from sla.judging.judge import judge
from sla.live import projector, queries
from sla.rebuild import generations, workers
from sla.rebuild.certificate import Vouched
from sla.rebuild.comparison import Comparison
from sla.rebuild.cutover import Asked
from sla.rebuild.generations import Before
from sla.rebuild.rollback import go_back

LAST_HEARD = "select epoch, tx, position from inbox order by epoch desc, tx desc, position desc limit 1"


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


async def test_what_was_heard_and_not_judged_yet_is_no_difference(sla: Sla) -> None:
    """The live judge stands before the last fact, which is in the inbox: there the new generation's rows end, too."""
    told = [story(number) for number in range(1, 4)]
    await sla.hear([fact for one in told for fact in one.facts])
    for one in told:
        one.returned(local(7, 12, 10))
    await sla.keep([one.facts[-1] for one in told])
    it = await sla.comparing()
    assert it.differing == set()
    assert (await sla.finish(it)).differing == ()
    assert await sla.rows(it.generation) == await sla.rows()
    await sla.hear([])  # now it goes on
    assert await sla.rows(it.generation) != await sla.rows()
    assert (await sla.finish(it)).differing == ()
    assert await sla.rows(it.generation) == await sla.rows()


async def test_a_judge_that_is_behind_judges_what_is_before_it(sla: Sla) -> None:
    """A batch ends between two facts of a case: its row is that of the first until the judge comes to the second."""
    one = story(1)
    await sla.keep(one.facts)
    last = await sla.pool.fetchrow(LAST_HEARD)
    assert last is not None
    sla.judge.until = LogPosition(*last)
    one.returned(local(7, 12, 10))
    await sla.hear([one.facts[-1]])
    assert [row.outcome for row in (await queries.cycles(sla.pool, [one.case_id]))[one.case_id]] == ["open"]
    assert await sla.said(one.case_id) == []
    sla.judge.until = None
    await sla.hear([])
    assert [type(said) for said in await sla.said(one.case_id)] == [VerdictReached]


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
            await generations.checked(connection, run, found, Vouched(b"{}", b"[]"))
        else:
            await generations.swap(
                connection, run, found, events=1, actor="op-1", at=MONDAY, recorded_at=MONDAY, stuck={},
                vouched=Vouched(b"{}", b"[]"),
            )  # fmt: skip


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
        await workers.write(connection, generation, [judged[0], bad], stuck)
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


async def test_one_cannot_go_back_to_rows_that_were_dropped_meanwhile(sla: Sla) -> None:
    """Pruned between the question and the building: an empty generation would be as good as a wrong one."""
    await sla.hear(story().facts)
    generation = await generations.begin(sla.pool, "op-1")
    gone = Before(id=99, rules=0, until=START)
    with pytest.raises(Conflict, match="no generation was replaced"):
        await go_back(sla.pool, sla.parts.settings, RULES, Asked(generation=generation, actor="op-1"), gone)
    assert (await sla.pool.fetchval("select state from generations where id = $1", generation)) == "building"
