"""quixstreams: its own state with its changelog, rows upserted by its PostgreSQL sink."""

from typing import Any

import psycopg2
from quixstreams import Application, State
from quixstreams.sinks.community.postgresql import PostgreSQLSink

from bench.peers.contestants import told
from bench.peers.contestants.folding import fold

address = told.parts_of(told.DATABASE)
connection = psycopg2.connect(**address)
connection.autocommit = True
cursor = connection.cursor()
cursor.execute(told.TABLE)
app = Application(
    broker_address=told.KAFKA, consumer_group=told.FOLDER.name, auto_offset_reset="earliest",
    state_dir=told.FOLDER / "state", loglevel="WARNING", consumer_extra_config=dict(told.LIBRDKAFKA),
)  # fmt: skip
watch = told.Watch()


def step(event: dict[str, Any], state: State) -> dict[str, Any] | None:
    last = watch.one()
    row = fold(state.get("row"), event["type"], event["time"], event["data"].get("appointment"))
    state.set("row", row)
    if last:
        app.stop()  # its own run(count=…) does not count what ends in a sink
    return {"case_id": event["subject"], **dict(zip(told.COLUMNS, row, strict=True))} if row[3] else None


first, *others = [
    app.dataframe(app.topic(topic, key_deserializer="str", value_deserializer="json")) for topic in told.TOPICS
]
for other in others:
    first = first.concat(other)
rows = first.apply(step, stateful=True).filter(lambda row: row is not None)
rows.sink(
    PostgreSQLSink(
        **address, table_name="cases", primary_key_columns="case_id", upsert_on_primary_key=True,
        schema_auto_update=False, include_metadata=False,
    )
)  # fmt: skip
app.run()
seconds = watch.seconds
assert watch.read == told.EVENTS, f"{watch.read} of {told.EVENTS}"
# Its sink writes what came of one partition behind what came of another, so the row that stands need not be the last of
# its case. It has only those of finished cases, whose other columns change no more.
cursor.execute(told.ROWS)
told.leave(row[:-1] for row in cursor)
told.report(seconds)
