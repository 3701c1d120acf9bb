"""`onedoor events export`: the topics as files, before Kafka forgets them; a rebuild reads them."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from events.errors import OnedoorError
from events.kafka.archive import Kept, reach, segments, write
from events.kafka.topic_ids import Identity
from local.places import home
from local.places import segments as usual
from onedoor.client import Service
from onedoor.screen import progress
from onedoor.topics.records import Place, Topics
from onedoor.verbs.events import topics_of


def export(
    into: Annotated[
        Path | None, typer.Option("-o", "--into", metavar="DIR", help="The folder; by default where a rebuild looks.")
    ] = None,
    service: Annotated[Service | None, typer.Option("--service", help="Only what this service said.")] = None,
) -> None:
    """Write the records of the fact topics to files; what an earlier export wrote is kept, and only the rest is read.

    A folder per topic and partition, in it lines of JSON in gzip: each record byte by byte, with its offset and key.
    `onedoor sla rebuild --from segments` reads them where ONEDOOR_SEGMENTS of sla names the folder.

    \b
    onedoor events export
    onedoor events export -o /backup/onedoor && zcat /backup/onedoor/intake.events@*/0/*.gz | jq .value.type
    """
    folder = into or usual(home())
    with topics_of(service) as topics:
        spans, ids = topics.spans(), _ids(topics)
        known = {place: reach(segments(folder, place[0], ids[place[0]], place[1])) for place in spans}
        for place, (low, _) in spans.items():
            if known[place] < low:
                topic, number = place
                raise OnedoorError(
                    f"{topic}/{number} begins at {low}, and {folder} has it up to {known[place]}: what lies between is "
                    "gone from Kafka; `onedoor republish` of its service makes it anew"
                )
        left = {place: (known[place], high) for place, (_, high) in spans.items() if known[place] < high}
        written = _export(topics, folder, ids, left)
    print(f"{written:,} records of {len(left)} partitions written to {folder}")


def _ids(topics: Topics) -> dict[str, str]:
    try:
        return dict(asyncio.run(Identity(topics.bootstrap).of(topics.names)))
    except ConnectionError as away:
        raise OnedoorError(str(away)) from away


def _export(topics: Topics, folder: Path, ids: dict[str, str], left: dict[Place, tuple[int, int]]) -> int:
    """Write these spans of offsets; how many records they hold."""
    total, done = sum(end - first for first, end in left.values()), 0
    with progress("records", total) as tell:
        for (topic, number), (first, end) in left.items():
            found = topics.part((topic, number), first, end)
            records = (Kept(one.offset, one.key or b"", one.value or b"") for one in found)
            for reached in write(folder, topic, ids[topic], number, records, end):
                tell(done + reached - first)
            done += end - first
    return total
