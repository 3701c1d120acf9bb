"""The cases of the inbox in bounded chunks, whole and in order: what as-of and what-if judge without touching a table
of the live generation, and what a rebuild folds that does without Kafka.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

from events.store.database import Connection
from events.store.envelope import RecordedEvent
from events.store.store import COLUMNS, recorded_from
from sla.judging.case import JUDGED

# The last subject of the next chunk: a walk over the index alone, so that no case is cut in two.
BOUND = "select subject from inbox where subject > $1 order by subject offset $2 limit 1"
UP_TO = f"""
select {COLUMNS} from inbox
where subject > $1 and subject <= $2 and recorded_at <= $3 and type = any($4) order by subject
"""
TO_THE_END = f"""
select {COLUMNS} from inbox where subject > $1 and recorded_at <= $2 and type = any($3) order by subject
"""
ONE = f"select {COLUMNS} from inbox where subject = $1 and recorded_at <= $2 and type = any($3)"
# Whatever its type, and what we ourselves said of the case.
SAID = f"""
select {COLUMNS} from inbox where subject = $1 and recorded_at <= $2
union all
select {COLUMNS} from events where stream = 'promise-' || $1 and recorded_at <= $2
"""
THOSE = f"""
select {COLUMNS} from inbox where subject = any($1) and recorded_at <= $2 and type = any($3) order by subject
"""
HOLES = "select distinct subject from parked where settled is null and subject is not null"
CHUNK = 500  # facts: some fifty cases, judged in some ten milliseconds, so that others are answered in between

EVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Known whenever it was recorded."""

Cases = dict[str, list[RecordedEvent]]
PIECE = 5_000  # facts: some five hundred cases, so that the last pieces end together and progress moves


class Piece(NamedTuple):
    """The cases after one id up to and with another, or to the end; or these cases."""

    after: str = ""
    until: str | None = None
    cases: tuple[str, ...] | None = None


class Heard(NamedTuple):
    """The inbox of one moment, which several connections see alike while whoever exported the snapshot holds it."""

    snapshot: str
    pieces: tuple[Piece, ...]


async def cases(connection: Connection, known_on: datetime, *, after: str = "") -> AsyncIterator[Cases]:
    """The facts of each case that were recorded up to an instant, chunk by chunk, by case id."""
    while True:
        bound = await connection.fetchval(BOUND, after, CHUNK)
        if bound is None:
            yield await rest(connection, known_on, after=after)
            return
        yield await between(connection, known_on, after=after, until=bound)
        after = bound


async def between(connection: Connection, known_on: datetime, *, after: str, until: str) -> Cases:
    """The cases after one id up to and with another."""
    return _by_case(await connection.fetch(UP_TO, after, until, known_on, JUDGED))


async def rest(connection: Connection, known_on: datetime, *, after: str) -> Cases:
    """The cases after an id."""
    return _by_case(await connection.fetch(TO_THE_END, after, known_on, JUDGED))


async def those(connection: Connection, cases: Sequence[str]) -> Cases:
    """These cases, everything that is known of them."""
    return _by_case(await connection.fetch(THOSE, cases, EVER, JUDGED))


async def one(connection: Connection, known_on: datetime, case_id: str) -> list[RecordedEvent]:
    """The facts of one case that were recorded up to an instant."""
    return [recorded_from(row) for row in await connection.fetch(ONE, case_id, known_on, JUDGED)]


async def said(connection: Connection, known_on: datetime, case_id: str) -> list[RecordedEvent]:
    """Every fact of one case that was recorded up to an instant, the judge's own verdicts and warnings too."""
    return [recorded_from(row) for row in await connection.fetch(SAID, case_id, known_on)]


async def bounds(connection: Connection, facts: int) -> list[str]:
    """Case ids that cut the inbox into pieces of so many facts; the last piece has no bound."""
    found: list[str] = []
    while (bound := await connection.fetchval(BOUND, found[-1] if found else "", facts)) is not None:
        found.append(bound)
    return found


async def pieces(connection: Connection) -> tuple[Piece, ...]:
    """The whole inbox."""
    cuts = await bounds(connection, PIECE)
    return tuple(Piece(*ends) for ends in zip(["", *cuts], [*cuts, None], strict=True))


async def piece(connection: Connection, snapshot: str, of: Piece, known_on: datetime) -> Cases:
    """What was recorded up to an instant, as one moment saw it."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"set transaction snapshot '{snapshot}'")
        if of.cases is not None:
            return _by_case(await connection.fetch(THOSE, of.cases, known_on, JUDGED))
        if of.until is None:
            return await rest(connection, known_on, after=of.after)
        return await between(connection, known_on, after=of.after, until=of.until)


async def holes(connection: Connection) -> set[str]:
    """The cases of which a fact is parked: nothing is concluded about them."""
    return {row["subject"] for row in await connection.fetch(HOLES)}


def _by_case(rows: Iterable[Any]) -> Cases:
    return {case: [recorded_from(row) for row in own] for case, own in groupby(rows, lambda row: str(row["subject"]))}
