"""What may change between two schemas that bear one number: optional fields may come, and nothing else. Pure.

Both ways have to hold, because nobody is told when the other side changes: today's reader reads every record that was
ever said under the number, and yesterday's reader every record that is said under it today. So a wider enum is refused
as a narrower one is: it breaks others, not us. Titles, descriptions and examples may change; every word of JSON Schema
that is not known here must stay as it is.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

Schema = Mapping[str, Any]
Direction = Literal["narrowed", "widened", "changed"]

SAY_NOTHING: Final = frozenset({"$schema", "$id", "$comment", "$defs", "title", "description", "examples"})
LOWER: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems"})
UPPER: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems"})
LIMITS: Final = LOWER | UPPER | {"pattern", "format", "enum"}
NOTHING: Final = "nothing"
BREAKS: Final[Mapping[Direction, str]] = {
    "narrowed": "emitters",
    "widened": "readers",
    "changed": "readers and emitters",
}
WHY: Final[Mapping[Direction, str]] = {
    "narrowed": "records that were said already, and those of others who go on so, cannot be read",
    "widened": "who counts on how it was fails at a record that is otherwise",
    "changed": "what one side says the other may refuse, or take for something else",
}


class Break(NamedTuple):
    """One change that others do not survive, whom it breaks and why. `path` is as in `gaps[].wrong`."""

    path: str
    change: str
    was: str
    now: str
    breaks: str
    why: str


@dataclass(frozen=True, slots=True)
class _Side:
    """A place in one of the two schemas: what it may be besides null, whether null, and what it is when left out."""

    ways: Sequence[Schema]
    null: bool
    default: str


def breaks(was: Schema, now: Schema) -> Sequence[Break]:
    """Every change that breaks somebody, in the order of the fields; none when `now` only adds optional fields."""
    return list(_Comparison(was, now).between(was, now, ""))


class _Comparison:
    """Two whole schemas, each with its inner types."""

    def __init__(self, was: Schema, now: Schema) -> None:
        self._was, self._now = was, now
        self._under_way: set[tuple[str, str]] = set()  # inner types may hold themselves

    def between(self, was: Schema, now: Schema, path: str) -> Iterator[Break]:
        place = was.get("$ref", ""), now.get("$ref", "")
        if place in self._under_way:
            return
        with_names = any(place)
        if with_names:
            self._under_way.add(place)
        before, after = _side(was, self._was), _side(now, self._now)
        if before.null != after.null:
            yield _changed(path, "null", _may(before.null), _may(after.null), "widened" if after.null else "narrowed")
        if before.default != after.default:
            yield _changed(path, "default", before.default, after.default, "changed")
        yield from self._ways(before.ways, after.ways, path)
        if with_names:
            self._under_way.discard(place)

    def _ways(self, was: Sequence[Schema], now: Sequence[Schema], path: str) -> Iterator[Break]:
        """Of a union, what is the same on both sides falls out; the rest is compared in its order."""
        if len(was) + len(now) > 2:
            was, now = (
                [one for one in was if not any(self._same(one, other) for other in now)],
                [one for one in now if not any(self._same(other, one) for other in was)],
            )
        for one, other in zip(was, now, strict=False):
            yield from self._one(one, other, path)
        for way in was[len(now) :]:
            yield _changed(path, "type", f"{_kind(way)} too", "no more", "narrowed")
        for way in now[len(was) :]:
            yield _changed(path, "type", "not yet", f"{_kind(way)} too", "widened")

    def _same(self, was: Schema, now: Schema) -> bool:
        return not [*self.between(was, now, ""), *self.between(now, was, "")]

    def _one(self, was: Schema, now: Schema, path: str) -> Iterator[Break]:
        was, now = _of(was, self._was), _of(now, self._now)
        if was.get("type") != now.get("type"):
            yield _changed(path, "type", _kind(was), _kind(now), "changed")
            return
        yield from self._fields(was, now, path)
        if isinstance(was.get("items"), Mapping) and isinstance(now.get("items"), Mapping):
            yield from self.between(was["items"], now["items"], f"{path}[]")
            was, now = ({word: one for word, one in side.items() if word != "items"} for side in (was, now))
        yield from _limits(was, now, path)

    def _fields(self, was: Schema, now: Schema, path: str) -> Iterator[Break]:
        before, after = was.get("properties", {}), now.get("properties", {})
        needed, needs = was.get("required", ()), now.get("required", ())
        for name in dict.fromkeys((*before, *after)):
            inside = f"{path}.{name}" if path else name
            if name not in after:
                why = "who looks for it finds nothing, and what is said in it is lost on us"
                yield Break(inside, "field removed", _kind(before[name]), NOTHING, "readers and emitters", why)
            elif name not in before:
                if name in needs:
                    yield _changed(inside, "required field", NOTHING, _kind(after[name]), "narrowed", "added")
            else:
                if (name in needed) != (name in needs):
                    told = ["required" if name in those else "optional" for those in (needed, needs)]
                    direction: Direction = "narrowed" if name in needs else "widened"
                    yield _changed(inside, "required", told[0], told[1], direction, "changed")
                yield from self.between(before[name], after[name], inside)


def _side(schema: Schema, whole: Schema) -> _Side:
    outer = _of(schema, whole)
    default = json.dumps(outer["default"], sort_keys=True) if "default" in outer else NOTHING
    ways = list(_flat(schema, whole))
    values = [way for way in ways if way.get("type") != "null"]
    return _Side(values, len(values) < len(ways), default)


def _flat(schema: Schema, whole: Schema) -> Iterator[Schema]:
    """What it may be: of a union every way, and of a union in it every way of that."""
    of = _of(schema, whole)
    if "anyOf" not in of:
        yield schema
    for way in of.get("anyOf", ()):
        yield from _flat(way, whole)


def _of(schema: Schema, whole: Schema) -> Schema:
    """The schema, or the inner type to which it refers, with what stands beside the reference."""
    while "$ref" in schema:
        beside = {word: one for word, one in schema.items() if word != "$ref"}
        schema = {**whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], **beside}
    return {**schema, "enum": [schema["const"]]} if "const" in schema else schema


def _limits(was: Schema, now: Schema, path: str) -> Iterator[Break]:
    """Every other word on either side, in the order in which they stand."""
    done = SAY_NOTHING | {"properties", "required", "const", "default", "type"}
    for word in dict.fromkeys((*was, *now)):
        before, after = (json.dumps(side[word], sort_keys=True) if word in side else NOTHING for side in (was, now))
        if word in done or before == after:
            continue
        if word == "enum" and NOTHING not in (before, after):
            yield from _values(was[word], now[word], path)
        else:
            yield _changed(path, word, before, after, _direction(word, was.get(word), now.get(word)))


def _values(was: Sequence[Any], now: Sequence[Any], path: str) -> Iterator[Break]:
    before, after = ", ".join(map(str, was)), ", ".join(map(str, now))
    if any(one not in now for one in was):
        yield _changed(path, "enum", before, after, "narrowed")
    if any(one not in was for one in now):
        yield _changed(path, "enum", before, after, "widened")


def _direction(word: str, was: Any, now: Any) -> Direction:
    """Whether a limit lets less through, or more. Of two patterns nobody can tell, and other words may do anything."""
    if word in LIMITS and (was is None or now is None):
        return "narrowed" if was is None else "widened"
    if word in LOWER | UPPER:
        return "narrowed" if (now > was) == (word in LOWER) else "widened"
    return "changed"


def _changed(path: str, what: str, was: str, now: str, direction: Direction, verb: str = "") -> Break:
    return Break(path or "the whole", f"{what} {verb or direction}", was, now, BREAKS[direction], WHY[direction])


def _may(null: bool) -> str:
    return "may be null" if null else "never null"


def _kind(schema: Schema) -> str:
    """A type in a word or two."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    return str(schema.get("$ref", "").removeprefix("#/$defs/") or schema.get("title") or schema.get("type", "anything"))
