"""The log from Kafka into eventsourcing's own store, not measured: what its rebuild reads."""

from datetime import datetime

import msgspec
import psycopg
from confluent_kafka import Consumer, TopicPartition

from bench.peers.contestants import told
from bench.peers.contestants.aggregates import Told, application, stream_id

AT_ONCE = 200  # thousands at once have hung in the client's pipeline

with psycopg.connect(told.DATABASE) as connection:
    connection.execute("drop table if exists cases_events, cases_snapshots")
app = application()
consumer = Consumer(
    {"bootstrap.servers": told.KAFKA, "group.id": "fill", "enable.auto.commit": False, **told.LIBRDKAFKA}
)
consumer.assign([TopicPartition(topic, number, 0) for topic in told.TOPICS for number in range(told.PARTITIONS)])
left = told.EVENTS
while left > 0:
    kept = []
    for message in consumer.consume(min(AT_ONCE, left), 1.0):
        event = msgspec.json.decode(message.value() or b"")
        stream, _, version = event["id"].rpartition("@")
        kept.append(
            app.mapper.to_stored_event(
                Told(
                    originator_id=stream_id(stream), originator_version=int(version),
                    timestamp=datetime.fromisoformat(event["recordedtime"]), case_id=event["subject"],
                    kind=event["type"], at=event["time"], data=event["data"],
                )
            )
        )  # fmt: skip
    if kept:
        app.recorder.insert_events(kept)
    left -= len(kept)
consumer.close()
app.close()
told.report(0.0)
