"""A service's HTTP as an OpenAPI document: what FastAPI makes of the routes, and what only we know of them: who may,
which problem documents come back, and what every accepted command answers. Pure.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from events.http.answers import Answer
from events.http.rights import RIGHTS

Document = dict[str, Any]

FOLDER: Final = "openapi"  # below docs/, one file for each service
TOKEN: Final = "token"
PROBLEM: Final = "application/problem+json"
JSON: Final = "application/json"
METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
KEY: Final = "idempotency-key"  # the header by which a command is known
FASTAPIS: Final = ("HTTPValidationError", "ValidationError")  # its form of a refusal, which nobody is ever sent

ABOUT: Final = """\
Every request but those to public routes has a token: `Authorization: Bearer <JWT from the issuer>`. `security` names
the roles of which the caller has one. A command is said to have happened now, or at `at` in its body. It is safe to
send again under the same `Idempotency-Key`, and with `If-Match` it is only done to the version that its sender saw.

Whatever is not done is answered with a problem document (RFC 9457): `type` and `title` name the rule, `detail` says
what is the matter, `field` where, and `way_out` what to do. `Onedoor-Now` is for deployments that take the time from
their caller (a demonstration, a test); others ignore it.
"""

UNSAID: Final = ("Successful Response", "OK", "Service Unavailable")  # FastAPI's words where a route has none
DONE: Final = {
    "200": "As asked.",
    "201": "It was made.",
    "202": "It has begun, and goes on after this answer.",
    "503": "Not now: the answer says why.",
}
HEADERS: Final[Mapping[str, str]] = {
    KEY: "The same command sent again under the same key is done once, and answered alike.",
    "if-match": "The version that the sender saw, as the ETag of the last answer; another one now is a 412.",
    "onedoor-now": "What time it is, where the deployment takes the time from its caller; ignored elsewhere.",
    "traceparent": "The trace of the request, by W3C Trace Context; it travels with the facts.",
}
_TEXT: Final = {"type": "string"}


def _components(model: type) -> dict[str, Any]:
    """A type of answers with the types inside it, by name, as FastAPI makes them of the routes that declare theirs."""
    made = TypeAdapter(model).json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    return {**made.pop("$defs", {}), model.__name__: made}


ANSWER: Final = {"$ref": "#/components/schemas/Answer"}
SCHEMAS: Final[Mapping[str, Any]] = {
    "Problem": {
        "type": "object",
        "description": "A problem document (RFC 9457). Other members tell more of what is the matter.",
        "properties": {
            "type": {"type": "string", "format": "uri", "examples": ["urn:onedoor:problem:wrong-unit"]},
            "title": {"type": "string", "description": "The name of the rule.", "examples": ["wrong unit"]},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What is the matter, with the values at hand."},
            "field": {"type": "string", "description": "The field or header that it is about."},
            "way_out": {"type": "string", "description": "What to do."},
            "errors": {
                "type": "array",
                "description": "Every field that is wrong, where there are several.",
                "items": {"type": "object", "properties": {"field": _TEXT, "rule": _TEXT, "detail": _TEXT}},
            },
        },
        "required": ["type", "title", "status", "detail"],
    },
    **_components(Answer),
}  # fmt: skip


def _says(description: str, **headers: str) -> Any:
    told = {name.replace("_", "-"): {"description": text, "schema": _TEXT} for name, text in headers.items()}
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, **({"headers": told} if told else {}), "content": content}


RESPONSES: Final[Mapping[str, Any]] = {
    "Unauthenticated": _says("No token, or none that can be trusted.", WWW_Authenticate="Bearer"),
    "Forbidden": _says("The caller has none of the roles, or acts for another unit."),
    "Invalid": _says("A field is missing, unknown or not as it must be; `errors` names each. Broken JSON is a 400."),
    "Problem": _says(
        "Refused, or not possible just now: nothing was recorded.",
        Retry_After="In how many seconds to come again, of a 429 and a 503.",
    ),
}  # fmt: skip


def document(made: Document) -> Document:
    """The document over what FastAPI made, changed in place. `security` names a right there, and roles here."""
    made["info"] |= {"description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
    components = made.setdefault("components", {})
    schemas = {name: of for name, of in components.get("schemas", {}).items() if name not in FASTAPIS} | dict(SCHEMAS)
    for path, one in operations(made):
        one.setdefault("tags", [path.split("/")[1]])
        _describe(one, schemas)
    components["schemas"] = dict(sorted(schemas.items()))
    components["responses"] = dict(RESPONSES)
    if schemes := components.get("securitySchemes"):
        components["securitySchemes"] = {TOKEN: next(iter(schemes.values()))}
    return made


def operations(of: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation of a document, with its path."""
    for path, methods in of["paths"].items():
        yield from ((path, one) for method, one in methods.items() if method in METHODS)


