"""What the published schemas allow is taken and what they do not allow is refused at its field, for every fact."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from contracts.near_schemas import BESIDE, beside, drawn, errors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.contracts import CATALOGUE, read, write
from events.errors import Unreadable
from events.schemas.files import SCHEMAS, by_name

SCHEMA = by_name(Path(__file__).parents[2] / "docs" / SCHEMAS)
GOLDENS = by_name(Path(__file__).parent / "goldens")
QUICK = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
FACTS = pytest.mark.parametrize(("name", "schema"), SCHEMA)


@cache
def allowed(name: str, schema: int) -> st.SearchStrategy[Any]:
    return drawn(SCHEMA[name, schema], SCHEMA[name, schema])


def refusal(name: str, schema: int, value: Any) -> Unreadable | None:
    """Why our reader of others' bytes does not take it; None where it does, and what it reads can be written."""
    try:
        fact = read(name, schema, json.dumps(value).encode(), trusted=False)
    except Unreadable as unreadable:
        return unreadable
    assert read(name, CATALOGUE[name].schema, write(fact), trusted=True) == fact
    return None


def alike(name: str, schema: int, value: Any) -> None:
    """Our reader and a validator of the published schema say the same; ours names a place that the schema's does."""
    wrong, why = errors(SCHEMA[name, schema], value), refusal(name, schema, value)
    assert (why is None) == (not wrong), f"{value!r}: the schema says {wrong or 'yes'}, the reader {why or 'yes'}"
    if why is not None:
        assert why.field is not None
        assert why.field.split(".")[0] == "data"


@FACTS
@QUICK
@given(st.data())
def test_what_a_schema_allows_is_taken(name: str, schema: int, data: st.DataObject) -> None:
    value = data.draw(allowed(name, schema))
    assert errors(SCHEMA[name, schema], value) == []
    alike(name, schema, value)


@FACTS
@QUICK
@given(st.data())
def test_what_lies_beside_a_schema_is_taken_or_refused_as_it_says(name: str, schema: int, data: st.DataObject) -> None:
    alike(name, schema, data.draw(beside(allowed(name, schema))))


@FACTS
def test_every_field_with_every_strange_value_is_taken_or_refused_at_its_name(name: str, schema: int) -> None:
    for field in SCHEMA[name, schema]["properties"]:
        for other in BESIDE:
            value = {**GOLDENS[name, schema], field: other}
            alike(name, schema, value)
            if errors(SCHEMA[name, schema], value):
                why = refusal(name, schema, value)
                assert why is not None
                assert f"{why.field}.".startswith(f"data.{field}."), (value, why)
        without = {key: one for key, one in GOLDENS[name, schema].items() if key != field}
        alike(name, schema, without)


PROMISE = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE"}


@pytest.mark.parametrize(
    ("promise", "field"),
    [
        ({"working_days": True}, "data.promise.working_days"),
        ({"working_days": "1_0"}, "data.promise.working_days"),
        ({"working_days": "10"}, "data.promise.working_days"),
        ({"working_days": 3.5}, "data.promise.working_days"),
        ({"due": 2017071317}, "data.promise.due"),
        ({"due": "2017071317"}, "data.promise.due"),
        ({"due": "2017-07-13T17:00:60+07:00"}, "data.promise.due"),
        ({}, "data.promise"),
        ({"working_days": 3, "due": "2017-07-13T17:00:00+07:00"}, "data.promise"),
    ],
)
def test_what_a_lax_reader_would_take_is_refused_at_its_field(promise: dict[str, Any], field: str) -> None:
    value = {**GOLDENS["ApplicationReceived", 1], "promise": PROMISE | promise}
    why = refusal("ApplicationReceived", 1, value)
    assert why is not None
    assert why.field == field
    assert errors(SCHEMA["ApplicationReceived", 1], value) != []


def test_a_whole_number_may_be_written_with_a_point() -> None:
    value = {**GOLDENS["ApplicationReceived", 1], "promise": PROMISE | {"working_days": 3.0}}
    fact = read("ApplicationReceived", 1, json.dumps(value).encode(), trusted=False)
    assert (fact.promise.working_days, type(fact.promise.working_days)) == (3, int)
