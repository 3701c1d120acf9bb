"""The rules for one event of another system: what was sent, by whom, when → an accepted fact, or Refused. Pure.

Each event is judged by itself. What depends on others, such as a time before receipt, is accepted and marked by the
judge of sla: so the order in which events arrive changes nothing.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple, get_args, get_type_hints

import msgspec

from events.contracts import CATALOGUE
from events.contracts.catalogue import Fact, brought_up, read, write
from events.contracts.channels import OTHERS
from events.contracts.terms import UnitCode, as_instant, owner_of
from events.errors import Forbidden, Refused, Unreadable
from events.gateway.cloudevent import BROKEN, JSON, Sent, is_json
from events.gateway.emitters import REPLY, Emitter
from events.gateway.equality import NESTED, merged
from events.kafka.cloudevent import LARGEST_SCHEMA, PREFIX
from events.store.envelope import Cause

CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@~+-]{0,199}")  # what a sentence is not
ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@~+-]{0,119}")  # without a slash: it is the last part of a path
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
TYPE: Final = re.compile(rf"{re.escape(PREFIX)}([A-Z][A-Za-z]+)\.v([1-9][0-9]{{0,4}})")
TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
DEEPEST: Final = 4  # levels of fields that nobody knows
LARGEST_NUMBER: Final = 2**53  # what every reader of JSON holds exactly
SINCE: Final = datetime(1990, 1, 1, tzinfo=UTC)  # the years that the calendars cover
UNTIL: Final = datetime(2101, 1, 1, tzinfo=UTC)


def _units_of(cls: type[Any]) -> tuple[str, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(name for name, hint in hints.items() if UnitCode in (hint, *get_args(hint)))


UNITS: Final = {name: _units_of(CATALOGUE[name].cls) for name in OTHERS}
"""The fields of each fact that name a unit."""


class Name(NamedTuple):
    """What an event is called by its emitter; equal names are one event."""

    source: str
    id: str

    @property
    def stream(self) -> str:
        """The stream that it becomes, at version 1. Anybody can compute it."""
        return _stream(self)


@lru_cache(maxsize=4096)  # asked again and again for what is being decided
def _stream(name: Name) -> str:
    return f"foreign-{hashlib.sha256(b'%s%c%s' % (name.source.encode(), 0, name.id.encode())).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A fact as it goes on the log: `data` are its bytes with the fields that this version does not know."""

    name: Name
    fact: Fact
    data: bytes
    cause: Cause
    at: datetime


def named(sent: Sent, emitter: Emitter) -> Name:
    """What the event is called. Raises Refused where it has no name, or one that is not its emitter's to give."""
    version, id = _attribute(sent, "specversion"), _attribute(sent, "id")
    if version != "1.0":
        raise Refused("other-specversion", "CloudEvents 1.0 is read here", field="specversion", way_out='say "1.0"')
    if _attribute(sent, "source") != emitter.source:
        raise Forbidden(
            "anothers-source", f"your system speaks as {emitter.source}", field="source",
            way_out=f"say source {emitter.source}",
        )  # fmt: skip
    if ID.fullmatch(id) is None:
        raise Refused(
            "id-no-code", "an id has at most 120 letters, digits and . _ : @ ~ + -, without spaces", field="id",
            way_out="use a number of your own or a UUID",
        )  # fmt: skip
    return Name(emitter.source, id)


def accept(sent: Sent, emitter: Emitter, ours: frozenset[str], arrived: datetime) -> Accepted:
    """The fact that the event says. `ours`: what the codes of our own dossiers begin with. Raises Refused."""
    name = named(sent, emitter)
    kind, schema = _type(sent, emitter)
    at = _time(sent, emitter, arrived)
    fact, data = _fact(sent, kind, schema)
    _about(sent, fact, emitter, ours)
    _naming(fact, kind, emitter)
    for field, instant in _instants(fact, "data"):
        if not SINCE <= instant < UNTIL:
            raise Refused(
                "outside-calendars", f"{field} lies outside of the years {SINCE.year} to {UNTIL.year - 1}", field=field,
                way_out="give the instant that is meant",
            )  # fmt: skip
    return Accepted(name=name, fact=fact, data=data, cause=_cause(sent, name, emitter), at=at)


