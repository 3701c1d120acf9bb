"""eventsourcing, from its own store: its notification log in large pages, rows copied into PostgreSQL at the end.

Its ProjectionRunner, which commits an event at a time, is far slower.
"""

import time

import psycopg

from bench.peers.contestants import told
from bench.peers.contestants.aggregates import application
from bench.peers.contestants.folding import Row, fold

with psycopg.connect(told.DATABASE) as connection:
    connection.execute(told.TABLE)
app = application()
rows: dict[str, Row] = {}
began, start = time.perf_counter(), 1
while page := app.notification_log.select(start, limit=told.AT_ONCE):
    for notification in page:
        event = app.mapper.to_domain_event(notification)
        due = event.data.get("appointment")
        rows[event.case_id] = fold(rows.get(event.case_id), event.kind, event.at, due)
    start = page[-1].id + 1
with psycopg.connect(told.DATABASE) as connection, connection.cursor() as cursor:
    with cursor.copy("copy cases from stdin") as copy:
        for case, row in rows.items():
            copy.write_row((case, *row))
seconds = time.perf_counter() - began
with psycopg.connect(told.DATABASE) as connection:
    told.leave(connection.execute(told.ROWS).fetchall())
told.report(seconds)
app.close()
