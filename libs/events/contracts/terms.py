"""The words that facts share: codes, instants and the small values inside a fact.

Every pattern here is also a guard: no field of a fact can hold a sentence, so nothing
personal can be typed into one.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeVar, dataclass_transform

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    WithJsonSchema,
    model_validator,
)
from pydantic.dataclasses import dataclass
from pydantic_core import core_schema

from events.instants import EXAMPLE, PATTERN, parse_instant

T = TypeVar("T")

_CONFIG = ConfigDict(extra="ignore", ser_json_timedelta="iso8601")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def value(cls: type[T]) -> type[T]:
    """A frozen, slotted, keyword-only value; validated when built by hand or by pydantic."""
    make: Callable[[Any], Any] = dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
    made: type[T] = make(cls)
    return made


def as_instant(value: object) -> datetime:
    """The UTC instant of a text in JSON, or of an aware datetime. Raises ValueError."""
    if isinstance(value, str):
        if value[10:11] == " ":  # which `format: date-time` does not allow
            raise ValueError(f"between date and time stands a T, as in {EXAMPLE}")
        return parse_instant(value)
    if not isinstance(value, datetime):
        raise ValueError(f"an instant is a text, as in {EXAMPLE}")
    if value.tzinfo is None:
        raise ValueError(f"an instant needs its offset, as in {EXAMPLE}")
    try:
        return value.astimezone(UTC)
    except OverflowError:  # the first and the last hours that a calendar has, seen from another zone
        raise ValueError("an instant must lie in the years 1 to 9999 of UTC") from None


def _day(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, str) and A_DATE.fullmatch(value) is None):
        raise ValueError("a date is a text, as in 2017-07-10")
    return value


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


A_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # not the seconds of an epoch
LARGEST: Final = 2**53 - 1
"""What every reader of JSON holds exactly."""


class Whole(NamedTuple):
    """A whole number within limits, as JSON Schema has `integer`: 3.0 is 3; `true` and "3" are none."""

    least: int = -LARGEST
    most: int = LARGEST

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        number = core_schema.int_schema(strict=True, ge=self.least, le=self.most)
        return core_schema.no_info_before_validator_function(_whole, number)


def _code(about: str, pattern: str, example: str, longest: int = 64) -> object:
    return Field(description=about, pattern=pattern, max_length=longest, examples=[example])


# Dossier codes of every scheme since 2016 (QCVN 102:2016/BTTTT, Decision 20/2020/QD-TTg).
# [0-9], not \d: the digits of other scripts are no digits of a code.
OWNER = r"(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}|[A-Z][0-9]{2}(?:\.[0-9]{1,3}){0,3})"  # whose dossier it is
CASE_ID = rf"^{OWNER}-(?:[0-9]{{6}}|[0-9]{{8}})-[0-9]{{4,7}}$"
NAMED = r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$"
ANY_ID = r"^[A-Za-z0-9][A-Za-z0-9._:/~+-]*@[1-9][0-9]*$"
DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"

Instant = Annotated[
    datetime,
    BeforeValidator(as_instant),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": PATTERN,
            "description": "An instant with its offset, by RFC 3339. What is smaller than a microsecond is cut off; "
            "there is no second 60.",
            "examples": [EXAMPLE],
        }
    ),
]
Date = Annotated[date, BeforeValidator(_day)]
Count = Annotated[int, Whole(0)]
Flag = Annotated[bool, Strict()]
CaseId = Annotated[str, _code("A dossier's code.", CASE_ID, "000.00.22.H49-170710-0001")]
UnitCode = Annotated[str, _code("A unit or agency of the catalogue.", NAMED, "DL-193", 24)]
ServiceId = Annotated[
    str, _code("A version of a service.", r"^[A-Z0-9-]+@[0-9]{4}-[0-9]{2}-[0-9]{2}$", "LV-RES-URBAN@2017-07-01")
]
CalendarId = Annotated[str, _code("A version of a calendar.", r"^[A-Z0-9-]+@[0-9]{4}(\.[0-9]+)*$", "VN-PAC@2017.1")]
Country = Annotated[str, _code("A country by ISO 3166-1.", r"^[A-Z]{2}$", "VN", 2)]
LocalDate = Annotated[str, _code("A date in Viet Nam.", DATE, "2017-07-01", 10)]
LocalTime = Annotated[str, _code("A time of day in Viet Nam.", TIME, "07:00:00", 8)]
ProcessName = Annotated[str, _code("A process of the catalogue.", NAMED, "LV", 24)]
Word = Annotated[str, _code("A code of lower-case words.", r"^[a-z0-9]+(-[a-z0-9]+)*$", "grid-not-ready", 48)]
ActorId = Annotated[
    str, _code("Who acts, by a number that says nothing else.", r"^[a-z]+(-[A-Za-z0-9.]+)*$", "staff-193-02")
]
PersonRef = Annotated[
    str, _code("A person whom only intake knows.", r"^p-[A-Za-z0-9.-]+$", "p-000.00.22.H49-170710-0001", 72)
]
EventId = Annotated[str, _code("The id of a fact.", ANY_ID, "case-000.00.22.H49-170710-0001@3", 160)]
FactName = Annotated[str, _code("The name of a kind of fact.", r"^[A-Z][A-Za-z]+$", "DossierReturned", 48)]
FieldName = Annotated[str, _code("The name of a field of a fact.", r"^[a-z]+(_[a-z]+)*$", "to_unit", 48)]
Reference = Annotated[
    str,
    _code(
        "What something is called where it is kept.",
        r"^[A-Za-z0-9][A-Za-z0-9._:/@~+-]*$",
        "evidence/000.00.22.H49-170710-0001.jpg",
        200,
    ),
]

Digest = Annotated[str, _code("A SHA-256 in hexadecimal digits.", r"^[0-9a-f]{64}$", "0" * 64, 64)]
FieldPath = Annotated[
    str,
    _code("A field of an event, from the outside in.", r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", "data.promise.due", 100),
]

Channel = Literal["counter", "online", "post", "zalo", "hotline"]
ClockPolicy = Literal["PAUSE", "RESTART"]
Fault = Literal["customer", "agency", "utility"]
UnitKind = Literal["organisation", "counter", "department", "team", "agency"]


def owner_of(case_id: str) -> str:
    """What the codes of an office's dossiers begin with: 000.00.22.H49 of 000.00.22.H49-170710-0001."""
    return case_id.partition("-")[0]


