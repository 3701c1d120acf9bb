"""A CloudEvent is the same event in every mode; what is none is said to be none."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from gateway.told import Event, event
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from events.gateway.cloudevent import BATCH, LARGEST, MOST, STRUCTURED, Item, Sent, Unread, is_json, of_request

ONE = event("SupplementRequested")


def structured(body: Any) -> Item:
    return alone(of_request(STRUCTURED, {}, body if isinstance(body, bytes) else json.dumps(body).encode()))


def binary(one: Event, **headers: str) -> Item:
    attributes = {f"ce-{name}": quote(value) for name, value in one.attributes.items()}
    return alone(of_request("application/json; charset=utf-8", attributes | headers, json.dumps(one.data).encode()))


def alone(sent: Item | Sequence[Item]) -> Item:
    assert isinstance(sent, Item)
    return sent


def rule(sent: Item) -> tuple[str, str | None]:
    assert isinstance(sent, Unread)
    assert sent.why.way_out
    return sent.why.rule, sent.why.field


def digest(sent: Item) -> bytes:
    assert isinstance(sent, Sent)
    return sent.digest


def test_an_event_is_the_same_in_every_mode() -> None:
    coded = {**ONE.attributes, "data_base64": b64encode(json.dumps(ONE.data).encode()).decode()}
    batch = of_request(f"{BATCH}; charset=utf-8", {}, json.dumps([ONE.structured, coded]).encode())
    assert not isinstance(batch, Item)
    ways = [structured(ONE.structured), structured(coded), binary(ONE), *batch]
    for one in ways:
        assert isinstance(one, Sent)
        assert {name: one.attributes[name] for name in ONE.attributes} == ONE.attributes
        assert json.loads(one.data) == ONE.data
    assert {digest(one) for one in ways} == {ONE.sent.digest}


@given(st.randoms(use_true_random=False), st.sampled_from([None, 2]))
def test_how_the_json_is_spelt_does_not_matter(chance: Any, indent: int | None) -> None:
    """Two libraries write the same object in two orders."""
    whole = list(ONE.structured.items())
    chance.shuffle(whole)
    data = list(ONE.data.items())
    chance.shuffle(data)
    body = json.dumps(dict(whole) | {"data": dict(data)}, indent=indent).encode()
    assert digest(structured(body)) == ONE.sent.digest


@pytest.mark.parametrize(
    "other",
    [
        event("SupplementRequested", approved_by="staff-2"), Event("SupplementRequested", b"{"),
        replace(ONE, kind="SupplementReceived"), replace(ONE, at=ONE.at + timedelta(seconds=1)),
        replace(ONE, more=(("subject", "another"),)),
    ],
)  # fmt: skip
def test_another_content_is_another_event(other: Event) -> None:
    assert other.sent.digest != ONE.sent.digest


def test_what_a_header_has_percent_encoded_is_read() -> None:
    sent = binary(ONE, **{"ce-subject": "%E1%BB%93%20s%C6%A1"})
    assert isinstance(sent, Sent)
    assert sent.attributes["subject"] == "ồ sơ"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ('"q-1"', "q-1"),
        (r'"a\"b\\c"', r'a"b\c'),
        ('"Euro%20%E2%82%AC"', "Euro €"),
        ("%22q%22", '"q"'),
        ('half"', 'half"'),
        ('"%22"', '"'),
        ("Euro%20%e2%82%ac%20%F0%9F%98%80", "Euro € 😀"),
        ("%61%2561", "a%61"),
    ],
)
def test_quotes_of_a_header_are_undone_before_it_is_percent_decoded(value: str, read: str) -> None:
    """HTTP binding 3.1.3.2: older senders quote, newer ones percent-encode, and decoding happens once."""
    sent = binary(ONE, **{"ce-subject": value})
    assert isinstance(sent, Sent)
    assert sent.attributes["subject"] == read


def test_an_event_whose_headers_are_quoted_is_the_same_event() -> None:
    quoted = {f"ce-{name}": f'"{value}"' for name, value in ONE.attributes.items()}
    assert digest(binary(ONE, **quoted)) == ONE.sent.digest


@pytest.mark.parametrize(
    "kind", ["application/cloudevents+avro", "application/cloudevents", "APPLICATION/CLOUDEVENTS+XML"]
)
def test_a_format_of_cloudevents_that_is_not_json_is_not_understood(kind: str) -> None:
    """Attributes in headers beside it do not make it binary mode: the content type decides. Web hooks answer 415."""
    headers = {f"ce-{name}": quote(value) for name, value in ONE.attributes.items()}
    read = alone(of_request(kind, headers, json.dumps(ONE.data).encode()))
    assert rule(read) == ("no-cloudevent", "content_type")
    assert isinstance(read, Unread)
    assert read.why.status == 415


def test_the_content_type_says_what_the_data_is_and_no_header_beside_it() -> None:
    sent = binary(ONE, **{"ce-datacontenttype": "text/xml"})
    assert isinstance(sent, Sent)
    assert sent.attributes["datacontenttype"] == "application/json; charset=utf-8"


def test_a_byte_order_mark_is_not_part_of_the_event() -> None:
    """In the body, in a batch, in the data of binary mode and in base64."""
    mark = "\ufeff".encode()
    data = mark + json.dumps(ONE.data).encode()
    coded = {**ONE.attributes, "data_base64": b64encode(data).decode()}
    batch = of_request(BATCH, {}, mark + json.dumps([ONE.structured]).encode())
    assert not isinstance(batch, Item)
    headers = {f"ce-{name}": quote(value) for name, value in ONE.attributes.items()}
    ways = [
        structured(mark + json.dumps(ONE.structured).encode()), structured(coded), *batch,
        alone(of_request("application/json", headers, data)),
    ]  # fmt: skip
    assert {digest(one) for one in ways} == {ONE.sent.digest}
    assert {one.data for one in ways if isinstance(one, Sent)} == {json.dumps(ONE.data).encode()}


@pytest.mark.parametrize(
    ("kind", "is_one"),
    [
        ("application/json", True), ("application/vnd.x+json", True), ("text/JSON; charset=utf-8", True), ("", False),
        ("application/json+xml", False), ("json", False), ("application/jsonl", False), ("text/xml", False),
    ],
)  # fmt: skip
def test_json_is_the_subtype_json_or_one_that_ends_with_it(kind: str, is_one: bool) -> None:
    assert is_json(kind) is is_one


def test_numbers_and_truth_values_are_attributes_and_null_is_none() -> None:
    sent = structured({**ONE.structured, "sequence": 7, "sampled": True, "subject": None})
    assert isinstance(sent, Sent)
    assert (sent.attributes["sequence"], sent.attributes["sampled"], "subject" in sent.attributes) == (
        "7",
        "true",
        False,
    )


NO_EVENT: list[tuple[Any, str, str]] = [
    (b"", "broken-json", "body"),
    (b"{", "broken-json", "body"),
    (b"[]", "broken-json", "body"),
    (b"\xff", "broken-json", "body"),
    (b'{"id": "\xff"}', "broken-json", "body"),
    (b'{"id": ' + b"[" * 9000, "broken-json", "body"),
    ({**ONE.structured, "more": {"a": 1}}, "broken-attribute", "attributes"),
    ({**ONE.structured, "more": 1.5}, "broken-attribute", "attributes"),
    ({**ONE.structured, "data_base64": "e30="}, "two-datas", "data"),
    ({**ONE.attributes, "data_base64": "???"}, "broken-base64", "data_base64"),
    ({**ONE.attributes, "data_base64": 7}, "broken-base64", "data_base64"),
    ({**ONE.attributes, "data": "x" * LARGEST}, "event-too-large", "data"),
]


@pytest.mark.parametrize(("body", "why", "field"), NO_EVENT)
def test_what_is_no_event_is_said_to_be_none(body: Any, why: str, field: str) -> None:
    assert rule(structured(body)) == (why, field)


def test_one_bad_event_of_a_batch_is_one() -> None:
    batch = of_request(BATCH, {}, b"[7, %s, {}]" % json.dumps(ONE.structured).encode())
    assert not isinstance(batch, Item)
    assert [type(one) for one in batch] == [Unread, Sent, Sent]


@pytest.mark.parametrize("body", [b"{}", b"[", b"[" + b"{}," * MOST + b"{}]"])
def test_a_batch_that_is_none_is_refused_as_one(body: bytes) -> None:
    assert rule(alone(of_request(BATCH, {}, body)))[1] == "body"


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_a_body_that_is_no_cloudevent_is_told_what_one_is(kind: str) -> None:
    assert rule(alone(of_request(kind, {}, b"{}"))) == ("no-cloudevent", "content_type")


def test_a_header_that_is_no_text_is_refused() -> None:
    assert rule(binary(ONE, **{"ce-subject": "%ff"})) == ("broken-header", "headers")


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("ce-id", "1", "ce_id"), ("ce-id", "2", "ce_id"), ("content-type", STRUCTURED, "content_type"),
        ("ce-nguyen_van_a", "x", "headers"),
    ],
)  # fmt: skip
def test_a_request_with_a_header_twice_is_refused(name: str, value: str, field: str) -> None:
    """Equal or not; a name that no attribute can have is not repeated."""
    lines = [(f"ce-{one}", quote(text)) for one, text in ONE.attributes.items()]
    lines += [("content-type", "application/json"), ("ce-nguyen_van_a", "x"), (name, value)]
    headers = Headers(raw=[(one.encode(), text.encode()) for one, text in lines])
    read = alone(of_request(headers["content-type"], headers, json.dumps(ONE.data).encode()))
    assert rule(read) == ("duplicate-header", field)


def test_attributes_twice_beside_an_event_in_structured_mode_count_for_nothing() -> None:
    headers = Headers(raw=[(b"ce-id", b"1"), (b"ce-id", b"2")])
    assert digest(alone(of_request(STRUCTURED, headers, json.dumps(ONE.structured).encode()))) == ONE.sent.digest


@given(st.sampled_from(["", STRUCTURED, BATCH, "application/json"]), st.binary(), st.booleans())
def test_no_bytes_make_it_throw(kind: str, body: bytes, ce: bool) -> None:
    read = of_request(kind, {"ce-specversion": "1.0"} if ce else {}, body)
    for one in [read] if isinstance(read, Item) else read:
        assert len(one.digest) == 32
