"""A recorded fact as a CloudEvent 1.0 in structured mode, and back. `data` travels as the bytes that were stored."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from events.contracts.catalogue import read
from events.errors import UnknownType, Unreadable
from events.store.envelope import Cause, RecordedEvent

PREFIX = "onedoor."
LARGEST_VERSION, LARGEST_SCHEMA = 2**31 - 1, 2**15 - 1  # what the columns hold
LONGEST = 300  # characters; far below what an index entry may have
BACKSLASH, DELETE = 0x5C, 0x7F  # as numbers: a byte is looked for in a third of the time that a string of one takes
ZERO = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # the character, not somebody's backslash before u0000

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class CloudEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """The envelope: CloudEvents' own attributes and our extensions (docs: design, "On the wire")."""

    specversion: Literal["1.0"]
    id: Short
    source: Short
    type: Short
    subject: Short
    time: Instant
    recordedtime: Instant
    actor: Short
    correlationid: Short
    causationid: Short
    sequence: Short
    partitionkey: Short
    hash: Annotated[str, msgspec.Meta(min_length=64, max_length=64)]
    data: msgspec.Raw
    traceparent: Short | None = None
    datacontenttype: str = "application/json"


class _Source(msgspec.Struct, gc=False):
    source: str


_decoder = msgspec.json.Decoder(CloudEvent)
_source = msgspec.json.Decoder(_Source)


def source_of(service: str) -> str:
    """What a service calls itself on the wire."""
    return f"/onedoor/{service}"


def said_by(body: bytes) -> str:
    """The source of a record that from_cloudevent can read: its service, as source_of spells it."""
    return _source.decode(body).source


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


def from_cloudevent(body: bytes) -> RecordedEvent:
    """The fact in a record of our own topics. Raises Unreadable, naming the field. An unknown type has no fact.

    Whatever is returned fits the columns of the inbox, so that keeping it cannot fail.
    """
    try:
        event = _decoder.decode(body)
        # Printable ASCII without an escape holds nothing that is looked for below; nearly all records are such.
        plain = body.isascii() and BACKSLASH not in body and DELETE not in body
        if not plain:
            body.decode()  # the decoder skips `data` without looking at its characters
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as invalid:
        raise Unreadable(f"not a CloudEvent of ours: {invalid}") from invalid
    stream, _, version = event.id.rpartition("@")
    number = _number(version, LARGEST_VERSION)
    if not (stream and number):
        raise Unreadable(f"id: {event.id!r} is not <stream>@<version>")
    name, schema = type_of(event.type)
    if event.sequence != version:
        raise Unreadable(f"sequence: {event.sequence!r} is not the version in the id, {version}")
    if not plain or " " in stream or " " in event.subject:
        _look_at_characters(event, stream)
    try:
        digest = bytes.fromhex(event.hash)
    except ValueError as invalid:
        raise Unreadable(f"hash: {invalid}") from invalid
    if len(digest) != 32:
        raise Unreadable("hash: not 32 bytes in hexadecimal digits")
    data = bytes(event.data)
    try:
        fact = read(name, schema, data, trusted=True)
    except UnknownType:
        fact = None
    at, recorded_at = event.time, event.recordedtime
    if at.tzinfo is not UTC:
        at = _utc("time", at)
    if recorded_at.tzinfo is not UTC:
        recorded_at = _utc("recordedtime", recorded_at)
    return RecordedEvent(
        stream=stream, version=number, subject=event.subject, type=name, schema=schema, fact=fact, data=data,
        at=at, recorded_at=recorded_at, hash=digest,
        cause=Cause(
            correlation=event.correlationid, causation=event.causationid, actor=event.actor, trace=event.traceparent
        ),
    )  # fmt: skip


def _look_at_characters(event: CloudEvent, stream: str) -> None:
    """Raises Unreadable for what a code, an actor or a column of text cannot have."""
    codes = stream + event.subject
    if not (codes.isascii() and codes.isprintable()) or " " in codes:
        raise Unreadable(f"id, subject: {codes!r} has a space or a character that no code has")
    said = event.actor + event.correlationid + event.causationid + (event.traceparent or "")
    if not said.isprintable():
        raise Unreadable(f"actor, correlationid, causationid, traceparent: {said!r} has a control character")
    if ZERO.search(event.data):
        raise Unreadable("data: a zero character, which no column of text can hold")


@lru_cache(maxsize=1000)
def type_of(type: str) -> tuple[str, int]:
    """The fact's name and the number of its schema. Raises Unreadable."""
    name, _, schema = type.removeprefix(PREFIX).rpartition(".v")
    number = _number(schema, LARGEST_SCHEMA)
    if not (type.startswith(PREFIX) and number and name.isascii() and name.isalnum()):
        raise Unreadable(f"type: {type!r} is not {PREFIX}<Fact>.v<schema>")
    return name, number


@lru_cache(maxsize=1000)
def _number(digits: str, largest: int) -> int:
    """The number in its one canonical spelling; 0 when it is not one, or too large."""
    if not (digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) <= 10):
        return 0
    return number if (number := int(digits)) <= largest else 0


def _utc(field: str, instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except (OverflowError, ValueError) as invalid:
        raise Unreadable(f"{field}: {invalid}") from invalid
