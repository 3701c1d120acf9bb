"""What others said is kept once, with the offsets, and whatever cannot be kept is set aside with its reason."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from contracts.given import MINUTE, NINE, case_id, line, rated, received, say, stream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.kafka.cloudevent import to_cloudevent
from events.kafka.inbox import Kept, keep
from events.operations.parked import RETRIED_AT_ONCE, retry
from events.store.database import Pool

INBOX = "select stream || '@' || version from inbox order by tx, position"
PARKED = "select subject, place, reason, body, settled from parked order by id"
HEARD = "select next_offset from heard where topic = 'intake.events' and partition = $1"


@dataclass(frozen=True)
class Heard:
    """A Kafka record, as far as we use one."""

    value: bytes | None
    offset: int = 0
    partition: int = 3
    topic: str = "intake.events"
    key: bytes | None = case_id().encode()


async def events(pool: Pool) -> list[bytes]:
    """The log of the speaking service as records."""
    return [
        to_cloudevent(dict(row), "/onedoor/intake")
        for row in await pool.fetch("select * from events order by position")
    ]


async def hear(pool: Pool, *values: bytes | None, first: int = 0) -> Kept:
    """Keep these values as one batch of one partition."""
    async with pool.acquire() as connection:
        return await keep(connection, [Heard(value, offset) for offset, value in enumerate(values, first)])


async def kept(pool: Pool) -> Sequence[str]:
    return [row[0] for row in await pool.fetch(INBOX)]


def changed(event: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(event), **changes}).encode()


@pytest.fixture
async def said(pool: Pool) -> list[bytes]:
    """A receipt and two marks, as they go over the wire."""
    await say(pool, line(stream(), received(), rated(1, 4), rated(1, 5)))
    return await events(pool)


async def test_what_is_heard_is_kept_with_everything_it_said(pool: Pool, listener: Pool, said: list[bytes]) -> None:
    """The listener's row equals the speaker's, hash and data bytes included."""
    assert await hear(listener, *said) == Kept(new=3, repeated=0, parked=0)
    columns = (
        "stream, version, subject, type, schema, at, recorded_at, actor, correlation, causation, trace, data, hash"
    )
    assert await listener.fetch(f"select {columns} from inbox order by position") == await pool.fetch(
        f"select {columns} from events order by position"
    )
    assert await listener.fetchval(HEARD, 3) == 3


async def test_repeats_are_dropped_in_one_batch_and_across_batches(listener: Pool, said: list[bytes]) -> None:
    """A record may come again; the fact is one."""
    assert await hear(listener, said[0], said[0], said[1]) == Kept(new=2, repeated=1, parked=0)
    assert await hear(listener, said[1], said[2], said[2], first=3) == Kept(new=1, repeated=2, parked=0)
    assert await kept(listener) == [f"{stream()}@{version}" for version in (1, 2, 3)]
    assert await listener.fetchval(HEARD, 3) == 6


@pytest.mark.parametrize("together", [True, False])
async def test_the_same_id_with_another_hash_is_a_fork_and_parked(
    listener: Pool, said: list[bytes], together: bool
) -> None:
    """A restored speaker used its numbers again; neither body may win by coming first or last unseen."""
    other = changed(said[0], hash="ab" * 32)
    if together:
        assert await hear(listener, said[0], other, said[1]) == Kept(new=2, repeated=0, parked=1)
    else:
        await hear(listener, said[0])
        assert await hear(listener, other, said[1], first=1) == Kept(new=1, repeated=0, parked=1)
    parked = await listener.fetch(PARKED)
    assert [(row["subject"], row["place"], row["body"]) for row in parked] == [(case_id(), "intake.events/3/1", other)]
    assert "forked" in parked[0]["reason"]
    assert len(await kept(listener)) == 2


NOT_EVENTS = [None, b"", b"{", b"\xff\xfe", b"null", b"[" * 100_000, b'{"specversion": "\\u0000"}']


@pytest.mark.parametrize("garbage", NOT_EVENTS)
async def test_what_cannot_be_read_is_parked_and_the_next_is_kept(
    listener: Pool, said: list[bytes], garbage: bytes | None
) -> None:
    """Under its key, with its place, its bytes and the reason."""
    assert await hear(listener, said[0], garbage, said[1]) == Kept(new=2, repeated=0, parked=1)
    parked = await listener.fetch(PARKED)
    assert [(row["subject"], row["place"], row["body"]) for row in parked] == [
        (case_id(), "intake.events/3/1", garbage or b"")
    ]
    assert parked[0]["reason"]
    assert await listener.fetchval(HEARD, 3) == 3


@pytest.mark.parametrize("key", [None, b"", b"\xff\xfe", b"a\x00b", b"k" * 10_000])
async def test_any_key_can_be_parked(listener: Pool, key: bytes | None) -> None:
    """Who sends bytes that are no event sends keys that are no text."""
    async with listener.acquire() as connection:
        assert (await keep(connection, [replace(Heard(b"garbage"), key=key)])).parked == 1


async def test_an_unknown_type_is_kept_and_blocks_nothing(listener: Pool, said: list[bytes]) -> None:
    """A newer speaker; the row waits for a version that knows it."""
    newer = changed(said[0], type="onedoor.NeverHeardOf.v3", id="case-x@1", sequence="1", data={"any": "thing"})
    assert await hear(listener, newer, said[0]) == Kept(new=2, repeated=0, parked=0)
    assert await listener.fetchval("select type from inbox where stream = 'case-x'") == "NeverHeardOf"


async def test_offsets_and_rows_commit_together(listener: Pool, said: list[bytes]) -> None:
    """A batch that fails after it was kept is heard again from its beginning."""
    async with listener.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await keep(connection, [Heard(said[0]), Heard(b"garbage", 1)])
        await transaction.rollback()
    assert await kept(listener) == []
    assert await listener.fetch(PARKED) == []
    assert await listener.fetchval(HEARD, 3) is None


async def test_an_offset_never_goes_back(listener: Pool, said: list[bytes]) -> None:
    """A partition that was taken over meanwhile may bring an old batch late."""
    await hear(listener, said[2], first=9)
    await hear(listener, said[0], first=4)
    assert await listener.fetchval(HEARD, 3) == 10


async def test_a_batch_of_many_partitions_moves_each(listener: Pool, said: list[bytes]) -> None:
    """A batch handler must not assume one partition."""
    async with listener.acquire() as connection:
        await keep(connection, [Heard(said[0], 7, 1), Heard(said[1], 2, 2), Heard(said[2], 8, 1)])
    assert [await listener.fetchval(HEARD, partition) for partition in (1, 2)] == [9, 3]


JSON = st.none() | st.booleans() | st.integers() | st.text() | st.floats() | st.lists(st.text())
FIELDS = ["id", "type", "subject", "time", "recordedtime", "actor", "correlationid", "causationid", "sequence", "hash",
          "data", "traceparent", "key", "source"]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=2) | st.binary(max_size=50), min_size=1, max_size=8
    ),
    st.binary(max_size=20),
)
async def test_nothing_that_comes_makes_keeping_fail(
    listener: Pool, said: list[bytes], batch: list[dict[str, Any] | bytes], key: bytes
) -> None:
    """Every record becomes a row, a repeat or something parked; none stops the others."""
    values = [one if isinstance(one, bytes) else changed(said[0], **one) for one in batch]
    async with listener.acquire() as connection:
        records = [Heard(value, offset, key=key) for offset, value in enumerate(values)]
        outcome = await keep(connection, records)
    assert outcome.new + outcome.repeated + outcome.parked == len(batch)


async def test_a_parked_record_that_became_readable_is_kept_on_retry(listener: Pool, said: list[bytes]) -> None:
    """After an upgrade; here the bytes are mended by hand. It is handed to the followers like any other."""
    await hear(listener, b"garbage", said[1])
    assert await retry(listener, []) == 0
    await listener.execute("update parked set body = $1", said[0])
    assert await retry(listener, []) == 1
    assert await kept(listener) == [f"{stream()}@2", f"{stream()}@1"]
    assert [row["settled"] for row in await listener.fetch(PARKED)] == ["retried"]
    assert await retry(listener, []) == 0


async def test_a_parked_record_that_came_twice_is_settled_twice(listener: Pool, said: list[bytes]) -> None:
    """The relay may repeat a record; its case must not stay incomplete for ever because of the second."""
    await hear(listener, b"garbage", b"garbage")
    await listener.execute("update parked set body = $1", said[0])
    assert await retry(listener, []) == 2
    assert [row["settled"] for row in await listener.fetch(PARKED)] == ["retried", "repeated"]


async def test_many_are_tried_again_in_several_transactions(listener: Pool, said: list[bytes]) -> None:
    """One of thousands would hold back every follower of the cluster; one that stays parked stops none behind it."""
    await hear(listener, *[b"garbage"] * (2 * RETRIED_AT_ONCE + 1))
    await listener.execute("update parked set body = $1 where id <> (select min(id) from parked)", said[0])
    assert await retry(listener, []) == 2 * RETRIED_AT_ONCE
    assert await listener.fetchval("select count(*) from parked where settled is null") == 1
    assert await listener.fetchval("select count(distinct xmin::text) from parked") == 3


async def test_a_fork_stays_parked_on_retry(listener: Pool, said: list[bytes]) -> None:
    """Only a person decides between two bodies."""
    await hear(listener, said[0], changed(said[0], hash="ab" * 32))
    assert await retry(listener, []) == 0
    assert [row["settled"] for row in await listener.fetch(PARKED)] == [None]


async def test_a_time_in_another_zone_is_the_same_instant(listener: Pool, said: list[bytes]) -> None:
    """The row holds the instant, whatever its spelling was."""
    await hear(listener, changed(said[0], time="2017-07-10T09:01:00+07:00"))
    assert await listener.fetchval("select at from inbox") == NINE + MINUTE