@value
class Limit:
    """A length of working time: whole days (counted after the first) or hours (counted from the first minute)."""

    amount: Annotated[int, Whole(0, 1000)]
    unit: Literal["working_days", "working_hours", "working_minutes"]


WAYS: Final = ("service", "due", "working_days")


@value
class Promise:
    """What the receipt promises. Exactly one of `service`, `due`, `working_days` says how long."""

    calendar: CalendarId
    clock_policy: ClockPolicy
    service: ServiceId | None = None
    due: Instant | None = None
    working_days: Annotated[int, Whole(0, 1000)] | None = None

    @classmethod
    def __get_pydantic_json_schema__(cls, made: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(made))
        told = [{"required": [way], "properties": {way: {"not": {"type": "null"}}}} for way in WAYS]
        return {**schema, "oneOf": told}

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(getattr(self, way) is not None for way in WAYS) != 1:
            raise ValueError("a promise is told by exactly one of service, due, working_days")
        return self


@value
class Exhibit:
    """A piece of evidence: where it is kept, and what its bytes were, so that another one in its place is noticed."""

    reference: Reference
    sha256: Digest | None = None


@value
class Gap:
    """One thing missing from a dossier: which item of the checklist (or one-of group), and what is wrong with it."""

    document: Word
    wrong: Literal["missing", "unreadable", "expired", "not-matching", "not-a-copy"]
