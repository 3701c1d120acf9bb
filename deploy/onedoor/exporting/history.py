"""What happened to a dossier, as tools of process mining take it: events with their attributes, and the things that
each is about. Pure.

Taken are the hand-overs and what was done: not what people were told, and not what the judge concludes. Persons are
left out: their reference leads to nobody outside of intake, and no analysis needs it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, get_args, get_type_hints

import msgspec

from events.commands.amend import as_corrected
from events.contracts import CATALOGUE
from events.contracts.intake import ApplicationReceived
from events.contracts.terms import PersonRef, UnitCode
from events.store.envelope import RecordedEvent

Value = str | int | float | bool | datetime
Kind = Literal["string", "integer", "float", "boolean", "time"]
KindOf = Callable[[str], str]
"""What kind of unit a code is: counter, department, team, agency …"""

STREAMS: Final = frozenset({"case", "route", "workorder", "foreign"})
DOSSIER, ORDER = "dossier", "work order"
LASTING: Final[Mapping[str, Sequence[str]]] = {
    "ApplicationReceived": (
        "counter", "organisation", "sector", "district", "channel", "previous_case", "appointment", "calendar",
        "clock_policy", "service", "due", "working_days",
    ),
    "DeadlineExtended": ("appointment",),
    "ServiceReclassified": ("service",),
    "CaseReopened": ("due",),
}  # fmt: skip
"""What a fact says of the dossier itself from then on."""


class Thing(NamedTuple):
    """A dossier, a work order or a unit, in the part that it has in an event: the field that names it."""

    id: str
    kind: str
    part: str


class Occurrence(NamedTuple):
    """One event. `things` begins with the dossier; `lasting` is what the dossier is from then on."""

    id: str
    fact: str
    at: datetime
    actor: str
    things: Sequence[Thing]
    attributes: Mapping[str, Value]
    lasting: Mapping[str, Value]


class History(NamedTuple):
    """A dossier and what happened to it, in order."""

    case_id: str
    events: Sequence[Occurrence]


def histories(facts: Iterable[RecordedEvent], kind_of: KindOf) -> Iterator[History]:
    """The dossiers of these facts, by their codes; of each every fact is there, and corrections are applied."""
    cases: defaultdict[str, dict[str, RecordedEvent]] = defaultdict(dict)
    for recorded in facts:
        if recorded.fact is not None and recorded.stream.partition("-")[0] in STREAMS:
            cases[recorded.fact.case_id][recorded.id] = recorded
    for case_id, said in sorted(cases.items()):
        standing = sorted(
            as_corrected([*said.values()]), key=lambda one: (one.at, one.recorded_at, one.stream, one.version)
        )
        if standing:
            yield History(case_id, [_occurrence(fact, kind_of) for fact in standing])


def received(history: History) -> datetime | None:
    """When the dossier was taken in, where that is known."""
    return next((one.at for one in history.events if one.fact == ApplicationReceived.__name__), None)


def _occurrence(recorded: RecordedEvent, kind_of: KindOf) -> Occurrence:
    fact: Any = recorded.fact
    roles = ROLES[recorded.type]
    things, attributes = [Thing(fact.case_id, DOSSIER, "case_id")], {}
    for name, value in _flat(fact):
        role = roles.get(name)
        if role == "unit":
            things.append(Thing(value, kind_of(value), name))
        elif role == ORDER:
            things.append(Thing(value, ORDER, name))
        elif role is None:
            attributes[name] = value
    units = {thing.part: thing.id for thing in things[1:]}
    known: Mapping[str, Value] = {**units, **attributes}
    lasting = {name: known[name] for name in LASTING.get(recorded.type, ()) if name in known}
    return Occurrence(recorded.id, recorded.type, recorded.at, recorded.cause.actor, things, attributes, lasting)


def _flat(fact: Any) -> Iterator[tuple[str, Any]]:
    """The fields that have one value; of a limit and a promise what is in them, of a list of words the words."""
    for name, value in _fields(fact):
        if isinstance(value, tuple):
            if value and all(isinstance(one, str) for one in value):
                yield name, " ".join(value)
        elif hasattr(value, "amount"):
            yield name, f"{value.amount} {value.unit}"
        elif hasattr(value, "__dataclass_fields__"):
            yield from _flat(value)
        elif value is not None:
            yield name, value


def _fields(fact: Any) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(fact, name)) for name in fact.__dataclass_fields__)


def _roles(cls: type[Any]) -> dict[str, str]:
    """Which fields name a thing or a person: told by their types, so that a new fact needs no line here."""
    found = {"case_id": DOSSIER, "work_order": ORDER}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        if UnitCode in (kinds := (hint, *get_args(hint))):
            found[name] = "unit"
        elif PersonRef in kinds:
            found[name] = "person"
    return found


ROLES: Final = {name: _roles(entry.cls) for name, entry in CATALOGUE.items()}


def kind(value: Value) -> Kind:
    """The type of a value by the names of OCEL."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "float"
        case datetime():
            return "time"
        case _:
            return "string"


def plain(value: Value) -> Any:
    """The value as JSON has it."""
    return msgspec.to_builtins(value)
