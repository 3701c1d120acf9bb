"""When a promise runs out as the door counts it: expected values by hand, and never another than the judge's."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.judging import MONDAY, RULES, SHIPPED, THURSDAY, received
from oracle.swapped import swapped
from oracle.telling import Story, local, promise

from deadlines.published import joined
from events.actor import Actor
from events.commands.amend import said_of
from events.contracts.intake import DeadlineExtended
from events.errors import Refused
from intake.decide import Extend, case
from intake.promised import runs_out, waits
from intake.state import Open
from sla.judging.case_rules import Rules
from sla.judging.judge import judge

RURAL = "LV-RES-RURAL@2017-07-01"
LEADER = Actor(id="staff-22-99", roles=frozenset({"leader"}), unit="PC-QN")
TUESDAY, WEDNESDAY = local(7, 11, 10), local(7, 12, 15)
MOVED = local(7, 17, 10)  # Thursday 17:00 and the 660 working minutes from TUESDAY to WEDNESDAY


def at_the_door(story: Story, at: datetime) -> datetime | None:
    state = case.fold(said_of(one) for one in story.facts if one.stream.startswith("case-"))
    assert isinstance(state, Open)
    return runs_out(state, SHIPPED, at, waits((one for one in story.facts if one.stream.startswith("route-")), at))


def at_the_judge(story: Story, at: datetime) -> datetime | None:
    return judge(story.facts, RULES, at).cycles[-1].due_at


def both(story: Story) -> datetime | None:
    """What door and judge agree on, when nothing is waited for any longer."""
    late = local(9, 1)
    door = at_the_door(story, late)
    assert door == at_the_judge(story, late)
    return door


def test_nothing_has_moved_the_promise() -> None:
    """Three working days after Monday: Thursday 17:00, as the receipt says."""
    assert both(received()) == THURSDAY


def test_what_was_published_as_revised_moves_it_too() -> None:
    """A swap day before the due date: the judge counts with it, so does the door."""
    known = joined(SHIPPED, [swapped()])
    story = received()
    state = case.fold(said_of(one) for one in story.facts)
    assert isinstance(state, Open)
    expected = judge(story.facts, Rules(known, known.revised)).cycles[-1].due_at
    assert runs_out(state, known, TUESDAY) == expected != THURSDAY


def test_a_supplement_moves_it_by_its_working_time_after_the_day_of_receipt() -> None:
    """And one asked for after it ran out does not."""
    story = received()
    story.supplemented(WEDNESDAY, story.supplement(TUESDAY))
    assert both(story) == MOVED
    same_day = received()
    same_day.supplemented(local(7, 10, 15), same_day.supplement(local(7, 10, 10)))
    assert both(same_day) == THURSDAY
    story.supplemented(local(7, 19, 9), story.supplement(local(7, 17, 10)))
    assert both(story) == MOVED


def test_what_routing_waited_for_moves_it_too_and_overlapping_pauses_count_once() -> None:
    """Tuesday 10:00 to Wednesday 15:00, in two pieces that overlap."""
    story = received()
    works, referral = story.works(TUESDAY), story.referred(local(7, 12, 8))
    story.worked(local(7, 12, 9), works)
    story.replied(WEDNESDAY, answers=referral)
    assert both(story) == MOVED
    story.voided(local(7, 12, 16), story.facts[-1].id)
    assert at_the_door(story, WEDNESDAY) == MOVED  # it is still waited for: so far that long


def test_while_somebody_is_waited_for_it_does_not_run_out() -> None:
    """The judge has no due then; the door counts the pause as if it ended now."""
    story = received()
    story.supplement(TUESDAY)
    assert at_the_door(story, WEDNESDAY) == MOVED
    for day in range(13, 30):
        now = local(7, day, 18)
        due = at_the_door(story, now)
        assert due is not None
        assert due > now
    assert at_the_judge(story, local(7, 20)) is None


def test_a_reopened_case_has_the_limit_again_and_no_pause_of_before() -> None:
    """Reopened on Monday the 24th: Thursday the 27th, 17:00; an open question of the first cycle is nobody's."""
    story = received()
    story.supplemented(WEDNESDAY, story.supplement(TUESDAY))
    story.works(local(7, 13, 9))
    story.closed(local(7, 14, 9))
    story.reopened(local(7, 24, 9))
    assert both(story) == local(7, 27, 17)


def test_another_service_has_another_limit() -> None:
    """In the country five days: Monday the 17th; and a corrected time of receipt counts."""
    story = received()
    story.reclassified(WEDNESDAY, RURAL)
    assert both(story) == local(7, 17, 17)
    story.corrected(local(7, 13, 9), story.facts[0].id, "at", local(7, 7, 9))
    assert both(story) == local(7, 14, 17)


def test_another_service_brings_its_clock_policy() -> None:
    """Its days are not counted anew: Monday the 17th, 17:00, and 660 working minutes."""
    story = received(pledge=promise(policy="RESTART"))
    story.supplemented(WEDNESDAY, story.supplement(TUESDAY))
    story.reclassified(local(7, 13, 9), RURAL)
    assert both(story) == local(7, 19, 10)


