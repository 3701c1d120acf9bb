"""What a request names, looked up in the catalogue; refused with what could be named instead."""

from datetime import date

from deadlines.catalogue import Catalogue
from deadlines.entries import Service
from deadlines.errors import UnknownId
from events.errors import Refused


def reason(catalogue: Catalogue, use: str, word: str) -> str:
    """A reason that the catalogue allows for this use. Raises Refused."""
    allowed = sorted(known for known, one in catalogue.reasons.items() if use in one.uses)
    if word not in allowed:
        raise Refused(
            "unknown-reason", f"{word!r} is no reason for this", field="reason", way_out=f"one of: {', '.join(allowed)}"
        )
    return word


def counter(catalogue: Catalogue, code: str, on: date) -> str:
    """What the dossier codes of a counter begin with. Raises Refused."""
    try:
        unit = catalogue.unit(code, on)
    except UnknownId as unknown:
        raise Refused("unknown-counter", str(unknown), field="counter") from unknown
    if unit.prefix is None:
        raise Refused("not-a-counter", f"{code} takes no dossiers in", field="counter", way_out="as in PAC-193")
    return unit.prefix


def service(catalogue: Catalogue, id: str, on: date) -> Service:
    """A service version in force on a local date. Raises Refused."""
    try:
        found = catalogue.service(id)
    except UnknownId as unknown:
        known = ", ".join(sorted(one.id for one in catalogue.services.values() if one.in_force(on)))
        raise Refused(
            "unknown-service", f"there is no service {id}", field="service", way_out=f"one of: {known}"
        ) from unknown
    if not found.in_force(on):
        raise Refused(
            "service-not-in-force", f"{id} is not in force on {on}", field="service",
            way_out=f"use {catalogue.service_on(found.code, on).id}",
        )  # fmt: skip
    return found
