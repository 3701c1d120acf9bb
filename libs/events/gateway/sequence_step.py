"""An accepted fact as a check of a whole dossier keeps it: what moves the dossier, and no more. Pure.

A recording may have millions of facts, and nobody knows before its end which of them belong together.
"""

from collections.abc import Sequence
from datetime import datetime
from sys import intern
from typing import Any, Final

import msgspec

from events.commands.amend import amend
from events.contracts import corrections
from events.gateway.rules import Accepted
from events.ordering import order
from events.ordering.progress import Act, act_of
from events.store.envelope import Said

Place = int | str
"""Where an event stands in its recording: the number of its line, or its record."""

ASKED: Final = {"ApplicationReceived": "promise", "CaseReopened": "due"}
"""What is promised."""


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
    act = act_of(f"{accepted.name.stream}@1", fact)
    return Step(
        id=act.id,
        at=accepted.at,
        place=place,
        kind=kind,
        unit=_one(act.unit),
        other=_one(act.other),
        answers=act.answers,
        about=fact if isinstance(fact, corrections.FactVoided) else getattr(fact, ASKED.get(kind, ""), None),
    )


def _one(code: str | None) -> str | None:
    """One string for all steps that name the same unit."""
    return intern(code) if code is not None else None


def standing(steps: Sequence[Step]) -> tuple[list[Step], list[tuple[Step, str]]]:
    """The steps that were not voided; and the voids that did nothing, with the reason."""
    if all(one.about is None or one.kind != "FactVoided" for one in steps):
        return list(steps), []
    known = {one.id: one for one in steps}
    said = [Said(one.about if one.kind == "FactVoided" else None, "", one.id, one.at) for one in steps]
    amended = amend(said)
    return [known[one.id] for one in amended.facts], [(known[by.id], why) for by, why in amended.idle]


def in_order(steps: Sequence[Step]) -> list[Effective]:
    """The steps in the one order of the events of a dossier (`events.ordering.order`)."""
    known = {one.id for one in steps}
    parents = {one.id: [one.answers] for one in steps if one.answers is not None and one.answers in known}
    entries = [(one.at, one.id.partition("@")[0], 1, one.id, one) for one in steps]
    return [Effective(at=at, step=one) for at, _, _, _, one in order.in_order(entries, parents, _act)]


def _act(placed: order.Placed) -> Act:
    return act(placed[4])


def act(one: Step) -> Act:
    """The step as the progress of a dossier sees it."""
    return Act(one.id, one.kind, one.unit, one.other, one.answers)
