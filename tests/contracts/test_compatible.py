"""What may change within a schema number: optional fields may come. Everything else is refused, and its place named."""

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.contracts import CATALOGUE
from events.schemas.compatible import breaks
from events.schemas.schemas import schema_of

LIMIT = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
WAS: dict[str, Any] = {
    "title": "Painted",
    "type": "object",
    "properties": {
        "case_id": {"type": "string", "pattern": "^[A-Z]+$", "maxLength": 64},
        "colour": {"enum": ["red", "green"], "type": "string"},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "coats": {"type": "array", "items": {"type": "string"}},
        "limit": {"anyOf": [{"$ref": "#/$defs/Limit"}, {"type": "null"}], "default": None},
        "to": {"anyOf": [{"type": "string", "maxLength": 24}, {"type": "integer"}]},
    },
    "required": ["case_id", "colour", "stars", "coats", "to"],
    "$defs": {"Limit": LIMIT},
}


def changed(*path: Any, to: Any = ..., **more: Any) -> dict[str, Any]:
    """The schema with one place set to something else, taken out, or given more words."""
    now: Any = copy.deepcopy(WAS)
    there = now
    for part in path[:-1]:
        there = there[part]
    if more:
        there[path[-1]] |= more
    elif to is ...:
        del there[path[-1]]
    else:
        there[path[-1]] = to
    return dict(now)