def _attribute(sent: Sent, name: str) -> str:
    if not (value := sent.attributes.get(name)):
        raise Refused("attribute-missing", f"the event has no {name}", field=name, way_out=f"say {name}")
    return value


def _type(sent: Sent, emitter: Emitter) -> tuple[str, int]:
    matched = TYPE.fullmatch(_attribute(sent, "type"))
    kind, schema = (matched[1], int(matched[2])) if matched else ("", 0)
    if kind not in CATALOGUE or schema > min(CATALOGUE[kind].schema, LARGEST_SCHEMA):
        raise Refused(
            "unknown-type", "there is no such fact", field="type",
            way_out=f"one of: {', '.join(f'{PREFIX}{one}.v{CATALOGUE[one].schema}' for one in emitter.facts)}",
        )  # fmt: skip
    if kind not in emitter.facts:
        raise Forbidden(
            "fact-not-yours", f"{kind} is not among the facts that {emitter.code} may say", field="type",
            way_out=f"one of: {', '.join(emitter.facts)}; an operator can allow more",
        )  # fmt: skip
    return kind, schema


def _time(sent: Sent, emitter: Emitter, arrived: datetime) -> datetime:
    try:
        at = as_instant(_attribute(sent, "time"))
    except ValueError as broken:
        raise Refused(
            "no-instant", f"time: {broken}", field="time",
            way_out="say when it happened, as in 2017-07-10T09:00:00+07:00",
        ) from broken  # fmt: skip
    if at - arrived > emitter.ahead:
        raise Refused(
            "time-in-future", f"{at.isoformat()} is more than {emitter.ahead_minutes} minutes after its arrival",
            field="time", way_out="set your clock, and send it again when it has happened",
        )  # fmt: skip
    if at < SINCE or arrived - at > emitter.late:
        raise Refused(
            "too-old", f"{at.isoformat()} is more than {emitter.late_days} days before its arrival", field="time",
            way_out="ask an operator, who can allow your system to say what is older",
        )  # fmt: skip
    return at


def _fact(sent: Sent, kind: str, schema: int) -> tuple[Fact, bytes]:
    if not is_json(sent.attributes.get("datacontenttype", JSON)):
        raise Refused(
            "data-no-json", "data is another kind of content", field="datacontenttype", way_out=f"send {JSON}"
        )
    way_out = f"GET /schemas/{kind}/{schema} shows every field"
    if not sent.data:
        raise Refused("invalid-data", "the event has no data", field="data", way_out=way_out)
    try:
        fact = read(kind, schema, sent.data, trusted=False)
        told = msgspec.json.decode(brought_up(kind, schema, sent.data))
        if _is_flat(kind, told):
            return fact, write(fact)
        whole = merged(told, msgspec.to_builtins(fact), _look)
    except Unreadable as broken:
        raise Refused("invalid-data", str(broken), field=broken.field or "data", way_out=way_out) from broken
    except BROKEN as broken:
        raise Refused("invalid-data", f"data: {broken}", field="data", way_out="send well-formed JSON") from broken
    return fact, msgspec.json.encode(whole)


def _is_flat(kind: str, told: Any) -> bool:
    """Nothing in it is unknown or could hold what is: most facts are so, and are written as they are read."""
    slots = CATALOGUE[kind].cls.__slots__
    return all(name in slots and value.__class__ not in NESTED for name, value in told.items())


def _look(name: str, value: Any) -> None:
    if NAME.fullmatch(name) is None or not _is_code(value, DEEPEST):
        raise Refused(
            "free-text", "a field that is not in the schema holds more than codes and numbers", field="data",
            way_out="leave it out: texts, and whatever says who somebody is, stay in your own system",
        )  # fmt: skip


