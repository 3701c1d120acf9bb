"""A dossier to which everything happens: each fact of its streams once, made of the goldens."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from events.contracts import CATALOGUE, read
from events.contracts.channels import module_of
from events.store.envelope import Cause, RecordedEvent

GOLDENS = Path(__file__).parent / "goldens"
BEGIN = datetime(2017, 7, 10, 2, tzinfo=UTC)
CASE, OTHER = "000.00.22.H49-170710-0001", "000.00.22.H49-170710-0002"
STREAM = {"intake": "case", "routing": "route", "field": "workorder"}
TOLD = ("MessagePrepared", "MessageDelivered", "MessageFailed", "MessageInDoubt")  # of streams of their own
KINDS = {"PAC-HA-LONG": "counter", "DL-193": "department"}


def kind_of(code: str) -> str:
    return KINDS.get(code, "unit")


def said(name: str, version: int = 1, *, case: str = CASE, stream: str | None = None, **more: Any) -> RecordedEvent:
    """A fact as it is read from its topic, made of its golden; each an hour after the one before it."""
    entry = CATALOGUE[name]
    golden = json.loads((GOLDENS / f"{name}.v{entry.schema}.json").read_text())
    data = json.dumps({**golden, "case_id": case, **more}).encode()
    at = BEGIN + timedelta(hours=version)
    category = stream or STREAM[module_of(entry)]
    return RecordedEvent(
        stream=f"{category}-{case}", version=version, subject=case, type=name, schema=entry.schema,
        fact=read(name, entry.schema, data, trusted=True), data=data, at=at, recorded_at=at, hash=b"",
        cause=Cause(correlation="c", causation="c", actor="staff-193-01"),
    )  # fmt: skip


DONE = sorted(
    name for name, entry in CATALOGUE.items()
    if module_of(entry) in STREAM and "case_id" in entry.cls.__dataclass_fields__ and name not in TOLD
)  # fmt: skip
EVERYTHING = [said(name, number) for number, name in enumerate(DONE, start=1)]