def as_text(of: Document) -> str:
    """The document as its file has it."""
    return json.dumps(of, indent=1, ensure_ascii=False) + "\n"


def _describe(one: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    one["summary"], more = _sentence(one.pop("description", one["summary"]))
    if more:
        one["description"] = more
    responses = one["responses"]
    if "422" in responses:
        responses["422"] = _to("Invalid")
    if "security" in one:
        one["security"] = _roles(one["security"])
        responses |= {"401": _to("Unauthenticated"), "403": _to("Forbidden")}
    responses.setdefault("default", _to("Problem"))
    parameters = one.get("parameters", ())
    for parameter in parameters:
        if told := HEADERS.get(parameter["name"]):
            parameter["description"] = told
        if (schema := parameter.get("schema")) is not None:
            parameter["schema"] = _given(schema)
    for code, answer in responses.items():
        if JSON in answer.get("content", ()):
            answer["content"][JSON]["schema"] = _declared(answer["content"][JSON]["schema"])
            if answer["description"] in UNSAID:
                answer["description"] = DONE[code]
    if any(parameter["name"] == KEY for parameter in parameters):
        for answer in [answer for code, answer in responses.items() if code.startswith("2")]:
            content = answer["content"][JSON]
            content["schema"] = content["schema"] or ANSWER
            if _is_answer(content["schema"], schemas):
                answer["description"] = "It was done, now or under this key before."
                answer["headers"] = {"ETag": {"description": "The version of the stream.", "schema": _TEXT}}
    one["responses"] = dict(sorted(responses.items()))


def _is_answer(schema: Document, schemas: Mapping[str, Any]) -> bool:
    """Whether it is what a command on a stream came to, or more of it."""
    told = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
    return set(SCHEMAS["Answer"]["properties"]) <= set(told.get("properties", ()))


def _given(schema: Document) -> Document:
    """The schema of a parameter that is sent. It has no null: who has no value leaves it out, and generators drop what
    is null in a header."""
    ways = [way for way in schema.get("anyOf", ()) if way != {"type": "null"}]
    if not ways:
        return schema
    rest = {name: of for name, of in schema.items() if name != "anyOf"}
    return {**ways[0], **rest} if len(ways) == 1 else {"anyOf": ways, **rest}


def _declared(schema: Document) -> Document:
    """The schema of an answer as its route declares it, without what FastAPI says of a value that it does not know."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    return {name: of for name, of in schema.items() if name != "title"}


def _sentence(text: str) -> tuple[str, str]:
    """The first sentence without its full stop, and what follows it."""
    paragraph, _, rest = text.partition("\n\n")
    first, _, more = " ".join(paragraph.split()).partition(". ")
    return first.removesuffix("."), "\n\n".join(part for part in (more, rest.strip()) if part)


def _roles(security: Collection[Mapping[str, Any]]) -> list[dict[str, list[str]]]:
    """One alternative for each role: whoever has one of them may."""
    rights = [name for one in security for name in one]
    return [{TOKEN: [role]} for role in sorted(set.intersection(*(set(RIGHTS[right]) for right in rights)))]


def _to(response: str) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{response}"}
