"""`onedoor conform`: a recorded stream of another system, judged by the gateway's own rules beforehand."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from deadlines.load import load
from events.clock import now
from events.errors import OnedoorError
from events.gateway import emitters
from events.gateway.findings import Finding
from events.gateway.recording import Catalogued, Recording, Report
from events.text_safety import printable
from local.places import CHECKOUT, home
from onedoor.app import REJECTED, TOLERATED
from onedoor.client import running
from onedoor.instants import instant
from onedoor.screen import VIETNAM, progress, wide
from onedoor.topics.recorded import hear_file, hear_topic
from onedoor.topics.records import Topics

EXITS = {"clean": 0, "tolerated": TOLERATED, "rejected": REJECTED}
STYLES = {"clean": "green", "tolerated": "yellow", "rejected": "bold red"}
LONGEST = 100  # characters of a detail
Emitters = Annotated[
    Path, typer.Option("--emitters", envvar="ONEDOOR_EMITTERS", help="Who may say what: your entry is all it needs.")
]
Catalogue = Annotated[
    Path, typer.Option("--catalogue", envvar="ONEDOOR_CATALOGUE", help="The folder of services and calendars.")
]


def conform(
    stream: Annotated[str, typer.Argument(metavar="FILE|TOPIC", help="One CloudEvent a line, or a topic.")],
    entered: Emitters = CHECKOUT / "deploy" / "emitters.yaml",
    catalogue: Catalogue = CHECKOUT / "deploy" / "catalogue",
    arrived: Annotated[
        str | None, typer.Option(help="When a file's events arrive: a day or an instant. Without it, now.")
    ] = None,
    kafka: Annotated[str | None, typer.Option(help="The brokers of a topic. Without it, the running system's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Judge a recorded stream as the gateway would, and each of its dossiers as a whole; nothing is sent.

    Told are schema, identity, key, order, duplicates, clocks, impossible courses and missing promises: how often, the
    first examples, how to mend each. A topic is read once to its end of now; each record arrived when it was written.

    Exit code 0: clean. 4: tolerated, all of it would be taken in, and some of it is worth a look. 5: rejected, some of
    it would be refused. 1: it could not be read.

    \b
    onedoor conform events.ndjson
    onedoor conform events.ndjson --emitters our-entry.yaml --arrived 2017-08-01
    onedoor conform provincial.inbound --kafka 127.0.0.1:9092
    onedoor conform events.ndjson --json | jq '.findings[] | .rule, .count'
    """
    rules = load(catalogue).build()
    recording = Recording(
        emitters.load(entered, rules.owners()), Catalogued(frozenset(rules.services), frozenset(rules.calendars))
    )
    path = Path(stream)
    if path.is_file():
        with progress("bytes", path.stat().st_size) as tell:
            hear_file(recording, path, now() if arrived is None else instant(arrived, "--arrived"), tell)
    elif path.exists() or path.suffix in (".ndjson", ".json", ".jsonl"):
        raise OnedoorError(f"{stream}: there is no such file")
    else:
        _hear(recording, *_place(stream, kafka))
    report = recording.report()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    else:
        show(wide(), stream, report)
    sys.exit(EXITS[report.level])


def _place(topic: str, kafka: str | None) -> tuple[str, str]:
    """The brokers, and the topic's whole name: in the running system with its prefix, elsewhere as it is given."""
    if kafka is not None:
        return kafka, topic
    about = running(home())
    return about["kafka"], about["topic_prefix"] + topic


def _hear(recording: Recording, bootstrap: str, topic: str) -> None:
    with Topics(bootstrap, [topic]) as topics:
        if topics.missing():
            raise OnedoorError(f"there is no file {topic}, and {bootstrap} has no topic of that name")
        spans = topics.spans()
        with progress("records", sum(high - low for low, high in spans.values())) as tell:
            hear_topic(recording, topics, spans, tell)


def show(console: Console, name: str, report: Report) -> None:
    """The report for a person."""
    console.print(Text(f"{printable(name)}: {report.level}", style=STYLES[report.level]))
    console.print(
        f"{report.events:,} events, {report.dossiers:,} dossiers: {report.accepted:,} would be accepted, "
        f"{report.repeated:,} are repeats, {report.refused:,} would be refused",
        highlight=False,
    )
    clock = report.clock
    if clock.earliest is not None and clock.latest is not None:
        console.print(
            f"They happened from {_local(clock.earliest)} to {_local(clock.latest)}, Quang Ninh's time; the furthest "
            f"{_long(clock.seconds_ahead)} after its arrival, {_long(clock.seconds_late)} before it",
            highlight=False,
        )
    for one in report.findings:
        _show(console, one)


def _show(console: Console, one: Finding) -> None:
    times = "1 event" if one.count == 1 else f"{one.count:,} events"
    head = Text(f"\n{one.subject}  {one.rule}", style=STYLES[one.level])
    console.print(head.append(f"  {one.field + '  ' if one.field else ''}{times} {one.level}", style="default"))
    console.print(Text(f"  {_short(one.says)}"))
    for example in one.examples:
        words = [f"line {example.place}" if isinstance(example.place, int) else example.place]
        words += [f"id {_short(example.id)}"] if example.id else []
        words += [_short(example.case)] if example.case else []
        words += [_short(example.detail)] if example.detail and example.detail != one.says else []
        console.print(Text("    " + "  ".join(words), style="dim"), soft_wrap=True)
    if one.count > len(one.examples):
        console.print(Text(f"    … {one.count - len(one.examples):,} more", style="dim"))
    console.print(Text(f"  → {one.way_out}"))


def _short(text: str) -> str:
    told = printable(text)
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"


def _local(at: datetime) -> str:
    return f"{at.astimezone(VIETNAM):%d/%m/%Y %H:%M}"


def _long(seconds: int) -> str:
    """In days where it is long."""
    return f"{seconds // 86400:,} days" if seconds >= 2 * 86400 else f"{seconds:,} s"
