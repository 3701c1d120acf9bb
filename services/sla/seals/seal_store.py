"""Sealed records and their restatements in Postgres: the only writer of `seals`, `restatements`,
`counted` and `restating`.

A sealed document is never touched again. When cases that it counts change afterwards, they are marked; once the judge
has caught up, what they count in is compared with what the period last said, and only a difference is said.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from deadlines.catalogue import Catalogue
from deadlines.instants import local_date
from events.actor import Actor
from events.commands.handle import Answer, answered, handle
from events.contracts.sla import Difference
from events.errors import NotFound, WrongVersion
from events.http.app import Asked
from events.service.runtime import Parts
from events.store.database import TRANSIENT, Connection, Pool
from events.store.envelope import Cause, RecordedEvent
from events.store.store import Append, append, load
from events.subscriptions.follower import TRY_LOCK, WAIT_LOCK, Entry, Follower
from sla.counting.periods import Period
from sla.counting.record import CLASSIFIER, Record
from sla.judging.case import JUDGED, MOVES, Case
from sla.live.change_feed import CHANGES
from sla.live.change_feed import Change as CaseChange
from sla.live.incomplete_cases import NAME as HOLES
from sla.live.projector import caught_up
from sla.rebuild.generations import DIFFERENCES
from sla.reports import record_queries
from sla.reports.difference import Change, changes, digests
from sla.reports.document import Effect, document, fingerprint, read, written
from sla.seals.seal import Restate, Seal, Totals, month, sealed

MARKER = "sla.seals"
KEEP = "insert into seals values ($1, $2, $3, $4, $5, $6, $7)"
COUNTED = "insert into counted select $1, * from unnest($2::text[], $3::text[])"
COUNT_AGAIN = "delete from counted where seal = $1"
DIGESTS = "select case_id, digest from counted where seal = $1 and case_id = any($2)"
PERIODS = "select since, until from seals order by since"
ALL = """
select id, since as from, until as to, sealed_at, actor, hash,
    (select count(*) from restatements where seal = seals.id) as restatements
from seals order by since
"""
ONE = "select document from seals where id = $1"
RESTATEMENTS = """
select number, restated_at, because, differences, cases, hash from restatements where seal = $1 order by number
"""
RESTATEMENT = "select document from restatements where seal = $1 and number = $2"
# A case concerns a period that counted it, or that one of its cycles lies in.
MARK = """
insert into restating (seal, case_id, swap)
select seal, case_id, swap from (
    select seal, case_id from counted where case_id = any($1)
    union
    select seals.id, c.case_id
    from seals, unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as c (case_id, began, over)
    where c.began < until::timestamp at time zone 'Asia/Ho_Chi_Minh'
        and (c.over is null or c.over >= since::timestamp at time zone 'Asia/Ho_Chi_Minh')
) as marked join unnest($1::text[], $5::text[]) as s (case_id, swap) using (case_id)
on conflict (seal, case_id) do update set swap = coalesce(excluded.swap, restating.swap)
"""
MARKED = "select distinct seal from restating order by 1"
MARKS = "select case_id, swap from restating where seal = $1 order by 1"
LOOKED_AT = "delete from restating where seal = $1"
# What a period last said: its last restatement, or else its seal.
LAST = """
select since, until, sealed_at, coalesce(r.document, s.document) as document, coalesce(r.number, 0) as number
from seals s left join lateral (
    select * from restatements where seal = s.id order by number desc limit 1) as r on true
