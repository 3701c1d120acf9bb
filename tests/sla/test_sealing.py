"""Seals on a real database: what is signed stands, late facts are restated once, refusals change nothing."""

import asyncio
from datetime import date, datetime

import asyncpg
import msgspec
import pytest
from oracle.telling import Story, local, promise
from sla_at_work import LEADER, RULES, Sla, frame

from deadlines.inforce import InForce
from events.actor import Actor
from events.contracts.sla import MonthRestated, MonthSealed, RemedialActionClosed, RemedialActionOpened
from events.errors import Conflict, KeyReused, NotFound, Refused
from events.subscriptions.follower import Following
from sla.counting.periods import Period, month
from sla.rebuild import generations
from sla.reports.document import fingerprint
from sla.seals import remedial_store, seal_store

JULY, AUGUST = month(2017, 7), month(2017, 8)
OTHER = Actor(id="staff-22-02", roles=frozenset({"leader"}), unit="PC-QN")
STANDS = """
select (select count(*) from seals) as seals, (select count(*) from counted) as counted,
    (select count(*) from restatements) as restatements, (select count(*) from restating) as restating,
    (select count(*) from events where stream like 'month-%') as facts, (select count(*) from idempotency) as keys
"""


def story(number: int = 1, at: datetime = local(7, 10, 9)) -> Story:
    told = Story(f"000.00.02.H49-170710-{number:04d}")
    told.received(at, promise())
    return told


async def stands(sla: Sla) -> dict[str, int]:
    row = await sla.pool.fetchrow(STANDS)
    assert row is not None
    return dict(row)


async def said(sla: Sla, period: Period = JULY) -> list[object]:
    return [recorded.fact for recorded in await sla.stream(f"month-{period.id}")]


async def test_a_period_is_sealed_with_its_figures(sla: Sla) -> None:
    """The fact says the totals and the hash of the document that is kept, byte for byte."""
    told, open_one = story(1), story(2)
    told.returned(local(7, 14, 9))
    await sla.hear([*told.facts, *open_one.facts])
    answer = await sla.seal(JULY, local(8, 1, 8))
    (fact,) = await said(sla)
    assert isinstance(fact, MonthSealed)
    assert (fact.received, fact.overdue, fact.open_overdue, fact.carried_over) == (2, 1, 1, 0)
    kept = await sla.pool.fetchval("select document from seals")
    assert answer.more == {"seal": JULY.id, "hash": fact.hash}
    assert fact.hash == fingerprint(kept)
    shown = await seal_store.one(sla.pool, JULY.id)
    assert shown["record"]["annex"][0]["case_id"] == told.case_id
    assert (shown["actor"], shown["restatements"]) == ("staff-22-01", [])


async def test_what_may_not_be_sealed_changes_nothing(sla: Sla) -> None:
    """Twice, by anybody; an overlapping period; one that is not over; figures that do not add up."""
    told = story()
    await sla.hear(told.facts)
    await sla.seal(JULY, local(8, 1, 8))
    before = await stands(sla)
    half = Period(date(2017, 7, 15), date(2017, 8, 15))
    for period, actor, at, rule in (
        (JULY, LEADER, local(8, 2, 8), "period-sealed"),
        (JULY, OTHER, local(8, 2, 8), "period-sealed"),
        (half, LEADER, local(9, 1, 8), "period-overlaps"),
        (AUGUST, LEADER, local(8, 31, 23), "period-not-over"),
    ):
        with pytest.raises(Refused) as refused:
            await sla.seal(period, at, actor=actor)
        assert refused.value.rule == rule
        assert refused.value.way_out
        assert await stands(sla) == before
    await sla.pool.execute("update cycles set delay_seconds = 7, class_a = 'overdue', released_at = $1, "
                           "ended_at = $1, outcome = 'released'", local(8, 2, 9))  # fmt: skip
    with pytest.raises(Conflict, match="delay by unit") as broken:
        await sla.seal(AUGUST, local(9, 1, 8))
    assert broken.value.rule == "figures-do-not-add-up"
    assert await stands(sla) == before


async def test_a_repeated_request_gets_the_same_answer(sla: Sla) -> None:
    """The same Idempotency-Key and body; another body under the key is refused."""
    await sla.hear(story().facts)
    first = await sla.seal(JULY, local(8, 1, 8), key="sign-july")
    before = await stands(sla)
    assert await sla.seal(JULY, local(8, 1, 9), key="sign-july") == first
    with pytest.raises(KeyReused):
        await sla.seal(AUGUST, local(9, 1, 9), key="sign-july")
    assert await stands(sla) == before


