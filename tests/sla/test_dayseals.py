"""Seals of days on a real database: made once, whatever runs beside; what comes late falls into a later one."""

import asyncio
import random
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from contracts.given import eventually
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from oracle.telling import Story, local, promise
from sla_at_work import Sla

from deadlines.instants import date_of, day_on
from events.signing import Signed, digest_of, public, vouched
from events.store.envelope import Cause
from events.store.store import Append, append
from sla.evidence import day_sealer
from sla.evidence.bundle import SEAL_OF
from sla.evidence.day_seal import tree_of
from sla.live.watermarks import CLOCK, KEEP
from sla.publishing.decide import promise as warnings

KEY = Ed25519PrivateKey.generate()
END_IT = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and query like '%day_seals%' limit 1
"""
MONDAY, TUESDAY, FRIDAY = date(2017, 7, 10), date(2017, 7, 11), date(2017, 7, 14)


def told(number: int = 1, day: int = 10) -> Story:
    it = Story(f"000.00.02.H49-170710-{number:04d}")
    it.received(local(7, day, 9), promise())
    return it


def end_of(day: date) -> datetime:
    """The first instant after a local day."""
    after = date_of(day_on(day) + 1)
    return local(after.month, after.day)


async def sealed(sla: Sla, day: date) -> Signed | None:
    return await day_sealer.seal(sla.pool, end_of(day), KEY)


async def kept(sla: Sla) -> list[Any]:
    return [msgspec.json.decode(raw)["document"] for raw in await day_sealer.since(sla.pool, date.min, 100)]


async def leaves(sla: Sla, number: int) -> list[str]:
    return [f"{head.stream}@{head.version}" for head in await day_sealer.heads(sla.pool, number)]


async def test_a_day_is_sealed_when_it_is_over(sla: Sla) -> None:
    """Not a second before; signed; its root is that of the heads; once more there is nothing to seal."""
    it, other = told(1), told(2)
    it.forwarded(local(7, 10, 10), "DL-193")
    it.acknowledged(local(7, 10, 11), "DL-193")
    await sla.keep([*it.facts, *other.facts])
    assert await day_sealer.seal(sla.pool, local(7, 10, 23, 59, 59), KEY) is None
    made = await sealed(sla, MONDAY)
    assert made is not None
    assert vouched(made, public(KEY))
    assert await kept(sla) == [made.document]
    assert made.document["day"] == "2017-07-10"
    assert (made.document["streams"], made.document["facts"], made.document["previous"]) == (3, 4, "")
    assert await leaves(sla, 1) == [f"case-{it.case_id}@1", f"case-{other.case_id}@1", f"route-{it.case_id}@2"]
    assert tree_of(await day_sealer.heads(sla.pool, 1)).root.hex() == made.document["root"]
    assert await sealed(sla, FRIDAY) is None


async def test_each_day_has_its_seal_and_names_the_one_before(sla: Sla) -> None:
    """Days that came in one look are told apart by when their facts were recorded; a day without any has none."""
    it = told()
    it.forwarded(local(7, 10, 10), "DL-193")
    it.forwarded(local(7, 11, 8), "TC-193", by="DL-193")
    it.returned(local(7, 14, 9))
    await sla.keep(it.facts)
    made = []
    while (one := await sealed(sla, FRIDAY)) is not None:
        made.append(one.document)
    assert [one["day"] for one in made] == ["2017-07-10", "2017-07-11", "2017-07-14"]
    assert [one["previous"] for one in made] == ["", digest_of(made[0]), digest_of(made[1])]
    assert [await leaves(sla, number) for number in (1, 2, 3)] == [
        [f"case-{it.case_id}@1", f"route-{it.case_id}@1"], [f"route-{it.case_id}@2"], [f"route-{it.case_id}@3"],
    ]  # fmt: skip


async def test_what_comes_late_falls_into_a_later_seal(sla: Sla) -> None:
    """The seal of its own day stays byte for byte; the tree behind it, too."""
    it, late = told(1), told(2)
    await sla.keep(it.facts)
    first = await sealed(sla, MONDAY)
    before = await sla.pool.fetchval("select document from day_seals")
    await sla.keep(late.facts)
    assert await day_sealer.seal(sla.pool, local(7, 11, 23), KEY) is None
    second = await sealed(sla, TUESDAY)
    assert first is not None
    assert second is not None
    assert second.document["day"] == "2017-07-11"
    assert await leaves(sla, 2) == [f"case-{late.case_id}@1"]
    assert await sla.pool.fetchval("select document from day_seals where number = 1") == before
    assert tree_of(await day_sealer.heads(sla.pool, 1)).root.hex() == first.document["root"]


@pytest.mark.parametrize("seed", range(4))
async def test_every_fact_is_in_one_seal_whatever_the_order_of_arrival(sla: Sla, seed: int) -> None:
    """Kafka gives whole partitions after an outage: days cross. Each seal holds what was there of its day."""
    drawn = random.Random(seed)
    facts = [fact for number in range(1, 5) for fact in crossing(number).facts]
    drawn.shuffle(facts)
    arrived = 0
    for day in range(9, 19):
        more = len(facts) if day == 18 else drawn.randrange(arrived, len(facts))
        await sla.keep(facts[arrived:more])
        arrived = max(arrived, more)
        while await day_sealer.seal(sla.pool, local(7, day), KEY):
            pass
    marks = await sla.pool.fetch("select number, day, ends from day_seals order by number")
    covered = [await leaves(sla, row["number"]) for row in marks]
    assert sum(one["facts"] for one in await kept(sla)) == len(facts)
    assert {leaf for one in covered for leaf in one} >= {
        f"route-{crossing(number).case_id}@4" for number in range(1, 5)
    }
    for row, document in zip(marks, await kept(sla), strict=True):
        assert tree_of(await day_sealer.heads(sla.pool, row["number"])).root.hex() == document["root"]
    seals = {number: dict(row) for number, row in enumerate(marks, 1)}
    of_fact = f"select stream, version, recorded_at, {SEAL_OF.format(log='inbox')} as seal from inbox"
    for fact in await sla.pool.fetch(of_fact):
        assert fact["recorded_at"] < seals[fact["seal"]]["ends"]
        heads = {head.stream: head.version for head in await day_sealer.heads(sla.pool, fact["seal"])}
        assert heads[fact["stream"]] >= fact["version"]


def crossing(number: int) -> Story:
    """A dossier that is passed on from day to day."""
    it = told(number)
    for day in range(11, 15):
        it.forwarded(local(7, day, 8 + number), "DL-193")
    return it


async def test_our_own_log_is_sealed_too(sla: Sla) -> None:
    """What sla says of a case stands beside what it heard."""
    it = told()
    it.returned(local(7, 10, 16))
    await sla.hear(it.facts)
    await sealed(sla, MONDAY)
    assert f"promise-{it.case_id}@1" in await leaves(sla, 1)


async def test_two_at_once_make_one_seal(sla: Sla) -> None:
    await sla.keep([*told(1).facts, *told(2, day=11).facts])
    made = [one for one in await asyncio.gather(*(sealed(sla, MONDAY) for _ in range(6))) if one]
    assert [one.document["number"] for one in made] == [1]
    rounds = [day_sealer.DaySeals(sla.parts).round() for _ in range(4)]
    await sla.pool.execute(KEEP, CLOCK, end_of(TUESDAY))
    await asyncio.gather(*rounds)
    assert [one["number"] for one in await kept(sla)] == [1, 2]


async def test_a_sealing_that_was_killed_leaves_nothing_and_is_done_again(sla: Sla) -> None:
    """Its session is ended while it waits for the table; whoever comes next, after a restart too, seals the day."""
    await sla.keep([*told(1).facts, *told(2, day=11).facts])
    await sla.pool.execute(KEEP, CLOCK, end_of(TUESDAY))
    async with sla.pool.acquire() as holder, holder.transaction():
        await holder.execute("lock table day_seals")
        killed = asyncio.create_task(day_sealer.DaySeals(sla.parts).round())
        await eventually(lambda: sla.pool.fetchval(END_IT))
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await killed
    assert await kept(sla) == []
    after = day_sealer.DaySeals(sla.parts)
    assert [await after.round() for _ in range(3)] == [True, True, False]
    assert [(one["number"], one["day"]) for one in await kept(sla)] == [(1, "2017-07-10"), (2, "2017-07-11")]
    assert not await day_sealer.DaySeals(sla.parts).round()


async def test_what_is_still_being_written_waits_for_a_later_seal(sla: Sla) -> None:
    """A row behind the horizon is not sealed, and not lost either."""
    it, other = told(1), told(2)
    async with sla.pool.acquire() as slow, slow.transaction():
        await slow.execute("select pg_current_xact_id()")
        await sla.keep(it.facts)
        assert await sealed(sla, MONDAY) is None
        await sla.keep(other.facts)
    await sealed(sla, MONDAY)
    assert await leaves(sla, 1) == [f"case-{it.case_id}@1", f"case-{other.case_id}@1"]


async def test_a_stream_that_gains_more_is_sealed_by_its_new_head(sla: Sla) -> None:
    """Our own stream, through the store: the head's hash is that of the log, and holds all before it."""
    stream = warnings.stream("000.00.02.H49-170710-0001")
    for number, day in enumerate((10, 11)):
        said = told(day=day).facts[0]
        async with sla.pool.acquire() as connection, connection.transaction():
            cause = Cause(correlation="c", causation="c", actor="policy-test")
            one = Append(
                stream=stream, expected=number, facts=[said.fact], cause=cause, at=said.at, recorded_at=said.at
            )
            await append(connection, [one])
        await sealed(sla, date(2017, 7, day))
    assert [await leaves(sla, number) for number in (1, 2)] == [[f"{stream}@1"], [f"{stream}@2"]]


async def test_without_a_key_it_is_kept_unsigned(sla: Sla) -> None:
    await sla.keep(told().facts)
    made = await day_sealer.seal(sla.pool, datetime(2017, 7, 11, tzinfo=UTC), None)
    assert made is not None
    assert (made.key, made.signature) == ("", "")


async def test_nobody_edits_a_seal(sla: Sla) -> None:
    await sla.keep(told().facts)
    await sealed(sla, MONDAY)
    for statement in ("update day_seals set document = ''", "delete from day_seals", "truncate day_seals"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await sla.pool.execute(statement)
