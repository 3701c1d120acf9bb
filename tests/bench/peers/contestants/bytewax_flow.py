"""bytewax: one worker, state in memory without recovery, rows copied into PostgreSQL at the end."""

from typing import Any

import bytewax.operators as op
import msgspec
import psycopg
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from confluent_kafka import OFFSET_BEGINNING

from bench.peers.contestants import folding, told
from bench.peers.contestants.folding import Row

watch = told.Watch()


class Data(msgspec.Struct, gc=False):
    appointment: str | None = None


class Event(msgspec.Struct, gc=False):
    type: str
    subject: str
    time: str
    data: Data


_decode = msgspec.json.Decoder(Event).decode


def decode(message: KafkaSourceMessage) -> tuple[str, Event]:
    watch.one()
    event = _decode(message.value)
    return event.subject, event


def fold(row: Row | None, event: Event) -> tuple[Row, list[Row]]:
    row = folding.fold(row, event.type, event.time, event.data.appointment)
    return row, [row] if row[3] else []


class Copied(StatelessSinkPartition):
    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def write_batch(self, items: list[Any]) -> None:
        self.rows.update(items)

    def close(self) -> None:
        with psycopg.connect(told.DATABASE) as connection, connection.cursor() as cursor:
            with cursor.copy("copy cases from stdin") as copy:
                for case, row in self.rows.items():
                    copy.write_row((case, *row))


class Sink(DynamicSink):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> Copied:
        return Copied()


with psycopg.connect(told.DATABASE) as connection:
    connection.execute(told.TABLE)
flow = Dataflow("rebuild")
source = KafkaSource(
    [told.KAFKA], told.TOPICS, tail=False, starting_offset=OFFSET_BEGINNING, batch_size=told.AT_ONCE,
    add_config={name: str(value) for name, value in told.LIBRDKAFKA.items()},
)  # fmt: skip
events = op.map("decode", op.input("log", flow, source), decode)
op.output("rows", op.stateful_flat_map("fold", events, fold), Sink())
run_main(flow)
seconds = watch.seconds
with psycopg.connect(told.DATABASE) as connection:
    told.leave(connection.execute(told.ROWS).fetchall())
told.report(seconds)
