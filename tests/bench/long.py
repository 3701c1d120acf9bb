"""A log ten times as long: whether an event takes the same time, and how much memory a worker holds."""

import asyncio
from statistics import median

from bench.peers.contest import Contest, log
from bench.peers.sides import OURS, OURS_TWO, SIDES, Side

DOSSIERS, TIMES = 100_000, 10


async def compare(kafka: str, postgres: str) -> None:
    """One worker and two over both logs, which lie side by side; over the short one before and after the long one."""
    await asyncio.to_thread(_compare, kafka, postgres)


def _compare(kafka: str, postgres: str) -> None:
    sides = [side for side in SIDES if side.name in (OURS, OURS_TWO)]
    with log(kafka, DOSSIERS) as (short, _), log(kafka, DOSSIERS, TIMES) as (long, _):
        contests = [
            Contest(kafka, postgres, prefix, dossiers, again=True)
            for prefix, dossiers in ((short, DOSSIERS), (long, DOSSIERS * TIMES))
        ]
        try:
            for contest in (contests[0], contests[1], contests[0]):
                for side in sides:
                    contest.take_part(side)
        finally:
            for contest in contests:
                contest.close()
    if wrong := [said for contest in contests for said in contest.failed.values()]:
        raise SystemExit("; ".join(wrong))
    for side in sides:
        once, often = (_each(contest, side) for contest in contests)
        print(f"  {side.name}: {often / once:.2f} times as long an event; wanted: at most 1.1")


def _each(contest: Contest, side: Side) -> float:
    """Seconds that an event takes."""
    runs = contest.runs[side.name]
    each = median(run.seconds for run in runs) / contest.events
    most = max(run.told["worker"] for run in runs) / 2**20
    print(
        f"  {side.name}: {contest.events:,} events, {each * 1e6:.1f} us each, a worker held at most {most:,.0f} MiB; "
        "wanted: under 512"
    )
    return each
