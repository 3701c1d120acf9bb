"""What the specification of CloudEvents 1.0 says of an event on its way, as scenarios for both doors: core, JSON, HTTP
and Kafka. Each is an event that is right but for what its name says, and what becomes of it."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import quote

from gateway.told import CASE, EVERYTHING, signed

from events.clock import now
from events.gateway.cloudevent import JSON, STRUCTURED
from events.gateway.signed_record import Letter

Door = Literal["http", "kafka"]
DATA: Final = {"case_id": CASE, "stars": 4}
MARK: Final = b"\xef\xbb\xbf"
ACCEPTED: Final = "accepted"
UNREADABLE: Final = {
    "no-cloudevent", "broken-json", "broken-header", "broken-attribute", "broken-base64", "two-datas"
}  # fmt: skip
"""Nothing tells whose it is: on Kafka such a record is parked."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """An event as it is sent, and the rule by which it is refused, with its field, if it is.

    `attributes` are changed in, `None` leaves one out; `raw` are headers as they stand on the wire; `body` the whole
    body where it is not what the mode makes of attributes and data. `correlation` is what must be kept of it.
    """

    name: str
    structured: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict)
    data: Any = field(default_factory=lambda: DATA)
    members: Mapping[str, Any] = field(default_factory=dict)
    content_type: str | None = None
    raw: Mapping[str, str | bytes] = field(default_factory=dict)
    body: bytes | None = None
    before: bytes = b""
    doors: tuple[Door, ...] = ("http", "kafka")
    rule: str = ACCEPTED
    field: str | None = None
    correlation: str | None = None

    def id_at(self, door: Door) -> str:
        return f"{door}-{self.name.replace(' ', '-')}"

    def became(self, door: Door) -> tuple[str, str | None]:
        """What is to become of it: a record of nobody's is parked."""
        if door == "kafka" and (self.rule in UNREADABLE or self.field == "source"):
            return "parked", None
        return self.rule, self.field

    def _attributes(self, door: Door) -> dict[str, Any]:
        said: dict[str, Any] = {
            "specversion": "1.0", "id": self.id_at(door), "source": EVERYTHING.source,
            "type": "onedoor.CustomerRated.v1", "time": (now() - timedelta(minutes=1)).isoformat(),
        }  # fmt: skip
        return {name: value for name, value in (said | dict(self.attributes)).items() if value is not None}

    def _body(self, door: Door) -> bytes:
        if self.body is not None:
            return self.before + self.body
        if not self.structured:
            return self.before + json.dumps(self.data).encode()
        members = {name: value for name, value in {"data": self.data, **self.members}.items() if value is not ...}
        return self.before + json.dumps({**self._attributes(door), **members}).encode()

    def request(self) -> tuple[str, dict[str, str], bytes]:
        """Content type, headers and body over HTTP."""
        attributes = {} if self.structured else self._attributes("http")
        headers = {f"ce-{name}": quote(str(value), safe="/:+@") for name, value in attributes.items()}
        raw = {name: str(value) for name, value in self.raw.items()}
        return self.content_type or (STRUCTURED if self.structured else JSON), headers | raw, self._body("http")

    def letter(self) -> Letter:
        """As a signed record on Kafka."""
        attributes = {} if self.structured else self._attributes("kafka")
        headers = {f"ce_{name}": str(value).encode() for name, value in attributes.items()}
        kind = self.content_type or (STRUCTURED if self.structured else JSON)
        raw = {
            name.replace("ce-", "ce_"): value if isinstance(value, bytes) else value.encode()
            for name, value in self.raw.items()
        }
        return signed({"content-type": kind.encode()} | headers | raw, self._body("kafka"))


def _modes(name: str, **changed: Any) -> Iterator[Scenario]:
    yield Scenario(name=f"{name} structured", **changed)
    yield Scenario(name=f"{name} binary", structured=False, **changed)


