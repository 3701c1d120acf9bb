"""One AsyncAPI 3.0 document of everything on the topics, made from the catalogue and the channels.

Its schemas are the published ones with their inner types moved beside them, so that the document stands alone and says
nothing that AsyncAPI's own dialect (a superset of JSON Schema draft 7) does not know. Where the brokers are is a matter
of the deployment, and so is a prefix before the topics' names: the document names no servers.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from events.contracts import CATALOGUE, corrections, field, gateway, intake, operations, routing, rules, sla
from events.contracts.channels import CASES, CHANNELS, HEARTBEATS, INBOUND, SERVICES, Channel
from events.contracts.inbound import EventSent
from events.contracts.standing import CaseStatus, Watermark
from events.schemas.schemas import CONTENT_TYPE, ENVELOPE, Schema, event_type, identity, of_class

VERSION: Final = "3.0.0"
KAFKA: Final = "0.5.0"  # of AsyncAPI's Kafka bindings
ABOUT: Final = """\
Every hand-over of a dossier is a fact. Each service says its facts on its own topic; the records of one key stay in
order, and what is about one dossier has the dossier's code for its key, on the same partition of every dossier topic.

A record's value is a CloudEvent 1.0 in structured mode. Whoever reads must expect a fact to come twice, under the same
id, and must take no offence at fields, kinds of facts and schema numbers that it does not know: within a schema number
optional fields may come, and everything else is a new number.

The compacted topics hold no facts, but how something stands; of each key only the latest record counts.
"""

RECORD: Final = "Record"
NO_HEADERS: Final = """\
A record has no headers. A library that tells structured from binary mode by the header content-type takes it for
binary: give it the value as application/cloudevents+json."""

_MODULES: Final = {
    module.__name__.rpartition(".")[2]: module
    for module in (corrections, field, gateway, intake, operations, routing, rules, sla)
}
_STANDING: Final[Mapping[str, type[Any]]] = {INBOUND: EventSent, CASES: CaseStatus, HEARTBEATS: Watermark}


def document(envelope: Schema, schemas: Mapping[tuple[str, int], Schema]) -> dict[str, Any]:
    """The document over the envelope and the schemas of every fact and every number that was ever released."""
    inner: dict[str, Schema] = {}
    own = {identity(*of): _alone(schema, inner) for of, schema in sorted(schemas.items())}
    standing = {cls.__name__: _alone(of_class(TypeAdapter(cls)), inner) for cls in _STANDING.values()}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "onedoor",
            "version": "1",
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {channel.topic: _channel(channel, schemas) for channel in CHANNELS},
        "operations": {name: operation for service in SERVICES for name, operation in _operations(service)},
        "components": {
            "messageTraits": {
                RECORD: {"contentType": CONTENT_TYPE, "headers": {"type": "object", "description": NO_HEADERS}}
            },
            "messages": {
                **{identity(*of): _message(*of, schema) for of, schema in sorted(schemas.items())},
                **{_STANDING[one.topic].__name__: _stands(one) for one in CHANNELS if not one.facts},
            },
            "schemas": {ENVELOPE: _alone(envelope, inner), **own, **standing, **dict(sorted(inner.items()))},
        },
    }


def _channel(channel: Channel, schemas: Mapping[tuple[str, int], Schema]) -> dict[str, Any]:
    names = [identity(*of) for of in sorted(schemas) if of[0] in CATALOGUE and channel.carries(CATALOGUE[of[0]])]
    told = _MODULES[channel.facts[0]] if channel.facts else _STANDING[channel.topic]
    kept: dict[str, Any] = {"cleanup.policy": ["compact"]} if channel.compacted else {"retention.ms": -1}
    return {
        "address": channel.topic,
        "description": channel.about or _first(told.__doc__),
        "messages": {name: _to("components/messages", name) for name in names or [_STANDING[channel.topic].__name__]},
        "bindings": {"kafka": {"partitions": channel.partitions, "topicConfiguration": kept, "bindingVersion": KAFKA}},
    }


def _operations(service: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a service says and hears, each channel an operation: seen from the service, as AsyncAPI wants it."""
    for verb, action in (("says", "send"), ("hears", "receive")):
        for channel in CHANNELS:
            if service in (channel.said_by if verb == "says" else channel.heard_by):
                yield f"{service}.{verb}.{channel.topic}", {"action": action, "channel": _to("channels", channel.topic)}


def _message(name: str, schema: int, of: Schema) -> dict[str, Any]:
    """A record that holds this fact: the envelope, with its `type` and its `data` said."""
    key = next(channel.key for channel in CHANNELS if channel.carries(CATALOGUE[name]))
    said = {
        "type": {"const": event_type(name, schema)},
        "data": _to("components/schemas", identity(name, schema)),
    }
    return {
        "name": event_type(name, schema),
        "title": f"{name}, schema {schema}",
        "summary": _first(of["description"]),
        "traits": [_to("components/messageTraits", RECORD)],
        "payload": {"allOf": [_to("components/schemas", ENVELOPE), {"type": "object", "properties": said}]},
        "bindings": {"kafka": _keyed(key)},
    }


def _stands(channel: Channel) -> dict[str, Any]:
    """A record that is no fact of ours: of a compacted topic plain JSON without an envelope, of others an event."""
    cls = _STANDING[channel.topic]
    return {
        "name": cls.__name__,
        "title": cls.__name__,
        "summary": _first(cls.__doc__),
        "contentType": "application/json" if channel.compacted else CONTENT_TYPE,
        "payload": _to("components/schemas", cls.__name__),
        "bindings": {"kafka": _keyed(channel.key)},
    }


def _keyed(key: str) -> dict[str, Any]:
    return {"key": {"type": "string", "description": f"{key[0].upper()}{key[1:]}."}, "bindingVersion": KAFKA}


def _alone(schema: Schema, inner: dict[str, Schema]) -> Schema:
    """The schema without what only a file of its own has; its inner types go to `inner`.

    One name cannot be two types: the second would silently take the first one's place.
    """
    for name, of in schema.get("$defs", {}).items():
        moved = _moved(of)
        assert inner.setdefault(name, moved) == moved, f"two types inside facts are called {name}"
    return {name: _moved(of) for name, of in schema.items() if name not in ("$schema", "$id", "$defs")}


def _moved(of: Any) -> Any:
    """The same with references to types inside a file made references to the document's components."""
    if isinstance(of, dict):
        return {name: _there(one) if name == "$ref" else _moved(one) for name, one in of.items()}
    return [_moved(one) for one in of] if isinstance(of, list) else of


def _there(reference: str) -> str:
    return reference.replace("#/$defs/", "#/components/schemas/")


def _to(where: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/{where}/{name}"}


def _first(text: str | None) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join((text or "").partition("\n\n")[0].split())