def test_where_the_days_are_counted_anew_the_last_supplement_in_time_counts() -> None:
    """Brought on Wednesday: Monday 17:00. Asked for after that: no more."""
    story = received(pledge=promise(policy="RESTART"))
    story.supplemented(WEDNESDAY, story.supplement(TUESDAY))
    assert both(story) == local(7, 17, 17)
    story.supplemented(local(7, 19, 9), story.supplement(local(7, 18, 9)))
    assert both(story) == local(7, 17, 17)


def test_what_cannot_be_counted_is_what_was_stated() -> None:
    """A receipt without a service has its appointment; reopened, only what the reopening says."""
    story = Story()
    story.received(MONDAY, appointment=THURSDAY)
    assert at_the_door(story, WEDNESDAY) == THURSDAY
    story.closed(WEDNESDAY)
    story.reopened(local(7, 24, 9))
    assert at_the_door(story, local(7, 24, 9)) is None


MOVES = st.sampled_from(["supplement", "works", "refer", "answer", "answer", "close", "reclassify", "void"])
GAPS = st.one_of(st.integers(1, 600), st.integers(300, 4000)).map(lambda minutes: timedelta(minutes=minutes))
SERVICES = st.sampled_from([RURAL, "MV-CONNECT@2017-07-01", "LV-RES-URBAN@2017-07-01"])


@settings(deadline=None)
@given(
    st.sampled_from([promise(), promise("MV-CONNECT@2017-07-01"), promise(RURAL, "RESTART")]),
    st.lists(st.tuples(MOVES, GAPS, SERVICES), max_size=12),
)
def test_the_door_never_counts_otherwise_than_the_judge(pledge: Any, moves: list[tuple[str, timedelta, str]]) -> None:
    """As long as there is no obstacle on site; compared whenever nobody is waited for."""
    story, now = received(pledge=pledge), MONDAY
    asked: list[tuple[Any, str]] = []
    for move, gap, service in moves:
        now += gap
        owes = any(answer == story.supplemented for answer, _ in asked)
        if move == "supplement" and not owes:
            asked.append((story.supplemented, story.supplement(now)))
        elif move == "works":
            asked.append((story.worked, story.works(now)))
        elif move == "refer":
            referral = story.referred(now)
            asked.append((lambda at, id: story.replied(at, answers=id), referral))
        elif move == "answer" and asked:
            answer, question = asked.pop(0)
            answer(now, question)
        elif move == "close":
            story.closed(now)
            story.reopened(now + timedelta(hours=1))
            now, asked = now + timedelta(hours=1), []
        elif move == "reclassify":
            story.reclassified(now, service)
        elif move == "void" and asked:
            story.voided(now, asked.pop()[1])
        if not asked:
            assert at_the_door(story, now) == at_the_judge(story, now), story


# -- the gate ---------------------------------------------------------------------------------------------------------


def apologise(story: Story, at: datetime, appointment: datetime) -> Any:
    state = case.fold(said_of(one) for one in story.facts)
    order = Extend(case_id=story.case_id, appointment=appointment, reason="bad-weather", at=at, catalogue=SHIPPED,
                   by=LEADER)  # fmt: skip
    return list(case.decide(order, state))


def rule(story: Story, at: datetime, appointment: datetime) -> str:
    with pytest.raises(Refused) as no:
        apologise(story, at, appointment)
    return no.value.rule


def test_an_apology_comes_before_the_promise_runs_out_not_before_what_was_printed() -> None:
    """Due on Monday the 17th at 10:00 after a pause: on Friday it is early enough, on Monday at ten too late."""
    story, friday, later = received(), local(7, 14, 9), local(7, 19, 17)
    story.supplemented(WEDNESDAY, story.supplement(TUESDAY))
    assert apologise(story, friday, later) == [
        DeadlineExtended(case_id=story.case_id, appointment=later, reason="bad-weather", leader=LEADER.id)
    ]
    assert rule(story, MOVED, later) == "extension-after-expiry"
    assert rule(story, friday, local(7, 14, 17)) == "appointment-not-later"


def test_a_reopened_case_may_be_apologised_for_again() -> None:
    """Its first appointment is long past, its promise is not."""
    story = received()
    story.extended(TUESDAY, local(7, 20, 17))
    story.closed(local(7, 20, 9))
    story.reopened(local(7, 24, 9))
    assert len(apologise(story, local(7, 25, 9), local(7, 31, 17))) == 1
    assert rule(story, local(7, 28, 9), local(7, 31, 17)) == "extension-after-expiry"


def test_another_service_may_have_run_out_before() -> None:
    """Received as one in the country, in truth in town: Thursday, whatever was printed."""
    story = received(pledge=promise(RURAL))
    story.reclassified(WEDNESDAY, "LV-RES-URBAN@2017-07-01")
    assert rule(story, local(7, 14, 9), local(7, 20, 17)) == "extension-after-expiry"
