"""The rows of a table, and the CloudEvents that each says by a mapping, or why it says none. No network here."""

import json
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from deadlines.calendar import Calendar
from events.contracts import CATALOGUE
from events.gateway.rules import Name
from events.kafka.cloudevent import PREFIX
from onedoor.importing.cells import read_day, read_instant, read_number
from onedoor.importing.days import Days, first_of, last_of
from onedoor.importing.mapping import GROUP, Cell, FactOf, Mapped
from onedoor.importing.questions import Act, Questions
from onedoor.importing.table_reader import FIRST, Row, Unreadable, read_rows

NO_TIME: Final = "give it as the mapping says, or mend `format` there; where only the day is known, say `day: true`"
NO_NUMBER: Final = "write it in digits, or declare its signs, as in number: {decimal: ',', thousands: '.'}"


class Told(NamedTuple):
    """An event that a row says.

    `columns`: by the field of the event, the column that it comes from. `answers`: the id of the event of the same
    table that it answers. `day`: of its time only the day is known.
    """

    row: int
    case: str
    event: Mapping[str, Any]
    columns: Mapping[str, str]
    activity: str = ""
    answers: str | None = None
    day: bool = False


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
    """A table as a mapping reads it. `digest` is that of the file, once it was read through. `calendar` is that of the
    mapping, for the cells that are days."""

    path: Path
    mapped: Mapped
    calendar: Calendar | None = None
    count: int = 0
    digest: str = ""
    _questions: Questions = field(default_factory=Questions)
    _days: Days | None = None

    def look(self) -> None:
        """Read it once through: how many rows there are, which event answers which, and of which the instant is known.
        Raises OnedoorError: a column is missing, or it is no such table."""
        answered = {one.answers for one in self.mapped.facts}
        if any(_time_of(one, self.mapped).day for one in self.mapped.facts):
            assert self.calendar is not None  # a mapping with days names one
            self._days = Days(self.calendar)
        with self.path.open("rb") as file:
            self.digest = _digest(file)
        for row, cells in self.rows():
            self.count = row - FIRST + 1
            if not isinstance(cells, Unreadable):
                with suppress(Wrong):  # told when it is its turn
                    self._look(row, self._facts(cells), cells, answered)
        self._questions.pair()

    def _look(self, row: int, facts: list[FactOf], cells: Row, answered: Set[str | None]) -> None:
        paired = any(one.answers or one.fact in answered for one in facts)
        if not paired and self._days is None:
            return
        case = self._case(cells)
        try:
            for one in facts if paired else ():
                self._when(one, cells)
                self._filled(one, cells)
        except Wrong:
            self._questions.refuse(row)
        for one in facts:
            self._note(row, one, case, cells, one.fact in answered)

    def _note(self, row: int, one: FactOf, case: str, cells: Row, answered: bool) -> None:
        """What it asks, what it answers, and of what day or instant it is."""
        try:
            when = self._when(one, cells)
        except Wrong:
            for kind in filter(None, (one.fact if answered else None, one.answers)):
                self._questions.timeless((case, kind), row)
            return
        act = self._act(row, one, case, when, cells)
        if answered:
            self._questions.asked((case, one.fact), act)
        if one.answers is not None:
            self._questions.answered((case, one.answers), act)
        if self._days is not None:
            self._days.of(case, one.fact)
            if act.at is not None:
                self._days.known(case, one.fact, act.at)

    def _act(self, row: int, one: FactOf, case: str, when: datetime | date, cells: Row) -> Act:
        first, last = (when, when) if isinstance(when, datetime) else (first_of(when), last_of(when))
        return Act(last, first, self._id(one, case, cells), row)

    def rows(self) -> Iterator[tuple[int, Row | Unreadable]]:
        """The rows with their numbers, as they stand, and what is no row."""
        return read_rows(self.path, self.mapped)

    def told(self, row: int, cells: Row | Unreadable) -> list[Told | RowRefused]:
        """What a row says; nothing where its activity is ignored or no time stands in it."""
        if isinstance(cells, Unreadable):
            return [RowRefused(row, "", "the row", *cells)]
        try:
            return [self._told(row, one, cells) for one in self._facts(cells)]
        except Wrong as wrong:
            case = self.mapped.case.text(cells)
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
        return [one for one in mapped.facts if _time_of(one, mapped).text(cells)]

    def _told(self, row: int, one: FactOf, cells: Row) -> Told:
        case, when = self._case(cells), self._when(one, cells)
        data = {"case_id": case, **self._filled(one, cells)}
        question = self._question(one, case, self._act(row, one, case, when, cells))
        if question is not None:
            data["answers"] = event_id(self.mapped.source, question.id)
        at = when if isinstance(when, datetime) else self._placed(one, case, when, question)
        event = {
            "specversion": "1.0", "id": self._id(one, case, cells), "source": self.mapped.source, "subject": case,
            "type": f"{PREFIX}{one.fact}.v{CATALOGUE[one.fact].schema}", "time": at.isoformat(), "data": data,
        }  # fmt: skip
        columns = {path: cell.name for path, cell in one.cells.items()}
        columns |= {"data.case_id": self.mapped.case.name, "time": _time_of(one, self.mapped).name}
        return Told(
            row,
            case,
            event,
            columns,
            activity=one.activity or "",
            answers=question.id if question else None,
            day=not isinstance(when, datetime),
        )

    def _placed(self, one: FactOf, case: str, on: date, question: Act | None) -> datetime:
        assert self._days is not None  # made by the look through the table, which every reading begins with
        return self._days.place(case, one.fact, on, question.at if question else None)

    def _case(self, cells: Row) -> str:
        case = self.value(self.mapped.case, cells)
        if case is None:
            raise Wrong(self.mapped.case.name, "no-case", "it says no dossier", "every row needs its dossier")
        return str(case)

    def _when(self, one: FactOf, cells: Row) -> datetime | date:
        """The instant, or the day where only that is known."""
        cell = _time_of(one, self.mapped)
        if not cell.text(cells):
            raise Wrong(cell.name, "no-time", "there is no time", NO_TIME)
        return self._time(cell, cell.text(cells))

    def _filled(self, one: FactOf, cells: Row) -> dict[str, Any]:
        filled = {name: _filled(value, cells, self) for name, value in one.data.items()}
        return {name: value for name, value in filled.items() if value is not None}

    def _question(self, one: FactOf, case: str, answer: Act) -> Act | None:
        """What it answers; None where it is no answer. Raises Wrong."""
        if one.answers is None:
            return None
        column = _time_of(one, self.mapped).name
        row = self._questions.refused_with((case, one.answers), answer)
        if row is not None:
            raise Wrong(
                column, "question-refused", f"what it answers hangs on row {row}, which is refused",
                f"mend row {row} first; then import the table again",
            )  # fmt: skip
        question = self._questions.of(answer.id)
        if question is None:
            raise Wrong(
                column, "answers-nothing", f"there is no open {one.answers} of {case} before it",
                "export the rows of what was asked too, or mend the time of one of both",
            )  # fmt: skip
        return question

    def _id(self, one: FactOf, case: str, cells: Row) -> str:
        """The same for the same row again, wherever it stands: from what tells it from the others of its dossier."""
        columns = self.mapped.id or [*filter(None, [self.mapped.activity]), *_time_of(one, self.mapped).column]
        return hashed(one.fact, case, *(cells[column] for column in columns))

    def value(self, cell: Cell, cells: Row) -> Any:
        """What an event has where the cell says this; None where it is empty. Raises Wrong."""
        text = cell.text(cells)
        if not text:
            return None
        if cell.values is not None:
            if text not in cell.values:
                raise Wrong(cell.name, "unknown-value", f"{text!r} is not among its `values`", "add it there")
            return cell.values[text]
        if cell.pattern is not None and cell.code is not None:
            matched = cell.pattern.fullmatch(text)
            if matched is None:
                raise Wrong(cell.name, "no-match", f"{text!r} does not match its `pattern`", "mend one of both")
            return GROUP.sub(lambda group: (matched[int(group[1])] or "").zfill(int(group[2] or 0)), cell.code)
        if cell.is_time:
            when = self._time(cell, text)
            return (when if isinstance(when, datetime) else self._closing(when)).isoformat()
        if cell.number is not None:
            try:
                return read_number(text, cell.number.decimal, cell.number.thousands)
            except ValueError:
                raise Wrong(cell.name, "no-number", f"{text!r} is no {cell.number.wanted}", NO_NUMBER) from None
        return text

    def _closing(self, on: date) -> datetime:
        assert self.calendar is not None
        return Days(self.calendar).closing(on)

    def _time(self, cell: Cell, text: str) -> datetime | date:
        try:
            if cell.day:
                return read_day(text, cell.format)
            return read_instant(text, cell.format, self.mapped.zone).astimezone(UTC)
        except (ValueError, OverflowError):
            what = "a day" if cell.day else "a time"
            wanted = f"{what} as in {cell.format}" if cell.format else "a day as in 2017-07-10" if cell.day else RFC
            raise Wrong(cell.name, "no-time", f"{text!r} is not {wanted}", NO_TIME) from None


RFC: Final = "a time by RFC 3339, as in 2017-07-10T09:00:00+07:00 or 2017-07-10 09:00"


def hashed(*words: str) -> str:
    """The id of an event that these words tell from all others."""
    return f"csv-{sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()[:32]}"


def kind_of(event: Mapping[str, Any]) -> str:
    """The name of what happened, without its schema's number."""
    return str(event["type"]).removeprefix(PREFIX).partition(".")[0]


def event_id(source: str, id: str) -> str:
    """The id that the event has on provincial.events."""
    return f"{Name(source, id).stream}@1"


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
