"""What cannot be in the course of a dossier: an answer to nothing, an act after the end, a unit that has it not. Pure.

The gateway takes such a fact in and the judge of sla marks it; here it is told beforehand, under the judge's own names
and without a calendar: what needs one (a late extension, an appointment that is not due) is the judge's alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

from events.gateway.sequence_step import Step, act, in_order, standing
from events.ordering.progress import Progress


class Found(NamedTuple):
    """A step that is worth a look, and what is wrong with it."""

    step: Step
    rule: str
    detail: str = ""


def course(steps: Sequence[Step]) -> list[Found]:
    """Everything that is worth a look in the steps of one dossier, in whatever order they came; each id once."""
    facts, idle = standing(steps)
    found = [Found(one, why) for one, why in idle]
    progress = Progress()
    receipt: Step | None = None
    ordered = in_order(facts)
    for at, one in ((placed.at, placed.step) for placed in ordered):
        if at > one.at:
            found.append(Found(one, "answered-before-asked"))
        objection = progress.objection(act(one))
        if objection is not None:
            found.append(Found(one, objection.rule, objection.detail))
        elif one.kind == "ApplicationReceived":
            receipt = one
            if one.about is None:
                found.append(Found(one, "no-promise"))
        elif one.kind == "CaseReopened" and receipt is not None:
            promise = receipt.about
            if promise is not None and promise.due is not None and one.about is None:
                found.append(Found(one, "reopened-without-due"))
        progress.take(act(one))
    if receipt is None and steps:
        first = ordered[0].step if ordered else min(steps, key=lambda one: (one.at, one.id))
        found.insert(0, Found(first, "no-receipt"))
    return found
