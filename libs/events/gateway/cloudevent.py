"""A CloudEvent 1.0 as another system sent it, in any mode over HTTP or Kafka: nothing in it is believed yet. Pure."""

import hashlib
import re
from base64 import b64decode
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from events.errors import NotUnderstood, Refused

FORMATS: Final = "application/cloudevents"  # what the media type of any format of CloudEvents begins with
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
JSON: Final = "application/json"
CONTENT_TYPE: Final = "content-type"
FIELD: Final = "content_type"  # the same as the field of a refusal
PREFIX: Final = "ce-"
KAFKA_PREFIX: Final = "ce_"
LARGEST: Final = 1 << 16  # bytes of one event's data; a dossier's largest fact has some two thousand
MOST: Final = 1000  # events of one batch
NAME: Final = re.compile(r"[a-z0-9]{1,20}")  # of an attribute, as CloudEvents has it
MARK: Final = b"\xef\xbb\xbf"  # a byte order mark in UTF-8, which some libraries write before their JSON
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')  # RFC 9110, 5.6.4
_ESCAPED: Final = re.compile(r"\\(.)")

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
BROKEN: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""What reading JSON of others may raise; a UnicodeDecodeError is a ValueError."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The attributes by their names, all as text, and the data's bytes."""

    attributes: Mapping[str, str]
    data: bytes

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of what the event says, the same in every mode and spelling of JSON: what tells a repeat from a
        conflict. Attributes that say nothing of the matter, such as a trace, are not in it."""
        said = [self.attributes.get(name, "") for name in ("type", "subject", "time")]
        try:
            content = msgspec.json.encode(msgspec.json.decode(self.data), order="sorted")
        except BROKEN:
            content = self.data
        return hashlib.sha256(msgspec.json.encode(said) + b"\0" + content).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What was sent instead of an event: why it is none, and the SHA-256 of its bytes."""

    why: Refused
    digest: bytes


Item = Sent | Unread


def media_type_of(content_type: str) -> str:
    """A content type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    """Whether content of this type is JSON: its subtype is `json` or ends with `+json`."""
    subtype = media_type_of(content_type).partition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def of_request(content_type: str, headers: Mapping[str, str], body: bytes) -> Item | Sequence[Item]:
    """The event of a request, or those of a batch: each that cannot be read on its own.

    `headers` by their names in lower case; one that `items` tells twice was sent twice. The content type decides the
    mode, whatever other headers say.
    """
    try:
        names = [name for name, _ in headers.items()]
        again = [name for place, name in enumerate(names) if name in names[:place]]
        _once(again, CONTENT_TYPE)
        media_type = media_type_of(content_type)
        if media_type == BATCH:
            return [_item(bytes(one)) for one in _batch(body)]
        if media_type == STRUCTURED:
            return structured(body)
        if f"{PREFIX}specversion" in headers and not media_type.startswith(FORMATS):
            _once(again, PREFIX)
            return _binary(content_type, headers, body)
        raise NotUnderstood(
            "no-cloudevent", _no_event(media_type, PREFIX), field=FIELD,
            way_out=f"send {STRUCTURED}, {BATCH}, or the attributes as headers ce-specversion, ce-id, ce-source, "
            f"ce-type, ce-time and the data as {JSON}",
        )  # fmt: skip
    except Refused as why:
        return Unread(why=why, digest=hashlib.sha256(body).digest())


def of_record(headers: Mapping[str, bytes], value: bytes, again: Collection[str] = ()) -> Item:
    """The event of a Kafka record: structured mode where its content type is one of CloudEvents, else binary mode.

    `again` are the names of headers that it has more than once.
    """
    try:
        _once(again, CONTENT_TYPE)
        content_type = _header(headers, CONTENT_TYPE) or ""
        media_type = media_type_of(content_type)
        if media_type == STRUCTURED:
            return structured(value)
        if media_type.startswith(FORMATS) or f"{KAFKA_PREFIX}specversion" not in headers:
            raise NotUnderstood(
                "no-cloudevent", _no_event(media_type, KAFKA_PREFIX), field=FIELD,
                way_out=f"set the header content-type to {STRUCTURED}, or send the attributes as headers "
                f"ce_specversion, ce_id, ce_source, ce_type, ce_time and the data as {JSON}; a batch is for HTTP",
            )  # fmt: skip
        _once(again, KAFKA_PREFIX)
        attributes = {
            name.removeprefix(KAFKA_PREFIX): _header(headers, name) for name in headers if name.startswith(KAFKA_PREFIX)
        }
        return _sent({**attributes, "datacontenttype": content_type or JSON}, value)
    except Refused as why:
        return Unread(why=why, digest=hashlib.sha256(value).digest())


def _no_event(media_type: str, prefix: str) -> str:
    if media_type.startswith(FORMATS):
        return f"{media_type} is not read here"
    return f"{media_type or 'no content type'}, and no header {prefix}specversion"


def _once(again: Iterable[str], prefix: str) -> None:
    """Which of two would count is nobody's to guess. Raises Refused where one that begins so came again."""
    for name in again:
        if name.startswith(prefix):
            known = name == CONTENT_TYPE or NAME.fullmatch(name.removeprefix(prefix))
            called, field = (
                (name, name.replace("-", "_")) if known else ("a header", "headers")
            )  # no text of somebody's
            raise Refused(
                "duplicate-header", f"{called} stands there more than once", field=field, way_out="send it once"
            )