where s.id = $1
"""
HEARD_LAST = """
select stream || '@' || version as id, recorded_at from inbox where subject = any($1) and type = any($2)
order by epoch desc, tx desc, position desc limit 1
"""
SWAPPED_LAST = """
select stream || '@' || version as id, recorded_at from events where stream = any($1)
order by epoch desc, tx desc, position desc limit 1
"""
RESTATED = "insert into restatements values ($1, $2, $3, $4, $5, $6, $7, $8)"
# A fact that is only noted (a dossier called back because it was withdrawn) is no cause of anything.
NOTED = {fact.__name__ for fact, moved in MOVES.items() if moved is Case.noted}
MOVING = [name for name in JUDGED if name not in NOTED]
QUEUE = "restating"
EVERY = 0.5  # seconds between looks whether something is marked
log = structlog.get_logger("sla.sealing")


async def seal(
    pool: Pool, catalogue: Catalogue, period: Period, effects: Sequence[Effect], frame: Asked, actor: Actor
) -> Answer:
    """Sign the record of a period as it stands. Raises Refused, among them Conflict for a period that is sealed.

    The marker's lock is held meanwhile: a change is either counted in what is sealed, or marked afterwards.
    """
    kinds = {unit.code: unit.kind for unit in catalogue.units()}
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute(WAIT_LOCK, MARKER, 0)
        others = [Period(*row) for row in await holder.fetch(PERIODS)]
        key = frame.idempotency(actor)
        if period in others and (key is None or await answered(holder, key) is None):
            raise sealed(period)
        found = await record_queries.the_record(pool, period, kinds)
        kept = written(document(found, catalogue, items=True, effects=effects))
        command = Seal(
            period=period, by=actor.id, today=local_date(frame.moment.now), classifier=CLASSIFIER,
            totals=_totals(found), hash=fingerprint(kept), kept=f"seals/{period.id}", broken=tuple(found.broken()),
            others=tuple(other for other in others if other != period),
        )  # fmt: skip

        async def keep(connection: Connection, said: Sequence[RecordedEvent]) -> None:
            await connection.execute(
                KEEP, period.id, period.since, period.until, said[0].at, actor.id, command.hash, kept
            )
            await _count(connection, period.id, found)

        return await handle(
            pool, month, period.id, command, cause=frame.cause(actor), moment=frame.moment, key=key, also=keep,
            more={"seal": period.id, "hash": command.hash},
        )  # fmt: skip


async def _count(connection: Connection, seal_id: str, found: Record) -> None:
    counted = digests(found)
    await connection.execute(COUNTED, seal_id, list(counted), list(counted.values()))


def _totals(found: Record) -> Totals:
    lines = [line for line in found.lines if line.kind == "organisation"]

    def of(column: Any) -> int:
        return sum(line.count(column) for line in lines)

    return Totals(
        received=of("received"), carried_over=of("carried over"), ahead=of("ahead"), on_time=of("on time"),
        overdue=of("overdue"), open_in_time=of("open in time"), open_overdue=of("open overdue"),
        undetermined=of("undetermined"), incomplete=of("incomplete"),
    )  # fmt: skip


# -- what comes late -----------------------------------------------------------------------------


def marker() -> Follower[CaseChange]:
    """Marks the cases that concern a sealed period. A rebuild writes no changes, so it marks none; what differs after
    its swap does, and is marked with it. A case that is incomplete for a while is no news of the period."""

    async def apply(connection: Connection, entries: Sequence[Entry[CaseChange]]) -> None:
        moved = [entry.item for entry in entries if not entry.item.hole]
        cycles = [(change.case_id, cycle) for change in moved for cycle in _cycles.decode(change.status).cycles]
        swaps: dict[str, str | None] = {}
        for change in moved:
            swaps[change.case_id] = change.swap or swaps.get(change.case_id)
        await connection.execute(
            MARK, list(swaps), [case for case, _ in cycles], [one.received_at for _, one in cycles],
            [one.ended_at for _, one in cycles], list(swaps.values()),
        )  # fmt: skip

    return Follower(name=MARKER, log=CHANGES, apply=apply, stuck="halt", writes=(QUEUE,))


class CycleSpan(msgspec.Struct, frozen=True):
    """From when to when a cycle ran."""

    received_at: datetime
    ended_at: datetime | None


class Status(msgspec.Struct, frozen=True):
    """As much of a case's status as says which periods it lies in."""

    cycles: tuple[CycleSpan, ...]


_cycles = msgspec.json.Decoder(Status)


