"""`make bench`: each comparison runs both sides in turn on one machine and prints their ratio. Nothing is asserted."""

import asyncio
import os
import platform
import sys
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

import parts

from bench import intake, judging, latency, rebuild, relay, whatif

COMPARISONS = {
    "judging": judging.compare,
    "rebuild": rebuild.compare,
    "intake": intake.compare,
    "relay": relay.compare,
    "latency": latency.measure,
    "what-if": whatif.measure,
}


def main() -> int:
    names = sys.argv[1:] or list(COMPARISONS)
    if unknown := set(names) - COMPARISONS.keys():
        print(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(COMPARISONS)}", file=sys.stderr)
        return 2
    memory = psutil.virtual_memory().total / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}")
    print("broker, database, client and server share these cores\n")
    for name in names:
        with parts.kafka() as kafka, parts.postgres() as postgres:
            asyncio.run(COMPARISONS[name](kafka, postgres))
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