def _scenarios() -> Iterator[Scenario]:
    # -- attributes, in both modes
    yield from _modes("required attributes and time")
    optional = {"subject": CASE, "dataschema": "urn:schema:1"}
    yield from _modes("optional attributes", attributes=optional)
    yield from _modes("extensions of text", attributes={"comexampleextension1": "value", "a1": "b"})
    yield from _modes("correlation", attributes={"correlationid": "flow-7"}, correlation="flow-7")
    yield from _modes("trace", attributes={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=1"})
    yield from _modes("extension in another script", attributes={"comexample": "Hồ sơ € 😀"})
    for name in ("id", "type", "time"):
        yield from _modes(f"no {name}", attributes={name: None}, rule="attribute-missing", field=name)
        yield from _modes(f"empty {name}", attributes={name: ""}, rule="attribute-missing", field=name)
    yield from _modes("no source", attributes={"source": None}, rule="attribute-missing", field="source")
    yield from _modes("source of another", attributes={"source": "/mine"}, rule="anothers-source", field="source")
    for version in ("0.3", "1.1", "2.0", "1"):
        yield from _modes(
            f"version {version}", attributes={"specversion": version}, rule="other-specversion", field="specversion"
        )
    yield Scenario(
        name="no version", attributes={"specversion": None}, rule="attribute-missing", field="specversion"
    )  # fmt: skip
    instants = {"Z": "Z", "offset": "+00:00", "fraction": ".123456Z"}
    for name, end in instants.items():
        at = (now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S") + end
        yield from _modes(f"time with {name}", attributes={"time": at})
    yield from _modes(
        "time without offset", attributes={"time": "2026-01-01T00:00:00"}, rule="no-instant", field="time"
    )
    yield from _modes("unknown type", attributes={"type": "com.example"}, rule="unknown-type", field="type")

    # -- the JSON format
    yield Scenario(name="content type with charset", content_type="application/cloudevents+json; charset=UTF-8")
    yield Scenario(name="content type in capitals", content_type="Application/CloudEvents+JSON")
    yield Scenario(name="extensions of other types", attributes={"number": 5, "negative": -1, "yes": True})
    yield Scenario(name="unset attributes are null", members={"subject": None, "comexample": None})
    yield Scenario(name="type of data in the body", attributes={"datacontenttype": "application/json"})
    for number, wrong in enumerate(({"a": 1}, [1], 1.5)):
        yield Scenario(
            name=f"attribute of no type {number}", attributes={"more": wrong}, rule="broken-attribute",
            field="attributes",
        )  # fmt: skip
    coded = b64encode(json.dumps(DATA).encode()).decode()
    yield Scenario(name="data in base64", data=..., members={"data_base64": coded})
    marked = b64encode(MARK + json.dumps(DATA).encode()).decode()
    yield Scenario(name="data in base64 with a mark", data=..., members={"data_base64": marked})
    yield Scenario(name="data twice", members={"data_base64": coded}, rule="two-datas", field="data")
    yield Scenario(
        name="data in broken base64", data=..., members={"data_base64": "???"}, rule="broken-base64",
        field="data_base64",
    )  # fmt: skip
    yield Scenario(name="data is null", data=None, rule="invalid-data", field="data")
    yield Scenario(name="data is missing", data=..., rule="invalid-data", field="data")
    yield Scenario(name="data is a text with JSON", data=json.dumps(DATA), rule="invalid-data", field="data")
    yield Scenario(name="mark before the event", before=MARK)
    for number, body in enumerate((b"[]", b'"x"', b"{", b"", b"\xff{}")):
        yield Scenario(name=f"no object {number}", body=body, rule="broken-json", field="body")

    # -- what the data are
    for kind in ("application/vnd.x+json", "text/json", "application/json; charset=utf-8"):
        slug = kind.partition("/")[2].partition(";")[0]
        yield Scenario(name=f"data of {slug} structured {len(kind)}", attributes={"datacontenttype": kind})
        yield Scenario(name=f"data of {slug} binary {len(kind)}", structured=False, content_type=kind)
    other: dict[str, Any] = {"rule": "data-no-json", "field": "datacontenttype"}
    yield Scenario(name="xml structured", attributes={"datacontenttype": "text/xml"}, data="<a/>", **other)
    yield Scenario(name="xml binary", structured=False, content_type="text/xml", body=b"<a/>", **other)
    yield Scenario(name="no data binary", structured=False, body=b"", rule="invalid-data", field="data")
    yield Scenario(name="mark before the data", structured=False, before=MARK)

    # -- the mode
    beside = {"ce-specversion": "1.0", "ce-id": "another", "ce-source": "urn:nobody", "ce-type": "none"}
    yield Scenario(name="attributes in headers beside the body", raw=beside)
    for kind, where in (("application/cloudevents+avro", "both"), ("application/cloudevents", "both")):
        name = f"format {kind.partition('/')[2].replace('+', '-')} {where}"
        yield Scenario(name=name, structured=False, content_type=kind, rule="no-cloudevent", field="content_type")
    yield Scenario(
        name="type of data in a header beside it", structured=False, raw={"ce-datacontenttype": "text/xml"}
    )  # fmt: skip

    # -- the HTTP binding
    http: dict[str, Any] = {"structured": False, "doors": ("http",)}
    yield Scenario(name="no event at all", body=b"{}", content_type=JSON, doors=("http",), rule="no-cloudevent",
                   field="content_type")  # fmt: skip
    capitals = {"CE-SubJect": CASE, "Ce-CorrelationId": "flow-8"}
    yield Scenario(name="header names in capitals", raw=capitals, correlation="flow-8", **http)
    quoted = {"ce-specversion": '"1.0"', "ce-source": f'"{EVERYTHING.source}"', "ce-correlationid": '"flow-9"'}
    yield Scenario(name="quoted values", raw=quoted, correlation="flow-9", **http)
    yield Scenario(name="escapes in quotes", raw={"ce-correlationid": r'"flow\-1\0"'}, correlation="flow-10", **http)
    yield Scenario(name="needless percents", raw={"ce-correlationid": "%66low-1%31"}, correlation="flow-11", **http)
    yield Scenario(name="percents in quotes", raw={"ce-correlationid": '"flow%2d12"'}, correlation="flow-12", **http)
    no_code: dict[str, Any] = {"rule": "attribute-no-code", "field": "correlationid", **http}
    yield Scenario(name="percents once", raw={"ce-correlationid": "flow%252D13"}, **no_code)
    yield Scenario(name="quotes in percents", raw={"ce-correlationid": "%22flow-14%22"}, **no_code)
    for number, wrong_bytes in enumerate(("%C0%A0", "%ff", "%ED%A0%80")):
        yield Scenario(name=f"percents of no text {number}", raw={"ce-comexample": wrong_bytes}, rule="broken-header",
                       field="headers", **http)  # fmt: skip
    yield Scenario(name="origin of a web hook", raw={"WebHook-Request-Origin": "events.example"}, doors=("http",))

    # -- the Kafka binding
    kafka: dict[str, Any] = {"structured": False, "doors": ("kafka",)}
    yield Scenario(name="header that is no text", raw={"ce-comexample": b"\xff"}, rule="broken-header", **kafka)
    yield Scenario(name="percents are not decoded", raw={"ce-correlationid": "flow%2D15"}, rule="attribute-no-code",
                   field="correlationid", **kafka)  # fmt: skip
    yield Scenario(name="batch", content_type="application/cloudevents-batch+json", body=b"[]", doors=("kafka",),
                   rule="no-cloudevent")  # fmt: skip


SCENARIOS: Final = tuple(_scenarios())