def _is_code(value: Any, deep: int) -> bool:
    match value:
        case None | bool():
            return True
        case int() | float():
            return abs(value) <= LARGEST_NUMBER
        case str():
            return CODE.fullmatch(value) is not None
        case list():
            return deep > 0 and all(_is_code(one, deep - 1) for one in value)
        case dict():
            return deep > 0 and all(NAME.fullmatch(name) and _is_code(one, deep - 1) for name, one in value.items())
        case _:
            return False


def _about(sent: Sent, fact: Fact, emitter: Emitter, ours: frozenset[str]) -> None:
    """The dossier is the emitter's own; of ours only an agency's reply is heard, to what that agency was asked."""
    if sent.attributes.get("subject", fact.case_id) != fact.case_id:
        raise Refused(
            "another-subject", "subject is not the case_id in data", field="subject",
            way_out="say the dossier's code in both, or leave subject out",
        )  # fmt: skip
    owner = owner_of(fact.case_id)
    if owner in emitter.dossiers:
        return
    if not (owner in ours and emitter.replies and type(fact).__name__ == REPLY):
        raise Forbidden(
            "anothers-dossier", f"{fact.case_id} does not begin as the codes of your dossiers", field="data.case_id",
            way_out=f"yours begin with: {', '.join(emitter.dossiers) or 'none is entered'}",
        )  # fmt: skip
    if fact.answers is not None:
        # It might name what another agency was asked, and the judge would take the reply for that agency's.
        raise Refused(
            "answers-ours", "a reply to one of our dossiers names the agency, not the referral", field="data.answers",
            way_out="leave answers out: the oldest referral of your agency that waits is answered",
        )  # fmt: skip


def _naming(fact: Fact, kind: str, emitter: Emitter) -> None:
    """Every unit is one of the emitter's, and no person is named."""
    for field in UNITS[kind]:
        unit = getattr(fact, field)
        if unit is not None and not emitter.names(unit):
            raise Forbidden(
                "unit-not-yours", f"{unit} is not among the units that {emitter.code} may name", field=f"data.{field}",
                way_out=f"one of: {', '.join(emitter.units)}; an operator can allow more",
            )  # fmt: skip
    if getattr(fact, "applicant_ref", None) is not None:
        raise Refused(
            "person-named", "onedoor keeps no people of other systems", field="data.applicant_ref",
            way_out="leave applicant_ref out",
        )  # fmt: skip


def _instants(value: Any, path: str) -> Iterator[tuple[str, datetime]]:
    if isinstance(value, datetime):
        yield path, value
    elif isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from _instants(one, f"{path}.{number}")
    else:
        for name in _timed(value.__class__):
            yield from _instants(getattr(value, name), f"{path}.{name}")


@cache
def _timed(cls: Any) -> tuple[str, ...]:
    """The fields of a class in which there may be an instant, at any depth."""
    if not is_dataclass(cls):
        return ()
    return tuple(name for name, hint in get_type_hints(cls).items() if _holds_an_instant(hint))


def _holds_an_instant(hint: Any) -> bool:
    return hint is datetime or any(map(_holds_an_instant, get_args(hint))) or bool(_timed(hint))


def _cause(sent: Sent, name: Name, emitter: Emitter) -> Cause:
    """What the emitter says of why; without it, the event's own name. Kept for people: the judge does not use it."""
    own = f"{name.source}/{name.id}"
    trace = sent.attributes.get("traceparent", "")
    return Cause(
        correlation=_code(sent.attributes, "correlationid") or own,
        causation=_code(sent.attributes, "causationid") or own,
        actor=f"system-{emitter.code}",
        trace=trace if TRACE.fullmatch(trace) else None,  # a broken one is left out, never refused (W3C)
    )


def _code(attributes: Mapping[str, str], name: str) -> str | None:
    value = attributes.get(name)
    if value is not None and CODE.fullmatch(value) is None:
        raise Refused(
            "attribute-no-code", f"{name} has at most 200 letters, digits and . _ : / @ ~ + -", field=name,
            way_out="it travels with the fact: use a number of your own",
        )  # fmt: skip
    return value
