"""A Kafka record of another system, and whether its emitter signed it: a broker need not say who wrote it. Pure.

Signed are its headers `ce_…` and `content-type`, each as `name:value` and a line feed in the order of their names, then
a line feed and the value. The signature, Ed25519 in base64, is the header `onedoor-signature`.
"""

from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Self
from urllib.parse import quote, unquote, unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from events.errors import Forbidden
from events.gateway.cloudevent import KAFKA_PREFIX, Item, Sent, of_record
from events.gateway.emitters import Emitter, Emitters

SIGNATURE: Final = "onedoor-signature"
SAFE: Final = "/:;=+"  # need no percent sign to be read
ARRIVED: Final = b"@arrived"  # the name of no header, for an @ in one is percent-encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Headers by their names, the value, and when it arrived if it is known. `again` are further headers under a name
    that is among them."""

    headers: Mapping[str, bytes]
    value: bytes
    arrived: datetime | None = None
    again: Sequence[tuple[str, bytes]] = ()

    @classmethod
    def of(
        cls, headers: Iterable[tuple[str, bytes | None]], value: bytes | None, arrived: datetime | None = None
    ) -> Self:
        """As Kafka's clients hand it over."""
        first, again = _by_name((name, one or b"") for name, one in headers)
        return cls(headers=first, value=value or b"", arrived=arrived, again=again)

    @property
    def signed(self) -> bytes:
        """The bytes that a signature is over."""
        names = sorted(name for name in self.headers if name.startswith(KAFKA_PREFIX) or name == "content-type")
        lines = [b"%s:%s\n" % (name.encode(errors="replace"), self.headers[name]) for name in names]
        return b"".join((*lines, b"\n", self.value))

    def is_signed_by(self, keys: Iterable[str]) -> bool:
        """Whether the holder of one of these public keys signed it. A header with a line feed could be read as two,
        and of two signatures either could count."""
        if any(b"\n" in one for one in self.headers.values()) or any(name == SIGNATURE for name, _ in self.again):
            return False
        try:
            signature = b64decode(self.headers.get(SIGNATURE, b""), validate=True)
        except ValueError:
            return False
        signed = self.signed
        return any(_holds(key, signature, signed) for key in keys)

    def read(self) -> Item:
        """The event in it."""
        return of_record(self.headers, self.value, [name for name, _ in self.again])

    def signed_for(self, sent: Sent, emitters: Emitters) -> Emitter:
        """The emitter that says the event in it. Raises Forbidden: nobody does."""
        emitter = emitters.speaking_as(sent.attributes.get("source"))
        if not self.is_signed_by(emitter.keys):
            raise Forbidden(
                "unsigned", f"not that of a key of {emitter.code} over this record", field=SIGNATURE,
                way_out="sign the record as docs/emitters.md says, with a key whose public half is entered",
            )  # fmt: skip
        return emitter

    def packed(self) -> bytes:
        """As it is set aside: a line for when it arrived and for each header, percent-encoded, an empty line, and the
        value as it came."""
        lines = [f"{ARRIVED.decode()}: {self.arrived.isoformat()}\n"] if self.arrived else []
        lines += [f"{quote(name)}: {quote(one, SAFE)}\n" for name, one in (*sorted(self.headers.items()), *self.again)]
        return "".join((*lines, "\n")).encode() + self.value

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        """The other way."""
        head, _, value = (b"\n" + packed).partition(b"\n\n")
        pairs = [line.partition(b": ") for line in head.split(b"\n") if line]
        arrived = next((datetime.fromisoformat(one.decode()) for name, _, one in pairs if name == ARRIVED), None)
        lines = ((unquote(name.decode()), unquote_to_bytes(one)) for name, _, one in pairs if name != ARRIVED)
        headers, again = _by_name(lines)
        return cls(headers=headers, value=value, arrived=arrived, again=again)


def _by_name(headers: Iterable[tuple[str, bytes]]) -> tuple[dict[str, bytes], tuple[tuple[str, bytes], ...]]:
    """The first of each name, and the others."""
    first: dict[str, bytes] = {}
    again = []
    for name, one in headers:
        if name in first:
            again.append((name, one))
        else:
            first[name] = one
    return first, tuple(again)


def _holds(key: str, signature: bytes, signed: bytes) -> bool:
    try:
        _public(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=256)
def _public(key: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(b64decode(key))
