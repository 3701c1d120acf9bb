"""A Kafka record of another system: the same event in both modes, and only with its emitter's signature."""

from base64 import b64encode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway.told import ARRIVED, EVERYTHING, KEY, event, signed
from hypothesis import given
from hypothesis import strategies as st

from events import signing
from events.gateway.cloudevent import STRUCTURED, Sent, Unread
from events.gateway.signed_record import SIGNATURE, Letter

ANOTHER = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
KEYS = EVERYTHING.keys


@pytest.mark.parametrize("binary", [False, True])
def test_an_event_is_the_same_in_both_modes(binary: bool) -> None:
    sent = event().letter(binary=binary).read()
    assert isinstance(sent, Sent)
    assert sent.digest == event().sent.digest
    assert {name: sent.attributes[name] for name in event().attributes} == event().attributes


@pytest.mark.parametrize("binary", [False, True])
def test_a_change_of_anything_breaks_the_signature(binary: bool) -> None:
    letter = event().letter(binary=binary)
    assert letter.is_signed_by(KEYS)
    changed = [Letter(headers=letter.headers, value=letter.value + b" ")]
    for name in letter.headers.keys() - {SIGNATURE}:
        changed.append(Letter(headers={**letter.headers, name: b"x"}, value=letter.value))
        rest = {other: one for other, one in letter.headers.items() if other != name}
        changed.append(Letter(headers=rest, value=letter.value))
    changed.append(Letter(headers={**letter.headers, "ce_more": b"x"}, value=letter.value))
    assert [one.is_signed_by(KEYS) for one in changed] == [False] * len(changed)
    assert Letter(headers={**letter.headers, "their-own": b"x"}, value=letter.value).is_signed_by(KEYS)


def test_a_header_cannot_be_read_as_two() -> None:
    split = {"ce_a": b"1\nce_b:2"}
    whole = signed({"ce_a": b"1", "ce_b": b"2"}, b"{}")
    assert Letter(headers=split, value=b"{}").signed == whole.signed
    assert not Letter(headers={**split, SIGNATURE: whole.headers[SIGNATURE]}, value=b"{}").is_signed_by(KEYS)


def test_either_key_is_good_while_it_is_changed() -> None:
    both = (signing.public(ANOTHER), *KEYS)
    for key in (KEY, ANOTHER):
        assert event().letter(key=key).is_signed_by(both)
    assert not event().letter(key=ANOTHER).is_signed_by(KEYS)


@pytest.mark.parametrize("signature", [None, b"", b"???", b"\xff", b64encode(b"short"), b64encode(b"x" * 64)])
def test_what_is_no_signature_is_none(signature: bytes | None) -> None:
    letter = event().letter(key=None)
    headers = {**letter.headers, **({SIGNATURE: signature} if signature is not None else {})}
    assert not Letter(headers=headers, value=letter.value).is_signed_by(KEYS)
    assert not event().letter().is_signed_by(())


@given(st.dictionaries(st.text(), st.binary()), st.binary())
def test_what_is_set_aside_comes_back_as_it_was(headers: dict[str, bytes], value: bytes) -> None:
    """And whatever it holds, reading it throws nothing."""
    try:
        letter = Letter(headers={name.encode().decode(): one for name, one in headers.items()}, value=value)
    except UnicodeEncodeError:
        return  # Kafka has no such name
    assert Letter.unpacked(letter.packed()) == letter
    named = replace(letter, headers={**letter.headers, "@arrived": b"never"}, arrived=ARRIVED)
    assert Letter.unpacked(named.packed()) == named
    assert letter.packed().endswith(value)
    assert isinstance(letter.read(), Sent | Unread)
    assert letter.is_signed_by(KEYS) is False


def test_a_header_that_is_no_text_is_no_event() -> None:
    letter = event().letter(binary=True)
    broken = Letter(headers={**letter.headers, "ce_id": b"\xff"}, value=letter.value).read()
    assert isinstance(broken, Unread)
    assert (broken.why.rule, broken.why.field) == ("broken-header", "headers")


def test_what_kind_of_content_the_data_is_stands_in_a_header() -> None:
    letter = event().letter(binary=True)
    kinds = []
    for headers in (letter.headers, {**letter.headers, "content-type": b"text/xml"}):
        sent = Letter(headers=headers, value=letter.value).read()
        assert isinstance(sent, Sent)
        kinds.append(sent.attributes["datacontenttype"])
    assert kinds == ["application/json", "text/xml"]


def test_the_content_type_decides_the_mode() -> None:
    """A bridge may add the attributes as headers to an event in structured mode; what they say does not count."""
    letter = event().letter()
    also = {"ce_specversion": b"1.0", "ce_id": b"another", "ce_source": b"urn:nobody"}
    sent = signed({"content-type": b"application/CloudEvents+JSON; charset=utf-8", **also}, letter.value).read()
    assert isinstance(sent, Sent)
    assert sent.digest == event().sent.digest
    assert sent.attributes["id"] == event().id


@pytest.mark.parametrize("kind", [b"application/cloudevents+avro", b"application/cloudevents-batch+json"])
def test_a_format_that_is_not_read_on_kafka_is_said_so(kind: bytes) -> None:
    letter = event().letter(binary=True)
    read = Letter(headers={**letter.headers, "content-type": kind}, value=letter.value).read()
    assert isinstance(read, Unread)
    assert (read.why.rule, read.why.field) == ("no-cloudevent", "content_type")


def test_a_header_beside_the_content_type_does_not_say_what_the_data_is() -> None:
    letter = event().letter(binary=True)
    sent = Letter(headers={**letter.headers, "ce_datacontenttype": b"text/xml"}, value=letter.value).read()
    assert isinstance(sent, Sent)
    assert sent.attributes["datacontenttype"] == "application/json"


@pytest.mark.parametrize(
    ("headers", "says"),
    [({"content-type": b"application/json"}, "application/json"), ({}, "no content type")],
)
def test_an_event_in_structured_mode_without_its_content_type_is_told_what_to_set(
    headers: dict[str, bytes], says: str
) -> None:
    """As over HTTP: the content type decides the mode."""
    read = signed(headers, event().letter().value).read()
    assert isinstance(read, Unread)
    assert (read.why.rule, read.why.field, read.why.status) == ("no-cloudevent", "content_type", 415)
    assert read.why.detail == f"{says}, and no header ce_specversion"
    assert STRUCTURED in str(read.why.way_out)


@pytest.mark.parametrize(("name", "other"), [("ce_id", b"1"), ("ce_id", b"2"), ("content-type", b"application/json")])
def test_a_record_with_a_header_twice_is_no_event(name: str, other: bytes) -> None:
    """Equal or not. It is set aside with both."""
    letter = event().letter(binary=True)
    twice = Letter.of([*letter.headers.items(), (name, other)], letter.value)
    read = twice.read()
    assert isinstance(read, Unread)
    assert (read.why.rule, read.why.field) == ("duplicate-header", name.replace("-", "_"))
    assert name in read.why.detail
    assert Letter.unpacked(twice.packed()) == twice


def test_a_header_twice_that_does_not_count_changes_nothing() -> None:
    letter = event().letter()
    twice = Letter.of([*letter.headers.items(), ("ce_id", b"1"), ("ce_id", b"2"), ("a", b""), ("a", b"")], letter.value)
    assert isinstance(twice.read(), Sent)


def test_of_two_signatures_none_counts() -> None:
    letter = event().letter()
    twice = Letter.of([*letter.headers.items(), (SIGNATURE, letter.headers[SIGNATURE])], letter.value)
    assert not twice.is_signed_by(KEYS)
