"""Signed documents: Ed25519 over the one canonical spelling of their JSON, so that spaces and order do not matter."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


class Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document and who vouches for it. `key` and `signature` are base64 of 32 and 64 bytes; both empty where the
    deployment has no key."""

    document: dict[str, Any]
    key: str = ""
    signature: str = ""


def canonical(document: dict[str, Any]) -> bytes:
    """Its bytes: JSON without spaces, members in order. Documents hold no fractions, so numbers have one spelling.

    Raises ValueError for a fraction: NaN would be spelt as null is.
    """
    if _fractions(document):
        raise ValueError("a signed document holds whole numbers only")
    return msgspec.json.encode(document, order="sorted")


def digest_of(document: dict[str, Any]) -> str:
    """SHA-256 of those bytes, in hexadecimal, by which other documents name this one. Raises as `canonical` does."""
    return hashlib.sha256(canonical(document)).hexdigest()


def listed(values: Sequence[object]) -> bytes:
    """The bytes of a list that is kept beside a signed document, spelt as the document is."""
    return msgspec.json.encode(values, order="sorted")


def digest(values: Sequence[object]) -> str:
    """SHA-256 of that list, in hexadecimal: what the document says of it."""
    return hashlib.sha256(listed(values)).hexdigest()


def _fractions(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_fractions, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_fractions, value))
    return isinstance(value, float)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file. Raises ValueError when it holds something else, OSError when it is not there."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} holds no Ed25519 private key")
    return key


def public(key: Ed25519PrivateKey) -> str:
    """Its public half in base64."""
    return b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def sign(document: dict[str, Any], key: Ed25519PrivateKey | None) -> Signed:
    """The document with its signature; without one where there is no key."""
    if key is None:
        return Signed(document=document)
    signature = b64encode(key.sign(canonical(document))).decode()
    return Signed(document=document, key=public(key), signature=signature)


def vouched(signed: Signed, key: str) -> bool:
    """Whether the holder of this public key signed this very document."""
    if signed.key != key:
        return False
    try:
        known = Ed25519PublicKey.from_public_bytes(b64decode(key, validate=True))
        known.verify(b64decode(signed.signature, validate=True), canonical(signed.document))
    except (InvalidSignature, ValueError):
        return False
    return True
