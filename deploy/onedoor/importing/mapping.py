"""The mapping file of `onedoor import`: which columns of a table say which facts. Pure; docs/emitters.md shows one.

A cell is named by `column`, in `case`, in `time` and anywhere in a fact's `data`; all else in `data` is a constant.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta, timezone, tzinfo
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from events import yaml_file
from events.contracts import CATALOGUE
from events.contracts.channels import OTHERS
from events.errors import OnedoorError
from onedoor.importing.cells import check_format
from onedoor.screen import VIETNAM

GROUP: Final = re.compile(r"\{(\d+)(?::(\d+))?\}")  # {1}, or {1:4}: filled up with zeros to four digits
COLUMN: Final = "column"
OFFSET: Final = re.compile(r"([+-])(\d\d):(\d\d)")


def nfc(value: Any) -> Any:
    """Text with each letter as one character: tables write a Vietnamese letter now as one, now as several."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [nfc(one) for one in value]
    return {nfc(name): nfc(one) for name, one in value.items()} if isinstance(value, dict) else value


def _zone(name: object) -> object:
    """An offset, or a zone's name where the machine knows zones."""
    try:
        if matched := OFFSET.fullmatch(str(name)):
            sign = -1 if matched[1] == "-" else 1
            return timezone(sign * timedelta(hours=int(matched[2]), minutes=int(matched[3])))
        return ZoneInfo(str(name))
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ValueError(f"{name!r} is no time zone; write its offset, as in +07:00") from None


def _pattern(text: object) -> object:
    try:
        return re.compile(str(text))
    except re.error as broken:
        raise ValueError(f"{text!r} is no regular expression: {broken}") from None


Zone = Annotated[tzinfo, BeforeValidator(_zone)]
Pattern = Annotated[re.Pattern[str], BeforeValidator(_pattern)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, coerce_numbers_to_str=True)


class Numbers(_Strict):
    """How numbers are written: whole ones in digits, and with these signs."""

    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " "] | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError("decimal and thousands: one sign for both")
        return self

    @property
    def wanted(self) -> str:
        """What a message asks for."""
        signs = [
            f"{sign!r} for {what}" for what, sign in (("decimals", self.decimal), ("thousands", self.thousands)) if sign
        ]
        return f"number with {' and '.join(signs)}" if signs else "whole number"


def _numbers(told: object) -> object:
    return {True: Numbers(), False: None}[told] if isinstance(told, bool) else told


def _columns(told: object) -> object:
    return told if isinstance(told, list | tuple) else (told,)


class Cell(_Strict):
    """What a column says, as an event has it: by `values`, by `pattern` and `code`, as a time, a day or a number.

    `pattern` must match the whole cell, and `code` is made of its groups. `format` is that of Python's strptime; a time
    without one is RFC 3339. Of several columns the cells are joined by a space.
    """

    column: Annotated[tuple[str, ...], BeforeValidator(_columns), Field(min_length=1)]
    values: dict[str, str] | None = None
    pattern: Pattern | None = None
    code: str | None = None
    format: str | None = None
    time: bool = False
    day: bool = False
    number: Annotated[Numbers | None, BeforeValidator(_numbers)] = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [self.values is not None, self.pattern is not None, self.is_time, self.number is not None]
        if sum(ways) > 1:
            raise ValueError("one of values, pattern, format, time, day and number, not several")
        if self.day and self.time:
            raise ValueError("one of time and day, not both")
        if (self.pattern is None) != (self.code is None):
            raise ValueError("pattern and code go together: what is matched, and what is made of its groups")
        if self.pattern is not None and self.code is not None:
            numbers = [int(number) for number, _ in GROUP.findall(self.code)]
            if max(numbers, default=0) > self.pattern.groups:
                raise ValueError(f"code names group {max(numbers)}, and pattern has {self.pattern.groups}")
        if self.format is not None:
            check_format(self.format, day=self.day)
        return self

    @property
    def is_time(self) -> bool:
        return self.time or self.day or self.format is not None

    @property
    def name(self) -> str:
        """The column, or the columns, as a message names them."""
        return ", ".join(self.column)

    def text(self, cells: Mapping[str, str]) -> str:
        """What stands there in a row."""
        return " ".join(filter(None, (cells[column] for column in self.column)))


