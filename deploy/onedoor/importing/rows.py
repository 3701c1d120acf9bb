"""The rows of a table, and the CloudEvents that each says by a mapping, or why it says none. No network here."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from events.contracts import CATALOGUE
from events.gateway.rules import Name
from events.wire import PREFIX
from onedoor.importing.mapping import GROUP, Cell, FactOf, Mapped
from onedoor.importing.table_reader import FIRST, Row, Unreadable, read_rows

NO_TIME: Final = "give it as the mapping says, or mend `format` there"


class Told(NamedTuple):
    """An event that a row says. `columns`: by the field of the event, the column that it comes from."""

    row: int
    case: str
    event: Mapping[str, Any]
    columns: Mapping[str, str]


class RowRefused(NamedTuple):
    """A row that says no event, or an event that the gateway refused. `where`: a column, or a field of the event."""

    row: int
    case: str
    where: str
    rule: str
    detail: str
    way_out: str


class Wrong(Exception):
    """A cell is not as the mapping says."""

    def __init__(self, column: str, rule: str, detail: str, way_out: str) -> None:
        super().__init__(detail)
        self.column, self.rule, self.detail, self.way_out = column, rule, detail, way_out


@dataclass(slots=True)
class Rows:
    """A table as a mapping reads it. `digest` is that of the file, once it was read through."""

    path: Path
    mapped: Mapped
    count: int = 0
    digest: str = ""
    _asked: dict[tuple[str, str], list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))

    def look(self) -> None:
        """Read it once through: how many rows there are, and which facts of each dossier others may answer. Raises
        OnedoorError: a column is missing, or it is no such table."""
        answered = {one.answers for one in self.mapped.facts}
        with self.path.open("rb") as file:
            self.digest = _digest(file)
        for row, cells in self.rows():
            self.count = row - FIRST + 1
            if isinstance(cells, dict):
                with suppress(Wrong):  # told when it is its turn
                    for one in self._facts(cells):
                        if one.fact in answered:
                            case, at = self._case(cells), self._time(one, cells)
                            name = Name(self.mapped.source, self._id(one, case, cells))
                            self._asked[case, one.fact].append((at, f"{name.stream}@1"))
        for asked in self._asked.values():
            asked.sort()

    def rows(self) -> Iterator[tuple[int, Row | Unreadable]]:
        """The rows with their numbers, as they stand, and what is no row."""
        return read_rows(self.path, self.mapped)

    def told(self, row: int, cells: Row | Unreadable) -> list[Told | RowRefused]:
        """What a row says; nothing where its activity is ignored or no time stands in it."""
        if isinstance(cells, Unreadable):
            return [RowRefused(row, "", "the row", *cells)]
        case = cells[self.mapped.case.column]
        try:
            return [self._told(row, one, cells) for one in self._facts(cells)]
        except Wrong as wrong:
            return [RowRefused(row, case, wrong.column, wrong.rule, wrong.detail, wrong.way_out)]

    def _facts(self, cells: Row) -> list[FactOf]:
        """Raises Wrong: nothing is said of such an activity."""
        mapped = self.mapped
        if mapped.activity is not None:
            activity = cells[mapped.activity]
            if activity in mapped.ignore:
                return []
            found = [one for one in mapped.facts if one.activity == activity]
            if not found:
                raise Wrong(
                    mapped.activity, "unknown-activity", f"{activity!r} is no activity of the mapping",
                    "say which fact it is, or put it under `ignore`",
                )  # fmt: skip
            return found
        return [one for one in mapped.facts if cells[_time_of(one, mapped).column]]

    def _told(self, row: int, one: FactOf, cells: Row) -> Told:
        case, at = self._case(cells), self._time(one, cells)
        filled = {name: _filled(value, cells, self) for name, value in one.data.items()}
        data = {"case_id": case, **{name: value for name, value in filled.items() if value is not None}}
        if one.answers is not None:
            data["answers"] = self._answered(one, case, at)
        event = {
            "specversion": "1.0", "id": self._id(one, case, cells), "source": self.mapped.source, "subject": case,
            "type": f"{PREFIX}{one.fact}.v{CATALOGUE[one.fact].schema}", "time": at.isoformat(), "data": data,
        }  # fmt: skip
        columns = {path: cell.column for path, cell in one.cells.items()}
        columns |= {"data.case_id": self.mapped.case.column, "time": _time_of(one, self.mapped).column}
        return Told(row, case, event, columns)

    def _case(self, cells: Row) -> str:
        case = self.value(self.mapped.case, cells)
        if case is None:
            raise Wrong(self.mapped.case.column, "no-case", "it says no dossier", "every row needs its dossier")
        return str(case)

    def _time(self, one: FactOf, cells: Row) -> datetime:
        cell = _time_of(one, self.mapped)
        if not cells[cell.column]:
            raise Wrong(cell.column, "no-time", "there is no time", NO_TIME)
        return self._instant(cell, cells[cell.column])

    def _answered(self, one: FactOf, case: str, at: datetime) -> str:
        before = [id for asked, id in self._asked.get((case, one.answers or ""), ()) if asked <= at]
        if not before:
            raise Wrong(
                _time_of(one, self.mapped).column, "answers-nothing", f"there is no {one.answers} of {case} before it",
                "export the rows of what was asked too, or mend the time of one of both",
            )  # fmt: skip
        return before[-1]

    def _id(self, one: FactOf, case: str, cells: Row) -> str:
        """The same for the same row again, wherever it stands: from what tells it from the others of its dossier."""
        columns = self.mapped.id or [*filter(None, [self.mapped.activity]), _time_of(one, self.mapped).column]
        words = [one.fact, case, *(cells[column] for column in columns)]
        return f"csv-{sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()[:32]}"

    def value(self, cell: Cell, cells: Row) -> Any:
        """What a fact has where the cell says this; None where it is empty. Raises Wrong."""
        text = cells[cell.column]
        if not text:
            return None
        if cell.values is not None:
            if text not in cell.values:
                raise Wrong(cell.column, "unknown-value", f"{text!r} is not among its `values`", "add it there")
            return cell.values[text]
        if cell.pattern is not None and cell.code is not None:
            matched = cell.pattern.fullmatch(text)
            if matched is None:
                raise Wrong(cell.column, "no-match", f"{text!r} does not match its `pattern`", "mend one of both")
            return GROUP.sub(lambda group: (matched[int(group[1])] or "").zfill(int(group[2] or 0)), cell.code)
        if cell.is_time:
            return self._instant(cell, text).isoformat()
        if cell.number:
            try:
                return int(text)
            except ValueError:
                raise Wrong(cell.column, "no-number", f"{text!r} is no whole number", "write it in digits") from None
        return text

    def _instant(self, cell: Cell, text: str) -> datetime:
        try:
            at = datetime.strptime(text, cell.format) if cell.format else datetime.fromisoformat(text)  # noqa: DTZ007
            return (at if at.tzinfo else at.replace(tzinfo=self.mapped.zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            wanted = f"a time as in {cell.format}" if cell.format else "a time by ISO 8601"
            raise Wrong(cell.column, "no-time", f"{text!r} is not {wanted}", NO_TIME) from None


def _time_of(one: FactOf, mapped: Mapped) -> Cell:
    cell = one.time or mapped.time
    assert cell is not None  # a mapping without is refused when it is read
    return cell


def _filled(value: Any, cells: Row, rows: Rows) -> Any:
    """The value with what stands in its cells. A field whose cell is empty is left out, and so is an object (a promise)
    of which all cells are empty, whatever constants it has beside them."""
    if isinstance(value, Cell):
        return rows.value(value, cells)
    if isinstance(value, dict):
        filled = {name: _filled(one, cells, rows) for name, one in value.items()}
        told = [filled[name] for name, one in value.items() if isinstance(one, Cell)]
        if told and all(one is None for one in told):
            return None
        return {name: one for name, one in filled.items() if one is not None}
    if isinstance(value, list):
        return [one for one in (_filled(one, cells, rows) for one in value) if one is not None]
    return value


def _digest(file: BinaryIO) -> str:
    seen = sha256()
    while part := file.read(1 << 20):
        seen.update(part)
    return seen.hexdigest()


def refused(told: Told, problem: Mapping[str, Any]) -> RowRefused:
    """The row of an event that the gateway refused, by the column from which the field came."""
    field = str(problem.get("field") or "the event")
    rule, detail, way_out = (str(problem.get(name, "")) for name in ("type", "detail", "way_out"))
    return RowRefused(told.row, told.case, told.columns.get(field, field), rule.rpartition(":")[2], detail, way_out)