async def test_two_leaders_at_once_seal_once(sla: Sla) -> None:
    """One of them is told that it is sealed."""
    await sla.hear(story().facts)
    answers = await asyncio.gather(
        sla.seal(JULY, local(8, 1, 8)), sla.seal(JULY, local(8, 1, 8), actor=OTHER), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in answers) == ["Answer", "Conflict"]
    assert (await stands(sla))["seals"] == (await stands(sla))["facts"] == 1


async def test_a_late_fact_is_restated_once_and_the_seal_stands(sla: Sla) -> None:
    """The withdrawal of July is heard in August: open overdue becomes withdrawn; a second late fact is number two."""
    told, other = story(1), story(2)
    await sla.hear([*told.facts, *other.facts])
    await sla.seal(JULY, local(8, 1, 8))
    signed = await sla.pool.fetchval("select document from seals")
    assert await sla.calm() == 0

    withdrawn = told.withdrawn(local(7, 20, 9))
    await sla.hear(told.facts)
    assert [await sla.calm(), await sla.calm()] == [1, 0]
    _, restated = await said(sla)
    assert isinstance(restated, MonthRestated)
    assert (restated.number, restated.sealed, restated.because) == (1, f"month-{JULY.id}@1", withdrawn)
    assert restated.cases == (told.case_id,)
    counter = {one.column: (one.was, one.now) for one in restated.differences if one.line == "PAC-193"}
    assert counter == {
        "solved": (0, 1), "on-time": (0, 1), "open": (2, 1), "open-overdue": (2, 1), "without-result": (0, 1),
        "withdrawn": (0, 1), "766-late": (0, 1), "766-pending-late": (2, 1),
    }  # fmt: skip

    other.returned(local(7, 13, 9))
    await sla.hear(other.facts)
    await sla.hear(told.facts)
    assert await sla.calm() == 1
    assert [one.number for one in await said(sla) if isinstance(one, MonthRestated)] == [1, 2]
    assert await sla.pool.fetchval("select document from seals") == signed
    shown = await seal_store.one(sla.pool, JULY.id)
    assert [one["number"] for one in shown["restatements"]] == [1, 2]
    assert (await seal_store.restatement(sla.pool, JULY.id, 2))["lines"] != shown["record"]["lines"]
    assert await sla.last_said(JULY) == await sla.figures(JULY)


async def test_what_happens_after_the_period_is_no_restatement(sla: Sla) -> None:
    """A dossier that July left open is released in August, collected, rated."""
    told = story()
    told.forwarded(local(7, 10, 10), "DL-193", hours=4)
    await sla.hear(told.facts)
    await sla.seal(JULY, local(8, 1, 8))
    told.returned(local(8, 3, 9), "DL-193")
    told.closed(local(8, 4, 9))
    told.rated(local(8, 4, 10), 5)
    await sla.hear(told.facts)
    assert await sla.calm() == 0
    assert await stands(sla) | {"restating": 0} == await stands(sla)
    assert len(await said(sla)) == 1


async def test_a_case_that_turns_out_to_belong_elsewhere_leaves_the_sealed_period(sla: Sla) -> None:
    """Received in August, so it was thought; then its receipt and release of July are heard."""
    told = story(1, local(8, 7, 9))
    await sla.hear(told.facts)
    await sla.seal(AUGUST, local(9, 1, 8))
    assert await sla.calm() == 0  # nothing that was known before is still to be marked
    told.received(local(7, 10, 9), promise())
    told.returned(local(7, 12, 9))
    await sla.hear(told.facts)
    assert await sla.calm() == 1
    restated = (await said(sla, AUGUST))[-1]
    assert isinstance(restated, MonthRestated)
    assert {one.now for one in restated.differences if one.line == "PAC-193"} == {0}
    assert await sla.last_said(AUGUST) == await sla.figures(AUGUST) == {}


