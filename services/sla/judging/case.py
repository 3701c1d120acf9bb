"""One case while it is judged: what each kind of fact does to its cycles. A fact that can move nothing is a finding."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from deadlines.calendar import Calendar
from deadlines.entries import Cutoff
from deadlines.errors import OutsideCalendar, UnknownId
from deadlines.instants import Second, instant_of, second_of
from deadlines.promise import Counted, count
from deadlines.published import renamed
from events.commands.amend import CORRECTIONS, EARLIEST
from events.contracts import field as site
from events.contracts import intake, routing
from events.contracts.terms import Limit, Promise
from sla.judging.case_rules import Rules
from sla.judging.corrections import NONE, Corrections
from sla.judging.cycle import Cycle, Referral, Wait
from sla.judging.rows import Amendment, Finding, Outcome


class Case:
    """The judge's working state: the cycles so far, and what was noticed on the way."""

    __slots__ = (
        "amendments",
        "calendar",
        "catalogue",
        "corrections",
        "cutoff",
        "cycle",
        "cycles",
        "field",
        "findings",
        "limit",
        "promise",
        "receipt",
        "revision",
        "rules",
        "starts",
    )

    def __init__(self, rules: Rules, corrections: Corrections = NONE) -> None:
        self.rules, self.catalogue, self.corrections = rules, rules.catalogue, corrections
        self.receipt: intake.ApplicationReceived | None = None
        self.calendar: Calendar | None = None
        self.promise: Promise | None = None
        self.limit: Limit | None = None
        self.cutoff: Cutoff = "transfer"
        self.field: str | None = None
        self.cycle: Cycle | None = None
        self.cycles: list[Cycle] = []
        self.starts: list[Second] = []
        self.findings: list[Finding] = list(corrections.idle)
        self.amendments: list[Amendment] = list(corrections.amendments)
        self.revision = 1 + corrections.raised

    # -- receipt and reopening ----------------------------------------------------------------

    def received(self, fact: intake.ApplicationReceived, id: str, at: Second) -> None:
        if self.receipt is not None:
            self._found(id, "received-again")
            return
        self.receipt = fact = self._reclassified(fact, id, at)
        self._pin(fact, id)
        counted = self._count(id, at, self.promise.due if self.promise else None)
        cycle = self._open(fact, id, at, counted)
        cycle.appointment = fact.appointment
        if counted is not None and fact.appointment is not None and second_of(fact.appointment) != counted.due:
            self._found(id, "appointment-differs", f"computed {instant_of(counted.due).isoformat()}")

    def reopened(self, fact: intake.CaseReopened, id: str, at: Second) -> None:
        if self.receipt is None:
            self._found(id, "before-receipt")
        elif self.cycle is not None:
            self._found(id, "reopened-while-open")
        else:
            self.revision += 1
            stated = fact.due if self.promise is not None and self.promise.due is not None else None
            if fact.due != stated:
                self._found(id, "due-ignored", "the pinned limit is counted from the reopening")
            self._open(self.receipt, id, at, self._count(id, at, stated))

    def _reclassified(self, fact: intake.ApplicationReceived, id: str, at: Second) -> intake.ApplicationReceived:
        """The receipt as if it had named the right service."""
        for said, raises in self.corrections.reclassified:
            service = self.catalogue.services.get(said.fact.service)
            if service is None:
                self._found(said.id, "unknown-service", said.fact.service)
                continue
            promise = fact.promise
            right = renamed(promise, service)
            was = (promise.service if promise is not None else None) or ""
            self.amendments.append(
                Amendment(
                    event=said.id, kind="reclassified", about=id, fact="ApplicationReceived", field="service",
                    was=was, now=service.id, reason=said.fact.reason, leader=said.fact.leader,
                    at=said.at or EARLIEST, happened=instant_of(at),
                )
            )  # fmt: skip
            self.revision += raises
            fact = replace(fact, promise=right)
        return fact

    def amend(self) -> None:
        """Every correction is told by the cycle in which what it is about happened; another service by all of them."""
        if self.receipt is None:
            for said, _ in self.corrections.reclassified:
                self._found(said.id, "corrects-nothing")
        if not self.amendments:
            return
        self.amendments.sort(key=lambda one: one.at)
        for one in self.amendments if self.cycles else ():
            happened = second_of(one.happened)
            touched = next((cycle for cycle in reversed(self.cycles) if cycle.start <= happened), self.cycles[0])
            touched.acts.append(("correction", happened))
            for cycle in self.cycles if one.kind == "reclassified" else (touched,):
                cycle.corrections += 1

    def _pin(self, fact: intake.ApplicationReceived, id: str) -> None:
        """Looks up what the receipt pinned. What the catalogue does not know leaves the case undetermined."""
        if fact.promise is None:
            self.calendar = self.catalogue.calendar_of(fact.counter)
            return
        promise = self.rules.judged_by(fact.promise)
        try:
            self.calendar = self.catalogue.calendar(promise.calendar)
        except UnknownId:
            self.calendar = self.catalogue.calendar_of(fact.counter)
            self._found(id, "unknown-calendar", promise.calendar)
            return
        self.promise = promise
        if promise.working_days is not None:
            self.limit = Limit(amount=promise.working_days, unit="working_days")
        elif promise.service is not None:
            service = self.catalogue.services.get(promise.service)
            if service is None:
                self._found(id, "unknown-service", promise.service)
            else:
                self.limit, self.cutoff, self.field = service.limit, service.cutoff, service.field

    def _count(self, id: str, at: Second, stated: datetime | None) -> Counted | None:
        assert self.calendar is not None
        if stated is not None:
            return Counted(second_of(stated), at)
        if self.limit is None:
            return None
        try:
            return count(self.calendar, self.limit, at, self.cutoff)
        except OutsideCalendar as beyond:
            self._found(id, "beyond-calendar", str(beyond))
            return None

    def _open(self, receipt: intake.ApplicationReceived, id: str, at: Second, counted: Counted | None) -> Cycle:
        assert self.calendar is not None
        counts_from = counted.counts_from if counted is not None else at
        number = len(self.cycles) + 1
        cycle = Cycle(number, receipt, self.calendar, at, id, counted, self.revision, self.field, counts_from)
        self.cycle = cycle
        self.cycles.append(cycle)
        self.starts.append(counts_from)
        return cycle

    # -- custody ------------------------------------------------------------------------------

    def forwarded(self, fact: routing.DossierForwarded, id: str, at: Second) -> None:
        if cycle := self._running(id):
            if fact.from_unit != cycle.unit:
                self._found(id, "forwarded-by-another", cycle.unit)
            cycle.hand_over(fact.to_unit, fact.step, at, id, fact.limit, fact.acknowledge_within)

    def acknowledged(self, fact: routing.DossierAcknowledged, id: str, at: Second) -> None:
        if cycle := self._running(id):
            if fact.unit != cycle.unit:
                self._found(id, "acknowledged-by-another", cycle.unit)
            elif cycle.stay.acknowledged is not None:
                self._found(id, "acknowledged-again")
            else:
                cycle.stay.acknowledged = at

    def supplement_requested(self, _: intake.SupplementRequested, id: str, at: Second) -> None:
        if cycle := self._running(id):
            cycle.supplements += 1
            cycle.acts.append(("supplement", at))
            cycle.wait(Wait(id, "customer", "customer", "supplement", not cycle.runs_out_before(at)), at)

    def supplement_received(self, fact: intake.SupplementReceived, id: str, at: Second) -> None:
        entry = self._answer(fact.answers, id, at)
        cycle = self.cycle
        if cycle is None or entry is None or not entry.may_restart:
            return
        # A stated due has no limit that could be counted anew: RESTART acts as PAUSE on it.
        if self.promise is None or self.promise.clock_policy != "RESTART" or self.limit is None:
            return
        counted = self._count(id, at, None)
        if counted is not None:
            self.revision += 1
            cycle.revision = self.revision
            cycle.restart(counted)

    def action_requested(self, fact: routing.CustomerActionRequested, id: str, at: Second) -> None:
        if cycle := self._running(id):
            cycle.acts.append(("action", at))
            cycle.wait(Wait(id, "customer", "customer", fact.action), at)

    def action_completed(self, fact: routing.CustomerActionCompleted, id: str, at: Second) -> None:
        self._answer(fact.answers, id, at)

    def referred(self, fact: routing.AgencyReferred, id: str, at: Second) -> None:
        if cycle := self._running(id):
            limit = fact.limit or self.catalogue.agency_limit(fact.agency, fact.matter)
            due: Second | None = None
            if limit is not None:
                try:
                    due = count(cycle.calendar, limit, at).due
                except OutsideCalendar as beyond:
                    self._found(id, "beyond-calendar", str(beyond))
            cycle.referrals.append(Referral(id, fact.agency, fact.matter, at, due))
            cycle.wait(Wait(id, "agency", fact.agency, fact.matter), at)

    def replied(self, fact: routing.AgencyReplied, id: str, at: Second) -> None:
        cycle = self._running(id)
        if cycle is None:
            return
        for referral in cycle.referrals:
            named = referral.id == fact.answers if fact.answers is not None else referral.agency == fact.agency
            if named and referral.replied is None:
                if referral.agency != fact.agency:
                    self._found(id, "answered-by-another", referral.agency)
                referral.replied, referral.reply = at, fact.outcome
                cycle.answered(referral.id, at, id)
                return
        self._found(id, "answers-nothing", fact.answers or fact.agency)

    def obstructed(self, fact: site.WorkObstructed, id: str, at: Second) -> None:
        if cycle := self._running(id):
            if fact.fault == "customer":
                cycle.acts.append(("obstacle", at))
                cycle.wait(Wait(id, "customer", "customer", fact.reason), at)
            elif fact.fault == "agency":
                if fact.agency is None:
                    self._found(id, "agency-unnamed")
                cycle.wait(Wait(id, "agency", fact.agency or "agency", fact.reason), at)
            else:
                # The company's own obstacle stops no clock, but its end is no answer to nothing.
                cycle.utility_obstacles.add(id)

    def resumed(self, fact: site.WorkResumed, id: str, at: Second) -> None:
        if self.cycle is not None and fact.answers in self.cycle.utility_obstacles:
            self.cycle.utility_obstacles.discard(fact.answers)
        else:
            self._answer(fact.answers, id, at)

    # -- the end, and what does not move custody ----------------------------------------------

    def returned(self, fact: routing.DossierReturned, id: str, at: Second) -> None:
        if self.cycle is not None and fact.from_unit != self.cycle.unit:
            self._found(id, "returned-by-another", self.cycle.unit)
        self._end("released", id, at)

    def closed(self, _: intake.CaseClosed, id: str, at: Second) -> None:
        last = self.cycles[-1] if self.cycles else None
        if last is None or last.closed is not None or last.outcome not in ("open", "released"):
            self._moved_nothing(id)
            return
        if last.outcome == "open":
            last.acts.append(("early closing", at))
            self._end("closed", id, at)
        last.closed = at

    def refused(self, _: intake.ApplicationRefused, id: str, at: Second) -> None:
        if self.cycle is not None:
            self.cycle.acts.append(("refusal", at))
        self._end("refused", id, at)

    def withdrawn(self, _: intake.ApplicationWithdrawn, id: str, at: Second) -> None:
        self._end("withdrawn", id, at)

    def stopped(self, _: intake.ProcessingStopped, id: str, at: Second) -> None:
        self._end("stopped", id, at)

    def _end(self, outcome: Outcome, id: str, at: Second) -> None:
        if cycle := self._running(id):
            cycle.end(outcome, at, id)
            self.cycle = None

    def extended(self, fact: intake.DeadlineExtended, id: str, at: Second) -> None:
        """An apology counts once, and only before expiry; the class keeps the original due."""
        cycle = self._running(id)
        if cycle is None:
            return
        if cycle.extended is not None:
            self._found(id, "extended-twice")
        elif cycle.runs_out_before(at):
            self._found(id, "extended-after-due")
        else:
            self.revision += 1
            cycle.revision = self.revision
            cycle.extended, cycle.appointment = at, fact.appointment
            cycle.acts.append(("extension", at))

    def rated(self, fact: intake.CustomerRated, id: str, at: Second) -> None:
        if self.cycles:
            self.cycles[-1].stars = fact.stars
        else:
            self._found(id, "before-receipt")

    def noted(self, fact: Any, id: str, at: Second) -> None:
        """A fact that says how far the case has come but moves no clock."""

    # -- what a fact finds ---------------------------------------------------------------

    def _running(self, id: str) -> Cycle | None:
        if self.cycle is None:
            self._moved_nothing(id)
        return self.cycle

    def _answer(self, opened_by: str, id: str, at: Second) -> Wait | None:
        cycle = self._running(id)
        entry = cycle.answered(opened_by, at, id) if cycle else None
        if cycle is not None and entry is None:
            self._found(id, "answers-nothing", opened_by)
        return entry

    def _moved_nothing(self, id: str) -> None:
        self._found(id, "after-end" if self.cycles else "before-receipt")

    def _found(self, id: str, what: str, detail: str = "") -> None:
        self.findings.append(Finding(id, what, detail))


