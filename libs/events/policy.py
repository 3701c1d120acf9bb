"""A policy: what we ask of ourselves when we hear a fact. Pure reaction, one transaction per fact."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from events.database import Connection
from events.decider import Decider
from events.envelope import Cause, Recorded
from events.follow import EVENTS, INBOX, Entry, Follower
from events.store import Append, append, load

C = TypeVar("C")
Reaction = Sequence[tuple[str, C]]  # (id of the stream, command)


def obey(
    name: str,
    decider: Decider[C, Any, Any],
    react: Callable[[Recorded], Reaction[C]],
    *,
    hears: tuple[type[Any], ...],
    log: Literal["events", "inbox"] = "inbox",
    log_clock: bool = False,
) -> Follower[Recorded]:
    """A follower that turns heard facts into commands of `decider`. `react` and what it asks for are total.

    The heard fact's time is the command's time; with `log_clock` also what is recorded.
    """

    async def apply(connection: Connection, entries: Sequence[Entry[Recorded]]) -> None:
        heard = entries[-1].item
        if not isinstance(heard.fact, hears):
            return
        commands: dict[str, list[C]] = {}
        for id, command in react(heard):
            commands.setdefault(decider.stream(id), []).append(command)
        if not commands:
            return
        past = await load(connection, *commands)
        appends = []
        for stream, wanted in commands.items():
            state = decider.fold(recorded.fact for recorded in past[stream])
            facts: list[Any] = []
            for command in wanted:
                said = decider.decide(command, state)
                for fact in said:
                    state = decider.evolve(state, fact)
                facts.extend(said)
            if facts:
                appends.append(Append(stream=stream, expected=len(past[stream]), facts=facts))
        if appends:
            await append(
                connection,
                appends,
                cause=Cause(
                    correlation=heard.cause.correlation,
                    causation=heard.id,
                    actor=f"policy-{name.replace('.', '-')}",
                    trace=heard.cause.trace,
                ),
                at=heard.at,
                recorded_at=heard.recorded_at if log_clock else None,
            )

    return Follower(
        name=name,
        log=INBOX if log == "inbox" else EVENTS,
        apply=apply,
        alone=lambda heard: isinstance(heard.fact, hears),
        stuck="park",
    )
