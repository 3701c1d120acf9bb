"""A JSON Schema (draft 2020-12) of every fact, and of the envelope around it, made from the classes that read them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from events.contracts.catalogue import Entry
from events.kafka.cloudevent import PREFIX, CloudEvent, to_cloudevent
from events.store.envelope import Cause, RecordedEvent, link

Schema = dict[str, Any]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE: Final = "CloudEvent"
CONTENT_TYPE: Final = "application/cloudevents+json"
SAID_AT: Final = datetime(2017, 7, 10, 2, tzinfo=UTC)  # of the example

# What each attribute says. CloudEvents 1.0 has the first seven; the others are ours, but for its extensions `sequence`,
# `partitionkey` and `traceparent`.
ABOUT: Final[Mapping[str, str]] = {
    "specversion": "The version of CloudEvents.",
    "id": "The identity of the fact: <stream>@<version>. The same fact may come twice, under the same id.",
    "source": "The service that says it.",
    "type": "What kind of fact it is, and the number of its schema: onedoor.<Fact>.v<schema>.",
    "subject": "What it is about: the dossier's code, or the name of the stream for what is about no dossier.",
    "time": "When it happened, an instant with its offset.",
    "datacontenttype": "The media type of `data`.",
    "recordedtime": "When its service recorded it. A fact that was told late has a much later one than `time`.",
    "actor": "Who did it, by a number that says nothing about the person.",
    "correlationid": "The request or event that began the chain to which it belongs.",
    "causationid": "The step before it: the id of the fact that it follows from, or that of the request.",
    "sequence": "Its version: its place in its stream, counted from 1 without a gap.",
    "partitionkey": "The key of the record, the same as `subject`: whatever has one key stays in order.",
    "traceparent": "The trace of the request, by W3C Trace Context.",
    "hash": "SHA-256 in hexadecimal digits over the hash of the fact before it in its stream and what this one says: "
    "it tells a repeat from a fork, and what was changed.",
    "data": "The fact, by the schema that `type` names.",
}


class _Plain(GenerateJsonSchema):
    """Without a title for each field: it would say the field's name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def identity(name: str, schema: int) -> str:
    """What a fact and its schema number are called wherever a name has to be one word: `CaseClosed.v1`."""
    return f"{name}.v{schema}"


def event_type(name: str, schema: int) -> str:
    """The attribute `type` of a fact on the wire: `onedoor.CaseClosed.v1`."""
    return PREFIX + identity(name, schema)


def schema_of(entry: Entry, example: Any) -> Schema:
    """The schema of a fact's data at the entry's number, with one example. Fields that it does not name are allowed."""
    made = of_class(entry.strict)
    return {
        "$schema": DRAFT,
        "$id": f"urn:onedoor:schema:{entry.name}:{entry.schema}",
        "title": entry.name,
        "description": made.pop("description"),
        **{name: made[name] for name in ("type", "properties", "required")},
        **{name: made[name] for name in ("$defs",) if name in made},
        "examples": [example],
    }


def of_class(adapter: TypeAdapter[Any]) -> Schema:
    """The schema of a class as pydantic reads it, its fields in their order."""
    return adapter.json_schema(schema_generator=_Plain)


def envelope(example: Any) -> Schema:
    """The schema of a record's value on a topic of facts: a CloudEvent in structured mode, its `data` left open."""
    made = msgspec.json.schema(CloudEvent)["$defs"][CloudEvent.__name__]
    properties = {name: {"description": ABOUT[name], **of} for name, of in made["properties"].items()}
    properties["specversion"] = {"description": ABOUT["specversion"], "type": "string", "const": "1.0"}
    properties["sequence"]["pattern"] = "^[1-9][0-9]*$"
    properties["hash"]["pattern"] = "^[0-9a-f]{64}$"
    properties["type"]["pattern"] = f"^{re.escape(PREFIX)}[A-Za-z0-9]+\\.v[1-9][0-9]*$"
    return {
        "$schema": DRAFT,
        "$id": f"urn:onedoor:schema:{ENVELOPE}",
        "title": ENVELOPE,
        "description": "A CloudEvent 1.0 in structured mode, with our extensions. Others are allowed.",
        "type": "object",
        "properties": {name: properties[name] for name in ABOUT},
        "required": made["required"],
        "examples": [example],
    }


def record_of(stream: str, name: str, schema: int, data: Any) -> Any:
    """A record of this fact as the relay writes it: the first of its stream, said by intake."""
    fact = RecordedEvent(
        stream=stream, version=1, subject=data["case_id"], type=name, schema=schema, fact=None,
        data=msgspec.json.encode(data), at=SAID_AT, recorded_at=SAID_AT, hash=b"",
        cause=Cause(correlation="receipt-1", causation="receipt-1", actor="staff-193-02"),
    )  # fmt: skip
    cause = msgspec.to_builtins(fact.cause)
    row = {name: getattr(fact, name) for name in fact.__struct_fields__} | cause | {"hash": link(b"", fact)}
    return msgspec.json.decode(to_cloudevent(row, "/onedoor/intake"))
