"""Answers as JSON: each has a type in docs/openapi that tells everything of it, and declaring one changes no byte."""

import importlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, NamedTuple, NotRequired

import aiohttp
import pytest
from contracts.documents import DOCUMENTS
from contracts.servers import serving
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from typing_extensions import TypedDict

from events.contracts.channels import SERVICES
from events.http.answers import about
from events.http.app import answers
from events.http.openapi import document, operations
from events.service.runtime import Service, unstarted
from events.settings import Settings

ANSWERS = [
    pytest.param(service, answer["content"]["application/json"]["schema"], id=f"{service} {one['operationId']} {code}")
    for service, of in DOCUMENTS.items()
    for _, one in operations(of)
    for code, answer in one["responses"].items()
    if code.startswith("2") and "application/json" in answer.get("content", ())
]
# Their members are described where they are asked for, in bodies and in docs/schemas.
SHARED = {"CalendarEntry", "CalendarTerms", "Era", "Exhibit", "HoursEntry", "Limit", "Name", "OneDay", "Opening",
          "OverrideEntry", "Problem", "Service", "ServiceTerms"}  # fmt: skip
BY_ANOTHER_SCHEMA = {("CloudEvent", "data")}  # of the fact, in docs/schemas


def test_every_service_has_answers_as_json() -> None:
    assert set(DOCUMENTS) == set(SERVICES)
    assert len(ANSWERS) > 120


@pytest.mark.parametrize(("service", "schema"), ANSWERS)
def test_an_answer_says_all_of_itself(service: str, schema: Any) -> None:
    """No object is left open, every member is described, and whatever a description cannot show has an example."""
    schemas = DOCUMENTS[service]["components"]["schemas"]
    missing = list(unsaid(schema, schemas, "", set()))
    assert missing == []


def unsaid(schema: Any, schemas: Any, place: str, seen: set[str]) -> Iterator[str]:
    """The places at which a schema leaves open what is there."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            seen.add(name)
            if "description" not in schemas[name]:
                yield f"{name}: what is it?"
            yield from unsaid(schemas[name], schemas, name, seen)
        return
    for part in (*schema.get("anyOf", ()), *schema.get("prefixItems", ())):
        yield from unsaid(part, schemas, place, seen)
    kind = schema.get("type")
    if kind == "array" and "prefixItems" not in schema:
        yield from unsaid(schema.get("items", {}), schemas, f"{place}[]", seen)
    elif kind == "object" and "properties" not in schema:
        yield from unsaid(schema.get("additionalProperties") or {}, schemas, f"{place}{{}}", seen)
    elif kind == "object":
        for name, member in schema["properties"].items():
            if (place, name) in BY_ANOTHER_SCHEMA or place in SHARED:
                continue
            if not told("description", member, schemas):
                yield f"{place}.{name}: not described"
            if plain(member) and not told("examples", member, schemas):
                yield f"{place}.{name}: no example"
            yield from unsaid(member, schemas, f"{place}.{name}", seen)
    elif kind is None and not schema.keys() & {"anyOf", "const", "enum"}:
        yield f"{place}: open"


def told(what: str, schema: Any, schemas: Any) -> bool:
    """Whether a member or what it may be says this."""
    ways = [schema, *schema.get("anyOf", ())]
    return any(what in way or what in schemas.get(way.get("$ref", "").rpartition("/")[2], {}) for way in ways)


def plain(schema: Any) -> bool:
    """Whether it is a text or number whose form is not said."""
    ways = [way for way in (schema, *schema.get("anyOf", ())) if way.get("type") in ("string", "integer", "number")]
    return any(not way.keys() & {"const", "enum", "format"} for way in ways)


# -- a declared type changes nothing ---------------------------------------------------------------


class Inner(BaseModel):
    """Something that a handler returns as pydantic has it."""

    note: str | None = None


class Counted(NamedTuple):
    """Something that JSON has as an array."""

    case_id: str
    cycle: int


class Sample(TypedDict):
    """An answer of many kinds of values."""

    utc: Annotated[datetime, about("An instant.")]
    day: Annotated[date, about("A date.")]
    share: Annotated[float, about("A fraction.", 0.5)]
    whole: Annotated[float, about("A fraction that is whole.", 1.0)]
    nothing: Annotated[str | None, about("Null.", "")]
    inner: Annotated[dict[str, str], about("A value of pydantic's.", {})]
    counted: Annotated[list[tuple[str, int]], about("Tuples.")]
    missing: NotRequired[Annotated[int, about("Not there.", 1)]]


VALUE: Mapping[str, Any] = {
    "utc": datetime(2017, 7, 10, 2, 0, 0, 120, UTC), "day": date(2017, 7, 10), "share": 0.1, "whole": 3.0,
    "nothing": None, "inner": Inner(), "counted": [Counted("x", 1)], "more": "than is declared", "text": "Hạ Long <&>",
}  # fmt: skip
BYTES = (
    '{"utc":"2017-07-10T02:00:00.000120Z","day":"2017-07-10","share":0.1,"whole":3.0,"nothing":null,'
    '"inner":{"note":null},"counted":[["x",1]],"more":"than is declared","text":"Hạ Long <&>"}'
).encode()


def app() -> FastAPI:
    made = FastAPI()

    @made.get("/declared", **answers(Sample))
    async def declared() -> Any:
        """A declared answer."""
        return VALUE

    @made.get("/plain")
    async def plain() -> dict[str, Any]:
        """Another one, as it would be without."""
        return dict(VALUE)

    return made


async def test_a_declared_answer_is_sent_byte_for_byte() -> None:
    """Neither validated nor written anew: not the instants, the fractions, the nulls, nor what nobody declared."""
    async with serving(app()) as url, aiohttp.ClientSession(url) as http:
        sent = [await (await http.get(path)).read() for path in ("/declared", "/plain")]
    assert sent == [BYTES, BYTES]


def test_a_declared_answer_stands_in_the_document() -> None:
    made = document(app().openapi())
    schema = made["paths"]["/declared"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Sample"}
    assert made["components"]["schemas"]["Sample"]["properties"]["share"]["description"] == "A fraction."


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_writes_its_answer_anew(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a type that FastAPI takes for the route's own the answer would be validated, and its instants spelt anew."""
    for name in ("api_url", "oauth_url", "app_id", "app_secret", "oa_secret", "refresh_token"):
        monkeypatch.setenv(f"ZALO_{name.upper()}", "http://127.0.0.1:9")
    settings = Settings(kafka_bootstrap_servers="", database_url="", oidc_issuer="http://127.0.0.1:9")
    made: Service = importlib.import_module(f"{service}.app").service(settings)
    routes = (one.route for one in iter_route_contexts(unstarted(made, settings).routes))
    known = [route for route in routes if isinstance(route, APIRoute)]
    assert len(known) > 20
    written = {route.path: route.response_model for route in known if route.response_model not in (None, Any)}
    assert written == {}