def _header(headers: Mapping[str, bytes], name: str) -> str | None:
    try:
        return headers[name].decode() if name in headers else None
    except UnicodeDecodeError as broken:
        raise Refused(
            "broken-header", "a header is no UTF-8", field="headers", way_out="send it in structured mode"
        ) from broken


def _item(body: bytes) -> Item:
    try:
        return structured(body)
    except Refused as why:
        return Unread(why=why, digest=hashlib.sha256(body).digest())


def structured(body: bytes) -> Sent:
    """An event that is one JSON document. Raises Refused."""
    try:
        raw = _object.decode(body.removeprefix(MARK))
        attributes = {name: _text(name, value) for name, value in raw.items() if name not in ("data", "data_base64")}
    except BROKEN as broken:
        raise Refused(
            "broken-json", f"the event is no JSON object: {broken}", field="body", way_out="send well-formed JSON"
        ) from broken
    return _sent(attributes, _data(raw))


def _binary(content_type: str, headers: Mapping[str, str], body: bytes) -> Sent:
    attributes = {}
    for name, value in headers.items():
        if name.startswith(PREFIX):
            try:
                attributes[name.removeprefix(PREFIX)] = unquote(_unquoted(value), errors="strict")
            except UnicodeDecodeError as broken:
                raise Refused(
                    "broken-header", f"{name}: what is percent-encoded is no UTF-8", field="headers",
                    way_out="encode as the HTTP binding of CloudEvents says, or send it in structured mode",
                ) from broken  # fmt: skip
    return _sent({**attributes, "datacontenttype": content_type or JSON}, body)


def _unquoted(value: str) -> str:
    """A header's value without the quotes of quoted strings, with their backslash escapes undone."""
    return _QUOTED.sub(lambda quoted: _ESCAPED.sub(r"\1", quoted[1]), value) if '"' in value else value


def _batch(body: bytes) -> list[msgspec.Raw]:
    try:
        items = _array.decode(body.removeprefix(MARK))
    except BROKEN as broken:
        raise Refused(
            "broken-json", f"a batch is a JSON array of events: {broken}", field="body",
            way_out="send well-formed JSON: an array, in it one object for each event",
        ) from broken  # fmt: skip
    if len(items) > MOST:
        raise Refused(
            "batch-too-long", f"{len(items)} events, a batch may have {MOST}", field="body", way_out="send it in parts"
        )
    return items


def _sent(attributes: Mapping[str, str | None], data: bytes) -> Sent:
    data = data.removeprefix(MARK)
    if len(data) > LARGEST:
        raise Refused(
            "event-too-large", f"{len(data)} bytes of data, an event may have {LARGEST}", field="data",
            way_out="send codes and references; files stay where they are",
        )  # fmt: skip
    return Sent(attributes={name: value for name, value in attributes.items() if value is not None}, data=data)


def _text(name: str, raw: msgspec.Raw) -> str | None:
    """An attribute as text: CloudEvents' types are texts, whole numbers and truth values; null is as if absent."""
    value: Any = msgspec.json.decode(raw)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return msgspec.json.encode(value).decode()
    called = name if NAME.fullmatch(name) else "an attribute"  # not a text of somebody's
    raise Refused(
        "broken-attribute", f"{called} is neither a text nor a number", field="attributes",
        way_out="what is more than one value belongs into data",
    )  # fmt: skip


def _data(raw: Mapping[str, msgspec.Raw]) -> bytes:
    if "data_base64" not in raw:
        return bytes(raw["data"]) if "data" in raw else b""
    if "data" in raw:
        raise Refused("two-datas", "the event has data and data_base64", field="data", way_out="send one of them")
    try:
        return b64decode(msgspec.json.decode(raw["data_base64"], type=str), validate=True)
    except BROKEN as broken:
        raise Refused(
            "broken-base64", f"data_base64 is not base64: {broken}", field="data_base64",
            way_out="send the fact as `data`, a JSON object",
        ) from broken  # fmt: skip
