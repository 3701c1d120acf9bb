"""What the OpenAPI document says of the door for other systems: the modes of an event, and what is answered of each."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from events.contracts.inbound import EventSent
from events.gateway.cloudevent import BATCH, JSON, LARGEST, MOST, PREFIX, STRUCTURED
from events.schemas.schemas import of_class
from intake.answers import Became, Handshake, Taken

_EVENT: Final = of_class(TypeAdapter(EventSent))
_ATTRIBUTES: Final = [name for name in _EVENT["properties"] if name not in ("data", "datacontenttype")]
_EVENT["description"] = (
    "A CloudEvent 1.0. `type` is onedoor.<Fact>.v<number>, and `data` has the schema that GET /schemas/<Fact>/<number> "
    "shows."
)
_TEXT: Final = {"type": "string"}
_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}

BODY: Final[Mapping[str, Any]] = {
    "required": True,
    "description": f"A mebibyte at most, {LARGEST} bytes of data in each event, {MOST} events in a batch. It may be "
    "packed with Content-Encoding gzip; the limits are on what it unpacks to.",
    "content": {
        STRUCTURED: {"schema": _EVENT},
        BATCH: {"schema": {"type": "array", "items": _EVENT, "maxItems": MOST}},
        JSON: {
            "schema": {
                "type": "object", "description": f"Binary mode: the data alone; the attributes are headers {PREFIX}…"
            }
        },
    },
}  # fmt: skip

HEADERS: Final = [
    {
        "name": f"{PREFIX}{name}",
        "in": "header",
        "required": False,
        "description": "In binary mode. " + ("Needed there." if name in _EVENT["required"] else "May be left out."),
        "schema": _TEXT,
    }
    for name in _ATTRIBUTES
]


_LEFT: Final = {
    "RateLimit": {"description": 'For how many events there is room: `"events";r=5800`.', "schema": _TEXT},
    "RateLimit-Policy": {"description": 'How many in how many seconds: `"events";q=6000;w=60`.', "schema": _TEXT},
}


def _says(description: str, model: Any = Taken) -> Any:
    return {"description": description, "model": model}


ANSWERS: Final[dict[int | str, Any]] = {
    200: {**_says("One event, accepted before: the same answer again."), "headers": _LEFT},
    201: {**_says("One event, accepted: it is committed."), "headers": _LEFT},
    207: {**_says("A batch: for each event, in their order, what became of it.", list[Taken]), "headers": _LEFT},
    "4XX": {
        "description": "One event, refused: `title` is the rule. Or a request of which nothing was looked at.",
        "headers": _LEFT,
        "content": {"application/problem+json": {"schema": _PROBLEM}},
    },
    429: {
        "description": "More than this system may say in a minute; nothing of it was taken in.",
        "headers": {
            "Retry-After": {"description": "Seconds until there is room.", "schema": {"type": "integer"}},
            **_LEFT,
        },
        "content": {"application/problem+json": {"schema": _PROBLEM}},
    },
}

HANDSHAKE: Final[dict[int | str, Any]] = {
    200: {
        **_says("Whether events may be delivered from this origin: they may where the two headers stand.", Handshake),
        "headers": {
            "WebHook-Allowed-Origin": {"description": "The origin that asked.", "schema": _TEXT},
            "WebHook-Allowed-Rate": {"description": "Requests a minute.", "schema": {"type": "integer"}},
        },
    }
}

BECAME: Final[dict[int | str, Any]] = {200: _says("Where it is, and every refusal under its id.", Became)}
