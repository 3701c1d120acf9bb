"""Dossiers of another system, thousands of events of them: half go as dossiers go, half as nobody would believe."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from gateway.told import CASE, EVERYTHING, Event, golden

from events.contracts.channels import OTHERS
from events.contracts.terms import owner_of
from events.gateway.rules import UNITS, Name

BEGINS = datetime(2017, 7, 10, 1, tzinfo=UTC)
PROMISES: tuple[dict[str, Any] | None, ...] = (
    {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "working_days": 3},
    {"calendar": "VN-PAC@2017.1", "clock_policy": "RESTART", "working_days": 5},
    {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "due": "2017-07-17T10:00:00Z"},
    None,
)
ORDERLY = (
    "ApplicationReceived", "DossierForwarded", "DossierAcknowledged", "SupplementRequested", "SupplementReceived",
    "AgencyReferred", "AgencyReplied", "StepCompleted", "DossierReturned", "CaseClosed",
)  # fmt: skip
ANY_ORDER = tuple(kind for kind in OTHERS if kind != "ApplicationReceived")


def told(count: int, seed: int) -> list[Event]:
    """So many events, in the order of their times. Equal times are frequent: clocks of other systems show minutes."""
    chance, events, number = Random(seed), list[Event](), 0
    while len(events) < count:
        number += 1
        case_id = f"{owner_of(CASE)}-170710-{number:04d}"
        events += (_orderly if number % 2 else _wild)(chance, case_id)
    return sorted(events[:count], key=lambda one: (one.at, one.id))


def _orderly(chance: Random, case_id: str) -> Iterator[Event]:
    at = BEGINS + timedelta(minutes=chance.randrange(2000))
    for number, kind in enumerate(ORDERLY[: chance.randrange(4, len(ORDERLY) + 1)]):
        yield _event(chance, case_id, number, kind, at)
        at += timedelta(minutes=chance.choice((0, 1, 30, 300, 1500, 9000)))


def _wild(chance: Random, case_id: str) -> Iterator[Event]:
    """Facts in any order, without a receipt now and then, and what was said is voided or answered whatever it was."""
    kinds = [chance.choice(ANY_ORDER) for _ in range(chance.randrange(3, 12))]
    if chance.random() < 0.9:
        kinds.insert(0, "ApplicationReceived")
    for number, kind in enumerate(kinds):
        yield _event(chance, case_id, number, kind, BEGINS + timedelta(minutes=30 * chance.randrange(200)))


def _event(chance: Random, case_id: str, number: int, kind: str, at: datetime) -> Event:
    data = golden(kind) | {"case_id": case_id}
    others = [f"{Name(EVERYTHING.source, f'{case_id}-{other}').stream}@1" for other in range(number)]
    for field in ("answers", "voids", "because"):
        if field in data and others:
            data[field] = chance.choice(others)
    if kind == "ApplicationReceived":
        data.pop("service", None)
        data["promise"] = chance.choice(PROMISES)
    if chance.random() < 0.2:
        data |= {field: chance.choice(EVERYTHING.units) for field in UNITS[kind]}
    return replace(Event(kind, data), id=f"{case_id}-{number}", at=at)
