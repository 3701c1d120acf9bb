"""A year of promises, steps and referrals, with a ticker that keeps dying, two at once, and facts that come late.

Everything is said once.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

import asyncpg
from oracle.warned import Clock, Oracle, Word
from oracle.year import BEGIN, year
from sla_at_work import RULES, Sla

from events.contracts.sla import (
    DeadlineApproaching,
    DeadlineMissed,
    DeadlineMissWithdrawn,
    DeadlineOverrun,
    LimitApproaching,
    LimitMissed,
    LimitMissWithdrawn,
)
from events.service.runtime import Parts
from events.store import database as postgres_of
from events.store.envelope import RecordedEvent
from events.subscriptions.wakeup import Wakeup
from sla.live.ticker import tick

LONG = "ONEDOOR_CASES" in os.environ
CASES = int(os.environ.get("ONEDOOR_CASES", "300")) // 5
DEATHS = 200 if LONG else 20
EVERY = timedelta(days=1 if LONG else 3)
DAYS = 365
LATE = {"AgencyReplied": 0.7, "DossierForwarded": 0.2}  # what part of these facts; of any other one in twenty
BATCH = 100  # facts heard at once: less than the judge takes in one step
# The n-th row that a ticker writes after `life` was set to -n is its last: the server ends its session.
MORTAL = """
create sequence life minvalue -1000000000;
create function live() returns trigger language plpgsql as $$ begin
    if nextval('life') = 0 then perform pg_terminate_backend(pg_backend_pid()); end if;
    return coalesce(new, old);
end $$;
create trigger mortal after insert on events for each row execute function live();
create trigger mortal before delete on timers for each row execute function live();
"""
DEAD = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InterfaceError)


def arrivals(random: Random) -> list[tuple[datetime, RecordedEvent]]:
    """The facts of a year as they arrive, some late by days; apologies and things put right are not rare."""
    told = year(CASES, RULES.catalogue, pace=5)
    for story in told:
        if random.random() < 0.2:
            at = story.facts[0].at + timedelta(hours=random.randrange(1, 72))
            asked = story.referred(at, "QN-SXD")
            story.replied(at + timedelta(days=random.randrange(1, 12)), "QN-SXD", asked)
        if random.random() < 0.3:
            at = story.facts[0].at + timedelta(hours=random.randrange(1, 72))
            story.extended(at, at + timedelta(days=random.randrange(3, 10)))
        if random.random() < 0.5:
            wrong = random.choice(story.facts)
            at = wrong.at + timedelta(hours=random.randrange(1, 72))
            if wrong is story.facts[0] or random.random() < 0.5:
                story.corrected(at, wrong.id, "at", wrong.at - timedelta(minutes=random.randrange(1, 90)))
            else:
                story.voided(at, wrong.id)
    facts = sorted((fact for story in told for fact in story.facts), key=lambda fact: (fact.at, fact.id))
    late = [
        timedelta(days=random.randrange(1, 12)) if random.random() < LATE.get(fact.type, 0.05) else timedelta()
        for fact in facts
    ]
    return sorted(((fact.at + by, fact) for fact, by in zip(facts, late, strict=True)), key=lambda one: one[0])


@asynccontextmanager
async def tickers(sla: Sla) -> AsyncIterator[list[Parts]]:
    """Two processes with connections of their own."""
    pools = [await postgres_of.connect(sla.parts.settings.database_url) for _ in range(2)]
    yield [Parts(settings=sla.parts.settings, pool=pool, bell=Wakeup(), producer=None) for pool in pools]
    for pool in pools:
        await pool.close()


async def both(two: list[Parts], now: datetime) -> tuple[int, int]:
    """Both tick at once; returns how much was said and how many of them died."""
    results = await asyncio.gather(*(tick(parts, now) for parts in two), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, DEAD):
            raise result
    said = [result for result in results if isinstance(result, int)]
    return sum(said), len(results) - len(said)


async def said(sla: Sla) -> dict[str, list[Word]]:
    """What the log of the service holds, case by case."""
    found: dict[str, list[Word]] = {}
    misses: dict[str, DeadlineMissed | LimitMissed] = {}
    for case_id in await sla.pool.fetch("select distinct subject from events order by subject"):
        found[case_id[0]] = words = []
        for one in await sla.stream(f"promise-{case_id[0]}"):
            match one.fact:
                case DeadlineApproaching() | LimitApproaching() as it:
                    words.append(Word(it.threshold, clock(it), it.revision, it.due, one.at))
                case DeadlineMissed() | LimitMissed() as it:
                    misses[one.id] = it
                    words.append(Word("missed", clock(it), it.revision, it.due, one.at))
                case DeadlineOverrun() as it:
                    words.append(Word(it.step, clock(it), 0, it.due, one.at))
                case DeadlineMissWithdrawn() | LimitMissWithdrawn() as it:
                    miss = misses[it.missed]
                    assert clock(it) == clock(miss)
                    words.append(Word("withdrawn", clock(it), miss.revision, miss.due, miss.due))
    return {case_id: sorted(words) for case_id, words in found.items() if words}


def clock(fact: Any) -> Clock:
    limit = isinstance(fact, LimitApproaching | LimitMissed | LimitMissWithdrawn)
    return Clock(fact.cycle, fact.clock, fact.unit, fact.opened_by) if limit else Clock(fact.cycle)


async def test_every_warning_of_a_year_is_said_once(sla: Sla) -> None:
    """Every warning, miss and withdrawal that the oracle asks for, with its revision and due, and none besides."""
    random, oracle = Random(2017), Oracle(RULES)
    coming = arrivals(random)
    deaths = 0
    await sla.pool.execute(MORTAL)
    async with tickers(sla) as two:
        for now in instants(random):
            arrived = [fact for at, fact in coming if at <= now]
            coming = coming[len(arrived) :]
            for batch in (arrived[first : first + BATCH] for first in range(0, len(arrived), BATCH)):
                await sla.hear(batch)
                oracle.hear(batch)
            expected = oracle.tick(now)
            if expected:
                await sla.pool.execute("select setval('life', $1)", -random.randint(1, 2 * expected))
            died = (await both(two, now))[1]
            while (again := await both(two, now)) != (0, 0):
                died += again[1]
            assert died == (expected > 0)
            deaths += died
    assert deaths >= DEATHS
    words = {(word.clock.kind, word.what) for case in oracle.cases.values() for word in case.said}
    assert {(kind, "withdrawn") for kind in ("promise", "step", "agency")} <= words
    asked = {case_id: sorted(case.said) for case_id, case in oracle.cases.items() if case.said}
    assert await said(sla) == asked


def instants(random: Random) -> Iterator[datetime]:
    """When it is looked at the clock: at any time of day, in steps, now and then after a jump."""
    now = BEGIN
    while now < BEGIN + timedelta(days=DAYS):
        yield now + timedelta(seconds=random.randrange(86400))
        now += EVERY * (1 if random.random() < 0.95 else random.randrange(2, 8))
    yield now + timedelta(days=30)
