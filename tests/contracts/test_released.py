"""A fact that has got a new number: the old one is read by its step, stays published, and its schema is not touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
import yaml
from pydantic import Field, TypeAdapter

from events.contracts import CATALOGUE
from events.contracts.catalogue import Entry
from events.contracts.terms import CaseId, value
from events.contracts.upcasts import UPCASTS
from events.schemas.asyncapi import document
from events.schemas.files import ASYNCAPI, SCHEMAS, by_name, files
from events.schemas.released import Refusal, refusals

CHECKOUT = Path(__file__).parents[2]
RELEASED = by_name(CHECKOUT / "docs" / SCHEMAS)
NOW = {"case_id": "000.00.22.H49-170710-0001", "marks": 10}
GOLDENS = {**by_name(Path(__file__).parent / "goldens"), ("CustomerRated", 2): NOW}


@value
class CustomerRated:
    """The customer's marks for the service, 1 to 10."""

    case_id: CaseId
    marks: Annotated[int, Field(ge=1, le=10)]


@pytest.fixture(autouse=True)
def second_edition(monkeypatch: pytest.MonkeyPatch) -> None:
    """CustomerRated is at its second number, and nothing leads there from the first."""
    CustomerRated.__module__ = "events.contracts.intake"
    strict, trusting = TypeAdapter(CustomerRated), msgspec.json.Decoder(CustomerRated)
    monkeypatch.setitem(CATALOGUE, "CustomerRated", Entry("CustomerRated", 2, CustomerRated, strict, trusting))


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    def leads(to: Any) -> None:
        monkeypatch.setitem(UPCASTS, ("CustomerRated", 1), to)

    return leads


def doubled(old: dict[str, Any]) -> dict[str, Any]:
    return {"case_id": old["case_id"], "marks": 2 * old["stars"]}


def told(goldens: Any = None) -> list[str]:
    return [f"{one.fact}: {one.broken.now}" for one in refused(goldens)]


def refused(goldens: Any = None) -> list[Refusal]:
    return list(refusals(RELEASED, None, GOLDENS if goldens is None else goldens))


def test_a_new_number_with_its_step_and_its_golden_goes_together(step: Any) -> None:
    step(doubled)
    assert told() == []


def test_a_new_number_without_a_step_is_refused() -> None:
    assert "CustomerRated.v1: no step from 1 to 2" in told()
    assert 'write UPCASTS["CustomerRated", 1] in upcasts.py' in {one.way_out for one in refused()}


def test_a_step_that_does_not_lead_there_is_refused(step: Any) -> None:
    step(lambda old: old)
    assert any(one.startswith("CustomerRated.v1: ") and "marks" in one for one in told())


def test_the_example_of_an_old_schema_is_read_as_its_golden_is(step: Any) -> None:
    """Whoever reads only the schema has seen that record."""
    step(lambda old: doubled(old) if old != RELEASED["CustomerRated", 1]["examples"][0] else {})
    other = {**GOLDENS["CustomerRated", 1], "stars": 1}
    assert len(told({**GOLDENS, ("CustomerRated", 1): other})) == 1


@pytest.mark.parametrize("schema", [1, 2])
def test_a_number_without_a_golden_is_refused(schema: int, step: Any) -> None:
    step(doubled)
    without = {of: golden for of, golden in GOLDENS.items() if of != ("CustomerRated", schema)}
    assert told(without) == [f"CustomerRated.v{schema}: no golden"]


def test_both_numbers_are_in_the_document_and_only_the_new_one_is_written() -> None:
    """What was said under the old number stays on the topic for good."""
    made = files(GOLDENS, RELEASED)
    assert f"{SCHEMAS}/CustomerRated.v2.json" in made
    assert f"{SCHEMAS}/CustomerRated.v1.json" not in made
    told = yaml.safe_load(made[ASYNCAPI])
    for where in (told["channels"]["intake.events"]["messages"], told["components"]["messages"]):
        assert {"CustomerRated.v1", "CustomerRated.v2"} <= set(where)
    old, new = (told["components"]["schemas"][f"CustomerRated.v{schema}"]["properties"] for schema in (1, 2))
    assert ("stars" in old, "marks" in new) == (True, True)


def test_two_inner_types_of_one_name_are_not_mixed_up() -> None:
    """The second would silently take the place of the first."""
    schemas = {of: RELEASED[of] for of in (("SupplementRequested", 1), ("ApplicationReceived", 1))}
    other = {**RELEASED["ApplicationReceived", 1], "$defs": {"Gap": {"type": "string"}}}
    with pytest.raises(AssertionError, match="Gap"):
        document({}, {**schemas, ("ApplicationReceived", 1): other})