class Restating:
    """Looks at marked cases when the judge has caught up, and says what of a sealed period is no longer so."""

    def __init__(self, parts: Parts, catalogue: Catalogue) -> None:
        self.parts, self.catalogue = parts, catalogue
        self.kinds = {unit.code: unit.kind for unit in catalogue.units()}

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            rung = self.parts.bell.rung(QUEUE)
            try:
                if await self.round():
                    self.parts.bell.ring("events")
            except (WrongVersion, *TRANSIENT) as error:
                log.warning("waiting", doing="restate", error=repr(error))
            await self.parts.bell.wait(QUEUE, rung, EVERY)
            await asyncio.sleep(EVERY / 5)

    async def round(self) -> int:
        """One look at everything that is marked; returns how many restatements were said."""
        said = 0
        for row in await self.parts.pool.fetch(MARKED):
            async with self.parts.pool.acquire() as connection, connection.transaction():
                if await connection.fetchval(TRY_LOCK, MARKER, 0) and await _all_marked(connection):
                    said += await self._look_at(connection, row["seal"])
        return said

    async def _look_at(self, connection: Connection, seal_id: str) -> int:
        """Compare the marked cases with what the period last said; if one differs, count the whole period again."""
        last = await connection.fetchrow(LAST, seal_id)
        assert last is not None
        period = Period(last["since"], last["until"])
        marks: dict[str, str | None] = {row["case_id"]: row["swap"] for row in await connection.fetch(MARKS, seal_id)}
        cases = list(marks)
        now = digests(await record_queries.the_record(self.parts.pool, period, self.kinds, cases))
        then: dict[str, str] = {
            row["case_id"]: row["digest"] for row in await connection.fetch(DIGESTS, seal_id, cases)
        }
        differing = {case: swap for case, swap in marks.items() if then.get(case) != now.get(case)}
        said = await self._restate(connection, seal_id, period, last, differing) if differing else 0
        await connection.execute(LOOKED_AT, seal_id)
        return said

    async def _restate(
        self, connection: Connection, seal_id: str, period: Period, last: Any, changed: Mapping[str, str | None]
    ) -> int:
        """Count the period again and say what differs; `changed` are cases, with the swap where one changed them."""
        found = await record_queries.the_record(self.parts.pool, period, self.kinds)
        kept = written(document(found, self.catalogue, items=True))
        differing = changes(read(last["document"]), read(kept))
        cases = tuple(sorted(changed.keys() | {case for change in differing for case in change.cases}))
        cause = await self._cause(connection, cases, {swap for swap in changed.values() if swap})
        stream = month.stream(seal_id)
        past = (await load(connection, stream))[stream]
        command = Restate(
            period=period, differences=tuple(_difference(change) for change in differing), cases=cases,
            because=cause["id"] if cause else None, hash=fingerprint(kept),
            kept=f"seals/{seal_id}/restatements/{last['number'] + 1}",
        )  # fmt: skip
        facts = month.decide(command, month.state(past))
        if not facts:  # no figure differs: the next look need not count the period again
            await self._recount(connection, seal_id, found)
            return 0
        # When the late fact was known here, for the restatement did not happen when that fact did.
        at = max(last["sealed_at"], cause["recorded_at"]) if cause else last["sealed_at"]
        saying = Append(
            stream=stream, expected=len(past), facts=facts, at=at,
            cause=Cause(correlation=stream, causation=command.because or past[-1].id, actor="policy-sla-seals"),
            recorded_at=at if self.parts.settings.log_clock else None,
        )  # fmt: skip
        await append(connection, [saying])
        await connection.execute(
            RESTATED, seal_id, last["number"] + 1, at, command.because, _json(differing), command.hash, kept, cases
        )
        await self._recount(connection, seal_id, found)
        log.info("restated", seal=seal_id, number=last["number"] + 1, figures=len(differing))
        return 1

    async def _recount(self, connection: Connection, seal_id: str, found: Record) -> None:
        await connection.execute(COUNT_AGAIN, seal_id)
        await _count(connection, seal_id, found)

    async def _cause(self, connection: Connection, cases: Sequence[str], swaps: Collection[str]) -> Any:
        """Id and time of the last swap that changed one of them, or else of the last fact heard of them."""
        if swaps:
            return await connection.fetchrow(SWAPPED_LAST, [swap.rpartition("@")[0] for swap in swaps])
        return await connection.fetchrow(HEARD_LAST, cases, MOVING)


async def _all_marked(connection: Connection) -> bool:
    """Whether all that was heard, swapped in or made whole is judged and marked: only then is the cause known."""
    return (
        await caught_up(connection)
        and await caught_up(connection, DIFFERENCES, "differences")
        and await caught_up(connection, HOLES, "holes")
        and await caught_up(connection, MARKER, "changes")
    )


def _difference(change: Change) -> Difference:
    return Difference(
        kind=change.kind.replace(" ", "-"),
        line=change.line,
        column=change.column.replace(" ", "-"),
        was=change.was,
        now=change.now,
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# -- what is shown -------------------------------------------------------------------------------


async def every(pool: Pool) -> list[dict[str, Any]]:
    """All sealed periods, the earliest first."""
    return [dict(row) for row in await pool.fetch(ALL)]


async def one(pool: Pool, seal_id: str) -> dict[str, Any]:
    """A sealed record as it was signed, and what was restated of it since. Raises NotFound."""
    kept = await pool.fetchval(ONE, seal_id)
    if kept is None:
        raise NotFound("no-such-seal", f"no period {seal_id} is sealed", field="seal")
    rows = await pool.fetch(RESTATEMENTS, seal_id)
    restated = [{**row, "differences": msgspec.json.decode(row["differences"])} for row in rows]
    about = next(row for row in await every(pool) if row["id"] == seal_id)
    return {**about, "restatements": restated, "record": read(kept)}


async def restatement(pool: Pool, seal_id: str, number: int) -> dict[str, Any]:
    """The whole record as it was restated. Raises NotFound."""
    kept = await pool.fetchval(RESTATEMENT, seal_id, number)
    if kept is None:
        raise NotFound("no-such-restatement", f"{seal_id} has no restatement {number}", field="number")
    return read(kept)
