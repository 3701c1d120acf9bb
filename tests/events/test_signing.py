"""What is signed is the document, not its spelling."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from events import signing
from events.signing import Signed

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.text(), VALUES, max_size=4)


@given(DOCUMENTS)
def test_spelt_in_another_way_it_is_vouched_for_all_the_same(document: dict[str, object]) -> None:
    signed = signing.sign(document, KEY)
    backwards = dict(reversed(json.loads(json.dumps(document, indent=3)).items()))
    assert signing.vouched(Signed(document=backwards, key=signed.key, signature=signed.signature), signing.public(KEY))


@given(DOCUMENTS, st.text(), VALUES)
def test_a_document_that_says_something_else_is_not(document: dict[str, object], name: str, value: object) -> None:
    signed = signing.sign(document, KEY)
    other = {**document, name: value}
    same = json.dumps(other, sort_keys=True) == json.dumps(document, sort_keys=True)
    changed = Signed(document=other, key=signed.key, signature=signed.signature)
    assert signing.vouched(changed, signing.public(KEY)) is same


def test_another_key_does_not_vouch_whatever_the_document_claims() -> None:
    signed = signing.sign({"rows": 1}, OTHER)
    assert not signing.vouched(signed, signing.public(KEY))
    claimed = Signed(document=signed.document, key=signing.public(KEY), signature=signed.signature)
    assert not signing.vouched(claimed, signing.public(KEY))


@pytest.mark.parametrize("signature", ["", "?", "AAAA"])
def test_what_is_no_signature_vouches_for_nothing(signature: str) -> None:
    assert not signing.vouched(Signed(document={}, key=signing.public(KEY), signature=signature), signing.public(KEY))


def test_a_fraction_is_neither_signed_nor_vouched_for() -> None:
    """NaN is spelt as null is: a document could be changed from the one to the other."""
    with pytest.raises(ValueError, match="whole numbers"):
        signing.sign({"rows": 0.5}, KEY)
    signed = signing.sign({"due": [None]}, KEY)
    changed = Signed(document={"due": [float("nan")]}, key=signed.key, signature=signed.signature)
    assert not signing.vouched(changed, signing.public(KEY))


def test_without_a_key_nobody_vouches() -> None:
    signed = signing.sign({"rows": 1}, None)
    assert (signed.key, signed.signature) == ("", "")
    assert not signing.vouched(signed, signing.public(KEY))
