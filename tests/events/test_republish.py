"""A lost topic is written again from the store, and whoever hears it has everything once."""

import pytest
from contracts.given import CAUSE, NINE, catch_up, eventually, line, rated, received, say, step, stream
from contracts.hearing import hearing
from contracts.sending import SAID, facts_of, records, relaying

from events.commands.handle import Moment
from events.kafka import topics
from events.operations.operator_action import OperatorAction
from events.operations.republish import republish
from events.store.database import Pool

ORDER = OperatorAction(service="intake", cause=CAUSE, moment=Moment(now=NINE), why="topic-deleted")
KEPT = "select stream || '@' || version from inbox order by stream, version"


async def sent(kafka: str, prefix: str) -> list[list[str]]:
    """The ids on the topic, partition by partition, each in order."""
    found = await records(kafka, f"{prefix}intake.events")
    by_partition: dict[int, list[str]] = {}
    for record, fact in zip(found, facts_of(found), strict=True):
        by_partition.setdefault(record.partition, []).append(fact.id)
    return [own for _, own in sorted(by_partition.items())]


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "made again empty, and written to since"])
async def test_everything_is_there_again_under_the_same_ids_in_the_same_order(
    pool: Pool, listener: Pool, kafka: str, topic_prefix: str, gone: bool
) -> None:
    """Also what was said after the loss, behind what was said before it; the listener keeps no fact twice."""
    async with relaying(pool, kafka, topic_prefix) as relay, hearing(listener, kafka, topic_prefix):
        for number in range(20):
            await say(pool, line(stream(number), received(number), rated(number)))
        await catch_up(relay)
        before = await sent(kafka, topic_prefix)
        await eventually(lambda: _kept(listener, 40))
        await topics.make_again(kafka, topic_prefix, SAID)
        if not gone:
            await say(pool, line(stream(3), rated(3), expected=2))
            await catch_up(relay)
            assert await sent(kafka, topic_prefix) == [[f"{stream(3)}@3"]]

        async def remake() -> list[str]:
            return list(await topics.make_again(kafka, topic_prefix, SAID))

        told = await republish(pool, remake, ORDER)
        assert await step(relay) == 0  # it finds its bookmark moved
        await catch_up(relay)
        after = await sent(kafka, topic_prefix)
        assert told == {"topics": [f"{topic_prefix}intake.events"], "facts": 41 if gone else 42}
        extra = {told_id for own in after for told_id in own if told_id.startswith("operation-")} | {f"{stream(3)}@3"}
        old = [[one for one in own if one not in extra] for own in after]
        assert [own for own in old if own] == before
        assert sum(map(len, after)) == told["facts"]
        await eventually(lambda: _kept(listener, told["facts"]))
        heard = "select sum(next_offset) from heard"
        await eventually(lambda: _is(listener, heard, told["facts"]))
    acts = await pool.fetch("select data from events where type = 'OperatorActed'")
    assert [b"topics-republished" in row["data"] for row in acts] == [True]


async def _kept(listener: Pool, count: int) -> bool:
    return len(await listener.fetch(KEPT)) == count


async def _is(pool: Pool, question: str, answer: int) -> bool:
    return bool(await pool.fetchval(question) == answer)
