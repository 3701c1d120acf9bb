"""`make bench`: each comparison runs both sides in turn on one machine and prints their ratio. Nothing is asserted."""

import asyncio
import os
import platform
import sys
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

import parts

from bench import doors, intake, judging, latency, long, queries, rebuild, relay, traffic, whatif

COMPARISONS = {
    "rebuild": rebuild.compare,
    "long": long.compare,
    "intake": intake.compare,
    "relay": relay.compare,
    "gateway": doors.compare,
    "gateway-memory": doors.measure,
    "latency": latency.measure,
    "traffic": traffic.measure,
    "queries": queries.measure,
    "what-if": whatif.measure,
}
ALONE = "judging"  # from memory: without broker and database
CHOICES = (ALONE, *COMPARISONS)


def main() -> int:
    names = sys.argv[1:] or list(CHOICES)
    if unknown := set(names) - set(CHOICES):
        print(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(CHOICES)}", file=sys.stderr)
        return 2
    memory = psutil.virtual_memory().total / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}")
    print("broker, database, client and server share these cores\n")
    for name in names:
        if name == ALONE:
            judging.measure()
            print()
            continue
        with parts.kafka() as kafka, parts.postgres() as postgres:
            asyncio.run(COMPARISONS[name](kafka, postgres))
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
