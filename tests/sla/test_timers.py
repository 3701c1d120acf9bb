"""When a running promise is warned of: shares of its own time, and what an apology leaves to be said."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from oracle.judging import RULES, THURSDAY, only, received
from oracle.telling import local

from events.contracts.sla import DeadlineApproaching, DeadlineMissed, DeadlineMissWithdrawn, DeadlineOverrun
from events.decider import Said
from sla.decide import Warn, promise
from sla.timers import timers

CALENDAR = RULES.catalogue.calendar("VN-PAC@2017.1")


def instants(story: object, withdrawn: int = 0) -> dict[str, datetime]:
    return {timer.threshold: timer.fires_at for timer in timers(only(story), CALENDAR, withdrawn)}  # type: ignore[arg-type]


def test_a_pause_moves_the_warnings_with_the_due_not_into_itself() -> None:
    """Half of three days is half of three days, however long the customer took."""
    plain, paused = received(), received()
    asked = paused.supplement(local(7, 11, 8))
    paused.supplemented(local(7, 25, 8), asked)  # ten working days: due, and with it every warning, moves by them
    assert instants(plain)["half"] == local(7, 12, 8)
    assert instants(paused)["half"] == local(7, 26, 8)
    assert instants(paused)["due"] == local(7, 27, 17)


def test_an_apology_leaves_only_the_warnings_that_had_not_passed() -> None:
    """What lies before the apology was said, or not, of the first appointment."""
    story = received()
    story.extended(local(7, 13, 16), local(7, 18, 17))
    fires = instants(story)
    assert all(at > local(7, 13, 16) for threshold, at in fires.items() if threshold != "due")
    assert fires["due"] == THURSDAY


def test_a_pause_beyond_the_new_appointment_warns_of_nothing_after_it() -> None:
    """The customer takes until the 25th, the apology named the 18th: what is warned of lies before that."""
    story = received()
    asked = story.supplement(local(7, 11, 8))
    story.extended(local(7, 11, 9), local(7, 18, 17))
    story.supplemented(local(7, 25, 8), asked)
    fires = instants(story)
    due = fires.pop("due")
    assert due == local(7, 27, 17)
    assert fires
    assert max(fires.values()) <= local(7, 18, 17)


def test_after_a_miss_the_warnings_run_to_the_new_appointment() -> None:
    """DeadlineMissed stays with the first due; what is left of the new appointment is still warned of."""
    case_id = "000.00.02.H49-170710-0001"
    missed = DeadlineMissed(case_id=case_id, cycle=1, revision=2, due=THURSDAY)
    state = promise.fold([Said(missed, "policy-sla-ticker", f"promise-{case_id}@1", THURSDAY)])
    later = Warn(case_id=case_id, cycle=1, threshold="one-day", revision=2, due=local(7, 18, 17))
    (warning,) = promise.decide(later, state)
    assert isinstance(warning, DeadlineApproaching)
    of_the_missed = Warn(case_id=case_id, cycle=1, threshold="one-day", revision=2, due=THURSDAY)
    assert promise.decide(of_the_missed, state) == []


def test_a_revision_that_moved_nothing_is_not_warned_of_again() -> None:
    """A correction may raise it; what was said of the appointment still holds. Of another appointment it is said."""
    case_id = "000.00.02.H49-170710-0001"
    told = DeadlineApproaching(case_id=case_id, cycle=1, threshold="half", revision=1, due=THURSDAY)
    state = promise.fold([Said(told, "policy-sla-ticker", f"promise-{case_id}@1", THURSDAY)])
    same = Warn(case_id=case_id, cycle=1, threshold="half", revision=2, due=THURSDAY)
    assert promise.decide(same, state) == []
    (warning,) = promise.decide(replace(same, due=local(7, 14, 17)), state)
    assert isinstance(warning, DeadlineApproaching)
    back = promise.fold([Said(warning, "policy-sla-ticker", f"promise-{case_id}@2", THURSDAY)], state)
    assert len(promise.decide(replace(same, revision=3), back)) == 1
    assert len(promise.decide(replace(same, cycle=2), state)) == 1


def test_a_miss_is_escalated_once_by_each_step_and_anew_after_it_was_withdrawn() -> None:
    """Two working days after due; never before the miss, and of a second miss again."""
    case_id = "000.00.02.H49-170710-0001"
    (step,) = RULES.catalogue.escalations_on(THURSDAY.date())
    fires = {timer.threshold: timer.fires_at for timer in timers(only(received()), CALENDAR, 0, [step])}
    assert fires[step.step] == local(7, 17, 17)
    leader = Warn(case_id=case_id, cycle=1, threshold=step.step, revision=1, due=THURSDAY)
    assert promise.decide(leader, promise.initial) == []

    def said(number: int, fact: Any) -> Said:
        return Said(fact, "policy-sla-ticker", f"promise-{case_id}@{number}", THURSDAY)

    missed = said(1, DeadlineMissed(case_id=case_id, cycle=1, revision=1, due=THURSDAY))
    state = promise.fold([missed])
    (overrun,) = promise.decide(leader, state)
    assert overrun == DeadlineOverrun(case_id=case_id, cycle=1, step="leader", due=THURSDAY, missed=missed.id)
    state = promise.fold([said(2, overrun)], state)
    assert promise.decide(replace(leader, revision=2), state) == []
    withdrawn = said(3, DeadlineMissWithdrawn(case_id=case_id, cycle=1, missed=missed.id))
    state = promise.fold([withdrawn], state)
    assert promise.decide(leader, state) == []
    again = said(4, DeadlineMissed(case_id=case_id, cycle=1, revision=2, due=THURSDAY))
    assert len(promise.decide(leader, promise.fold([again], state))) == 1
