"""What every side is told, where its rows go, and how it hands them back with its seconds.

Standard library only: it is imported in two environments.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

KAFKA = os.environ["PEERS_KAFKA"]
TOPICS = os.environ["PEERS_TOPICS"].split(",")
PARTITIONS = int(os.environ["PEERS_PARTITIONS"])
EVENTS = int(os.environ["PEERS_EVENTS"])
DATABASE = os.environ["PEERS_DATABASE"]  # its superuser's address
FOLDER = Path(os.environ["PEERS_FOLDER"])  # of this run alone

FETCH = 4 << 20  # bytes of a partition fetched at once, wherever that can be said
AT_ONCE = 5_000  # records asked of a client at once, wherever that can be said
LIBRDKAFKA = {"max.partition.fetch.bytes": FETCH, "fetch.queue.backoff.ms": 10}  # the default pauses for a second

COLUMNS = ("received", "due", "released", "class", "events")
TABLE = """
drop table if exists cases;
create table cases (case_id text primary key, received timestamptz, due timestamptz, released timestamptz,
    class text, events bigint)
"""
ROWS = "select case_id, received, due, released, class, events from cases"


class Watch:
    """Starts with the first record and knows the last, for a side that is handed one after the other."""

    began, read = 0.0, 0

    def one(self) -> bool:
        """One more record; whether it is the last."""
        if not self.read:
            self.began = time.perf_counter()
        self.read += 1
        return self.read == EVENTS

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began


def parts_of(database: str) -> dict[str, Any]:
    """An address of PostgreSQL, in pieces; its host may be the folder of a socket."""
    split = urlsplit(database)
    return {
        "host": unquote(split.hostname or split.netloc.rpartition("@")[2].rpartition(":")[0]),
        "port": split.port or 5432, "dbname": split.path[1:],
        "user": unquote(split.username or ""), "password": unquote(split.password or ""),
    }  # fmt: skip


def leave(rows: Iterable[Sequence[Any]]) -> None:
    """Rows as case, received, due, released, class and, if the side counts them, events: for the comparison."""
    with (FOLDER / "rows.tsv").open("w") as file:
        for row in rows:
            file.write("\t".join("" if value is None else _spelt(value) for value in row) + "\n")


def _spelt(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def report(seconds: float, **more: Any) -> None:
    """From the first record, or the first asking for it, until the last row is where it is kept."""
    print("RESULT " + json.dumps({"seconds": seconds, **more}))
    sys.stdout.flush()
