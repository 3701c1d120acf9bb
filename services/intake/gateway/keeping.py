"""Keeping what other systems say: each event once, each refusal once. The only writer of `sent` and `refused`."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from events.commands.handle import ATTEMPTS, Moment
from events.contracts.gateway import EventRefused
from events.errors import Conflict, Refused, WrongVersion
from events.gateway import rules
from events.gateway.cloudevent import Item, Sent
from events.gateway.decide import Refusal, decide
from events.gateway.emitters import Emitter
from events.gateway.equality import Known, value_on_log
from events.gateway.rules import Accepted, Name
from events.store.database import Connection, Pool
from events.store.envelope import Cause
from events.store.store import Append, append
from events.text_safety import storable

# A fact that was brought back after a restore has no row in `sent`: the hash of what was sent is on no topic.
KNOWN = """
select e.stream, e.type, e.schema, e.subject, e.at, e.recorded_at, e.data, s.body_hash
from events e left join sent s on s.stream = e.stream where e.stream = any($1) and e.version = 1
"""
REFUSED_BEFORE = "select stream from events where stream = any($1) and version = 1"
SENT = "insert into sent select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[])"
REFUSED = """
insert into refused select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::text[],
    $7::text[], $8::text[], $9::bytea[])
"""
AT_ONCE = 200  # events of one transaction, so that no follower of the cluster is held back for long


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one event. `event` is its id on provincial.events; a duplicate has that of the first."""

    result: Literal["accepted", "duplicate", "refused"]
    name: Name | None
    recorded_at: datetime | None = None
    why: Refused | None = None

    @property
    def event(self) -> str | None:
        return f"{self.name.stream}@1" if self.name and self.why is None else None


class Sender(NamedTuple):
    """What was sent, by whom, and when it arrived: lateness and a clock that is ahead are judged by that."""

    emitter: Emitter
    item: Item
    arrived: datetime


Also = Callable[[Connection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """Keeps what the doors hand in. `ours`: what the codes of our own dossiers begin with."""

    pool: Pool
    ours: frozenset[str]

    async def keep(self, sent: Sequence[Sender], moment: Moment) -> list[Outcome]:
        """What became of each, in their order. What is accepted is committed when this returns.

        Raises Conflict when others send the same events faster than this can be decided.
        """
        outcomes: list[Outcome] = []
        for begin in range(0, len(sent), AT_ONCE):
            outcomes += await self._keep(sent[begin : begin + AT_ONCE], moment)
        return outcomes

    async def _keep(self, sent: Sequence[Sender], moment: Moment) -> list[Outcome]:
        for _ in range(ATTEMPTS):
            with suppress(WrongVersion):
                async with self.pool.acquire() as connection:
                    return await self.keep_together(connection, sent, moment)
        raise Conflict(
            "busy-event", "the same events come faster than they are decided", way_out="try again in a moment"
        )

    async def keep_together(
        self, connection: Connection, sent: Sequence[Sender], moment: Moment, also: Also | None = None
    ) -> list[Outcome]:
        """The same in one transaction, with what `also` writes. Not more than AT_ONCE.

        Raises WrongVersion when the same came through another door a moment ago: decide again.
        """
        known, recorded = await _known(connection, [one.stream for one in _names(sent)])
        decisions = [decide(one.item, one.emitter, self.ours, one.arrived, known) for one in sent]
        recorded |= await _write(connection, [made for _, made in decisions], known, moment, also)
        return [_outcome(*decision, recorded) for decision in decisions]


def _names(sent: Sequence[Sender]) -> Iterator[Name]:
    for one in sent:
        with suppress(Refused):
            if isinstance(one.item, Sent):
                yield rules.named(one.item, one.emitter)


def said(refusal: Refusal, moment: Moment) -> Append:
    """The fact that is said of a refusal: codes, and nothing of what was sent."""
    emitter, event = refusal.emitter, refusal.name.id if refusal.name else None
    own = f"{emitter.source}/{event}" if event else emitter.source
    fact = EventRefused(
        source=emitter.source, emitter=emitter.code, event=event, body=refusal.digest.hex(), rule=refusal.why.rule,
        field=refusal.why.field, status=refusal.why.status,
    )  # fmt: skip
    cause = Cause(correlation=own, causation=own, actor=f"system-{emitter.code}")
    return Append(
        stream=refusal.stream, expected=0, facts=[fact], cause=cause, at=moment.now, recorded_at=moment.recorded_at
    )


def _outcome(name: Name | None, made: Accepted | Refusal | None, recorded: Mapping[str, datetime]) -> Outcome:
    if isinstance(made, Refusal):
        return Outcome(result="refused", name=name, why=made.why)
    assert name is not None
    result: Literal["accepted", "duplicate"] = "accepted" if made else "duplicate"
    return Outcome(result=result, name=name, recorded_at=recorded[name.stream])


async def _known(connection: Connection, streams: Sequence[str]) -> tuple[dict[str, Known], dict[str, datetime]]:
    """Of those of these streams that are on the log: what is there, and when it was recorded."""
    rows = await connection.fetch(KNOWN, streams) if streams else []
    known = {
        row["stream"]: Known(
            row["body_hash"], value_on_log(row["type"], row["schema"], row["at"], row["data"], row["subject"])
        )
        for row in rows
    }
    return known, {row["stream"]: row["recorded_at"] for row in rows}


async def _write(
    connection: Connection, made: Sequence[Accepted | Refusal | None], known: Mapping[str, Known], moment: Moment,
    also: Also | None,
) -> dict[str, datetime]:  # fmt: skip
    """Append everything that is new, with its rows; when each was recorded. Raises WrongVersion."""
    accepted = [one for one in made if isinstance(one, Accepted)]
    refusals = {one.stream: one for one in made if isinstance(one, Refusal)}
    for row in await connection.fetch(REFUSED_BEFORE, list(refusals)) if refusals else []:
        del refusals[row["stream"]]
    appends = [
        Append(
            stream=one.name.stream, expected=0, facts=[one.fact], cause=one.cause, at=one.at,
            recorded_at=moment.recorded_at, data=[one.data],
        )
        for one in accepted
    ] + [said(one, moment) for one in refusals.values()]  # fmt: skip
    if not appends and also is None:
        return {}
    async with connection.transaction():
        new = await append(connection, appends)
        if accepted:
            rows = [(one.name.stream, *one.name, known[one.name.stream].digest) for one in accepted]
            await connection.execute(SENT, *_columns(rows))
        if refusals:
            await connection.execute(REFUSED, *_columns([_row(one) for one in refusals.values()]))
        if also is not None:
            await also(connection)
    return {one.stream: one.recorded_at for one in new}


def _row(one: Refusal) -> tuple[Any, ...]:
    return (
        one.stream, one.emitter.source, one.name.id if one.name else None, one.digest, one.why.rule, one.why.field,
        storable(one.why.detail), one.why.way_out, one.body,
    )  # fmt: skip


def _columns(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    return zip(*rows, strict=True)
