"""confluent-kafka, reading everything and doing nothing with it."""

import time

from confluent_kafka import Consumer, TopicPartition

from bench.peers.contestants import told

consumer = Consumer(
    {"bootstrap.servers": told.KAFKA, "group.id": "drain", "enable.auto.commit": False, **told.LIBRDKAFKA}
)
consumer.assign([TopicPartition(topic, number, 0) for topic in told.TOPICS for number in range(told.PARTITIONS)])
began, left = time.perf_counter(), told.EVENTS
while left > 0:
    for message in consumer.consume(min(told.AT_ONCE, left), 1.0):
        if message.error():
            raise SystemExit(str(message.error()))
        left -= 1
told.report(time.perf_counter() - began)
consumer.close()