async def test_a_delay_that_changes_is_restated_though_no_column_does(sla: Sla) -> None:
    """Overdue as before, but released a day later than was known: only the delay moves, and the time it was held."""
    told = story()
    told.closed(local(7, 17, 9))
    await sla.hear(told.facts)
    await sla.seal(JULY, local(8, 1, 8))
    told.returned(local(7, 14, 9))
    await sla.hear(told.facts)
    assert await sla.calm() == 1
    restated = (await said(sla))[-1]
    assert isinstance(restated, MonthRestated)
    assert {(one.column, one.was, one.now) for one in restated.differences} == {
        ("delay-seconds", 36000, 7200), ("seconds", 36000, 7200),
        ("p50", 122400, 93600), ("p90", 122400, 93600), ("longest", 122400, 93600),
    }  # fmt: skip
    assert restated.cases == (told.case_id,)


async def test_a_burst_of_late_facts_is_one_restatement(sla: Sla) -> None:
    """Nothing is said while the judge is behind its inbox; two rounds at once say it once."""
    told = [story(number) for number in range(1, 9)]
    await sla.hear([fact for one in told for fact in one.facts])
    await sla.seal(JULY, local(8, 1, 8))
    for one in told[:4]:
        one.returned(local(7, 13, 9))
        await sla.hear(one.facts)
    while (await sla.marker.step())[0]:
        pass
    for one in told[4:]:
        one.returned(local(7, 13, 9))
    await sla.keep([fact for one in told[4:] for fact in one.facts])
    assert await sla.calm() == 0
    while (await sla.judge.step())[0]:
        pass
    while (await sla.marker.step())[0]:
        pass
    assert sum(await asyncio.gather(*(sla.restating.round() for _ in range(3)))) == 1
    (_, restated) = await said(sla)
    assert isinstance(restated, MonthRestated)
    assert len(restated.cases) == 8


async def test_a_rebuild_restates_nothing(sla: Sla) -> None:
    """A new generation with the same rows is swapped in: no case is marked, nothing is said."""
    told = story()
    await sla.hear(told.facts)
    await sla.seal(JULY, local(8, 1, 8))
    await sla.swap()
    assert await sla.calm() == 0
    assert (await stands(sla))["facts"] == 1


async def test_what_a_swap_changes_is_restated_with_the_swap_as_its_cause(sla: Sla) -> None:
    """The live rows said one thing when July was sealed; the log, judged again, says another."""
    told = story()
    told.returned(local(7, 14, 9))
    await sla.hear(told.facts)
    await sla.pool.execute("update cycles set released_at = $1, class_a = 'ahead', delay_seconds = 0", local(7, 12, 9))
    await sla.pool.execute("delete from charges")
    await sla.seal(JULY, local(8, 1, 8))
    assert await sla.calm() == 0
    swap = f"generation-{await sla.swap([told.case_id], at=local(8, 2))}@1"
    certified = Following(sla.pool, generations.certified(InForce(RULES.catalogue, "events"), log_clock=True))
    while (await certified.step())[0]:
        pass
    told.closed(local(8, 3, 9))  # heard before anybody looks, and no reason for it
    await sla.hear(told.facts)
    assert await sla.calm() == 1
    restated = (await sla.stream(f"month-{JULY.id}"))[-1]
    assert isinstance(restated.fact, MonthRestated)
    assert (restated.fact.because, restated.cause.causation) == (swap, swap)
    assert (restated.at, restated.recorded_at) == (local(8, 2), local(8, 2))
    (shown,) = (await seal_store.one(sla.pool, JULY.id))["restatements"]
    assert (shown["because"], shown["cases"]) == (swap, [told.case_id])


@pytest.mark.parametrize(
    ("changed", "figures"),
    [
        ("update charges set unit = 'DL-999'", {("delay", "PAC-193", "seconds"), ("delay", "DL-999", "seconds")}),
        ("update stays set utility_seconds = 60", {("dwell", "PAC-193/reception", "p50")}),
        ("update stays set overrun_seconds = 999999", {("cause", "staff", "dossiers")}),
    ],
)
async def test_figures_that_no_column_holds_are_restated_too(
    sla: Sla, changed: str, figures: set[tuple[str, str, str]]
) -> None:
    """Who made a dossier late, why, and how long a step took are published with the record and sealed with it."""
    told, other = story(1), story(2)
    for one in (told, other):
        one.returned(local(7, 14, 9))
    await sla.hear([*told.facts, *other.facts])
    await sla.seal(JULY, local(8, 1, 8))
    assert await sla.calm() == 0
    columns = {**await sla.figures(JULY)}
    await sla.pool.execute(f"{changed} where case_id = '{told.case_id}'")
    await sla.pool.execute("insert into restating select id, $1 from seals", told.case_id)
    assert await sla.restating.round() == 1
    restated = (await said(sla))[-1]
    assert isinstance(restated, MonthRestated)
    assert restated.cases == (told.case_id,)
    assert figures <= {(one.kind, one.line, one.column) for one in restated.differences}
    assert {one.kind for one in restated.differences} <= {"delay", "dwell", "cause"}
    assert await sla.last_said(JULY) == await sla.figures(JULY) != columns
    await sla.pool.execute("insert into restating select id, $1 from seals", told.case_id)
    assert await sla.restating.round() == 0


