"""A recorded fact as a CloudEvent 1.0 in structured mode, and back. `data` travels as the bytes that were stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from events.contracts.catalogue import read
from events.envelope import Cause, Recorded
from events.errors import UnknownType, Unreadable

PREFIX = "onedoor."


class CloudEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """The envelope: CloudEvents' own attributes and our extensions (docs: design, "On the wire")."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    recordedtime: datetime
    actor: str
    correlationid: str
    causationid: str
    sequence: str
    partitionkey: str
    hash: str
    data: msgspec.Raw
    traceparent: str | None = None
    datacontenttype: str = "application/json"


_decoder = msgspec.json.Decoder(CloudEvent)


def to_cloudevent(row: Mapping[str, Any], source: str) -> bytes:
    """The record's value for a row of `events`. Takes the row, not the fact: nothing is decoded on the way out."""
    return msgspec.json.encode(
        CloudEvent(
            specversion="1.0",
            id=f"{row['stream']}@{row['version']}",
            source=source,
            type=f"{PREFIX}{row['type']}.v{row['schema']}",
            subject=row["subject"],
            time=row["at"],
            recordedtime=row["recorded_at"],
            actor=row["actor"],
            correlationid=row["correlation"],
            causationid=row["causation"],
            sequence=str(row["version"]),
            partitionkey=row["subject"],
            hash=row["hash"].hex(),
            data=msgspec.Raw(row["data"]),
            traceparent=row["trace"],
        )
    )


def from_cloudevent(body: bytes) -> Recorded:
    """The fact in a record of our own topics. Raises Unreadable, naming the field. An unknown type has no fact."""
    try:
        event = _decoder.decode(body)
        stream, _, version = event.id.rpartition("@")
        name, _, schema = event.type.removeprefix(PREFIX).rpartition(".v")
        number, schema_number = int(version), int(schema)
        digest = bytes.fromhex(event.hash)
    except (msgspec.MsgspecError, ValueError, UnicodeDecodeError) as invalid:
        raise Unreadable(f"not a CloudEvent of ours: {invalid}") from invalid
    if event.time.tzinfo is None or event.recordedtime.tzinfo is None:
        raise Unreadable("time and recordedtime need their offset")
    data = bytes(event.data)
    try:
        fact = read(name, schema_number, data, trusted=True)
    except UnknownType:
        fact = None
    return Recorded(
        stream=stream, version=number, subject=event.subject, type=name, schema=schema_number, fact=fact, data=data,
        at=event.time, recorded_at=event.recordedtime, hash=digest,
        cause=Cause(
            correlation=event.correlationid, causation=event.causationid, actor=event.actor, trace=event.traceparent
        ),
    )  # fmt: skip