MOVES: dict[type[Any], Callable[[Case, Any, str, Second], None]] = {
    intake.ApplicationReceived: Case.received,
    intake.CaseReopened: Case.reopened,
    intake.SupplementRequested: Case.supplement_requested,
    intake.SupplementReceived: Case.supplement_received,
    intake.ApplicationRefused: Case.refused,
    intake.ApplicationWithdrawn: Case.withdrawn,
    intake.ProcessingStopped: Case.stopped,
    intake.DeadlineExtended: Case.extended,
    intake.CaseClosed: Case.closed,
    intake.CustomerRated: Case.rated,
    intake.StaffReplied: Case.noted,
    routing.DossierForwarded: Case.forwarded,
    routing.DossierAcknowledged: Case.acknowledged,
    routing.StepCompleted: Case.noted,
    routing.CustomerActionRequested: Case.action_requested,
    routing.CustomerActionCompleted: Case.action_completed,
    routing.AgencyReferred: Case.referred,
    routing.AgencyReplied: Case.replied,
    routing.DossierReturned: Case.returned,
    routing.DossierRecalled: Case.noted,
    routing.DossierEscalated: Case.noted,
    site.WorkOrderIssued: Case.noted,
    site.WorkOrderCancelled: Case.noted,
    site.VisitScheduled: Case.noted,
    site.VisitMissed: Case.noted,
    site.WorkStarted: Case.noted,
    site.WorkObstructed: Case.obstructed,
    site.WorkResumed: Case.resumed,
    site.WorkCompleted: Case.noted,
}

LOOKED_AT = frozenset(MOVES) | frozenset(CORRECTIONS)
JUDGED = sorted(one.__name__ for one in LOOKED_AT)
"""The names of the facts that the judge looks at; messages are none of them."""
