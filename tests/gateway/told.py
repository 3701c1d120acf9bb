"""Events of other systems as the tests send them, made from the goldens: every field of a fact filled."""

import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events import signing
from events.contracts.channels import OTHERS
from events.contracts.terms import owner_of
from events.gateway.cloudevent import STRUCTURED, Sent
from events.gateway.emitters import Emitter
from events.gateway.rules import UNITS
from events.gateway.signed_record import SIGNATURE, Letter

GOLDENS = Path(__file__).parents[1] / "contracts" / "goldens"
ARRIVED = datetime(2017, 7, 12, 2, tzinfo=UTC)
OURS = frozenset({"000.00.02.H49"})
PERSONS = ("applicant_ref",)  # no other system names one


def golden(kind: str) -> dict[str, Any]:
    """The data of a fact, every field filled, as another system may say it."""
    data: dict[str, Any] = json.loads((GOLDENS / f"{kind}.v1.json").read_text())
    return {name: value for name, value in data.items() if name not in PERSONS}


CASE = golden("CaseClosed")["case_id"]
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
EVERYTHING = Emitter(
    code="SXD", source="urn:test:sxd", name="test", facts=OTHERS, dossiers=(owner_of(CASE),),
    units=tuple(sorted({golden(kind)[field] for kind in OTHERS for field in UNITS[kind]})), keys=(signing.public(KEY),),
)  # fmt: skip
OTHER = EVERYTHING.model_copy(update={"code": "KHAC", "source": "urn:test:khac", "dossiers": ("000.00.31.H49",)})
AGENCY = Emitter(
    code="UBND-193", source="urn:test:ubnd", name="test", facts=("AgencyReplied",), units=("UBND-193",), replies=True
)


def enter(file: Path, *emitters: Emitter) -> None:
    """Write the file of emitters, in one step: it may be read at any moment."""
    fresh = file.with_suffix(".new")
    fresh.write_text(yaml.safe_dump({"emitters": [one.model_dump(mode="json") for one in emitters]}))
    fresh.replace(file)


@dataclass(frozen=True)
class Event:
    """One event before it is sent; `data` a value or, where it is no JSON, its bytes."""

    kind: str
    data: Any
    id: str = "1"
    source: str = EVERYTHING.source
    at: datetime = ARRIVED - timedelta(hours=1)
    more: tuple[tuple[str, str | None], ...] = ()

    @property
    def attributes(self) -> dict[str, str]:
        said: dict[str, str | None] = {
            "specversion": "1.0", "id": self.id, "source": self.source, "type": f"onedoor.{self.kind}.v1",
            "time": self.at.isoformat(),
        }  # fmt: skip
        return {name: value for name, value in (said | dict(self.more)).items() if value is not None}

    @property
    def sent(self) -> Sent:
        data = self.data if isinstance(self.data, bytes) else json.dumps(self.data).encode()
        return Sent(attributes=self.attributes, data=data)

    def letter(self, *, binary: bool = False, key: Ed25519PrivateKey | None = KEY) -> Letter:
        """As it is put on Kafka, signed."""
        if binary:
            headers = {f"ce_{name}": value.encode() for name, value in self.attributes.items()}
            return signed({"content-type": b"application/json", **headers}, self.sent.data, key)
        return signed({"content-type": STRUCTURED.encode()}, json.dumps(self.structured).encode(), key)

    @property
    def structured(self) -> dict[str, Any]:
        return {**self.attributes, "data": self.data}


def signed(headers: dict[str, bytes], value: bytes, key: Ed25519PrivateKey | None = KEY) -> Letter:
    """A letter with the signature of a key, or with none."""
    letter = Letter(headers=headers, value=value)
    signature = {SIGNATURE: b64encode(key.sign(letter.signed))} if key else {}
    return Letter(headers={**headers, **signature}, value=value)


def event(kind: str = "CaseClosed", /, **more: Any) -> Event:
    """A golden with some fields changed."""
    return Event(kind, golden(kind) | more)


def without(field: str, kind: str) -> Event:
    """A golden that lacks a field."""
    return Event(kind, {name: value for name, value in golden(kind).items() if name != field})
