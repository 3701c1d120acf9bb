"""What we ask of ourselves when we hear what the door, the field and the SLA service said. Pure and total."""

from dataclasses import dataclass

from events.commands.decider import Reaction
from events.contracts.corrections import FactVoided
from events.contracts.field import WorkCompleted
from events.contracts.intake import (
    ApplicationReceived,
    ApplicationRefused,
    ApplicationWithdrawn,
    CaseClosed,
    CaseReopened,
    ProcessingStopped,
    StaffReplied,
)
from events.contracts.sla import DeadlineMissed, DeadlineOverrun
from events.store.envelope import RecordedEvent
from routing.onward import Begin, BeginAgain, Escalate, GoOn, Heard, NoteDone, NoteReceived, NoteWorkDone, Recall
from routing.plan import Plans

HEARD = (
    ApplicationReceived, StaffReplied, ApplicationRefused, ApplicationWithdrawn, ProcessingStopped, CaseClosed,
    CaseReopened, WorkCompleted, DeadlineMissed, DeadlineOverrun, FactVoided,
)  # fmt: skip
ENDS = ("ApplicationRefused", "ApplicationWithdrawn", "ProcessingStopped", "CaseClosed")


@dataclass(frozen=True, slots=True)
class HandOn:
    """The policy over the plans of a catalogue. A dossier without a plan is nobody's to hand on."""

    plans: Plans

    def __call__(self, heard: RecordedEvent) -> Reaction[Heard]:
        command = self._command(heard)
        return [(command.case_id, command)] if command else []

    def _command(self, heard: RecordedEvent) -> Heard | None:
        match heard.fact:
            case ApplicationReceived() as it:
                service = it.promise.service if it.promise else None
                plan = self.plans.of(service, it.district) if service else None
                return Begin(case_id=it.case_id, counter=it.counter, plan=plan) if plan else None
            case StaffReplied(word="NHAN") as it:
                return NoteReceived(case_id=it.case_id, unit=it.unit)
            case StaffReplied(word="XONG") as it:
                return NoteDone(case_id=it.case_id, unit=it.unit)
            case ApplicationRefused() | ApplicationWithdrawn() | ProcessingStopped() | CaseClosed() as it:
                return Recall(case_id=it.case_id, because=heard.id)
            case CaseReopened() as it:
                return BeginAgain(case_id=it.case_id)
            case FactVoided(kind=kind) as it if kind in ENDS:
                return GoOn(case_id=it.case_id, voided=it.voids, reason=it.reason, leader=it.leader)
            case FactVoided(kind="CaseReopened") as it:
                return Recall(case_id=it.case_id, because=heard.id)
            case WorkCompleted(handed_over=True) as it:
                return NoteWorkDone(case_id=it.case_id, work_order=it.work_order)
            case DeadlineMissed() as it:
                return Escalate(case_id=it.case_id, cycle=it.cycle, due=it.due, because=heard.id)
            case DeadlineOverrun() as it:
                to = self.plans.escalated_to(it.step, it.due)
                return Escalate(case_id=it.case_id, cycle=it.cycle, due=it.due, because=heard.id, to=to) if to else None
            case _:
                return None
