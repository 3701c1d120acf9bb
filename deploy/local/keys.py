"""Signing keys of the embedded system: the issuer's, and the one with which sla vouches."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from events import signing
from local.places import write_private


def load_key(path: Path) -> Ed25519PrivateKey:
    """The signing key in that file; made there when there is none."""
    if not path.exists():
        fresh = Ed25519PrivateKey.generate()
        write_private(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    return signing.load_key(path)
