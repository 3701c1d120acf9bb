"""One way to carry out a command: look up its key, load, decide, append, commit; again when somebody was first."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from asyncpg import UniqueViolationError

from events.commands.amend import as_corrected
from events.commands.decider import Decider
from events.contracts.catalogue import Fact, name_of
from events.errors import Conflict, KeyReused, Refused, Stale, WrongVersion
from events.store.database import Connection, Pool
from events.store.envelope import Cause, RecordedEvent
from events.store.store import Append, append, load

C = TypeVar("C")
S = TypeVar("S")
Also = Callable[[Connection, Sequence[RecordedEvent]], Awaitable[None]]

KEPT = "select body_hash, answer from idempotency where actor = $1 and route = $2 and key = $3"
KEEP = "insert into idempotency (actor, route, key, body_hash, answer) values ($1, $2, $3, $4, $5)"
ATTEMPTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """The scope is actor and route; the hash of what the body says tells a repeat from a mistake."""

    actor: str
    route: str
    key: str
    body_hash: bytes

    def row(self, answer: "Answer") -> tuple[str, str, str, bytes, bytes]:
        """The answer as it is kept."""
        return self.actor, self.route, self.key, self.body_hash, msgspec.json.encode(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a command is carried out (UTC instants): `now`, when it happened if that was earlier (`at`), and
    what is recorded (None: the database's clock, read at the append)."""

    now: datetime
    at: datetime | None = None
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the caller learns: the stream, its version after the command, and the facts that were said."""

    stream: str
    version: int
    facts: Sequence[Mapping[str, str]]
    more: Mapping[str, Any]


_answers = msgspec.json.Decoder(Answer)


async def handle(
    pool: Pool,
    decider: Decider[C, S],
    id: str,
    command: C,
    *,
    cause: Cause,
    moment: Moment,
    key: IdempotencyKey | None = None,
    seen: int | None = None,
    may: Callable[[S], None] | None = None,
    also: Also | None = None,
    more: Mapping[str, Any] | None = None,
    fresh: bool = False,
) -> Answer:
    """Carry out one command on one stream and commit its facts, `also` (the service's own rows) and the key.

    `may` raises Forbidden when the actor may not act on what the stream says. `more` goes into the answer.
    `fresh`: the id was drawn just now, so nothing can have been said of it.
    Raises Refused, among them KeyReused, and Stale when the stream is past the version that the caller has seen.
    """
    stream = decider.stream(id)
    for attempt in range(ATTEMPTS):
        async with pool.acquire() as connection:
            past = [] if fresh and attempt == 0 else (await load(connection, stream))[stream]
            try:
                if seen is not None and seen != len(past):
                    raise stale(stream, seen, past)
                state = decider.state(past)
                if may is not None:
                    may(state)
                facts = decider.decide(command, state)
                at = happened(moment, as_corrected(past), facts) if facts else moment.now
            except Refused:
                # A repeat of what was accepted gets the accepted answer, whatever has happened to the stream since.
                if key is not None and (kept := await answered(connection, key)) is not None:
                    return kept
                raise
            if not facts and key is not None and (kept := await answered(connection, key)) is not None:
                return kept
            answer = Answer(
                stream=stream,
                version=len(past) + len(facts),
                facts=[
                    {"id": f"{stream}@{len(past) + number}", "type": name_of(fact)[0]}
                    for number, fact in enumerate(facts, start=1)
                ],
                # as it will be read back, so that a repeat gets the very same
                more=msgspec.to_builtins(more) if facts and more is not None else {},
            )
            saying = Append(
                stream=stream,
                expected=len(past),
                facts=facts,
                cause=cause,
                at=at,
                recorded_at=moment.recorded_at,
            )
            try:
                if not facts:
                    if key is not None:
                        await keep_answer(connection, key, answer)
                elif also is None:  # one statement is a transaction of its own
                    await append(connection, [saying], answer=key.row(answer) if key else None)
                else:
                    async with connection.transaction():
                        new = await append(connection, [saying], answer=key.row(answer) if key else None)
                        await also(connection, new)
                return answer
            except WrongVersion:  # the stream moved on, or this very key was answered a moment ago
                if key is not None and (kept := await answered(connection, key)) is not None:
                    return kept
                fresh = False
    raise Conflict(
        "busy-dossier", f"{stream} changes faster than this command can be decided", way_out="try again in a moment"
    )


async def answered(connection: Connection, key: IdempotencyKey) -> Answer | None:
    """The answer that this key got before, if any. Raises KeyReused when its body was another."""
    row = await connection.fetchrow(KEPT, key.actor, key.route, key.key)
    if row is None:
        return None
    if row["body_hash"] != key.body_hash:
        raise KeyReused(
            "idempotency-key-reused",
            f"Idempotency-Key {key.key} came before with another body",
            field="Idempotency-Key",
            way_out="use a new key for a new request, or send the first body again",
        )
    return _answers.decode(row["answer"])


async def keep_answer(connection: Connection, key: IdempotencyKey, answer: Answer) -> None:
    """Keep the answer in the command's transaction. Raises WrongVersion when the same key is being answered."""
    try:
        await connection.execute(KEEP, *key.row(answer))
    except UniqueViolationError as taken:
        raise WrongVersion(key.key) from taken


def happened(moment: Moment, past: Sequence[RecordedEvent], facts: Sequence[Fact]) -> datetime:
    """When the facts happened: as told, or now, or with the latest that is known of the case if a clock is behind.

    A time told by a person may not be after now, before the first fact of the stream, or before what is answered.
    """
    if moment.at is None:
        return max([moment.now, *(recorded.at for recorded in past)])
    if moment.at > moment.now:
        raise Refused(
            "time-in-future", f"{moment.at.isoformat()} is after now ({moment.now.isoformat()})",
            field="at", way_out="leave `at` out, or give the time at which it happened",
        )  # fmt: skip
    if past and moment.at < past[0].at:
        raise Refused(
            "time-before-receipt", f"{moment.at.isoformat()} is before {past[0].type} at {past[0].at.isoformat()}",
            field="at", way_out="give a time between receipt and now",
        )  # fmt: skip
    answered_ids = {getattr(fact, "answers", None) for fact in facts}
    for question in past:
        if question.id in answered_ids and moment.at < question.at:
            raise Refused(
                "answer-before-question", f"{moment.at.isoformat()} is before {question.type} ({question.id})",
                field="at", way_out=f"give a time from {question.at.isoformat()} on",
            )  # fmt: skip
    return moment.at


def stale(stream: str, seen: int, past: Sequence[RecordedEvent]) -> Stale:
    news = [f"{recorded.type} ({recorded.at.isoformat()})" for recorded in past[seen:]]
    return Stale(
        "stale-version",
        f"you saw version {seen} of {stream}, it stands at {len(past)}: " + (", ".join(news) or "no such version yet"),
        field="If-Match",
        way_out="read the dossier again and decide on what it says now",
        version=len(past),
    )
