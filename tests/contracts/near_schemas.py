"""Values by a JSON Schema, and beside it: one place of a value changed to something that a lax reader would take."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """As ECMA-262 has it: `$` is the end, and not also the place before a last line feed as in Python."""
    wanted = re.sub(r"\$$", r"\\Z", pattern)
    if isinstance(instance, str) and re.search(wanted, instance) is None:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator: Any = extend(Draft202012Validator, {"pattern": _pattern})
_FORMATS = FormatChecker(["date-time"])


def errors(schema: Schema, value: Any) -> list[Path]:
    """The places that break the schema; empty for what it allows."""
    return [tuple(error.absolute_path) for error in _Validator(schema, format_checker=_FORMATS).iter_errors(value)]


BESIDE: list[Any] = [
    None, True, False, 0, 1, -1, 3.0, 3.5, 1e2, 1e3, 1001, 2**53 - 1, 2**53, -(2**53), 2**64, 1e300, 2017071317,
    1499652000.0, "", "1", "0", "3", "1_0", "3.0", " 3", "+3", "true", "yes", "on", "null", "2017071317", "1499652000",
    "2017-07-10", "2017-07-10T09:00:00", "2017-07-10T09:00Z", "2017-07-10 09:00:00Z", "2017-07-10T09:00:60Z",
    "2017-07-10T24:00:00Z", "2017-02-29T09:00:00Z", "2017-07-10T09:00:00+0700", "2017-07-10T09:00:00+07:00\n",
    "2017-07-10t09:00:00.1234567z", "2017-07-10T09:00:00-00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "Nguyễn Văn An", "a b", "A", "a", "\0", "a\n", "case-1@1", "PAUSE", "a" * 201, [], ["a"], [[]], {}, {"a": 1},
]  # fmt: skip
SPELLING = st.sampled_from([*" \n\tTtZz+-:._/@0169aAéٱ\0"])


def drawn(schema: Schema, whole: Schema) -> st.SearchStrategy[Any]:
    """Values that the schema allows."""
    if "$ref" in schema:
        return drawn(whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], whole)
    if "anyOf" in schema:
        return st.one_of([drawn(one, whole) for one in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum")).flatmap(
                lambda number: st.sampled_from([number, float(number)] if abs(number) < 2**53 else [number])
            )
        case "string":
            return _texts(schema["pattern"], schema.get("maxLength"), "format" in schema)
        case "array":
            return st.lists(drawn(schema["items"], whole), max_size=3)
        case "object":
            return _objects(schema, whole)
        case other:
            raise AssertionError(f"a schema of ours has no {other!r}")


@cache
def _texts(pattern: str, longest: int | None, formatted: bool) -> st.SearchStrategy[str]:
    schema = {"maxLength": longest or 10**6} | ({"format": "date-time"} if formatted else {})
    return st.from_regex(re.sub(r"\$$", r"\\Z", pattern)).filter(lambda text: not errors(schema, text))


def _objects(schema: Schema, whole: Schema) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: drawn(of, whole) for name, of in schema["properties"].items()}
    needed = set(schema.get("required", ()))
    made: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {name: of for name, of in fields.items() if name in needed},
        optional={name: of for name, of in fields.items() if name not in needed} | {"not_in_it": st.integers()},
    )
    return made.filter(lambda one: not errors({"oneOf": schema["oneOf"]}, one)) if "oneOf" in schema else made


@st.composite
def beside(draw: st.DrawFn, inside: st.SearchStrategy[Any]) -> Any:
    """One of these values with one place replaced, spelt otherwise, taken out, or put in."""
    value = json.loads(json.dumps(draw(inside)))
    place = draw(st.sampled_from(list(_places(value))))
    *way, last = place
    holder = value
    for one in way:
        holder = holder[one]
    held = holder[last]
    other = draw(st.sampled_from(["replaced", "spelt", "gone", "one more"]))
    if other == "gone":
        del holder[last]
    elif other == "spelt" and isinstance(held, str):
        at = draw(st.integers(0, len(held)))
        holder[last] = held[:at] + draw(SPELLING) + held[at + draw(st.integers(0, 1)) :]
    elif other == "one more" and isinstance(held, list):
        held.append(draw(st.sampled_from(BESIDE)))
    else:
        holder[last] = draw(st.sampled_from(BESIDE))
    return value


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(one, (*path, key))
