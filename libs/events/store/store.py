"""The event store, which is also the outbox: load streams, append facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from events.contracts.catalogue import Fact, name_of, read, write
from events.errors import UnknownType, WrongVersion
from events.store.database import Connection
from events.store.envelope import Cause, RecordedEvent

COLUMNS = "stream, version, subject, type, schema, at, recorded_at, actor, correlation, causation, trace, data, hash"
LOAD = f"select {COLUMNS} from events where stream = any($1) order by stream, version"
APPEND = """
select moments, hashes from append((select epoch from cluster), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
# The same, and the answer of the command that made it, in one round trip; the append still comes first.
APPEND_AND_KEEP = """
with said as (
    select moments, hashes from append((select epoch from cluster), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
), kept as (insert into idempotency (actor, route, key, body_hash, answer) select $13, $14, $15, $16, $17 from said)
select moments, hashes from said
"""
# The same, and the bookmark of the follower that asked for it.
APPEND_AND_MOVE = """
with said as materialized (
    select moments, hashes from append((select epoch from cluster), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
) select moments, hashes, move($13, $14, $15, $16, $17, $18, $19, $20) from said
"""
# append() says OD003 when the stream is behind; the unique key says it when the stream moved on; move() says OD004.
MOVED_ON = ("OD003", "OD004")


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Facts for one stream that stands at version `expected` (0: a new stream), and why they were said.

    `at` is when they happened; `recorded_at` is given only where the deployment's clock is the log's. `data` are their
    bytes, where there are fields in them that the classes do not know.
    """

    stream: str
    expected: int
    facts: Sequence[Fact]
    cause: Cause
    at: datetime
    recorded_at: datetime | None = None
    data: Sequence[bytes] | None = None

    def written(self) -> Sequence[bytes]:
        """The data bytes of each fact."""
        return self.data if self.data is not None else [write(fact) for fact in self.facts]


def subject_of(fact: Fact, stream: str) -> str:
    """What a fact is about: its case, the system that a refusal is for, or else its own stream. Equal subjects share a
    partition."""
    return getattr(fact, "case_id", None) or getattr(fact, "source", None) or stream


def recorded_from(row: Any) -> RecordedEvent:
    """A row of `events` or `inbox` as the fact it holds; `fact` is None for a type unknown to this version."""
    try:
        fact = read(row["type"], row["schema"], row["data"], trusted=True)
    except UnknownType:
        fact = None
    return RecordedEvent(
        stream=row["stream"], version=row["version"], subject=row["subject"], type=row["type"], schema=row["schema"],
        fact=fact, data=row["data"], at=row["at"], recorded_at=row["recorded_at"], hash=row["hash"],
        cause=Cause(
            correlation=row["correlation"], causation=row["causation"], actor=row["actor"], trace=row["trace"]
        ),
    )  # fmt: skip


async def load(connection: Connection, *streams: str) -> dict[str, list[RecordedEvent]]:
    """The facts of each stream in order of version; an empty list for a stream that does not exist."""
    found: dict[str, list[RecordedEvent]] = {stream: [] for stream in streams}
    for row in await connection.fetch(LOAD, streams):
        found[row["stream"]].append(recorded_from(row))
    return found


async def append(
    connection: Connection,
    appends: Sequence[Append],
    *,
    answer: tuple[str, str, str, bytes, bytes] | None = None,
    moving: tuple[str | int, ...] | None = None,
) -> list[RecordedEvent]:
    """Append to the streams, sorted by name, as the transaction's first write (see append() in 0009_append_many.sql).

    `answer` is a row of `idempotency` to keep with it, `moving` the arguments of move() for a bookmark that moves
    with it. Raises WrongVersion when a stream or the bookmark has moved on, or when the same key is being answered:
    load, decide and append again.
    """
    lines = [
        (one, one.expected + number, fact, *name_of(fact), data)
        for one in sorted(appends, key=lambda one: one.stream)
        for number, (fact, data) in enumerate(zip(one.facts, one.written(), strict=True), start=1)
    ]
    columns = [
        (
            one.stream, version, subject_of(fact, one.stream), name, schema, data, one.at, one.recorded_at,
            one.cause.actor, one.cause.correlation, one.cause.causation, one.cause.trace,
        )
        for one, version, fact, name, schema, data in lines
    ]  # fmt: skip
    if not columns:
        return []
    try:
        statement = APPEND_AND_KEEP if answer else APPEND_AND_MOVE if moving else APPEND
        row = await connection.fetchrow(statement, *zip(*columns, strict=True), *(answer or moving or ()))
    except asyncpg.UniqueViolationError as taken:
        raise WrongVersion(str(taken)) from taken
    except asyncpg.PostgresError as error:
        if error.sqlstate in MOVED_ON:
            raise WrongVersion(str(error)) from error
        raise
    assert row is not None
    return [
        RecordedEvent(
            stream=one.stream, version=version, subject=subject_of(fact, one.stream), type=name, schema=schema,
            fact=fact, data=data, cause=one.cause, at=one.at, recorded_at=moment, hash=digest,
        )
        for (one, version, fact, name, schema, data), moment, digest in zip(
            lines, row["moments"], row["hashes"], strict=True
        )
    ]  # fmt: skip
