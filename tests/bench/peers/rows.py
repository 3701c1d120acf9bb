"""The rows that a side left, as one checksum: of every case received, due, released and class."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path


class Differs(Exception):
    """A side did something else than the others."""


def checksum(file: Path, dossiers: int, events: int) -> str:
    """Over the sorted rows. Raises Differs where cases are missing, or events by the count of a side that counts."""
    rows: list[str] = []
    counted = counts = 0
    for line in file.read_text().splitlines():
        case, received, due, released, verdict, *count = line.split("\t")
        rows.append("\t".join((case, _instant(received), _instant(due), _instant(released), verdict)))
        counts += len(count)
        counted += int(count[0]) if count else 0
    if len(rows) != dossiers:
        raise Differs(f"{len(rows):,} cases of {dossiers:,}")
    if counts and counted != events:
        raise Differs(f"{counted:,} events folded of {events:,}")
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def _instant(spelt: str) -> str:
    return datetime.fromisoformat(spelt).astimezone(UTC).isoformat() if spelt else ""
