"""Events of other systems as the tests send them, made from the goldens: every field of a fact filled."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from events.contracts.channels import OTHERS
from events.contracts.terms import owner_of
from events.gateway.emitters import Emitter
from events.gateway.rules import UNITS
from events.gateway.sent import Sent

GOLDENS = Path(__file__).parents[1] / "contracts" / "goldens"
ARRIVED = datetime(2017, 7, 12, 2, tzinfo=UTC)
OURS = frozenset({"000.00.02.H49"})
PERSONS = ("applicant_ref",)  # no other system names one


def golden(kind: str) -> dict[str, Any]:
    """The data of a fact, every field filled, as another system may say it."""
    data: dict[str, Any] = json.loads((GOLDENS / f"{kind}.v1.json").read_text())
    return {name: value for name, value in data.items() if name not in PERSONS}


CASE = golden("CaseClosed")["case_id"]
EVERYTHING = Emitter(
    code="SXD", source="urn:test:sxd", name="test", facts=OTHERS, dossiers=(owner_of(CASE),),
    units=tuple(sorted({golden(kind)[field] for kind in OTHERS for field in UNITS[kind]})),
)  # fmt: skip
AGENCY = Emitter(
    code="UBND-193", source="urn:test:ubnd", name="test", facts=("AgencyReplied",), units=("UBND-193",), replies=True
)


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

    @property
    def structured(self) -> dict[str, Any]:
        return {**self.attributes, "data": self.data}


def event(kind: str = "CaseClosed", /, **more: Any) -> Event:
    """A golden with some fields changed."""
    return Event(kind, golden(kind) | more)


def without(field: str, kind: str) -> Event:
    """A golden that lacks a field."""
    return Event(kind, {name: value for name, value in golden(kind).items() if name != field})
