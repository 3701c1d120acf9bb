"""Every fact that was ever said: its name, its schema number, its class.

Two readers share one class: pydantic where the bytes come from others, msgspec where we read
our own log (the same class, without the validators).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

import msgspec
from pydantic import TypeAdapter, ValidationError

from events.contracts.terms import value
from events.contracts.upcasts import RETIRED, UPCASTS
from events.errors import UnknownType, Unreadable

PLACE = re.compile(r"[a-z0-9_]+")  # a part of a field's path; pydantic puts the kinds that it tried between them

Fact = Any
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact of the catalogue: what it is called on the wire and how its data is read."""

    name: str
    schema: int
    cls: type[Any]
    strict: TypeAdapter[Any]
    trusting: msgspec.json.Decoder[Any]


CATALOGUE: dict[str, Entry] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def fact(*, schema: int) -> Callable[[type[T]], type[T]]:
    """Enter a class into the catalogue under its own name. The name and the fields are a promise to others."""

    def enter(cls: type[T]) -> type[T]:
        made = value(cls)
        entry = Entry(made.__name__, schema, made, TypeAdapter(made), msgspec.json.Decoder(made))
        assert made.__name__ not in CATALOGUE, f"{made.__name__} is in the catalogue twice"
        CATALOGUE[made.__name__] = entry
        return made

    return enter


def name_of(a_fact: Fact) -> tuple[str, int]:
    """The stored name and schema number of a fact: ("ApplicationReceived", 1)."""
    entry = CATALOGUE[type(a_fact).__name__]
    return entry.name, entry.schema


def write(a_fact: Fact) -> bytes:
    """The data bytes of a fact. Stored once by the event store and sent on verbatim."""
    return msgspec.json.encode(a_fact)


def read(name: str, schema: int, data: bytes, *, trusted: bool) -> Fact:
    """The fact in `data`, brought up to today's schema step by step.

    Raises UnknownType for a name or a newer schema that this version does not know (keep it,
    it blocks nothing) and Unreadable, which names the field, for data that breaks its contract.
    """
    entry = CATALOGUE.get(name)
    if entry is None or schema > entry.schema:
        raise UnknownType(f"{name} v{schema} is not in this version's catalogue")
    try:
        if not trusted and (retired := RETIRED.get((name, schema))) is not None:
            retired.validate_json(data)
        data = brought_up(name, schema, data)
        return entry.trusting.decode(data) if trusted else entry.strict.validate_json(data)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        where = ".".join(("data", *(str(part) for part in first["loc"] if PLACE.fullmatch(str(part)))))
        raise Unreadable(f"{name} v{schema}: {where}: {first['msg']}", field=where) from invalid
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as invalid:
        raise Unreadable(f"{name} v{schema}: data: {invalid}") from invalid


def brought_up(name: str, schema: int, data: bytes) -> bytes:
    """The data as today's schema has it, fields that nobody knows among them. Raises Unreadable."""
    today = CATALOGUE[name].schema
    if schema == today:
        return data
    old = msgspec.json.decode(data, type=dict[str, Any])
    try:
        for step in range(schema, today):
            old = UPCASTS[name, step](old)
    except KeyError as missing:  # the step wants a field that every record of its number has
        where = f"data.{missing.args[0]}"
        raise Unreadable(f"{name} v{schema}: {where}: Field required", field=where) from missing
    except Exception as broken:  # a step meets whatever somebody once wrote
        raise Unreadable(f"{name} v{schema}: data does not become v{step + 1}: {broken!r}") from broken
    return msgspec.json.encode(old)
