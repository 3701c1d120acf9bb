"""An accepted fact as a check of a whole dossier keeps it: what moves the dossier, and no more. Pure.

A recording may have millions of facts, and nobody knows before its end which of them belong together.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from sys import intern
from typing import Any, Final

import msgspec

from events.amend import amend
from events.contracts import CATALOGUE, corrections, field, intake, routing
from events.contracts.channels import OTHERS
from events.envelope import Said
from events.gateway.rules import Accepted

Place = int | str
"""Where an event stands in its recording: the number of its line, or its record."""

# At one instant the door's facts come before those of the way, and these before those on site.
RANKS: Final = {
    name: rank for rank, module in enumerate((intake, routing, field)) for name in vars(module) if name in OTHERS
}
UNITS: Final[Mapping[str, tuple[str, str | None]]] = {
    "ApplicationReceived": ("counter", None),
    "DossierForwarded": ("from_unit", "to_unit"),
    "DossierAcknowledged": ("unit", None),
    "DossierReturned": ("from_unit", None),
    "AgencyReferred": ("agency", None),
    "AgencyReplied": ("agency", None),
    "WorkObstructed": ("agency", "fault"),
}
"""The fields of a fact that say who has the dossier, and who is to have it or is at fault."""
ASKED: Final = {"ApplicationReceived": "promise", "CaseReopened": "due"}
"""What is promised."""
ANSWERING: Final = frozenset(name for name in OTHERS if "answers" in CATALOGUE[name].cls.__slots__)


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact. `id` is its id on provincial.events; `about` what is promised, or the fact itself where it voids."""

    id: str
    at: datetime
    place: Place
    kind: str
    unit: str | None = None
    other: str | None = None
    answers: str | None = None
    about: Any = None


class Effective(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A step at its place in the order of its dossier. `at` is later than the step's own where what it answers is."""

    at: datetime
    step: Step


def step(accepted: Accepted, place: Place) -> Step:
    """What is kept of an accepted fact."""
    fact, kind = accepted.fact, intern(type(accepted.fact).__name__)
    unit, other = UNITS.get(kind, (None, None))
    return Step(
        id=f"{accepted.name.stream}@1", at=accepted.at, place=place, kind=kind,
        unit=_code(fact, unit), other=_code(fact, other),
        answers=fact.answers if kind in ANSWERING else None,
        about=fact if isinstance(fact, corrections.FactVoided) else getattr(fact, ASKED.get(kind, ""), None),
    )  # fmt: skip


def _code(fact: Any, name: str | None) -> str | None:
    value = getattr(fact, name) if name else None
    return intern(value) if isinstance(value, str) else None


def standing(steps: Sequence[Step]) -> tuple[list[Step], list[tuple[Step, str]]]:
    """The steps that were not voided; and the voids that did nothing, with the reason."""
    if all(one.about is None or one.kind != "FactVoided" for one in steps):
        return list(steps), []
    known = {one.id: one for one in steps}
    said = [Said(one.about if one.kind == "FactVoided" else None, "", one.id, one.at) for one in steps]
    amended = amend(said)
    return [known[one.id] for one in amended.facts], [(known[by.id], why) for by, why in amended.idle]


def in_order(steps: Sequence[Step]) -> list[Effective]:
    """The steps as the judge of sla takes them: by the time that they say, an answer behind what it answers."""
    known = {one.id: one for one in steps}
    placed = {one.id: _placed(one, known) for one in steps}
    ordered = sorted(steps, key=lambda one: (*placed[one.id], RANKS.get(one.kind, len(RANKS)), one.id))
    return [Effective(at=placed[one.id][0], step=one) for one in ordered]


def _placed(one: Step, known: Mapping[str, Step]) -> tuple[datetime, int]:
    """The latest time, and the length, of the chain of what it answers. A chain that bites its tail ends there."""
    at, depth, passed = one.at, 0, {one.id}
    above = known.get(one.answers or "")
    while above is not None and above.id not in passed:
        at, depth = max(at, above.at), depth + 1
        passed.add(above.id)
        above = known.get(above.answers or "")
    return at, depth