async def test_what_was_signed_cannot_be_edited(sla: Sla) -> None:
    """Not even by somebody who has the service's own database role."""
    await sla.hear(story().facts)
    await sla.seal(JULY, local(8, 1, 8))
    for statement in ("update seals set actor = 'staff-1'", "delete from seals", "delete from restatements"):
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await sla.pool.execute(statement)


async def test_the_database_itself_refuses_overlapping_periods(sla: Sla) -> None:
    """The last line of defence, should two sealers ever not see each other."""
    await sla.hear(story().facts)
    await sla.seal(JULY, local(8, 1, 8))
    with pytest.raises(asyncpg.ExclusionViolationError):
        await sla.pool.execute(
            "insert into seals select 'x', $1, $2, sealed_at, actor, hash, document from seals",
            date(2017, 7, 31), date(2017, 8, 31),
        )  # fmt: skip


async def test_a_seal_that_is_not_there_is_a_clear_refusal(sla: Sla) -> None:
    """Neither it nor a restatement of it."""
    with pytest.raises(NotFound, match="2017-07-01"):
        await seal_store.one(sla.pool, JULY.id)
    with pytest.raises(NotFound, match="restatement 1"):
        await seal_store.restatement(sla.pool, JULY.id, 1)


async def overdue_july(sla: Sla) -> None:
    """Twenty-five dossiers of one counter, five of them overdue; in August twenty, none overdue."""
    told = [story(number) for number in range(1, 26)]
    for number, one in enumerate(told):
        one.returned(local(7, 14 if number < 5 else 12, 9))
    later = [story(number, local(8, 7, 9)) for number in range(26, 46)]
    for one in later:
        one.returned(local(8, 9, 9))
    await sla.hear([fact for one in (*told, *later) for fact in one.facts])


async def test_a_seal_opens_remedial_actions_and_the_next_record_shows_their_effect(sla: Sla) -> None:
    """Twenty percent of twenty-five: the counter is asked once; closed by a leader; nothing overdue in August."""
    await overdue_july(sla)
    await sla.seal(JULY, local(8, 1, 8))
    await sla.calm()
    await sla.pool.execute("update bookmarks set tx = '0', position = 0 where name = 'sla.remedies'")
    sla.opener.mark = None
    await sla.calm()  # read again from the start: nothing is opened twice
    (shown,) = await remedial_store.every(sla.pool, still_open=True)
    assert (shown["unit"], shown["overdue"], shown["solved"], shown["due"]) == ("PAC-193", 5, 25, date(2017, 8, 15))
    (opened,) = await sla.stream(f"remedy-{shown['id']}")
    assert isinstance(opened.fact, RemedialActionOpened)
    assert opened.cause.causation == f"month-{JULY.id}@1"

    with pytest.raises(Refused, match="no outcome") as refused:
        await close(sla, shown["id"], "done")
    assert "staff-added" in (refused.value.way_out or "")
    await close(sla, shown["id"], "staff-added")
    (_, closed) = await sla.stream(f"remedy-{shown['id']}")
    assert isinstance(closed.fact, RemedialActionClosed)
    assert (await remedial_store.every(sla.pool, still_open=True), len(await remedial_store.every(sla.pool))) == ([], 1)

    await sla.seal(AUGUST, local(9, 1, 8))
    (effect,) = msgspec.json.decode(await sla.pool.fetchval("select document from seals order by since desc limit 1"))[
        "effects"
    ]
    assert (effect["unit"], effect["before"]["share"], effect["after"]["share"]) == ("PAC-193", 0.2, 0.0)


async def close(sla: Sla, remedy: str, outcome: str) -> None:
    await remedial_store.close(sla.pool, RULES.catalogue, remedy, outcome, "evidence/7.pdf", frame(local(8, 9)), OTHER)
