"""Topic-partitions as files: what an operator exports before Kafka forgets it, and what a rebuild reads instead.

A folder holds `<topic>@<id>/<partition>/<first>-<end>.ndjson.gz`: the records from offset `first` up to (not with)
`end`, one a line. The id is the one that Kafka gave the topic, because offsets mean other records in one that was made
again. A segment is written under another name until it is whole; none is ever changed.
"""

import gzip
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from events.errors import Unreadable

NAME = "{first:020}-{end:020}.ndjson.gz"
LARGEST = 100_000  # records in one segment
KEYS = "latin-1"  # a character for each byte; the keys of ours are plain ASCII


class Kept(NamedTuple):
    """A record as it stood at its offset; key and value byte by byte."""

    offset: int
    key: bytes
    value: bytes


class _Line(msgspec.Struct, omit_defaults=True):
    """`value` is the record's JSON as it stood, for whoever looks with zcat and jq; `base64` what is no JSON line."""

    offset: int
    key: str
    value: msgspec.Raw = msgspec.Raw()
    base64: bytes | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


class Segment(NamedTuple):
    """A file, and the offsets that it has: from `first` up to (not with) `end`."""

    first: int
    end: int
    file: Path

    def records(self) -> Iterator[Kept]:
        """What stands in it, in order. Raises Unreadable, naming the file, when it is not as it was written."""
        expected = self.first
        try:
            with gzip.open(self.file, "rb") as lines:
                for line in lines:
                    kept = _kept(_decode(line))
                    if not expected <= kept.offset < self.end:
                        raise Unreadable(f"{self.file}: offset {kept.offset} is not from {expected} up to {self.end}")
                    expected = kept.offset + 1
                    yield kept
        except (OSError, EOFError, msgspec.MsgspecError) as damaged:
            raise Unreadable(f"{self.file}: {damaged}") from damaged


def segments(folder: Path, topic: str, id: str, partition: int) -> list[Segment]:
    """The segments of a partition from offset 0 on, each beginning where the one before ends."""
    found: list[Segment] = []
    for file in sorted(_place(folder, topic, id, partition).glob("*.ndjson.gz")):
        first, _, end = file.name.partition(".")[0].partition("-")
        if not (first.isdecimal() and end.isdecimal()) or int(first) != reach(found):
            break
        found.append(Segment(int(first), int(end), file))
    return found


def reach(known: Sequence[Segment]) -> int:
    """The first offset that is in none of them."""
    return known[-1].end if known else 0


def write(folder: Path, topic: str, id: str, partition: int, records: Iterable[Kept], end: int) -> Iterator[int]:
    """Append what comes, up to (not with) `end`, as new segments; says after each one how far they reach now."""
    place = _place(folder, topic, id, partition)
    place.mkdir(parents=True, exist_ok=True)
    first, coming = reach(segments(folder, topic, id, partition)), iter(records)
    while first < end:
        under_way = place / "under-way"
        last, count = first - 1, 0
        with gzip.open(under_way, "wb", compresslevel=6) as lines:
            for kept in coming:
                lines.write(_encode(_line(kept)) + b"\n")
                last, count = kept.offset, count + 1
                if count == LARGEST:
                    break
        until = last + 1 if count == LARGEST else end
        with under_way.open("rb") as whole:
            os.fsync(whole.fileno())
        under_way.rename(place / NAME.format(first=first, end=until))
        first = until
        yield first


def _place(folder: Path, topic: str, id: str, partition: int) -> Path:
    return folder / f"{topic}@{id.replace('/', '_')}" / str(partition)  # an id is spelt in base64


def _line(kept: Kept) -> _Line:
    if _is_line_of_json(kept.value):
        return _Line(kept.offset, kept.key.decode(KEYS), value=msgspec.Raw(kept.value))
    return _Line(kept.offset, kept.key.decode(KEYS), base64=kept.value)


def _kept(line: _Line) -> Kept:
    value = bytes(line.value) if line.base64 is None else line.base64
    return Kept(line.offset, line.key.encode(KEYS), value)


def _is_line_of_json(value: bytes) -> bool:
    if value[:1] != b"{" or value[-1:] != b"}" or b"\n" in value:
        return False
    try:
        msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
