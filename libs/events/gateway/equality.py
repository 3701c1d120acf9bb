"""When two events of one name are one event: by the hash of their bytes, or by what they say. Pure.

A serialiser may write an instant at another offset, 3 as 3.0, keys in another order, and leave out what is null. None
of that is another event. Fields that the schema does not know are compared too, as JSON values.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from events.canonical_json import BROKEN, hash_of
from events.contracts.catalogue import CATALOGUE, Fact, brought_up, name_of, read
from events.contracts.terms import as_instant
from events.errors import Unreadable
from events.gateway.cloudevent import Sent
from events.kafka.cloudevent import type_of
from events.store.envelope import EPOCH

NESTED: Final = (dict, list, tuple)  # what may hold fields that nobody knows
MICROSECOND: Final = timedelta(microseconds=1)
_BROKEN: Final = (*BROKEN, Unreadable, KeyError)
Unknown = Callable[[str, Any], object]


class Known(NamedTuple):
    """What is on the log under a name: SHA-256 of what was sent (None where a restore lost it) and of what it says."""

    digest: bytes | None
    value: bytes | None

    def is_said_by(self, sent: Sent) -> bool:
        """Whether this is the same event again. No rule and no schema of today is asked."""
        return self.digest == sent.digest or (self.value is not None and self.value == value_of(sent))


def value_of(sent: Sent) -> bytes | None:
    """SHA-256 of what an event says; None where nobody can read it."""
    try:
        kind, schema = type_of(sent.attributes.get("type", ""))
        at = _lax_instant(sent.attributes.get("time"))
        return value_on_log(kind, schema, at, sent.data, sent.attributes.get("subject"))
    except _BROKEN:
        return None


def value_on_log(kind: str, schema: int, at: datetime, data: bytes, subject: str | None = None) -> bytes | None:
    """SHA-256 of what a fact with this data says; None where it cannot be read."""
    try:
        told = msgspec.json.decode(brought_up(kind, schema, data))
        fact = _read(kind, schema, data, told)
        return _hash(kind, subject or fact.case_id, at, merged(told, msgspec.to_builtins(fact)))
    except _BROKEN:
        return None


def value_as_written(fact: Fact, at: datetime, data: bytes) -> bytes:
    """The same of a fact whose data was written just now, by today's schema."""
    return _hash(name_of(fact)[0], fact.case_id, at, msgspec.json.decode(data))


def _hash(kind: str, case_id: str, at: datetime, whole: Any) -> bytes:
    return hash_of([kind, case_id, (at - EPOCH) // MICROSECOND, whole])


def merged(told: Any, known: Any, unknown: Unknown = lambda name, value: None) -> Any:
    """What is known, as we write it, and behind it the fields that this version does not know, in a fixed order.
    `unknown` is shown each of those."""
    if isinstance(known, dict) and isinstance(told, dict):
        whole = {
            name: merged(told.get(name), value, unknown) if value.__class__ in NESTED else value
            for name, value in known.items()
        }
        for name in sorted(told.keys() - known.keys()):
            unknown(name, told[name])
            whole[name] = told[name]
        return whole
    if isinstance(known, list | tuple) and isinstance(told, list) and len(told) == len(known):
        return [merged(one, other, unknown) for one, other in zip(told, known, strict=True)]
    return known


def _read(kind: str, schema: int, data: bytes, told: Any) -> Fact:
    """As today's schema has it, or what a laxer reader would make of it: it may have been taken in by one."""
    try:
        return read(kind, schema, data, trusted=False)
    except Unreadable:
        return msgspec.convert(told, CATALOGUE[kind].cls, strict=False)


def _lax_instant(text: str | None) -> datetime:
    try:
        return as_instant(text)
    except ValueError:
        at: datetime = msgspec.convert(text, Annotated[datetime, msgspec.Meta(tz=True)])
        return at
