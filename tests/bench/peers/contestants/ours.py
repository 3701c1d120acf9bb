"""Ours: the fold of `onedoor sla rebuild`, with the real judge into the real tables of a generation of its own.

Comparing with the live generation and the swap come after it and are no part of what the peers do.
"""

import multiprocessing
import sys
import time

import uvloop
from confluent_kafka import Consumer, TopicPartition

from bench.peers.contestants import told
from bench.peers.running import held
from deadlines.load import load
from events.settings import Settings
from events.store import database
from sla.judging.judge import Rules
from sla.rebuild import generations
from sla.rebuild.__main__ import fold
from sla.rebuild.log_reader import Place
from sla.rebuild.workers import Work, Workers

ROWS = "select case_id, received_at, due_at, released_at, class_a from cycles_{generation}"
OTHERS = "select (select count(*) from stays_{generation}) + (select count(*) from charges_{generation})"


async def main(settings: Settings, rules: Rules, workers: Workers) -> None:
    pool = await database.connect(settings.database_url, size=4)
    generation = await generations.begin(pool, "op-1")
    ends = _ends()
    began = time.perf_counter()
    counts, report = await fold(pool, workers, Work(generation, ends, {}), told.EVENTS)
    seconds = time.perf_counter() - began
    most = max(held(worker.pid) for worker in multiprocessing.active_children() if worker.pid)
    assert counts.events == told.EVENTS, f"{counts.events} records of {told.EVENTS}"
    assert not report.stuck, report.stuck
    assert not report.unreadable, report.unreadable
    told.leave([tuple(row) for row in await pool.fetch(ROWS.format(generation=generation))])
    others = await pool.fetchval(OTHERS.format(generation=generation))
    async with pool.acquire() as connection:
        await generations.fail(connection, generation, "measured")
    await pool.close()
    told.report(seconds, others=others, worker=most)


def _ends() -> dict[Place, int]:
    consumer = Consumer({"bootstrap.servers": told.KAFKA, "group.id": "ends"})
    places = [(topic, number) for topic in told.TOPICS for number in range(told.PARTITIONS)]
    ends = {place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=10)[1] for place in places}
    consumer.close()
    return ends


if __name__ == "__main__":
    here = Settings()
    judged_by = Rules(load(here.onedoor_catalogue).build())
    at_work = Workers(int(sys.argv[1]), judged_by, here.kafka_bootstrap_servers, here.database_url)
    try:
        uvloop.run(main(here, judged_by, at_work))
    finally:
        at_work.close()
