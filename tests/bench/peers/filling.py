"""The log that all sides read: made-up dossiers of ten facts each, as the services publish them, in order of time."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from oracle.judging import SHIPPED
from oracle.telling import Story, promise

from bench import made
from deadlines.instants import instant_of, second_of
from deadlines.promise import count
from events.contracts import field
from events.contracts.terms import Exhibit
from events.kafka.cloudevent import to_cloudevent
from events.kafka.topics import FOREVER
from events.store.envelope import RecordedEvent

FACTS = 10  # of a dossier
PARTITIONS = 6  # of a topic
TOPICS = tuple(made.TOPIC_OF.values())
DAYS = [datetime(2017, 7, 10, 1, tzinfo=UTC) + timedelta(days=day) for day in range(84) if day % 7 < 5]
SERVICE = SHIPPED.services["LV-RES-URBAN@2017-07-01"]
CALENDAR = SHIPPED.calendar(SERVICE.calendar)
EVERY = 5.0  # seconds between two notes of how far it is


def dossier(number: int, start: datetime) -> Story:
    """A household: received, to the district unit, to the team, back, released, collected.

    Every tenth is asked for a paper when it is overdue already: only before due would that move due, which a fold that
    takes due as the receipt gives it could not know.
    """
    told = Story(f"000.00.02.H49-170710-{number:07d}")
    due = instant_of(count(CALENDAR, SERVICE.limit, second_of(start), SERVICE.cutoff).due)
    told.received(start, promise(SERVICE.id), appointment=due)
    told.forwarded(start + timedelta(minutes=5), "DL-193", hours=4)
    told.acknowledged(start + timedelta(hours=1), "DL-193")
    told.forwarded(start + timedelta(hours=2), "TC-193", by="DL-193", hours=12, step="install", work="install")
    order = f"wo-{told.case_id}-3"
    if number % 10:
        told.acknowledged(start + timedelta(hours=3), "TC-193")
        told.tell(field.WorkStarted(case_id=told.case_id, work_order=order), start + timedelta(hours=24))
        back = start + timedelta(hours=30 + number % 90)
    else:
        asked = told.supplement(due + timedelta(hours=16))
        told.supplemented(due + timedelta(hours=20), asked)
        back = due + timedelta(hours=24)
    done = field.WorkCompleted(
        case_id=told.case_id, work_order=order, evidence=(Exhibit(reference="evidence/a.jpg"),), handed_over=True
    )
    told.tell(done, back)
    told.forwarded(back + timedelta(minutes=1), "DL-193", by="TC-193", hours=4, step="close")
    told.returned(back + timedelta(hours=1), by="DL-193")
    told.closed(back + timedelta(hours=20))
    assert len(told.facts) == FACTS
    return told


def facts(dossiers: int) -> Iterator[RecordedEvent]:
    """All facts in the order in which they happened; only the dossiers under way are held."""
    waiting: list[tuple[datetime, int, RecordedEvent]] = []
    told = 0
    for number in range(dossiers):
        day, of_day = divmod(number * len(DAYS), dossiers)
        start = DAYS[day] + timedelta(seconds=of_day * 8 * 3600 // dossiers)
        while waiting and waiting[0][0] < start:
            yield heappop(waiting)[2]
        for fact in dossier(number, start).facts:
            told += 1
            heappush(waiting, (fact.at, told, fact))
    while waiting:
        yield heappop(waiting)[2]


def fill(kafka: str, prefix: str, dossiers: int, copies: int = 1) -> float:
    """Make the topics and publish the facts; how many bytes a record's value has on average. `copies`: each dossier so
    many times, one beside the other, under codes of their own."""
    admin = AdminClient({"bootstrap.servers": kafka})  # without a name it would be gone before it is done
    new = [NewTopic(prefix + topic, PARTITIONS, 1, config=FOREVER) for topic in TOPICS]
    for created in admin.create_topics(new).values():
        created.result()
    producer = Producer(
        {"bootstrap.servers": kafka, "compression.type": "lz4", "linger.ms": 50, "enable.idempotence": True,
         "queue.buffering.max.messages": 500_000, "partitioner": "murmur2_random"}
    )  # fmt: skip
    failed: list[object] = []
    size, said = 0, time.monotonic()
    for done, fact in enumerate(facts(dossiers), 1):
        topic, key = prefix + made.TOPIC_OF[fact.stream.partition("-")[0]], fact.subject.encode()
        body = to_cloudevent(made.row(fact), "/onedoor/bench")
        size += len(body)
        series, _, number = key.rpartition(b"-")
        for copy in range(copies):
            code = b"%b-%07d" % (series, int(number) + copy * dossiers)
            sent = body.replace(key, code) if copy else body
            while True:
                try:
                    producer.produce(
                        topic, sent, code, on_delivery=lambda error, _: failed.append(error) if error else None
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        producer.poll(0)
        if time.monotonic() - said > EVERY:
            print(f"  {done * copies:,} of {dossiers * FACTS * copies:,}", flush=True)
            said = time.monotonic()
    producer.flush()
    assert not failed, failed[0]
    return size / (dossiers * FACTS)
