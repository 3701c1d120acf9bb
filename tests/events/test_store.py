"""The event store: what is appended is read back, chained by its hashes, and never changed."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from contracts.given import CAUSE, MINUTE, NINE, case_id, closed, line, rated, received, say, stream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.contracts.intake import AdviceGiven
from events.errors import WrongVersion
from events.store.database import Pool
from events.store.envelope import Cause, RecordedEvent, link
from events.store.store import append, load

SQL_LINK = "select link($1, $2, $3, $4, $5::smallint, $6, $7, $8, $9, $10, $11)"
HASHES = "select hash from events where stream = $1 order by version"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
# From the first instant that Python and Postgres both know to the last.
INSTANTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=7))]), min_value=datetime(2, 1, 1))  # noqa: DTZ001


async def test_what_is_appended_is_read_back_equal(pool: Pool) -> None:
    """The rows hold exactly what the writer was told that it said."""
    said = await say(pool, line(stream(), received(), rated(), at=NINE))
    async with pool.acquire() as connection:
        assert await load(connection, stream(), "case-unknown") == {stream(): said, "case-unknown": []}
    assert [one.id for one in said] == [f"{stream()}@1", f"{stream()}@2"]
    assert {one.subject for one in said} == {case_id()}
    assert said[0].fact == received()
    assert said[0].at == NINE


async def test_many_new_streams_at_once_are_what_each_would_be_alone(pool: Pool) -> None:
    """One statement makes them: their hashes, instants and, for whoever reads the log, the order of their names."""
    lines = [line(stream(number), rated(number), at=NINE + number * MINUTE) for number in range(20)]
    told = line(stream(20), rated(20), recorded_at=NINE)
    said = await say(pool, told, *lines[::-1])
    for one in said:
        assert one.hash == link(b"", one)
    assert [one.recorded_at == NINE for one in said] == [False] * 20 + [True]
    async with pool.acquire() as connection:
        found = await load(connection, *(one.stream for one in said))
    assert [one for (one,) in found.values()] == said
    in_order = await pool.fetch("select stream from events order by position")
    assert [row["stream"] for row in in_order] == sorted(one.stream for one in said)
    with pytest.raises(WrongVersion):
        await say(pool, line(stream(99), rated(99)), lines[0])
    assert await pool.fetchval("select count(*) from events") == len(said)


async def test_a_fact_without_a_case_is_about_its_own_stream(pool: Pool) -> None:
    """Advice has no case: its stream is its partition key."""
    advice = AdviceGiven(advice_id="a-1", counter="PAC-HA-LONG", topic="tariff", channel="hotline")
    assert [one.subject for one in await say(pool, line("advice-a-1", advice))] == ["advice-a-1"]


async def test_the_chain_of_hashes_is_the_same_in_python(pool: Pool) -> None:
    """Evidence can be checked without the database: each link is recomputed from the facts alone."""
    await say(pool, line(stream(), received(), rated(1)))
    await say(pool, line(stream(), rated(1, 2), closed(), expected=2))
    async with pool.acquire() as connection:
        facts = (await load(connection, stream()))[stream()]
    previous, computed = b"", []
    for fact in facts:
        previous = link(previous, fact)
        computed.append(previous)
    assert computed == [one.hash for one in facts] == [row["hash"] for row in await pool.fetch(HASHES, stream())]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    previous=st.binary(max_size=32), texts=st.tuples(*[TEXT] * 5), version=st.integers(1, 2**31 - 1),
    schema=st.integers(1, 2**15 - 1), at=INSTANTS, recorded_at=INSTANTS, data=st.binary(),
)  # fmt: skip
async def test_sql_and_python_link_alike(
    pool: Pool, previous: bytes, texts: tuple[str, ...], version: int, schema: int, at: datetime,
    recorded_at: datetime, data: bytes,
) -> None:  # fmt: skip
    """One fixed encoding for every text, number, instant and byte string, far dates and accents included."""
    name, kind, actor, correlation, causation = texts
    sql = await pool.fetchval(
        SQL_LINK, previous, name, version, kind, schema, at, recorded_at, actor, correlation, causation, data
    )
    fact = RecordedEvent(
        stream=name, version=version, subject="", type=kind, schema=schema, fact=None, data=data, at=at,
        recorded_at=recorded_at, hash=b"", cause=Cause(correlation=correlation, causation=causation, actor=actor),
    )  # fmt: skip
    assert link(previous, fact) == sql


def test_a_link_depends_on_every_field() -> None:
    """Moving a byte from one field into the next must not give the same hash."""
    told: dict[str, Any] = {
        "stream": "a", "version": 1, "subject": "s", "type": "T", "schema": 1, "fact": None, "data": b"d",
        "at": NINE, "recorded_at": NINE, "hash": b"", "cause": CAUSE,
    }  # fmt: skip
    changes: list[dict[str, Any]] = [
        {}, {"stream": "aT", "type": ""}, {"stream": "b"}, {"version": 2}, {"type": "U"}, {"schema": 2}, {"data": b"e"},
        {"at": NINE + MINUTE}, {"recorded_at": NINE + MINUTE},
        *({"cause": Cause(**{"actor": "a", "correlation": "b", "causation": "c", **one})}
          for one in ({}, {"actor": "x"}, {"correlation": "x"}, {"causation": "x"})),
    ]  # fmt: skip
    assert len({link(b"", RecordedEvent(**{**told, **change})) for change in changes}) == len(changes)
    assert link(b"p", RecordedEvent(**told)) != link(b"", RecordedEvent(**told))


@pytest.mark.parametrize("expected", [0, 1, 3])
async def test_a_stream_that_is_elsewhere_refuses_the_append(pool: Pool, expected: int) -> None:
    """Behind, ahead or new: whoever decided on another version must look again."""
    await say(pool, line(stream(), received(), rated()))
    with pytest.raises(WrongVersion):
        await say(pool, line(stream(), closed(), expected=expected))
    assert await pool.fetchval("select count(*) from events") == 2


async def test_of_eight_writers_of_one_version_one_wins(pool: Pool) -> None:
    """Everybody saw version 1; a single version 2 comes of it, and everybody else is told."""
    await say(pool, line(stream(), received()))
    outcomes = await asyncio.gather(
        *(say(pool, line(stream(), rated(1, 1 + stars % 5), expected=1)) for stars in range(8)), return_exceptions=True
    )
    assert sum(isinstance(one, list) for one in outcomes) == 1
    assert sum(isinstance(one, WrongVersion) for one in outcomes) == 7
    assert await pool.fetchval("select count(*) from events") == 2


async def test_two_streams_in_opposite_order_do_not_lock_each_other_out(pool: Pool) -> None:
    """The streams of one call are taken in the order of their names, whatever order they were given in."""
    for turn in range(20):
        pairs = [line(stream(turn * 2), received(turn * 2)), line(stream(turn * 2 + 1), received(turn * 2 + 1))]
        outcomes = await asyncio.gather(say(pool, *pairs), say(pool, *reversed(pairs)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in outcomes) == ["WrongVersion", "list"]


async def test_many_streams_are_appended_in_one_call_or_not_at_all(pool: Pool) -> None:
    """One moved stream takes the whole call back."""
    await say(pool, line(stream(1), received(1)), line(stream(2), received(2)))
    with pytest.raises(WrongVersion):
        await say(pool, line(stream(1), rated(1), expected=1), line(stream(2), rated(2), expected=0))
    assert await pool.fetchval("select count(*) from events") == 2


TAKE_A_NUMBER = "insert into idempotency values ('a', 'r', 'k', '', '')"


async def _append_after_a_write(pool: Pool, *lines: Any) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(TAKE_A_NUMBER)
        await append(connection, lines)


async def test_a_transaction_with_a_number_may_not_append_to_an_old_stream(pool: Pool) -> None:
    """Its later version would be read before an earlier one of another transaction."""
    await say(pool, line(stream(), received()))
    with pytest.raises(asyncpg.PostgresError, match="first write"):
        await _append_after_a_write(pool, line(stream(), closed(), expected=1))


async def test_a_transaction_with_a_number_may_begin_new_streams(pool: Pool) -> None:
    """A new stream has no earlier version that could be overtaken."""
    await _append_after_a_write(pool, line(stream(1), received(1), rated(1)), line(stream(2), received(2)))
    assert await pool.fetchval("select count(*) from events") == 3


async def test_a_new_stream_does_not_smuggle_an_old_one_past_the_rule(pool: Pool) -> None:
    """Every stream of the call must be new, not only one of them."""
    await say(pool, line(stream(2), received(2)))
    with pytest.raises(asyncpg.PostgresError, match="first write"):
        await _append_after_a_write(pool, line(stream(1), received(1)), line(stream(2), closed(2), expected=1))


async def test_a_transaction_appends_once(pool: Pool) -> None:
    """A second append could no longer be the first write; even new streams are refused, so that nobody begins to."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append(connection, [line(stream(1), received(1))])
        with pytest.raises(asyncpg.PostgresError, match="once"):
            await append(connection, [line(stream(2), received(2))])
        await transaction.rollback()
        async with connection.transaction():  # the next transaction of the same connection is free again
            await append(connection, [line(stream(3), received(3))])
    assert await pool.fetchval("select count(*) from events") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "update events set actor = 'x'",
        "delete from events",
        "truncate events",
        "update events set actor = 'x' where false",
    ],
)
async def test_the_log_is_append_only(pool: Pool, statement: str) -> None:
    """Not even the service's own role changes what was said."""
    await say(pool, line(stream(), received()))
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await pool.execute(statement)


async def test_the_database_says_when_it_was_recorded(pool: Pool) -> None:
    """In wall mode the instant of recording is the database's, between two looks at its clock."""
    before = await pool.fetchval("select clock_timestamp()")
    said = await say(pool, line(stream(), received()))
    assert before <= said[0].recorded_at <= await pool.fetchval("select clock_timestamp()")


async def test_the_log_mode_records_what_it_is_told(pool: Pool) -> None:
    """In a demo time is the caller's, for what happened and for when it was written down."""
    said = await say(pool, line(stream(), received(), recorded_at=NINE + MINUTE))
    async with pool.acquire() as connection:
        assert (await load(connection, stream()))[stream()][0].recorded_at == said[0].recorded_at == NINE + MINUTE


async def test_an_append_of_nothing_says_nothing(pool: Pool) -> None:
    """A command that asks for nothing new needs no special case at its caller."""
    assert await say(pool) == []
    assert await say(pool, line(stream())) == []