P = "properties"
REFUSED = {
    "a field is gone": (changed(P, "colour"), "colour", "field removed"),
    "a field of another type": (changed(P, "stars", to={"type": "string"}), "stars", "type changed"),
    "an enum has lost a value": (changed(P, "colour", enum=["red"]), "colour", "enum narrowed"),
    "an enum has a value more": (changed(P, "colour", enum=["red", "green", "blue"]), "colour", "enum widened"),
    "an enum of one, said as a constant": (
        changed(P, "colour", to={"const": "red", "type": "string"}), "colour", "enum narrowed",
    ),
    "a text that any could be": (changed(P, "colour", to={"type": "string"}), "colour", "enum widened"),
    "a new field that must be there": (
        changed("required", to=[*WAS["required"], "brush"]) | {P: {**WAS[P], "brush": {"type": "string"}}},
        "brush", "required field added",
    ),
    "an old field that must be there now": (
        changed("required", to=[*WAS["required"], "limit"]), "limit", "required changed"
    ),
    "a field that need not be there any more": (
        changed("required", to=["case_id", "stars", "coats", "to"]), "colour", "required changed"
    ),
    "another pattern": (changed(P, "case_id", pattern="^[A-Z]$"), "case_id", "pattern changed"),
    "a shorter text": (changed(P, "case_id", maxLength=63), "case_id", "maxLength narrowed"),
    "a longer text": (changed(P, "case_id", maxLength=65), "case_id", "maxLength widened"),
    "a text at least so long": (changed(P, "case_id", minLength=1), "case_id", "minLength narrowed"),
    "a higher lowest number": (changed(P, "stars", minimum=2), "stars", "minimum narrowed"),
    "a lower lowest number": (changed(P, "stars", minimum=0), "stars", "minimum widened"),
    "no highest number": (changed(P, "stars", to={"type": "integer", "minimum": 1}), "stars", "maximum widened"),
    "other things in a list": (changed(P, "coats", "items", to={"type": "integer"}), "coats[]", "type changed"),
    "null where none was": (
        changed(P, "stars", to={"anyOf": [WAS[P]["stars"], {"type": "null"}]}), "stars", "null widened"),
    "no null where one was": (
        changed(P, "limit", to={"$ref": "#/$defs/Limit", "default": None}), "limit", "null narrowed"
    ),
    "something else when left out": (changed(P, "limit", default={"amount": 1}), "limit", "default changed"),
    "a field of an inner type is gone": (changed("$defs", "Limit", P, "amount"), "limit.amount", "field removed"),
    "a way less of a union": (changed(P, "to", "anyOf", to=[{"type": "integer"}]), "to", "type narrowed"),
    "a way more of a union": (
        changed(P, "to", "anyOf", to=[*WAS[P]["to"]["anyOf"], {"type": "boolean"}]), "to", "type widened"),
    "a way of a union is narrower": (
        changed(P, "to", "anyOf", to=[{"type": "integer"}, {"type": "string", "maxLength": 23}]),
        "to", "maxLength narrowed",
    ),
    "a word that nobody knows here": (changed(P, "stars", multipleOf=2), "stars", "multipleOf changed"),
    "no further fields any more": (WAS | {"additionalProperties": False}, "the whole", "additionalProperties changed"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_breaks_somebody_is_refused_where_it_is(what: str) -> None:
    now, path, change = REFUSED[what]
    assert [(one.path, one.change) for one in breaks(WAS, now)] == [(path, change)]


def test_whom_it_breaks() -> None:
    """A narrower limit refuses what others say; a wider one lets through what others do not understand."""
    (narrower,) = breaks(WAS, changed(P, "colour", enum=["red"]))
    (wider,) = breaks(WAS, changed(P, "colour", enum=["red", "green", "blue"]))
    assert (narrower.breaks, wider.breaks) == ("emitters", "readers")
    assert (wider.was, wider.now) == ("red, green", "red, green, blue")


ALLOWED = {
    "nothing": WAS,
    "an optional field": changed(P, to={**WAS[P], "brush": {"type": "string"}}),
    "an optional field of an inner type": changed("$defs", "Limit", P, unit={"type": "string"}),
    "other words for people": changed(P, "stars", description="From 1 to 5.", examples=[4], title="Stars"),
    "another order": WAS | {P: dict(reversed(WAS[P].items())), "required": WAS["required"][::-1]},
    "another order of an enum and a union": changed(P, "colour", enum=["green", "red"])
    | {"$defs": {"Limit": LIMIT | {"title": "A limit"}}},
    "a union the other way round": changed(P, "to", "anyOf", to=WAS[P]["to"]["anyOf"][::-1]),
    "an inner type under another name": changed(P, "limit", "anyOf", 0, to={"$ref": "#/$defs/Span"})
    | {"$defs": {"Span": LIMIT}},
}


@pytest.mark.parametrize("what", ALLOWED)
def test_what_breaks_nobody_is_let_through(what: str) -> None:
    assert breaks(WAS, ALLOWED[what]) == []


def test_a_type_that_holds_itself_is_compared_once() -> None:
    tree = {"$ref": "#/$defs/Tree", "$defs": {"Tree": {
        "type": "object", "properties": {"of": {"type": "string"}, "left": {"$ref": "#/$defs/Tree"}}}}}  # fmt: skip
    other = json.loads(json.dumps(tree).replace('"string"', '"integer"'))
    assert breaks(tree, tree) == []
    assert [one.path for one in breaks(tree, other)] == ["of"]


def test_a_type_that_stands_in_two_places_is_told_of_in_both() -> None:
    was = changed(P, to={name: {"$ref": "#/$defs/Limit"} for name in ("promised", "taken")}) | {"required": []}
    now = was | {"$defs": {"Limit": LIMIT | {P: {}, "required": []}}}
    assert [one.path for one in breaks(was, now)] == ["promised.amount", "taken.amount"]


# -- laws, over drawn schemas and over those of the catalogue ----------------------------------------------------------

NAMES = st.sampled_from(["colour", "stars", "to", "limit", "of", "unit"])
TEXTS = st.builds(lambda longest: {"type": "string", "maxLength": longest}, st.integers(1, 99))
NUMBERS = st.builds(
    lambda low, high: {"type": "integer", "minimum": low, "maximum": high}, st.integers(-9, 0), st.integers()
)
ENUMS = st.builds(
    lambda words: {"type": "string", "enum": words}, st.lists(st.text("abc", min_size=1), min_size=2, unique=True)
)


def _objects(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def made(properties: dict[str, Any], optional: set[str]) -> dict[str, Any]:
        required = [name for name in properties if name not in optional]
        return {"type": "object", "properties": properties, "required": required}

    return st.builds(made, st.dictionaries(NAMES, inside, min_size=1, max_size=4), st.sets(NAMES))


INNER = st.recursive(
    TEXTS | NUMBERS | ENUMS | st.just({"type": "boolean"}),
    lambda inside: (
        _objects(inside)
        | st.builds(lambda of: {"type": "array", "items": of}, inside)
        | st.builds(lambda of: {"anyOf": [of, {"type": "null"}], "default": None}, inside)
    ),
    max_leaves=8,
)
OWN = st.sampled_from([schema_of(entry, None) for entry in CATALOGUE.values()])
SCHEMAS = _objects(INNER) | OWN.map(copy.deepcopy)


class Place(NamedTuple):
    """A schema inside another: its path as the comparison writes it, and what holds it."""

    path: str
    schema: dict[str, Any]
    holder: dict[str, Any]
    name: str


def places(schema: dict[str, Any], whole: dict[str, Any], path: str = "") -> Iterator[Place]:
    """Every field of an object, down to those of the types inside; once each, for a type may be met twice."""
    for way in schema.get("anyOf", ()):
        yield from places(way, whole, path)
    if "$ref" in schema:
        yield from places(whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], whole, path)
    if isinstance(schema.get("items"), dict):
        yield from places(schema["items"], whole, f"{path}[]")
    for name, one in schema.get("properties", {}).items():
        inside = f"{path}.{name}" if path else name
        yield Place(inside, one, schema, name)
        yield from places(one, whole, inside)


def drawn(data: st.DataObject, schema: dict[str, Any]) -> tuple[dict[str, Any], Place]:
    """A copy of the schema, and one place of it that may be changed."""
    now = copy.deepcopy(schema)
    return now, data.draw(st.sampled_from(list(places(now, now))), label="place")


@given(SCHEMAS)
def test_a_schema_goes_together_with_itself(schema: dict[str, Any]) -> None:
    assert breaks(schema, copy.deepcopy(schema)) == []


@given(SCHEMAS, INNER, st.data())
def test_an_optional_field_may_always_come(schema: dict[str, Any], new: dict[str, Any], data: st.DataObject) -> None:
    now, place = drawn(data, schema)
    place.holder["properties"]["brush"] = new
    assert breaks(schema, now) == []


@given(SCHEMAS, st.data())
def test_a_field_that_goes_is_refused_by_name(schema: dict[str, Any], data: st.DataObject) -> None:
    now, place = drawn(data, schema)
    del place.holder["properties"][place.name]
    assert place.path in {one.path for one in breaks(schema, now)}


@given(SCHEMAS, st.data())
def test_another_type_is_refused_by_name(schema: dict[str, Any], data: st.DataObject) -> None:
    now, place = drawn(data, schema)
    place.holder["properties"][place.name] = {"type": "number"}
    assert place.path in {one.path for one in breaks(schema, now)}


@given(SCHEMAS, st.data())
def test_required_or_not_is_refused_by_name_either_way(schema: dict[str, Any], data: st.DataObject) -> None:
    now, place = drawn(data, schema)
    place.holder["required"] = sorted({*place.holder.get("required", ())} ^ {place.name})
    assert place.path in {one.path for one in breaks(schema, now)}


@given(SCHEMAS, st.data())
def test_a_limit_that_moves_is_refused_by_name(schema: dict[str, Any], data: st.DataObject) -> None:
    now = copy.deepcopy(schema)
    limits = [
        (place, limited)
        for place in places(now, now)
        for limited in (place.schema, *place.schema.get("anyOf", ()))
        if {"maxLength", "minimum", "enum"} & set(limited)
    ]
    if not limits:
        return
    place, limited = data.draw(st.sampled_from(limits))
    step = data.draw(st.sampled_from([-1, 1]))
    word = next(word for word in ("maxLength", "minimum", "enum") if word in limited)
    if word == "enum":
        limited["enum"] = limited["enum"][1:] if step < 0 else [*limited["enum"], "something new"]
    else:
        limited[word] += step
    assert place.path in {one.path for one in breaks(schema, now)}
