"""What corrections make of the facts that they are about: a voided one vanishes, a corrected field is replaced. Pure.

Apart, because deciders, read models and the judge must all see the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from events.contracts.catalogue import Fact, name_of, read
from events.contracts.corrections import FactCorrected, FactVoided
from events.contracts.intake import ServiceReclassified
from events.contracts.terms import as_instant
from events.errors import Unreadable
from events.store.envelope import RecordedEvent, Said

AMENDING = (FactVoided, FactCorrected)
CORRECTIONS = (*AMENDING, ServiceReclassified)
"""Facts about facts: none of them is itself voided or corrected."""
NAMES = frozenset(one.__name__ for one in AMENDING)
IDENTITIES = frozenset({"case_id", "work_order"})
"""What says which thing a fact is about. A fact about the wrong thing is voided, and said of the right one."""
EARLIEST = datetime.min.replace(tzinfo=UTC)


class Amendment(NamedTuple):
    """A correction that took effect. `about` is the fact as it stood before; without `field` it was voided."""

    by: Said
    about: Said
    field: str | None
    was: str
    now: str


class Amended(NamedTuple):
    """The facts as corrected, in their order, without the corrections; what those did; which did nothing, and why."""

    facts: Sequence[Said]
    amendments: Sequence[Amendment] = ()
    idle: Sequence[tuple[Said, str]] = ()


def amend(said: Iterable[Said]) -> Amended:
    """Apply every correction among these facts, whatever their order. Never raises.

    Of several corrections of one field the last by (at, stream, version) wins; a void wins over a correction. A
    correction counts in the stream of what it is about (another system's facts are a stream each).
    """
    facts = list(said)
    corrections = [one for one in facts if isinstance(one.fact, AMENDING)]
    if not corrections:
        return Amended(facts)
    standing = {one.id: one for one in facts if not isinstance(one.fact, AMENDING)}
    known = {one.id: one for one in facts}
    amendments: list[Amendment] = []
    idle: list[tuple[Said, str]] = []
    for by in sorted(corrections, key=lambda one: (isinstance(one.fact, FactCorrected), _order(one))):  # voids first
        voids = isinstance(by.fact, FactVoided)
        about = known.get(by.fact.voids if voids else by.fact.corrects)
        if about is None:
            idle.append((by, "corrects-nothing"))
        elif why := _no_target(by, about):
            idle.append((by, why))
        elif about.id not in standing:
            idle.append((by, "voided-before" if voids else "corrects-voided"))
        elif voids:
            del standing[about.id]
            amendments.append(Amendment(by, about, None, "", ""))
        else:
            before, field = standing[about.id], by.fact.field
            try:
                after = corrected(before, field, by.fact.value)
            except Unreadable:
                idle.append((by, "does-not-fit"))
                continue
            standing[about.id] = after
            amendments.append(Amendment(by, before, field, shown(before, field), shown(after, field)))
    return Amended([standing[one.id] for one in facts if one.id in standing], amendments, idle)


def as_corrected(past: Sequence[RecordedEvent]) -> Sequence[RecordedEvent]:
    """A stream (or a case) with its corrections applied. `data` and `hash` stay what was said."""
    if not any(recorded.type in NAMES for recorded in past):
        return past
    places = {recorded.id: recorded for recorded in past}
    return [
        msgspec.structs.replace(places[one.id], fact=one.fact, at=one.at)
        for one in amend(said_of(recorded) for recorded in past).facts
    ]


def said_of(recorded: RecordedEvent) -> Said:
    """A fact of a log as a decider sees it."""
    return Said(recorded.fact, recorded.cause.actor, recorded.id, recorded.at)


def corrected(said: Said, field: str, value: str) -> Said:
    """The same fact with one field replaced, as if it had been said so. Raises Unreadable: the value does not fit."""
    if field == "at":
        try:
            return said._replace(at=as_instant(value))
        except ValueError as invalid:
            raise Unreadable(f"at: {invalid}") from invalid
    data = _data(said.fact)
    if field not in fields_of(said.fact):
        raise Unreadable(f"{field}: there is no such field that could be corrected")
    name, schema = name_of(said.fact)
    told = msgspec.json.encode({**data, field: _written(data[field], value)})
    return said._replace(fact=read(name, schema, told, trusted=False))


def _written(was: Any, value: str) -> Any:
    """The value as JSON has it in the place of `was`: a correction tells numbers and truth values as text."""
    if not isinstance(was, int):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


def fields_of(fact: Fact) -> list[str]:
    """The data fields that a correction may name: those that hold one code, instant or number."""
    many = (dict, list, tuple)
    return [name for name, held in _data(fact).items() if name not in IDENTITIES and not isinstance(held, many)]


def shown(said: Said, field: str) -> str:
    """A field's value as text, as a correction writes it; empty where the fact has none."""
    held = said.at if field == "at" else _data(said.fact)[field]
    if held is None:
        return ""
    return held if isinstance(held, str) else msgspec.json.encode(held).decode().strip('"')


def _data(fact: Fact) -> Mapping[str, Any]:
    return msgspec.to_builtins(fact) if fact is not None else {}


def _order(said: Said) -> tuple[datetime, str, int]:
    stream, _, version = said.id.rpartition("@")
    return said.at or EARLIEST, stream, int(version)


def _no_target(by: Said, about: Said) -> str:
    if isinstance(about.fact, CORRECTIONS):
        return "corrects-correction"
    own, other = by.id.rpartition("@")[0], about.id.rpartition("@")[0]
    if own != other and not (own.startswith("foreign-") and other.startswith("foreign-")):
        return "corrects-anothers"
    return ""
