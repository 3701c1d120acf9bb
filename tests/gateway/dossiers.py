"""Whole dossiers of another system, short ones: what its gateway and whoever checks its recording are told."""

from datetime import timedelta
from typing import Any

from gateway.told import ARRIVED, CASE, EVERYTHING, Event

PROMISE = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE"}
DAYS = {**PROMISE, "working_days": 3}
BEGAN = ARRIVED - timedelta(days=2)


def dossier(*facts: tuple[str, dict[str, Any]], case: str = CASE, first: int = 1) -> list[Event]:
    """Facts an hour after another, each with an id that counts on."""
    return [
        Event(kind, {"case_id": case, **data}, id=f"d-{number}", at=BEGAN + timedelta(hours=number))
        for number, (kind, data) in enumerate(facts, first)
    ]


UNIT, DEPARTMENT = EVERYTHING.units[0], EVERYTHING.units[1]
RECEIVED = (
    "ApplicationReceived",
    {"counter": UNIT, "organisation": UNIT, "sector": "construction", "district": UNIT, "channel": "counter",
     "promise": DAYS},
)  # fmt: skip
FORWARDED = ("DossierForwarded", {"from_unit": UNIT, "to_unit": DEPARTMENT, "step": "appraise"})
RETURNED = ("DossierReturned", {"from_unit": DEPARTMENT, "by": "software"})
CLOSED: tuple[str, dict[str, Any]] = ("CaseClosed", {})
