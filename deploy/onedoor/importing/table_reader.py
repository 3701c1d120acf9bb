"""Reads the rows of a CSV file. A row that cannot be read costs itself alone: reading goes on at the next that can.

A quote that is never closed runs on over the rows behind it, to the next quote or to the limit of a cell. So of a
record that is broken only the first line is given up, and the lines behind it are tried anew. Every line that is given
up counts as a row that was refused.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from events.errors import OnedoorError
from events.text_safety import printable
from onedoor.importing.mapping import Mapped, nfc

FIRST: Final = 2  # the number of the first row of data, as a spreadsheet shows it: the header is row 1
MARK: Final = "\ufeff"  # the byte order mark, once it is decoded
ESCAPED: Final = re.compile("[\udc80-\udcff]")  # what surrogateescape makes of a byte that is no letter
HINT: Final = "`table` of the mapping says its encoding and delimiter"

Row = Mapping[str, str]


class Unreadable(NamedTuple):
    """A line that is no row."""

    rule: str
    detail: str
    way_out: str


class _Lines:
    """The lines of a file, some of them again. `taken` are those of the record that is being read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._again = lines, deque[str]()
        self.taken: list[str] = []
        self.number = 1
        """The number of the first line of that record."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        if self.number == 1 and not self.taken:
            line = line.lstrip(MARK)
        self.taken.append(line)
        return line

    def begin(self) -> None:
        """The next record begins behind the last one."""
        self.number += len(self.taken)
        self.taken = []

    def retry(self) -> None:
        """The last record was none: the next begins behind its first line."""
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def read_rows(path: Path, mapped: Mapped) -> Iterator[tuple[int, Row | Unreadable]]:
    """The rows with their numbers, as they stand, without empty ones.

    Raises OnedoorError: the file cannot be read at all, or its header is not what the mapping names.
    """
    try:
        with path.open(encoding=mapped.table.encoding, errors="surrogateescape", newline="") as file:
            yield from _rows(_Lines(file), path.name, mapped)
    except (OSError, UnicodeError, csv.Error) as broken:
        raise OnedoorError(f"{path.name}: {broken}; {HINT}") from broken


def _rows(lines: _Lines, name: str, mapped: Mapped) -> Iterator[tuple[int, Row | Unreadable]]:
    reader = csv.reader(lines, delimiter=mapped.table.delimiter, strict=True)
    header = [nfc(column).strip() for column in next(reader, [])]
    _check(header, name, mapped)
    row = FIRST
    opened: int | None = None  # the line of a record of several lines that was none, until the next row
    while True:
        lines.begin()
        cells, why = _record(reader, lines, len(header))
        if not lines.taken:
            return
        if why is None and cells:
            opened = None
            yield row, {column: nfc(cell).strip() for column, cell in zip(header, cells, strict=True)}
        elif why is not None and (cells is None or opened is not None or len(lines.taken) > 1):
            yield row, _unreadable(lines.number, why, opened)
            if len(lines.taken) > 1:
                opened = opened or lines.number
                lines.retry()
        elif why is not None:
            yield row, Unreadable("cells-missing", why, "put a text with a delimiter into quotes")
        row += 1


def _record(reader: Iterator[list[str]], lines: _Lines, width: int) -> tuple[list[str] | None, str | None]:
    """The cells of the next record, None where it has none; and why it is no row."""
    try:
        cells = next(reader, [])
    except csv.Error as error:
        return None, str(error)
    for line in lines.taken:
        if (undecoded := ESCAPED.search(line)) is not None:
            return None, f"the byte 0x{ord(undecoded[0]) - 0xDC00:02x} is no letter of the table's encoding"
    if cells and len(cells) != width:
        return cells, f"{len(cells)} cells, and the header has {width}"
    return cells, None


def _unreadable(line: int, why: str, opened: int | None) -> Unreadable:
    behind = f"; a quote that opens in line {opened} may not be closed" if opened is not None else ""
    return Unreadable(
        "unreadable-row",
        f"line {line} of the file is no row: {why}{behind}",
        f'write a quote inside of a cell twice (""), and at most {csv.field_size_limit():,} characters in a cell',
    )


def _check(header: list[str], name: str, mapped: Mapped) -> None:
    """Raises OnedoorError."""
    names = ", ".join(printable(column) for column in header)
    if ESCAPED.search("".join(header)):
        raise OnedoorError(f"{name}: its header cannot be read: {names}; {HINT}")
    for key, column in mapped.columns.items():
        if header.count(column) != 1:
            what = "no column" if column not in header else "several columns"
            raise OnedoorError(f"the mapping's {key}: {name} has {what} '{printable(column)}'; it has {names}. {HINT}")
