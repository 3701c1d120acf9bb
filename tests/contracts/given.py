"""What the tests of the log are made of: a few facts, a small decider over them, and waiting for a condition."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from typing import Any

from events.commands.decider import Decider, Said
from events.contracts.catalogue import Fact
from events.contracts.intake import ApplicationReceived, CaseClosed, CustomerRated
from events.contracts.terms import Promise
from events.errors import Refused
from events.store.database import Pool
from events.store.envelope import Cause, RecordedEvent
from events.store.store import Append, append
from events.subscriptions.follower import Following

NINE = datetime(2017, 7, 10, 2, 0, tzinfo=UTC)  # nine o'clock in Quang Ninh
MINUTE = timedelta(minutes=1)
CAUSE = Cause(correlation="asked-1", causation="asked-1", actor="staff-193-02")
CLERK = "staff-193-02"


def case_id(number: int = 1) -> str:
    return f"000.00.22.H49-170710-{number:04}"


def received(number: int = 1) -> ApplicationReceived:
    return ApplicationReceived(
        case_id=case_id(number),
        counter="PAC-HA-LONG",
        organisation="DL-193",
        sector="electricity",
        district="HA-LONG",
        channel="counter",
        promise=Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", service="LV-RES-URBAN@2017-07-01"),
    )


def rated(number: int = 1, stars: int = 5) -> CustomerRated:
    return CustomerRated(case_id=case_id(number), stars=stars)


def closed(number: int = 1) -> CaseClosed:
    return CaseClosed(case_id=case_id(number))


def stream(number: int = 1) -> str:
    return f"case-{case_id(number)}"


@dataclass(frozen=True)
class Receive:
    number: int = 1


@dataclass(frozen=True)
class Rate:
    stars: int
    number: int = 1


@dataclass(frozen=True)
class Standing:
    """What is known of a case: whether it was received, and the marks it got."""

    received: bool = False
    marks: frozenset[int] = frozenset()


def _decide(command: Receive | Rate, state: Standing) -> Sequence[Fact]:
    match command:
        case Receive(number):
            return [] if state.received else [received(number)]
        case Rate(stars, number):
            if not state.received:
                raise Refused("not-received", "nothing was received", field="case_id", way_out="receive it first")
            return [] if stars in state.marks else [rated(number, stars)]


def _evolve(state: Standing, said: Said) -> Standing:
    match said.fact:
        case ApplicationReceived():
            return replace(state, received=True)
        case CustomerRated(stars=stars):
            return replace(state, marks=state.marks | {stars})
        case _:
            return state


CASES: Decider[Receive | Rate, Standing] = Decider("case", Standing(), _decide, _evolve)


def line(
    name: str, *facts: Fact, expected: int = 0, at: datetime = NINE, recorded_at: datetime | None = None
) -> Append:
    """Facts for one stream, said by the clerk."""
    return Append(stream=name, expected=expected, facts=facts, cause=CAUSE, at=at, recorded_at=recorded_at)


async def say(pool: Pool, *lines: Append) -> list[RecordedEvent]:
    """Append in a transaction of its own."""
    async with pool.acquire() as connection, connection.transaction():
        return await append(connection, lines)


async def eventually(question: Callable[[], Any], *, within: float = 30.0) -> Any:
    """Ask until the answer (or what it awaits) is true, and return it; fails when it is not so in time."""
    began = time.monotonic()
    while True:
        asked = question()
        answer = await asked if isawaitable(asked) else asked
        if answer:
            return answer
        waited = time.monotonic() - began
        assert waited < within, f"still {answer!r} after {within} s"
        await asyncio.sleep(min(max(0.01, waited / 10), 0.1))  # who is asked has to work for the answer


async def step(following: Following[Any]) -> int:
    """One step of a follower, and further ones while somebody else in the cluster holds the horizon: rows applied."""
    applied, held = await following.step()
    while held:
        await asyncio.sleep(0.005)
        more, held = await following.step()
        applied += more
    return applied


async def catch_up(following: Following[Any]) -> None:
    """Steps until nothing is left."""
    while await step(following):
        pass
