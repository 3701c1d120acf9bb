"""Who takes part: what each is called, where its rows go, and how it is run."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.peers import packages

Command = Callable[[], list[str]]

DRAIN, DRAIN_CONFLUENT = "aiokafka drain", "confluent-kafka drain"
OURS, OURS_TWO = "onedoor, 1 worker", "onedoor, 2 workers"
QUIX, FAUST, BYTEWAX = "quixstreams", "faust-streaming", "bytewax"
STREAMS, STREAMS_TWO = "Kafka Streams, 1 thread", "Kafka Streams, 2 threads"
EVENTSOURCING = "eventsourcing"
READ_KAFKA = (QUIX, FAUST, BYTEWAX)


@dataclass(frozen=True)
class Side:
    """`command` may fetch packages. `keeps`: where its rows go, empty if it makes none. `before`: run once, not
    measured."""

    name: str
    keeps: str
    command: Command
    before: Command | None = None


def _house(module: str, *arguments: str) -> Command:
    return lambda: [sys.executable, "-m", f"bench.peers.contestants.{module}", *arguments]


def _peer(module: str) -> Command:
    return lambda: [str(packages.python()), "-m", f"bench.peers.contestants.{module}"]


def _java(threads: str) -> Command:
    source = Path(__file__).parent / "kstreams" / "Rebuild.java"
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    return lambda: ["java", "-Xmx1g", quiet, "-cp", f"{packages.jars()}/*", str(source), threads]


SIDES = (
    Side(DRAIN, "", _house("aiokafka_drain")),
    Side(DRAIN_CONFLUENT, "", _house("confluent_drain")),
    Side(OURS, "PostgreSQL, all four tables", _house("ours", "1")),
    Side(OURS_TWO, "PostgreSQL, all four tables", _house("ours", "2")),
    Side(STREAMS, "its store and changelog", _java("1")),
    Side(STREAMS_TWO, "its store and changelog", _java("2")),
    Side(BYTEWAX, "memory, then PostgreSQL", _peer("bytewax_flow")),
    Side(QUIX, "its store and changelog, PostgreSQL", _peer("quix")),
    Side(FAUST, "its table and changelog", _peer("faust_worker")),
    Side(EVENTSOURCING, "memory, then PostgreSQL", _peer("eventsourcing_log"), _peer("eventsourcing_fill")),
)
