"""Every operation of an OpenAPI document driven against a running service by schemathesis: requests that keep to the
document and requests that do not, by whoever may and by everybody else.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from contracts.documents import closed, named
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.engine import events, from_schema
from schemathesis.specs.openapi.checks import response_schema_conformance

from events.http.openapi import operations

NOBODY = ""
SEED = 2017
AT = "2017-08-15T09:00:00+07:00"  # after the story of `played`
BY_OTHERS = 3  # every third request is somebody's who may not
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "only_who_may",
)  # fmt: skip
# They wait for what happens; the events of POST /events are judged one by one; a service that is not ready says so.
STREAMS = ("GET /stream", "GET /public/stream")
# Each begins a process, or makes topics anew: a few requests say as much as many.
HEAVY = ("POST /rebuilds", "POST /rollbacks", "POST /certificates", "POST /what-if", "POST /rules/calendars",
         "POST /rules/catalogue", "POST /republish")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that only a fixed body gets accepted."""

    route: str
    role: str
    body: Any
    query: Mapping[str, Any] = field(default_factory=dict)


def drive(
    document: Mapping[str, Any], url: str, tokens: Mapping[str, str], known: Mapping[str, Sequence[Any]],
    accepted: Sequence[Accepted], examples: int,
) -> tuple[Counter[int], list[str]]:  # fmt: skip
    """How many requests came to which status, and what was not as documented. `tokens` by role; `known`: values that
    exist, by the name of a parameter or of a member; `examples`: requests of each operation beside the boundaries."""
    schema = schemathesis.openapi.from_dict(hinted(closed(document), known), config=config(url, examples))
    _sending.update(tokens=tokens, turns=Counter(), callers={})
    statuses: Counter[int] = Counter()
    wrong: dict[str, str] = {}
    for one in accepted:
        method, _, path = one.route.partition(" ")
        case = schema[path][method].Case(body=one.body, query=dict(one.query), media_type="application/json")
        case.headers["Onedoor-Now"] = AT
        answer = case.call(headers={"Authorization": f"Bearer {tokens[one.role]}"})
        statuses[answer.status_code] += 1
        if answer.status_code >= 300:
            wrong[one.route] = f"{answer.status_code} {answer.text}"
        try:
            case.validate_response(answer, checks=[response_schema_conformance])
        except (Failure, FailureGroup) as failed:
            wrong[one.route] = str(failed)
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            wrong[str(event.label)] = str(event.value)
        elif isinstance(event, events.ScenarioFinished):
            answers = (one.response for one in event.recorder.interactions.values())
            statuses.update(answer.status_code for answer in answers if answer)
            for checked in (one for case in event.recorder.checks.values() for one in case):
                if (found := checked.failure_info) is not None:
                    key = f"{event.label}: {checked.name}: {found.failure.title}"
                    wrong.setdefault(key, f"{found.failure.message}\n{found.code_sample}")
    return statuses, [f"{key}\n{text}" for key, text in wrong.items()]


_sending: dict[str, Any] = {}
"""What the hook below needs: hooks and checks are the process's, not a run's."""


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Let the next in turn send it, at a time that the caller's clock has come to."""
    case.headers.setdefault("Onedoor-Now", AT)
    label = case.operation.label
    _sending["turns"][label] += 1
    tokens: Mapping[str, str] = _sending["tokens"]
    role = caller(may(case), sorted(tokens), _sending["turns"][label])
    case.headers.pop("Authorization", None)
    if role != NOBODY:
        case.headers["Authorization"] = f"Bearer {tokens[role]}"
    _sending["callers"][case.id] = role


def may(case: Case[Any]) -> set[str] | None:
    """The roles that may, by the document; None: everybody may."""
    security = case.operation.definition.raw.get("security")
    return None if security is None else {role for way in security for role in way["token"]}


def caller(allowed: set[str] | None, roles: Sequence[str], turn: int) -> str:
    """Who sends the request of this turn: mostly one who may, in turn each who may not, and nobody."""
    others = [NOBODY, *(role for role in roles if role not in (allowed or ()))]
    if turn % BY_OTHERS == 0:
        return others[turn // BY_OTHERS % len(others)]
    own = sorted(allowed or roles)
    return own[turn // BY_OTHERS % len(own)]


@schemathesis.check
def only_who_may(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Who has none of the roles gets nothing, whatever is sent."""
    role, allowed = _sending["callers"].get(case.id), may(case)
    if role is not None and allowed is not None and role not in allowed and response.status_code < 400:
        raise AssertionError(f"{role or 'nobody'} got {response.status_code}")
    return None


ONLY_OURS: Any = {"extra-data-sources": {"responses": False}}  # what another run would not answer alike


def config(url: str, examples: int) -> SchemathesisConfig:
    """The same requests each time, from a fixed seed; nothing is kept between two runs."""
    few = {"generation": {"max-examples": 2, "mode": "positive"}, "phases": {"coverage": {"enabled": False}}}
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "base-url": url,
            "request-timeout": 20,
            "max-stream-events": 1,
            "continue-on-failure": True,
            "generation": {
                "max-examples": examples, "deterministic": True, "database": "none", "no-shrink": True,
                "with-security-parameters": False,
            },
            "phases": {
                "stateful": {"enabled": False}, "examples": {"enabled": False}, "coverage": ONLY_OURS,
                "fuzzing": ONLY_OURS,
            },
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "operations": [
                *({"include-name": name, **few} for name in HEAVY),
                *({"include-name": name, "request-timeout": 1} for name in STREAMS),
                {"include-name": "POST /events", "checks": {"negative_data_rejection": {"enabled": False}}},
                {"include-name": "GET /health/ready", "checks": {"not_a_server_error": {"enabled": False}}},
            ],
        }
    )  # fmt: skip


def hinted(document: Any, known: Mapping[str, Sequence[Any]]) -> Any:
    """The document with values that exist beside what else a parameter or a member of a body may be."""
    asked = {name for _, one in operations(document) for name in named(one.get("requestBody"), document)}
    for _, one in operations(document):
        for parameter in one.get("parameters", ()):
            parameter["schema"] = beside(parameter["schema"], known.get(parameter["name"]))
    for name in asked:
        members = document["components"]["schemas"][name].get("properties", {})
        for member, schema in members.items():
            members[member] = beside(schema, known.get(member))
    return document


def beside(schema: Any, values: Sequence[Any] | None) -> Any:
    return schema if not values else {"anyOf": [{"enum": list(values)}, schema]}
