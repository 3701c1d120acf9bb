"""docs/openapi: valid documents from which somebody who has never seen us can call every route, and be refused well.

That they are current is held by `test_what_is_written_is_what_is_committed`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from contracts.documents import DOCUMENTS
from openapi_spec_validator import OpenAPIV31SpecValidator

from events.contracts.channels import SERVICES
from events.http.openapi import PROBLEM, document, operations
from events.http.rights import READERS

EVERY = [
    pytest.param(service, path, one, id=f"{service} {one['operationId']}")
    for service, of in DOCUMENTS.items()
    for path, one in operations(of)
]
OPEN = ("/health", "/metrics", "/followers", "/public/", "/asyncapi", "/schemas", "/zalo/webhook", "/session")

HANDSHAKE = "handshake_events_options"  # of web hooks, which ask before they have a token


def test_every_service_has_a_document() -> None:
    assert set(DOCUMENTS) == set(SERVICES)


@pytest.mark.parametrize("service", DOCUMENTS)
def test_a_document_is_valid(service: str) -> None:
    wrong = [
        f"{list(one.absolute_path)}: {one.message}" for one in OpenAPIV31SpecValidator(DOCUMENTS[service]).iter_errors()
    ]
    assert wrong == []


def test_a_document_that_is_not_valid_is_noticed() -> None:
    broken = json.loads(json.dumps(DOCUMENTS["field"]))
    broken["paths"]["/health"]["get"]["responses"] = {"200": {}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


@pytest.mark.parametrize(("service", "path", "one"), EVERY)
def test_every_route_says_what_it_does_who_may_and_how_it_refuses(service: str, path: str, one: dict[str, Any]) -> None:
    assert len(one["summary"].split()) > 1, "the docstring of the route is its summary"
    assert not one["summary"].endswith(".")
    assert one["tags"]
    answers = {code: resolved(DOCUMENTS[service], answer) for code, answer in one["responses"].items()}
    refusals = {code: answer for code, answer in answers.items() if not code.startswith("2")}
    if path == "/health/ready":
        assert resolved(DOCUMENTS[service], refusals.pop("503"))["content"] == answers["200"]["content"]
    assert "default" in refusals
    assert all(list(answer["content"]) == [PROBLEM] for answer in refusals.values())
    assert all(answer.get("content") for code, answer in answers.items() if code.startswith("2") and code != "204")
    if path.startswith(OPEN) or one["operationId"] == HANDSHAKE:
        return
    roles = [role for way in one["security"] for names in way.values() for role in names]
    assert roles
    assert {"401", "403"} <= set(refusals)


def resolved(of: Any, answer: Any) -> Any:
    """The answer itself, where it is told of by a reference."""
    found = of
    for part in answer.get("$ref", "").removeprefix("#/").split("/"):
        found = found[part] if part else answer
    return found


@pytest.mark.parametrize(("service", "path", "one"), EVERY)
def test_no_parameter_is_null(service: str, path: str, one: dict[str, Any]) -> None:
    """Who has no value leaves it out; generators of clients drop operations with a header that may be null."""
    parameters = {parameter["name"]: parameter["schema"] for parameter in one.get("parameters", ())}
    assert [name for name, schema in parameters.items() if {"type": "null"} in schema.get("anyOf", ())] == []


def test_the_roles_are_those_of_the_table() -> None:
    def allowed(service: str, path: str, method: str) -> set[str]:
        return {role for way in DOCUMENTS[service]["paths"][path][method]["security"] for role in way["token"]}

    assert allowed("sla", "/cases", "get") == set(READERS)
    assert allowed("intake", "/events", "post") == {"emitter"}
    assert allowed("intake", "/applications/{case_id}/extension", "post") == {"leader"}


def test_what_is_no_json_is_said_so() -> None:
    def kinds(path: str) -> list[str]:
        return list(DOCUMENTS["sla"]["paths"][path]["get"]["responses"]["200"]["content"])

    assert [kinds(path) for path in ("/stream", "/record.csv", "/record/print")] == [
        ["text/event-stream"], ["text/csv"], ["text/html"]
    ]  # fmt: skip


def test_the_gateway_tells_of_every_mode_and_of_each_answer() -> None:
    say = DOCUMENTS["intake"]["paths"]["/events"]["post"]
    assert set(say["requestBody"]["content"]) == {
        "application/cloudevents+json", "application/cloudevents-batch+json", "application/json",
    }  # fmt: skip
    assert {"ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time"} <= {one["name"] for one in say["parameters"]}
    assert {"200", "201", "207", "429"} <= set(say["responses"])
    items = say["responses"]["207"]["content"]["application/json"]["schema"]["items"]
    item = resolved(DOCUMENTS["intake"], items)
    assert item["properties"]["result"]["enum"] == ["accepted", "duplicate", "refused"]


def test_a_right_becomes_the_roles_that_have_it() -> None:
    made = document(
        {
            "info": {},
            "paths": {"/a": {"get": {"summary": "A", "description": "First. Then.", "security": [{"operate": []}],
                                     "responses": {"200": {"description": "ok"}, "422": {}}}}},
            "components": {"securitySchemes": {"operate": {"type": "http", "scheme": "bearer"}}, "schemas": {}},
        }
    )  # fmt: skip
    one = made["paths"]["/a"]["get"]
    assert (one["summary"], one["description"]) == ("First", "Then.")
    assert one["security"] == [{"token": ["operator"]}]
    assert list(one["responses"]) == ["200", "401", "403", "422", "default"]
    assert list(made["components"]["securitySchemes"]) == ["token"]


LARGEST = 2**63 - 1


@pytest.mark.parametrize(("service", "path", "one"), EVERY)
def test_nothing_is_taken_that_the_database_cannot_hold(service: str, path: str, one: dict[str, Any]) -> None:
    """No text with a zero character, no number past bigint: each is a 422, in a parameter and in a body."""
    of = DOCUMENTS[service]
    taken = {parameter["name"]: parameter["schema"] for parameter in one.get("parameters", ()) if _is_ours(parameter)}
    for kind, content in one.get("requestBody", {}).get("content", {}).items():
        if kind == "application/json":
            taken["body"] = content["schema"]
    assert [place for name, schema in taken.items() for place in unbounded(of, schema, name)] == []


def _is_ours(parameter: dict[str, Any]) -> bool:
    """The server refuses a zero character in a header, whatever it is called."""
    return str(parameter["in"]) != "header"


def unbounded(of: Any, schema: Any, place: str, under_way: tuple[str, ...] = ()) -> Iterator[str]:
    """The places in a schema that let anything through."""
    name = schema.get("$ref", "")
    if name and name in under_way:
        return
    schema = {**resolved(of, schema), **{word: value for word, value in schema.items() if word != "$ref"}}
    if schema.keys() & {"enum", "const"}:
        return
    for way in ("anyOf", "oneOf", "allOf"):
        for number, inner in enumerate(schema.get(way, ())):
            yield from unbounded(of, inner, f"{place}|{number}", (*under_way, name))
    match schema.get("type"):
        case "string" if "format" not in schema and re.search(schema.get("pattern", ""), "a\0\n") is not None:
            yield place
        case "integer":
            upper = min(schema.get("maximum", LARGEST + 1), schema.get("exclusiveMaximum", LARGEST + 2) - 1)
            lower = max(schema.get("minimum", -LARGEST - 2), schema.get("exclusiveMinimum", -LARGEST - 3) + 1)
            if upper > LARGEST or lower < -LARGEST - 1:
                yield place
        case "array":
            inner = [
                *schema.get("prefixItems", ()),
                *([schema["items"]] if isinstance(schema.get("items"), dict) else []),
            ]
            for number, one in enumerate(inner):
                yield from unbounded(of, one, f"{place}[{number}]", (*under_way, name))
        case "object":
            for field, one in schema.get("properties", {}).items():
                yield from unbounded(of, one, f"{place}.{field}", (*under_way, name))
            if isinstance(names := schema.get("additionalProperties"), dict):
                yield from unbounded(of, names, f"{place}.*", (*under_way, name))
