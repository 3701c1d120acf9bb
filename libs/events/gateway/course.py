"""What cannot be in the course of a dossier: an answer to nothing, an act after the end, a unit that has it not. Pure.

The gateway takes such a fact in and the judge of sla marks it; here it is told beforehand, under the judge's own names
and without a calendar: what needs one (a late extension, an appointment that is not due) is the judge's alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from events.gateway.steps import Step, in_order, standing


class Found(NamedTuple):
    """A step that is worth a look, and what is wrong with it."""

    step: Step
    rule: str
    detail: str = ""


def course(steps: Sequence[Step]) -> list[Found]:
    """Everything that is worth a look in the steps of one dossier, in whatever order they came; each id once."""
    facts, idle = standing(steps)
    dossier = _Dossier([Found(one, why) for one, why in idle])
    ordered = in_order(facts)
    for one in ordered:
        if one.at > one.step.at:
            dossier.found(one.step, "answered-before-asked")
        if (move := MOVES.get(one.step.kind)) is not None:
            move(dossier, one.step)
    if dossier.receipt is None and steps:
        first = ordered[0].step if ordered else min(steps, key=lambda one: (one.at, one.id))
        dossier.findings.insert(0, Found(first, "no-receipt"))
    return dossier.findings


@dataclass(slots=True)
class _Referral:
    id: str
    agency: str | None
    replied: bool = False


@dataclass(slots=True)
class _Cycle:
    """From receipt or reopening to the end. `waiting` are the questions that nobody has answered yet."""

    unit: str | None
    acknowledged: bool = False
    extended: bool = False
    released: bool = False
    ended: bool = False
    closed: bool = False
    waiting: list[str] = field(default_factory=list)
    own_obstacles: set[str] = field(default_factory=set)
    referrals: list[_Referral] = field(default_factory=list)


@dataclass(slots=True)
class _Dossier:
    findings: list[Found]
    receipt: Step | None = None
    cycle: _Cycle | None = None
    """The last one, running or over."""

    def found(self, step: Step, rule: str, detail: str | None = None) -> None:
        self.findings.append(Found(step, rule, detail or ""))

    def running(self, step: Step) -> _Cycle | None:
        if self.cycle is not None and not self.cycle.ended:
            return self.cycle
        self.moved_nothing(step)
        return None

    def moved_nothing(self, step: Step) -> None:
        self.found(step, "after-end" if self.cycle else "before-receipt")

    # -- receipt and end --------------------------------------------------------------------------

    def received(self, step: Step) -> None:
        if self.receipt is not None:
            self.found(step, "received-again")
            return
        self.receipt, self.cycle = step, _Cycle(step.unit)
        if step.about is None:
            self.found(step, "no-promise")

    def reopened(self, step: Step) -> None:
        if self.receipt is None:
            self.found(step, "before-receipt")
        elif self.cycle is not None and not self.cycle.ended:
            self.found(step, "reopened-while-open")
        else:
            self.cycle = _Cycle(self.receipt.unit)
            promise = self.receipt.about
            if promise is not None and promise.due is not None and step.about is None:
                self.found(step, "reopened-without-due")

    def returned(self, step: Step) -> None:
        if self.cycle is not None and not self.cycle.ended and step.unit != self.cycle.unit:
            self.found(step, "returned-by-another", self.cycle.unit)
        if cycle := self.running(step):
            cycle.ended = cycle.released = True

    def closed(self, step: Step) -> None:
        last = self.cycle
        if last is None or last.closed or (last.ended and not last.released):
            self.moved_nothing(step)
        else:
            last.ended = last.closed = True

    def over(self, step: Step) -> None:
        if cycle := self.running(step):
            cycle.ended = True

    # -- custody, questions and answers -----------------------------------------------------------

    def forwarded(self, step: Step) -> None:
        if cycle := self.running(step):
            if step.unit != cycle.unit:
                self.found(step, "forwarded-by-another", cycle.unit)
            cycle.unit, cycle.acknowledged = step.other, False

    def acknowledged(self, step: Step) -> None:
        if cycle := self.running(step):
            if step.unit != cycle.unit:
                self.found(step, "acknowledged-by-another", cycle.unit)
            elif cycle.acknowledged:
                self.found(step, "acknowledged-again")
            cycle.acknowledged = cycle.acknowledged or step.unit == cycle.unit

    def asked(self, step: Step) -> None:
        if cycle := self.running(step):
            cycle.waiting.append(step.id)

    def answered(self, step: Step) -> None:
        if cycle := self.running(step):
            if step.answers in cycle.waiting:
                cycle.waiting.remove(step.answers)
            else:
                self.found(step, "answers-nothing", step.answers)

    def referred(self, step: Step) -> None:
        if cycle := self.running(step):
            cycle.referrals.append(_Referral(step.id, step.unit))
            cycle.waiting.append(step.id)

    def replied(self, step: Step) -> None:
        """To the referral that it names, or else to the oldest open one of this agency."""
        cycle = self.running(step)
        if cycle is None:
            return
        for one in cycle.referrals:
            named = one.id == step.answers if step.answers is not None else one.agency == step.unit
            if named and not one.replied:
                if one.agency != step.unit:
                    self.found(step, "answered-by-another", one.agency)
                one.replied = True
                if one.id in cycle.waiting:
                    cycle.waiting.remove(one.id)
                return
        self.found(step, "answers-nothing", step.answers or step.unit)

    def obstructed(self, step: Step) -> None:
        if cycle := self.running(step):
            if step.other == "utility":
                cycle.own_obstacles.add(step.id)
                return
            if step.other == "agency" and step.unit is None:
                self.found(step, "agency-unnamed")
            cycle.waiting.append(step.id)

    def resumed(self, step: Step) -> None:
        cycle = self.cycle
        if cycle is not None and not cycle.ended and step.answers in cycle.own_obstacles:
            cycle.own_obstacles.discard(step.answers)
        else:
            self.answered(step)

    def extended(self, step: Step) -> None:
        if cycle := self.running(step):
            if cycle.extended:
                self.found(step, "extended-twice")
            cycle.extended = True

    def rated(self, step: Step) -> None:
        if self.cycle is None:
            self.found(step, "before-receipt")


MOVES: Final[dict[str, Callable[[_Dossier, Step], None]]] = {
    "ApplicationReceived": _Dossier.received,
    "CaseReopened": _Dossier.reopened,
    "DossierReturned": _Dossier.returned,
    "CaseClosed": _Dossier.closed,
    "ApplicationRefused": _Dossier.over,
    "ApplicationWithdrawn": _Dossier.over,
    "ProcessingStopped": _Dossier.over,
    "DossierForwarded": _Dossier.forwarded,
    "DossierAcknowledged": _Dossier.acknowledged,
    "SupplementRequested": _Dossier.asked,
    "SupplementReceived": _Dossier.answered,
    "CustomerActionRequested": _Dossier.asked,
    "CustomerActionCompleted": _Dossier.answered,
    "AgencyReferred": _Dossier.referred,
    "AgencyReplied": _Dossier.replied,
    "WorkObstructed": _Dossier.obstructed,
    "WorkResumed": _Dossier.resumed,
    "DeadlineExtended": _Dossier.extended,
    "CustomerRated": _Dossier.rated,
}
"""What each kind of fact moves; the others say how far a dossier has come, and can be wrong in nothing."""
