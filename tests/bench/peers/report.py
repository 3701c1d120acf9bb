"""What came of it: a table and ratios, printed and written into docs/performance.md between markers, and a chart."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

import psutil

from bench.peers.chart import chart
from bench.peers.filling import PARTITIONS
from bench.peers.running import Run
from bench.peers.sides import DRAIN, DRAIN_CONFLUENT, OURS, OURS_TWO, QUIX, READ_KAFKA, SIDES, STREAMS, STREAMS_TWO
from local.places import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "performance.md"
CHART = CHECKOUT / "docs" / "peers.svg"
BEGIN, END = "<!-- bench-peers: written by the command -->\n", "<!-- bench-peers: end -->\n"
HEAD = (
    "| side | events/s: median (all runs) | processor µs/event | broker s | PostgreSQL s | memory | rows go to |\n"
    "|---|---|---|---|---|---|---|"
)
Runs = Mapping[str, Sequence[Run]]


def write(runs: Runs, failed: Mapping[str, str], events: int, dossiers: int, size: float) -> None:
    """Print it, draw it, and put it into the document."""
    rates = {name: median(events / run.seconds for run in own) for name, own in runs.items()}
    table = "\n".join([HEAD, *_lines(runs, rates, failed, events)])
    compared = "\n".join(["| ours | against | ratio | wanted |", "|---|---|---|---|", *_ratios(rates)])
    servers = _servers(runs)
    where = (
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )
    said = (
        f"{where}; {events:,} events of {size:,.0f} bytes (CloudEvents of {dossiers:,} made-up dossiers, three topics "
        f"of {PARTITIONS} partitions), one side after the other, broker and PostgreSQL on the same cores."
    )
    print(f"\n{said}\n\n{table}\n\n{compared}\n\n{servers}")
    CHART.write_text(chart(rates, [OURS, OURS_TWO]))
    told = f"{said}\n\n{table}\n\n![events a second of each side](peers.svg)\n\n{compared}\n\n{servers}\n"
    whole = DOCUMENT.read_text()
    before, _, rest = whole.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{told}\n{END}{after}")
    print(f"\nwritten: {DOCUMENT.relative_to(CHECKOUT)}, {CHART.relative_to(CHECKOUT)}")


def _lines(runs: Runs, rates: Mapping[str, float], failed: Mapping[str, str], events: int) -> Iterator[str]:
    for side in SIDES:
        if own := runs.get(side.name):
            every = ", ".join(f"{events / run.seconds:,.0f}" for run in own)
            cpu = median(run.cpu for run in own) / events * 1e6
            broker, database = (median(getattr(run, server) for run in own) for server in ("broker", "database"))
            memory = max(run.memory for run in own) / 2**20
            yield (
                f"| {side.name} | {rates[side.name]:,.0f} ({every}) | {cpu:.1f} | {broker:.1f} | {database:.1f} "
                f"| {memory:,.0f} MiB | {side.keeps or 'nowhere'} |"
            )
        if side.name in failed:
            yield f"| {side.name} | no figure: {failed[side.name].replace('|', '/')} | | | | | |"


def _ratios(rates: Mapping[str, float]) -> Iterator[str]:
    best = max((name for name in READ_KAFKA if name in rates), key=rates.__getitem__, default=QUIX)
    wanted = [
        (OURS, DRAIN, "0.5, aim at 1.0"),
        (OURS, DRAIN_CONFLUENT, ""),
        (OURS, best, "3 (the best Python peer that reads Kafka)"),
        (OURS, QUIX, "6"),
        (OURS, STREAMS, "1.7"),
        (OURS, STREAMS_TWO, "1.7"),
        (OURS_TWO, OURS, ""),
    ]
    for ours, theirs, least in wanted:
        if ours in rates and theirs in rates:
            yield f"| {ours} | {theirs} | {rates[ours] / rates[theirs]:.2f} | {least} |"


def _servers(runs: Runs) -> str:
    """What the servers took of the cores while two workers folded."""
    cores = os.cpu_count() or 1
    shares = [
        (run.broker / run.whole / cores, run.database / run.whole / cores, run.cpu / run.whole / cores)
        for run in runs.get(OURS_TWO, ())
    ]
    if not shares:
        return ""
    broker, database, workers = (median(share) * 100 for share in zip(*shares, strict=True))
    return (
        f"While two workers fold, the broker takes {broker:.0f}% of the {cores} cores, PostgreSQL {database:.0f}%, "
        f"the workers with the process that watches them {workers:.0f}%, of the whole time of that process."
    )
