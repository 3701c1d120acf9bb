"""When it is warned of what runs: a promise, a unit's step, an agency's answer; shares of the time that was given."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from oracle.judging import RULES, THURSDAY, received
from oracle.telling import CASE, Story, local

from events.commands.decider import Said
from events.contracts.sla import (
    DeadlineApproaching,
    DeadlineMissed,
    DeadlineMissWithdrawn,
    DeadlineOverrun,
    LimitApproaching,
    LimitMissed,
    LimitMissWithdrawn,
)
from events.contracts.terms import Limit
from sla.judging.judge import judge
from sla.judging.rows import Deadline
from sla.publishing.decide import Publish, Warn, promise
from sla.publishing.state import Published
from sla.publishing.timers import Timer, timers

CALENDAR = RULES.catalogue.calendar("VN-PAC@2017.1")
PROMISE = Deadline(1)


def waiting(story: Story, clock: str, withdrawn: int = 0) -> list[Timer]:
    found = timers(judge(story.facts, RULES), CALENDAR, {clock: withdrawn})
    return [timer for timer in found if timer.deadline.clock == clock]


def instants(story: Story, clock: str = "promise") -> dict[str, datetime]:
    return {timer.threshold: timer.fires_at for timer in waiting(story, clock)}


def said(*facts: Any) -> Published:
    return promise.fold(
        [Said(fact, "policy-sla-ticker", f"promise-{CASE}@{n}", THURSDAY) for n, fact in enumerate(facts, 1)]
    )


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
    later = Warn(case_id=case_id, deadline=PROMISE, threshold="one-day", revision=2, due=local(7, 18, 17))
    (warning,) = promise.decide(later, state)
    assert isinstance(warning, DeadlineApproaching)
    of_the_missed = Warn(case_id=case_id, deadline=PROMISE, threshold="one-day", revision=2, due=THURSDAY)
    assert promise.decide(of_the_missed, state) == []


def test_a_revision_that_moved_nothing_is_not_warned_of_again() -> None:
    """A correction may raise it; what was said of the appointment still holds. Of another appointment it is said."""
    case_id = "000.00.02.H49-170710-0001"
    told = DeadlineApproaching(case_id=case_id, cycle=1, threshold="half", revision=1, due=THURSDAY)
    state = promise.fold([Said(told, "policy-sla-ticker", f"promise-{case_id}@1", THURSDAY)])
    same = Warn(case_id=case_id, deadline=PROMISE, threshold="half", revision=2, due=THURSDAY)
    assert promise.decide(same, state) == []
    (warning,) = promise.decide(replace(same, due=local(7, 14, 17)), state)
    assert isinstance(warning, DeadlineApproaching)
    back = promise.fold([Said(warning, "policy-sla-ticker", f"promise-{case_id}@2", THURSDAY)], state)
    assert len(promise.decide(replace(same, revision=3), back)) == 1
    assert len(promise.decide(replace(same, deadline=Deadline(2)), state)) == 1


def test_a_miss_is_escalated_once_by_each_step_and_anew_after_it_was_withdrawn() -> None:
    """Two working days after due; never before the miss, and of a second miss again."""
    case_id = "000.00.02.H49-170710-0001"
    (step,) = RULES.catalogue.escalations_on(THURSDAY.date())
    fires = {timer.threshold: timer.fires_at for timer in timers(judge(received().facts, RULES), CALENDAR, {}, [step])}
    assert fires[step.step] == local(7, 17, 17)
    leader = Warn(case_id=case_id, deadline=PROMISE, threshold=step.step, revision=1, due=THURSDAY)
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


# -- the limits inside a dossier -----------------------------------------------------------------------


def stepping(hours: int = 12) -> tuple[Story, str]:
    """From Monday 10:00 the team has twelve working hours: until Tuesday 16:00."""
    story = received()
    return story, story.forwarded(local(7, 10, 10), "TC-193", hours=hours, step="install")


def test_a_step_is_warned_of_by_shares_of_its_own_limit() -> None:
    """A pause moves its due, and the warnings with it; while it is open nothing is said."""
    story, _ = stepping()
    assert instants(story, "step") == {
        "half": local(7, 11, 8),
        "four-fifths": local(7, 11, 13, 36),
        "one-day": local(7, 10, 16),
        "due": local(7, 11, 16),
    }
    asked = story.works(local(7, 10, 11))
    assert waiting(story, "step") == []
    story.worked(local(7, 12, 11), asked)  # two working days
    moved = instants(story, "step")
    assert (moved["half"], moved["due"]) == (local(7, 13, 8), local(7, 13, 16))


def test_what_was_waited_for_before_a_step_is_no_time_of_it() -> None:
    """The pause was over when the team got the dossier."""
    plain, story = stepping()[0], received()
    asked = story.supplement(local(7, 10, 9, 15))
    story.supplemented(local(7, 10, 9, 45), asked)
    story.forwarded(local(7, 10, 10), "TC-193", hours=12, step="install")
    assert instants(story, "step") == instants(plain, "step")


def test_a_step_without_a_limit_or_handed_on_is_not_warned_of() -> None:
    story, _ = stepping()
    story.forwarded(local(7, 10, 16), "DL-193", by="TC-193", step="close")
    assert waiting(story, "step") == []


def test_a_pause_after_its_due_leaves_a_step_missed() -> None:
    """The promise waits, the step had run out before."""
    story, _ = stepping(hours=4)
    story.works(local(7, 11, 9))
    assert instants(story) == {}
    assert instants(story, "step")["due"] == local(7, 10, 16)


def test_an_agency_is_warned_of_whoever_else_is_waited_for() -> None:
    """Two agencies, each on a clock of its own that no pause moves, until it answers or the dossier is released."""
    story = received()
    limit = Limit(amount=2, unit="working_days")
    first = story.referred(local(7, 10, 10), limit=limit)
    second = story.referred(local(7, 10, 11), "QN-SXD", limit=Limit(amount=4, unit="working_hours"))
    story.supplement(local(7, 10, 14))
    due = {timer.deadline: timer.due for timer in waiting(story, "agency")}
    assert due == {
        Deadline(1, "agency", "QN-SGTVT", first): local(7, 12, 17),
        Deadline(1, "agency", "QN-SXD", second): local(7, 10, 17),
    }
    story.replied(local(7, 10, 15), answers=first)
    assert {timer.deadline.opened_by for timer in waiting(story, "agency")} == {second}
    story.returned(local(7, 10, 16))
    assert waiting(story, "agency") == []
    story.reopened(local(7, 11, 9))
    assert waiting(story, "agency") == []


def test_a_step_is_told_apart_from_the_promise() -> None:
    """Other facts, and other revisions: what was withdrawn of the one begins none of the other."""
    story, opened = stepping()
    (half, *_, due) = waiting(story, "step")
    step: Any = {"case_id": CASE, "cycle": 1, "clock": "step", "unit": "TC-193", "opened_by": opened}
    (told,) = promise.decide(warn(half), promise.initial)
    assert told == LimitApproaching(**step, threshold="half", revision=1, due=local(7, 11, 16))
    (missed,) = promise.decide(warn(due), said(told))
    assert missed == LimitMissed(**step, revision=1, due=local(7, 11, 16))
    assert promise.decide(warn(half), said(told, missed)) == promise.decide(warn(due), said(told, missed)) == []
    (other,) = promise.decide(replace(warn(due), deadline=PROMISE), said(missed))
    assert isinstance(other, DeadlineMissed)
    state = said(missed, LimitMissWithdrawn(**step, missed=f"promise-{CASE}@1"))
    assert state.withdrawn == {"step": 1}
    assert {timer.revision for timer in timers(judge(story.facts, RULES), CALENDAR, state.withdrawn)} == {1, 2}
    assert {timer.revision for timer in waiting(story, "step", 1)} == {2}


def test_a_late_reply_disproves_an_agencys_miss() -> None:
    """Up to due itself it was in time, and nobody waits for it after a release; a minute later the miss stands."""
    story = received()
    referred = story.referred(local(7, 10, 11), limit=Limit(amount=1, unit="working_hours"))
    (*_, due) = waiting(story, "agency")
    missed = promise.decide(warn(due), promise.initial)
    story.replied(local(7, 10, 14, 1), answers=referred)
    assert promise.decide(judged(story), said(*missed)) == []
    story.facts.pop()
    story.replied(local(7, 10, 14), answers=referred)
    (withdrawn,) = promise.decide(judged(story), said(*missed))
    assert withdrawn == LimitMissWithdrawn(
        case_id=CASE, cycle=1, clock="agency", unit="QN-SGTVT", opened_by=referred, missed=f"promise-{CASE}@1",
        because="route-x@9",
    )  # fmt: skip
    story.facts.pop()
    story.returned(local(7, 10, 13))
    assert withdrawn in promise.decide(judged(story), said(*missed))


def test_a_late_hand_over_disproves_a_steps_miss_and_no_other() -> None:
    """The promise is missed all the same."""
    story, _ = stepping()
    of_promise, of_step = [
        timer for timer in timers(judge(story.facts, RULES), CALENDAR, {}) if timer.threshold == "due"
    ]
    missed = [promise.decide(warn(timer), promise.initial)[0] for timer in (of_promise, of_step)]
    assert promise.decide(judged(story), said(*missed)) == []
    story.forwarded(local(7, 11, 16), "DL-193", by="TC-193", step="close")
    (withdrawn,) = promise.decide(judged(story), said(*missed))
    assert isinstance(withdrawn, LimitMissWithdrawn)
    state = said(*missed, withdrawn)
    assert state.missed.keys() == {PROMISE}
    assert promise.decide(judged(story), state) == []


def test_a_miss_of_the_wrong_unit_is_withdrawn_and_said_of_the_right_one() -> None:
    """The hand-over named another team than the one that had the dossier."""
    story, opened = stepping()
    (*_, due) = waiting(story, "step")
    missed = promise.decide(warn(due), promise.initial)
    story.corrected(local(7, 12, 9), opened, "to_unit", "TC-22")
    (withdrawn,) = promise.decide(judged(story), said(*missed))
    assert isinstance(withdrawn, LimitMissWithdrawn)
    assert withdrawn.unit == "TC-193"
    (*_, due) = waiting(story, "step", 1)
    (again,) = promise.decide(warn(due), said(*missed, withdrawn))
    assert isinstance(again, LimitMissed)
    assert (again.unit, again.revision) == ("TC-22", 2)


def warn(timer: Timer) -> Warn:
    return Warn(
        case_id=timer.case_id, deadline=timer.deadline, threshold=timer.threshold, revision=timer.revision,
        due=timer.due,
    )  # fmt: skip


def judged(story: Story) -> Publish:
    return Publish(judgement=judge(story.facts, RULES), because="route-x@9")
