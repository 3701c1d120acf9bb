"""`onedoor export`: what happened to the dossiers as an event log, for tools of process mining."""

import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from deadlines.load import load
from events.contracts.channels import CHANNELS
from events.errors import OnedoorError, Unreadable
from events.kafka.cloudevent import from_cloudevent
from events.store.envelope import RecordedEvent
from local.places import CHECKOUT, home
from onedoor.client import running
from onedoor.exporting import ocel, xes
from onedoor.exporting.history import STREAMS, History, KindOf, histories, received
from onedoor.screen import VIETNAM, progress
from onedoor.topics.records import Topics

Format = StrEnum("Format", ("ocel", "xes"))
WRITE: Final = {Format.ocel: ocel.write, Format.xes: xes.write}
MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
SAID_ON: Final = tuple(one.topic for one in CHANNELS if STREAMS & set(one.streams))
UNKNOWN: Final = "unit"  # the kind of a unit that our catalogue does not know: another system's


def export(
    output: Annotated[Path, typer.Option("-o", metavar="FILE", help="The file to write.")],
    format: Annotated[
        Format, typer.Option(help="ocel: OCEL 2.0 as JSON. xes: a trace for each dossier.")
    ] = Format.ocel,
    month: Annotated[str | None, typer.Option(help="Only dossiers that were received in a month, as 2017-07.")] = None,
    case: Annotated[list[str] | None, typer.Option(help="Only this dossier; may be given several times.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object about the file, for programs.")] = False,
) -> None:
    """Write what happened to the dossiers as an event log for tools of process mining.

    Hand-overs, waits, work and ends, as corrected by now, with dossier, units and work orders. Reads the topics, and
    commits nothing. There is no personal data in it, because none is in the facts.

    \b
    onedoor export -o onedoor.json
    onedoor export --format xes --month 2017-07 -o july.xes
    onedoor export --case 000.00.02.H49-170710-0001 -o dossier.json
    """
    if month is not None and not MONTH.fullmatch(month):
        raise OnedoorError(f"--month: {month!r} is no month, as in 2017-07")
    reading = _Reading(_kinds())
    beside = output.with_name(f".{output.name}.part")
    try:
        with beside.open("w", encoding="utf-8") as into:
            written = WRITE[format](wanted(reading.histories(), month, frozenset(case or ())), into)
        os.replace(beside, output)
    except OSError as unwritable:
        raise OnedoorError(f"{output}: {unwritable}") from unwritable
    finally:
        beside.unlink(missing_ok=True)
    made = {"file": str(output), "format": format.value, **written._asdict(), "left_out": reading.left_out}
    if as_json:
        print(json.dumps(made, indent=1))
        return
    print(f"{output}: {written.dossiers:,} dossiers, {written.events:,} events, {written.objects:,} objects")
    if reading.left_out:
        print(f"onedoor: {reading.left_out:,} records cannot be read and are not in it", file=sys.stderr)


def wanted(all: Iterable[History], month: str | None, cases: Collection[str]) -> Iterator[History]:
    """The dossiers that were received in a month, by Quang Ninh's clocks, and are among these, where any are named."""
    for one in all:
        at = received(one)
        within = month is None or (at is not None and f"{at.astimezone(VIETNAM):%Y-%m}" == month)
        if within and (not cases or one.case_id in cases):
            yield one


def _kinds() -> KindOf:
    catalogue = load(Path(os.environ.get("ONEDOOR_CATALOGUE") or CHECKOUT / "deploy" / "catalogue")).build()
    return lambda code: catalogue.unit(code).kind if catalogue.has_unit(code) else UNKNOWN


class _Reading:
    """The topics of dossiers, one partition of all of them after another: each has every fact of its dossiers, and what
    is held at one time is no more than that."""

    def __init__(self, kind_of: KindOf) -> None:
        self._kind_of, self.left_out = kind_of, 0

    def histories(self) -> Iterator[History]:
        about = running(home())
        names = [about["topic_prefix"] + name for name in SAID_ON]
        with Topics(about["kafka"], names) as topics:
            spans = topics.spans()
            done = 0
            with progress("records", sum(end - first for first, end in spans.values())) as tell:
                for number in sorted({partition for _, partition in spans}):
                    part = {place: span for place, span in spans.items() if place[1] == number}
                    records = topics.read(part, lambda _: True, lambda _: None)
                    yield from histories(self._facts(record.value for record in records), self._kind_of)
                    tell(done := done + sum(end - first for first, end in part.values()))

    def _facts(self, values: Iterator[Any]) -> Iterator[RecordedEvent]:
        for value in values:
            try:
                fact = from_cloudevent(value or b"")
            except Unreadable:
                self.left_out += 1
                continue
            if fact.fact is None:
                self.left_out += 1  # newer than this program
            else:
                yield fact
