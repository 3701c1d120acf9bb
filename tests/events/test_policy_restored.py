"""A policy hears again what it had answered before a restore: its answers came back, its bookmark did not."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from contracts.given import CASES, NINE, Rate, case_id, line, rated, received, say, step, stream

from events.contracts.intake import CustomerRated
from events.kafka.cloudevent import to_cloudevent
from events.kafka.inbox import keep
from events.store.database import Pool
from events.store.envelope import Cause, RecordedEvent
from events.store.store import Append, load
from events.subscriptions.follower import Following
from events.subscriptions.policy import obey

ANSWERED = f"{stream(1)}@3"


@dataclass(frozen=True)
class Heard:
    """A record of the topic."""

    value: bytes
    offset: int
    key: bytes | None = b"key"
    topic: str = "intake.events"
    partition: int = 0


def _react(heard: RecordedEvent) -> Sequence[tuple[str, Rate]]:
    assert isinstance(heard.fact, CustomerRated)
    return [(case_id(101), Rate(heard.fact.stars, 101))]


async def _hear(speaker: Pool, listener: Pool) -> None:
    rows = await speaker.fetch("select * from events order by position")
    async with listener.acquire() as connection:
        await keep(
            connection, [Heard(to_cloudevent(dict(row), "/onedoor/intake"), number) for number, row in enumerate(rows)]
        )


@pytest.mark.parametrize(("restored", "marks"), [(True, [3, 1]), (False, [3, 2, 1])])
async def test_what_came_before_an_answer_is_not_decided_again(
    pool: Pool, listener: Pool, restored: bool, marks: list[int]
) -> None:
    """Its stream answered 3 stars; 2 stars came before them, and were heard then. What came after is news."""
    await say(pool, line(stream(1), received(1), rated(1, 2), rated(1, 3), rated(1, 1)))
    if restored:
        await listener.execute("update cluster set epoch = 2")
    cause = Cause(correlation="c", causation=ANSWERED, actor="policy-routing-next")
    await say(listener, line(stream(101), received(101)))
    answer = Append(stream=stream(101), expected=1, facts=[rated(101, 3)], cause=cause, at=NINE)
    await say(listener, answer)
    await _hear(pool, listener)
    await step(Following(listener, obey("routing.next", CASES, _react, hears=(CustomerRated,))))
    async with listener.acquire() as connection:
        said = (await load(connection, stream(101)))[stream(101)][1:]
    assert [one.fact.stars for one in said if isinstance(one.fact, CustomerRated)] == marks


async def test_an_answer_that_came_after_is_no_sign(pool: Pool, listener: Pool) -> None:
    """In a restored system too, what is put aside and tried again later is behind answers to what followed it."""
    await say(pool, line(stream(1), received(1), rated(1, 2), rated(1, 3)))
    await listener.execute("update cluster set epoch = 2")
    await say(listener, line(stream(101), received(101)))
    await _hear(pool, listener)
    cause = Cause(correlation="c", causation=ANSWERED, actor="policy-routing-next")
    await say(listener, Append(stream=stream(101), expected=1, facts=[rated(101, 3)], cause=cause, at=NINE))
    await step(Following(listener, obey("routing.next", CASES, _react, hears=(CustomerRated,))))
    async with listener.acquire() as connection:
        said = (await load(connection, stream(101)))[stream(101)][1:]
    assert [one.fact.stars for one in said if isinstance(one.fact, CustomerRated)] == [3, 2]
