"""Reading topics as an operator does: everything once, in the order of time, and nothing left behind at the broker."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from contracts.sending import SAID, producing, transact, transacting
from oracle.telling import Story, local

from events.errors import OnedoorError
from events.kafka import topics
from onedoor.topics.records import Record, Topics
from onedoor.verbs.events import Told
from sla.explain.case_history import told as told_of

EVERYTHING: Callable[[bytes], bool] = lambda _: True  # noqa: E731
BEGAN, A_MINUTE = 1_500_000_000_000, 60_000  # milliseconds


@pytest.fixture
async def filled(kafka: str, topic_prefix: str) -> str:
    """A topic with 3,000 records in three of its partitions, a minute after another, as they came in turn."""
    await topics.ensure(kafka, topic_prefix, SAID)
    name = f"{topic_prefix}intake.events"
    async with producing(kafka) as producer:
        for number in range(3000):
            await producer.send(
                name, str(number).encode(), partition=number % 7 % 3 * 4, timestamp_ms=BEGAN + number * A_MINUTE
            )
        await producer.flush()
    return name


def numbers(found: list[Record]) -> list[int]:
    return [int(record.value or b"-1") for record in found]


async def test_all_partitions_are_read_in_the_order_of_time(kafka: str, filled: str) -> None:
    """Told how many were read, whatever was wanted of them."""
    counts: list[int] = []
    with Topics(kafka, [filled]) as reading:
        spans = reading.spans()
        found = list(reading.read(spans, EVERYTHING, counts.append))
        assert numbers(found) == list(range(3000))
        some = reading.read(spans, lambda value: value.endswith(b"7"), counts.append)
        assert numbers(list(some)) == list(range(7, 3000, 10))
    assert counts[-1] == 3000


async def test_only_a_part_is_read_where_a_part_is_asked_for(kafka: str, filled: str) -> None:
    with Topics(kafka, [filled]) as reading:
        spans = reading.spans()
        last = {place: (max(low, high - 2), high) for place, (low, high) in spans.items()}
        assert len(list(reading.read(last, EVERYTHING, len_of))) == 6
        since = reading.since(spans, datetime.fromtimestamp(BEGAN / 1000, UTC) + timedelta(minutes=2990))
        assert numbers(list(reading.read(since, EVERYTHING, len_of))) == list(range(2990, 3000))


def len_of(_: int) -> None:
    """Nobody is told."""


async def test_what_is_written_later_is_followed(kafka: str, filled: str) -> None:
    """From the offsets at which the reading ended; nothing twice."""
    with Topics(kafka, [filled]) as reading:
        ends = {place: high for place, (_, high) in reading.spans().items()}
        following = reading.follow(ends)
        async with producing(kafka) as producer:
            await producer.send_and_wait(filled, b"3000", partition=11)
        assert next(following).value == b"3000"


async def test_markers_and_aborted_records_are_passed(kafka: str, topic_prefix: str) -> None:
    """Also at the end of what is read; and what an open transaction holds is not there yet."""
    await topics.ensure(kafka, topic_prefix, SAID)
    name = f"{topic_prefix}intake.events"
    place = (name, 5)
    await transact(kafka, name, b"0", b"1", partition=5)
    await transact(kafka, name, b"8", b"9", abort=True, partition=5)
    await transact(kafka, name, b"2", partition=5)
    with Topics(kafka, [name]) as reading:
        assert reading.spans()[place] == (0, 8)
        assert numbers(list(reading.read(reading.spans(), EVERYTHING, len_of))) == [0, 1, 2]
        assert numbers(list(reading.part(place, 0, 8))) == [0, 1, 2]
        assert numbers(list(reading.part(place, 2, 6))) == []
        async with transacting(kafka) as producer:
            await producer.send_and_wait(name, b"3", partition=5)
            assert reading.spans()[place] == (0, 8)
            assert numbers(list(reading.read(reading.spans(), EVERYTHING, len_of))) == [0, 1, 2]
            await producer.commit_transaction()
        assert numbers(list(reading.part(place, 6, reading.spans()[place][1]))) == [2, 3]
        with pytest.raises(OnedoorError, match="ends at 10 and not at 12 any more"):
            list(reading.part(place, 0, 12))


async def test_no_group_is_joined_and_nothing_committed(kafka: str, filled: str) -> None:
    with Topics(kafka, [filled]) as reading:
        list(reading.read(reading.spans(), EVERYTHING, len_of))
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        assert "onedoor-events" not in [name for name, _ in await admin.list_consumer_groups()]
    finally:
        await admin.close()


async def test_a_topic_that_is_not_there_is_told_and_not_made(kafka: str, filled: str) -> None:
    gone = f"{filled}.gone"
    with Topics(kafka, [filled, gone]) as reading:
        assert reading.missing() == [gone]
        assert {topic for topic, _ in reading.spans()} == {filled}
        assert reading.missing() == [gone]


def test_what_cannot_be_read_is_shown_and_no_program_takes_it_for_a_fact(capsys: pytest.CaptureFixture[str]) -> None:
    """With its place; on stderr where facts go to a program."""
    for as_json in (False, True):
        with Told(1) as told:
            told.say(Record(BEGAN, "t.events", 3, 17, b"{broken"), as_json)
        out, err = capsys.readouterr()
        assert (err if as_json else out).startswith("t.events/3/17  CANNOT BE READ: not a CloudEvent of ours")
        assert (out if as_json else err) == ""


def test_a_fact_is_one_line_of_json_whatever_its_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    story = Story()
    story.received(local(7, 10, 8))
    (event,) = (bytes(one["event"]) for one in told_of(story.facts))
    with Told(1) as told:
        told.say(Record(BEGAN, "t.events", 3, 17, msgspec.json.format(event, indent=2)), True)
    assert capsys.readouterr().out.encode() == event + b"\n"


def test_a_broker_that_is_away_is_one_sentence() -> None:
    with Topics("127.0.0.1:9", ["intake.events"]) as reading, pytest.raises(OnedoorError, match="does not answer at"):
        reading.missing()
