"""`make bench-peers`: all sides in turn over one log. Fails if their rows are not equal. EVENTS: how many events."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import parts

from bench.peers import filling, report
from bench.peers.contest import Contest, log
from bench.peers.sides import SIDES

ROUNDS = 3


def main() -> int:
    dossiers = int(os.environ.get("EVENTS", "1000000")) // filling.FACTS
    with parts.kafka() as kafka, parts.postgres() as postgres, log(kafka, dossiers) as (prefix, size):
        contest = Contest(kafka, postgres, prefix, dossiers)
        try:
            for number in range(ROUNDS):
                print(f"round {number + 1} of {ROUNDS}", flush=True)
                for side in SIDES:
                    contest.take_part(side, first=not number)
        finally:
            contest.close()
    report.write(contest.runs, contest.failed, dossiers * filling.FACTS, dossiers, size)
    if contest.wrong:
        print("\nnot equal: " + "; ".join(contest.wrong), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
