"""A policy: what we ask of ourselves when we hear a fact. A pure reaction; one append, which moves the bookmark too."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from events.commands.decider import Decider, Reaction, Said
from events.contracts.catalogue import Fact
from events.store.database import Connection
from events.store.envelope import Cause, RecordedEvent
from events.store.store import Append, load
from events.subscriptions.follower import EVENTS, INBOX, Entry, Follower, LogPosition

C = TypeVar("C")

# What a policy has said in these streams, and where it stands.
OWN = "select stream, causation, epoch, tx, position from events where stream = any($1) and actor = $2"


def obey(
    name: str,
    decider: Decider[C, Any],
    react: Callable[[RecordedEvent], Reaction[C]],
    *,
    hears: tuple[type[Any], ...],
    log: Literal["events", "inbox"] = "inbox",
    log_clock: bool = False,
) -> Follower[RecordedEvent]:
    """A follower that turns heard facts into commands of `decider`. `react` and what it asks for are total.

    The heard fact's time is the command's time; with `log_clock` also what is recorded. Facts that touch different
    streams share a transaction; each of its appends keeps the cause and the time of the fact that asked for it.
    """
    actor = f"policy-{name.replace('.', '-')}"

    def wanted(heard: RecordedEvent) -> dict[str, list[C]]:
        commands: dict[str, list[C]] = {}
        if isinstance(heard.fact, hears):
            for id, command in react(heard):
                commands.setdefault(decider.stream(id), []).append(command)
        return commands

    def decided(
        heard: RecordedEvent, stream: str, commands: Sequence[C], past: Sequence[RecordedEvent]
    ) -> Append | None:
        state = decider.state(past)
        facts: list[Fact] = []
        for command in commands:
            for fact in decider.decide(command, state):
                facts.append(fact)
                state = decider.evolve(state, Said(fact, actor, f"{stream}@{len(past) + len(facts)}"))
        if not facts:
            return None
        cause = Cause(correlation=heard.cause.correlation, causation=heard.id, actor=actor, trace=heard.cause.trace)
        recorded_at = heard.recorded_at if log_clock else None
        return Append(stream=stream, expected=len(past), facts=facts, cause=cause, at=heard.at, recorded_at=recorded_at)

    async def says(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> Sequence[Append]:
        asked = [(entry.item, stream, commands) for entry in entries for stream, commands in wanted(entry.item).items()]
        past = await load(connection, *(stream for _, stream, _ in asked))
        over = await _answered_before(connection, actor, entries, [stream for _, stream, _ in asked])
        appends = [
            decided(heard, stream, commands, past[stream])
            for heard, stream, commands in asked
            if (heard.id, stream) not in over
        ]
        return [one for one in appends if one is not None]

    return Follower(
        name=name, log=INBOX if log == "inbox" else EVENTS, says=says, touches=wanted,
        minds=lambda heard: isinstance(heard.fact, hears), stuck="park",
    )  # fmt: skip


async def _answered_before(
    connection: Connection, actor: str, entries: Sequence[Entry[RecordedEvent]], streams: Sequence[str]
) -> set[tuple[str, str]]:
    """What this policy heard already in a time that a restore took away: the ids of facts, and the streams of its own.

    Answers that were brought back stand in our log before what they answer came to the inbox again. An answer to a
    fact, or to a later one of its stream, shows that this one was heard and decided then; decided again, on what was
    said since, it would do something else.
    """
    if all(entry.mark.epoch == 1 for entry in entries):  # nothing was ever restored here
        return set()
    own = [
        (row["stream"], *row["causation"].rpartition("@")[::2], LogPosition(row["epoch"], row["tx"], row["position"]))
        for row in await connection.fetch(OWN, streams, actor)
    ]
    return {
        (entry.item.id, stream)
        for entry in entries
        for stream, source, version, mark in own
        if source == entry.item.stream and mark < entry.mark and int(version) >= entry.item.version
    }