class FactOf(_Strict):
    """A fact that a row says: where `activity` stands in the column of activities, or every row with a cell of `time`.

    `answers` names the fact that it answers: the oldest of that name in the same dossier that is open and not later.
    """

    fact: str
    activity: str | None = None
    time: Cell | None = None
    answers: str | None = None
    data: dict[str, Any] = {}

    @field_validator("data")
    @classmethod
    def _with_cells(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {name: _parsed(value, name) for name, value in data.items()}

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.fact not in OTHERS:
            near = difflib.get_close_matches(self.fact, OTHERS, n=2, cutoff=0.5)
            raise ValueError(
                f"{self.fact} is no fact that another system may say"
                + (f"; perhaps {' or '.join(near)}" if near else "")
            )
        if self.answers is not None and self.answers not in OTHERS:
            raise ValueError(f"answers: {self.answers} is no fact; name the one that is answered, not its id")
        known = {field.name: field for field in fields(CATALOGUE[self.fact].cls)}
        for name in self.data:
            if name in ("case_id", "answers"):
                raise ValueError(
                    f"data.{name}: it is made from `{name.removesuffix('_id')}` of the mapping; leave it out"
                )
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            if name not in known and near:
                raise ValueError(f"data.{name}: {self.fact} has no such field; perhaps {near[0]}")
        given = {*self.data, "case_id", *(["answers"] if self.answers else [])}
        needed = {name for name, field in known.items() if field.default is field.default_factory is MISSING}
        if missing := sorted(needed - given):
            what = ["answers" if name == "answers" else f"data.{name}" for name in missing]
            raise ValueError(f"{self.fact} needs {', '.join(what)}: a column or a constant")
        return self

    @property
    def cells(self) -> Mapping[str, Cell]:
        """The cells of the data, by the path of their fields: data.promise.working_days."""
        return dict(_cells(self.data, "data"))


class Table(_Strict):
    """How the file is written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8-sig"

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(f"encoding: {self.encoding!r} is unknown; as in utf-8, utf-16 or windows-1258") from None
        return self


class Mapped(_Strict):
    """The whole file.

    `id`: the columns that tell the rows of one dossier apart; without it dossier, activity, time. `calendar`: by which
    a day opens and closes.
    """

    source: str
    case: Cell
    facts: Annotated[tuple[FactOf, ...], Field(min_length=1)]
    time: Cell | None = None
    zone: Zone = VIETNAM
    activity: str | None = None
    ignore: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    table: Table = Table()
    calendar: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for number, one in enumerate(self.facts):
            if one.activity is not None and self.activity is None:
                raise ValueError(f"facts.{number}.activity: say first which column has it: `activity: <its name>`")
            if self.activity is not None and one.activity is None:
                raise ValueError(f"facts.{number}: there is a column of activities; say which `activity` is this fact")
            if one.time is None and self.time is None:
                raise ValueError(f"facts.{number}: say when it happened, by `time` here or for all facts")
            if one.answers is not None and one.answers not in {other.fact for other in self.facts}:
                raise ValueError(f"facts.{number}.answers: no fact of this mapping is a {one.answers}")
        for path, cell in self.cells.items():
            if cell.day and self.calendar is None:
                raise ValueError(f"calendar: by which calendar does the day of {path} open and close? VN-PAC@2017.1")
        return self

    @property
    def columns(self) -> Mapping[str, str]:
        """Every column that is read, by the key that names it."""
        named = {f"id.{number}": column for number, column in enumerate(self.id)}
        if self.activity is not None:
            named["activity"] = self.activity
        for path, cell in self.cells.items():
            several = len(cell.column) > 1
            named |= {f"{path}.column{f'.{n}' * several}": column for n, column in enumerate(cell.column)}
        return named

    @property
    def cells(self) -> Mapping[str, Cell]:
        """Every cell that is read, by its key."""
        found = {"case": self.case} | ({"time": self.time} if self.time is not None else {})
        for number, one in enumerate(self.facts):
            if one.time is not None:
                found[f"facts.{number}.time"] = one.time
            found |= {f"facts.{number}.{path}": cell for path, cell in one.cells.items()}
        return found


def _parsed(value: Any, path: str) -> Any:
    """The value with its cells as such. Raises ValueError, naming the cell."""
    if isinstance(value, dict):
        if COLUMN not in value:
            return {name: _parsed(one, f"{path}.{name}") for name, one in value.items()}
        try:
            return Cell.model_validate(value)
        except ValidationError as invalid:
            raise ValueError(_sentence(path, invalid)) from None
    return [_parsed(one, f"{path}.{number}") for number, one in enumerate(value)] if isinstance(value, list) else value


def _cells(value: Any, path: str) -> Iterator[tuple[str, Cell]]:
    if isinstance(value, Cell):
        yield path, value
    elif isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _cells(one, f"{path}.{name}")


def load(path: Path) -> Mapped:
    """The mapping in a file. Raises OnedoorError with a sentence that names file, key and way out."""
    return of(path.name, yaml_file.read(path))


def of(name: str, content: Any) -> Mapped:
    """The mapping in a file's content."""
    if not isinstance(content, dict):
        raise OnedoorError(f"{name}: a mapping has the keys source, case and facts; docs/emitters.md shows one")
    try:
        return Mapped.model_validate(nfc(content))
    except ValidationError as invalid:
        raise OnedoorError(_sentence(name, invalid)) from invalid


def _sentence(about: str, invalid: ValidationError) -> str:
    """The first of what is wrong: of what, where, and what to do."""
    first = invalid.errors(include_url=False)[0]
    return ": ".join([about, *[".".join(str(part) for part in first["loc"])] * bool(first["loc"]), _said(first)])


def _said(error: Any) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such key; docs/emitters.md shows all of them"
        case "missing":
            return "it is missing; docs/emitters.md shows how it is written"
        case _:
            return str(error["msg"]).removeprefix("Value error, ")
