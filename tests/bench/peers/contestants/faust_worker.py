"""faust-streaming: one worker, a table in memory with its changelog topic, which it sends an event at a time."""

import os
import sys

import faust

from bench.peers.contestants import told
from bench.peers.contestants.folding import fold

app = faust.App(
    told.FOLDER.name, broker=f"kafka://{told.KAFKA}", store="memory://", topic_partitions=told.PARTITIONS,
    datadir=told.FOLDER / "state", web_enabled=False, consumer_max_fetch_size=told.FETCH,
    consumer_auto_offset_reset="earliest", topic_disable_leader=True, worker_redirect_stdouts=False,
    producer_linger=0.05, producer_compression_type="lz4",
)  # fmt: skip
log = app.topic(*told.TOPICS, key_type=bytes, key_serializer="raw", value_serializer="json")
table = app.Table("cases", partitions=told.PARTITIONS, key_type=bytes)
watch = told.Watch()


@app.agent(log)
async def rebuild(stream: faust.StreamT) -> None:
    async for key, event in stream.items():
        last = watch.one()
        table[key] = fold(table.get(key), event["type"], event["time"], event["data"].get("appointment"))
        if last:
            await app.producer.flush()
            seconds = watch.seconds
            told.leave([(case.decode(), *row) for case, row in table.items()])
            told.report(seconds)
            os._exit(0)  # its own end waits for its rebalance


sys.argv[1:] = ["worker", "-l", "warn", "--without-web"]
app.main()
