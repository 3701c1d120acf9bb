"""A policy: what we ask of ourselves when we hear a fact. Pure reaction, one transaction per fact."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from events.contracts.catalogue import Fact
from events.database import Connection
from events.decider import Decider, Reaction, Said
from events.envelope import Cause, Recorded
from events.follow import EVENTS, INBOX, Entry, Follower
from events.store import Append, append, load

C = TypeVar("C")


def obey(
    name: str,
    decider: Decider[C, Any],
    react: Callable[[Recorded], Reaction[C]],
    *,
    hears: tuple[type[Any], ...],
    log: Literal["events", "inbox"] = "inbox",
    log_clock: bool = False,
) -> Follower[Recorded]:
    """A follower that turns heard facts into commands of `decider`. `react` and what it asks for are total.

    The heard fact's time is the command's time; with `log_clock` also what is recorded.
    """

    actor = f"policy-{name.replace('.', '-')}"

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
        cause = Cause(correlation=heard.cause.correlation, causation=heard.id, actor=actor, trace=heard.cause.trace)
        recorded_at = heard.recorded_at if log_clock else None
        appends = []
        for stream, wanted in commands.items():
            state = decider.state(past[stream])
            facts: list[Fact] = []
            for command in wanted:
                for fact in decider.decide(command, state):
                    facts.append(fact)
                    state = decider.evolve(state, Said(fact, actor, f"{stream}@{len(past[stream]) + len(facts)}"))
            if facts:
                expected = len(past[stream])
                appends.append(
                    Append(
                        stream=stream, expected=expected, facts=facts, cause=cause, at=heard.at, recorded_at=recorded_at
                    )
                )
        if appends:
            await append(connection, appends)

    return Follower(
        name=name,
        log=INBOX if log == "inbox" else EVENTS,
        apply=apply,
        alone=lambda heard: isinstance(heard.fact, hears),
        stuck="park",
    )
