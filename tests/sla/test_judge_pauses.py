"""Pauses, restarts, extensions and reopenings: each line that broke a real system, with its expected value."""

from datetime import datetime

import pytest
from oracle.judging import HOUR, MONDAY, RULES, THURSDAY, clocks, findings, only, received
from oracle.telling import Story, local, promise

from deadlines.instants import second_of
from events.contracts import routing
from events.contracts.terms import Promise
from sla.judging.judge import judge, ledger


# -- pauses --------------------------------------------------------------------------------------
def test_a_supplement_pauses_and_moves_due_forward() -> None:
    """Tuesday 10:00 to Wednesday 15:00 is 660 working minutes: due Monday 10:00."""
    story = received()
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 12, 15), asked)
    story.returned(local(7, 17, 9))
    row = only(story)
    assert (row.due_at, row.class_a, row.supplements) == (local(7, 17, 10), "on-time", 1)
    assert row.customer_seconds == 660 * 60


def test_a_pause_on_the_day_of_receipt_moves_nothing() -> None:
    """That day is not counted for anyone."""
    story = received()
    asked = story.supplement(local(7, 10, 10))
    story.supplemented(local(7, 10, 15), asked)
    story.returned(local(7, 13, 9))
    assert only(story).due_at == THURSDAY
    assert only(story).customer_seconds == 0


def test_a_pause_while_already_overdue_moves_nothing() -> None:
    """Asked on Friday, a day late: the customer's time is not the company's delay, but due stands."""
    story = received()
    asked = story.supplement(local(7, 14, 9))
    story.supplemented(local(7, 17, 9), asked)
    story.returned(local(7, 17, 10))
    row = only(story)
    assert (row.due_at, row.class_a) == (THURSDAY, "overdue")
    assert row.delay_seconds == 3 * HOUR  # Friday 07:00-09:00 and Monday 09:00-10:00


def test_two_overlapping_pauses_count_once() -> None:
    """Customer Tuesday 08:00-14:00, agency 10:00-15:00: five and a half working hours, due Friday 14:00."""
    story = received()
    asked = story.supplement(local(7, 11, 8))
    referred = story.referred(local(7, 11, 10))
    story.supplemented(local(7, 11, 14), asked)
    story.replied(local(7, 11, 15), answers=referred)
    story.returned(local(7, 12, 9))
    row = only(story)
    assert row.due_at == local(7, 14, 14)
    # While the customer is waited for, the time is theirs; then the agency's.
    assert (row.customer_seconds, row.agency_seconds) == (4 * HOUR, HOUR)
    assert len(row.pauses_from) == 1


def test_two_pauses_that_touch_are_one() -> None:
    """Stated for Saturday 09:00; waited from Friday 17:30 to Monday 08:00 and from then to 09:00: due Monday 09:00."""
    story = received(pledge=Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", due=local(7, 15, 9)))
    asked = story.supplement(local(7, 14, 17, 30))
    back = story.supplemented(local(7, 17, 8), asked)
    action = routing.CustomerActionRequested(case_id=story.case_id, action="own-works")
    works = story.tell(action, local(7, 17, 8), cause=back)
    story.worked(local(7, 17, 9), works)
    row = only(story)
    assert row.due_at == local(7, 17, 9)
    assert (row.pauses_from, row.pauses_to) == ((local(7, 14, 17, 30),), (local(7, 17, 9),))


def test_a_pause_of_no_length_is_none() -> None:
    """Asked and answered in the same second."""
    story = received()
    asked = story.supplement(local(7, 11, 9))
    story.supplemented(local(7, 11, 9), asked)
    assert (only(story).due_at, only(story).pauses_from) == (THURSDAY, ())


def test_of_two_agencies_the_one_asked_first_holds_the_clock() -> None:
    """Until it has replied; then the other."""
    story = received()
    first = story.referred(local(7, 11, 8))
    story.referred(local(7, 11, 9), "QN-SXD", "substation-position")
    story.replied(local(7, 11, 10), answers=first)
    lines = ledger(judge(story.facts, RULES, local(7, 11, 11)), RULES)
    assert [(line.holder, line.start) for line in lines if line.clock == "agency"] == [
        ("QN-SGTVT", second_of(local(7, 11, 8))),
        ("QN-SGTVT", second_of(local(7, 11, 9))),
        ("QN-SXD", second_of(local(7, 11, 10))),
    ]


def test_a_pause_never_resumed_holds_the_clock() -> None:
    """While it lasts there is no due instant; the wait is shown."""
    story = received()
    story.supplement(local(7, 11, 10))
    row = only(story, local(8, 11, 10))
    assert (row.determined, row.due_at, row.waiting_since) == (True, None, local(7, 11, 10))
    assert (row.holder, row.holder_clock) == ("customer", "customer")
    assert row.delay_seconds == 0


def test_a_release_ends_an_open_pause() -> None:
    """Due is what was left when the pause began, counted from release."""
    story = received()
    story.supplement(local(7, 11, 10))
    story.returned(local(7, 12, 10))
    row = only(story)
    assert (row.due_at, row.class_a) == (local(7, 14, 17), "ahead")


def test_resuming_without_a_pause_moves_nothing() -> None:
    """An answer to nothing is a finding."""
    story = received()
    story.supplemented(local(7, 11, 9), "case-x@9")
    story.returned(local(7, 12, 9))
    assert findings(story) == ["answers-nothing"]
    assert clocks(only(story))[1] == 0


def test_each_answer_ends_its_own_wait_only() -> None:
    """Two things are asked; one answer leaves the other open."""
    story = received()
    first = story.supplement(local(7, 11, 8))
    story.works(local(7, 11, 9))
    story.supplemented(local(7, 11, 10), first)
    assert only(story).waiting_since == local(7, 11, 8)


def test_hold_time_is_not_counted_twice() -> None:
    """The same supplement asked twice, answered once each: one stretch of waiting, added once."""
    story = received()
    one, two = story.supplement(local(7, 11, 8)), story.supplement(local(7, 11, 8, 30))
    story.supplemented(local(7, 11, 9), one)
    story.supplemented(local(7, 11, 10), two)
    story.returned(local(7, 12, 9))
    row = only(story)
    assert (row.customer_seconds, row.due_at, row.supplements) == (2 * HOUR, local(7, 14, 9), 2)


def test_obstacles_pause_by_fault() -> None:
    """The customer's and the agency's stop the clock, the company's own does not."""
    for fault, agency, expected in (
        ("customer", None, local(7, 14, 8)),
        ("agency", "QN-SGTVT", local(7, 14, 8)),
        ("utility", None, THURSDAY),
    ):
        story = received()
        stuck = story.obstructed(local(7, 11, 8), fault, agency)
        story.resumed(local(7, 11, 9), stuck)
        story.returned(local(7, 12, 9))
        assert only(story).due_at == expected
        assert findings(story) == []


def test_restart_counts_anew_after_the_supplement() -> None:
    """Asked Tuesday, brought Wednesday: three days from there, Monday; a new revision of the promise."""
    story = received(pledge=promise(policy="RESTART"))
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 12, 15), asked)
    row = only(story)
    assert (row.due_at, row.revision) == (local(7, 17, 17), 2)


def test_restart_after_the_breach_forgives_nothing() -> None:
    """Asked on Friday, after due: no restart."""
    story = received(pledge=promise(policy="RESTART"))
    asked = story.supplement(local(7, 14, 10))
    story.supplemented(local(7, 17, 9), asked)
    assert (only(story).due_at, only(story).revision) == (THURSDAY, 1)


def test_restart_needs_a_limit() -> None:
    """On a stated due it acts as PAUSE."""
    stated = Promise(calendar="VN-PAC@2017.1", clock_policy="RESTART", due=THURSDAY)
    story = received(pledge=stated)
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 12, 15), asked)
    assert (only(story).due_at, only(story).revision) == (local(7, 17, 10), 1)


def test_a_pause_across_a_policy_change_keeps_the_policy_of_receipt() -> None:
    """Asked the day before the meter check turned from PAUSE to RESTART (21 June 2018), answered the day after.

    Wednesday 10:00 to Friday 10:00 is sixteen working hours: due moves from Friday to Tuesday 17:00. A receipt of the
    21st itself counts anew: three days after Wednesday the 27th.
    """
    before = received(local(6, 19, 9, year=2018), promise("METER-CHECK@2017-07-01"))
    asked = before.supplement(local(6, 20, 10, year=2018))
    before.supplemented(local(6, 22, 10, year=2018), asked)
    assert (only(before).due_at, only(before).revision) == (local(6, 26, 17, year=2018), 1)
    after = received(local(6, 21, 9, year=2018), promise("METER-CHECK@2018-06-21", policy="RESTART"))
    asked = after.supplement(local(6, 22, 10, year=2018))
    after.supplemented(local(6, 27, 10, year=2018), asked)
    assert (only(after).due_at, only(after).revision) == (local(7, 2, 17, year=2018), 2)


def test_medium_voltage_does_not_count_the_customers_own_works() -> None:
    """Seven days from Monday: Wednesday the 19th; a week of own works moves it to the Wednesday after."""
    story = received(pledge=promise("MV-CONNECT@2017-07-01"))
    works = story.works(local(7, 12, 7))
    story.worked(local(7, 19, 7), works)
    story.returned(local(7, 25, 10))
    row = only(story)
    assert (row.due_at, row.class_a, row.field) == (local(7, 26, 17), "ahead", "MV")
    assert row.customer_seconds == 5 * 8 * HOUR


# -- extension, reopening ------------------------------------------------------------------------
def test_an_extension_moves_the_appointment_and_not_the_class() -> None:
    """Apologised for in time, released late: overdue, with apology."""
    story = received()
    story.extended(local(7, 12, 9), local(7, 18, 17))
    story.returned(local(7, 17, 9))
    row = only(story)
    assert (row.appointment, row.extended_at) == (local(7, 18, 17), local(7, 12, 9))
    assert (row.due_at, row.class_a, row.revision) == (THURSDAY, "overdue", 2)


@pytest.mark.parametrize("at", [THURSDAY, local(7, 14, 9)])
def test_an_extension_after_the_breach_does_not_count(at: datetime) -> None:
    """Before expiry only; at due itself it is too late."""
    story = received()
    story.extended(at, local(7, 18, 17))
    assert only(story).extended_at is None
    assert findings(story) == ["extended-after-due"]


def test_a_second_extension_does_not_count() -> None:
    """Once."""
    story = received()
    story.extended(local(7, 12, 9), local(7, 18, 17))
    story.extended(local(7, 13, 9), local(7, 28, 17))
    assert only(story).appointment == local(7, 18, 17)
    assert findings(story) == ["extended-twice"]


def test_the_time_between_closing_and_reopening_is_nobodys() -> None:
    """The second cycle starts at the counter with three days from the date of reopening."""
    story = received()
    story.forwarded(local(7, 10, 10), "DL-193")
    story.returned(local(7, 12, 9), "DL-193")
    story.closed(local(7, 12, 10))
    story.reopened(local(7, 24, 9))
    story.returned(local(7, 26, 9))
    first, second = judge(story.facts, RULES).cycles
    assert (first.ended_at, second.received_at) == (local(7, 12, 9), local(7, 24, 9))
    assert (second.cycle, second.due_at, second.class_a) == (2, local(7, 27, 17), "ahead")
    assert (second.revision, first.revision) == (2, 1)
    assert sum(clocks(first)) + sum(clocks(second)) == (2 * 24 + 2 * 24) * HOUR
    assert judge(story.facts, RULES).stays[-1].unit == "PAC-193"


STATED = Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", due=THURSDAY)
NEW = local(7, 28, 17)


@pytest.mark.parametrize(
    ("pledge", "told", "due", "found"),
    [
        (STATED, NEW, NEW, []),
        (STATED, None, None, []),  # without one the cycle is undetermined
        (promise(), None, local(7, 27, 17), []),  # three days from the Monday
        (promise(), NEW, local(7, 27, 17), ["due-ignored"]),  # what was pinned decides
        (None, NEW, None, ["due-ignored"]),  # nothing was promised, and reopening promises nothing
        (None, None, None, []),
    ],
)
def test_only_a_stated_promise_takes_its_due_from_the_reopening(
    pledge: Promise | None, told: datetime | None, due: datetime | None, found: list[str]
) -> None:
    """The others are counted from the date of reopening, or not at all."""
    story = Story()
    story.received(MONDAY, pledge)
    story.returned(local(7, 12, 9))
    story.reopened(local(7, 24, 9), told)
    row = judge(story.facts, RULES).cycles[1]
    assert (row.determined, row.due_at) == (due is not None, due)
    assert findings(story) == found


def test_reopening_an_open_case_moves_nothing() -> None:
    """Only an ended case starts anew."""
    story = received()
    story.reopened(local(7, 11, 9))
    assert len(judge(story.facts, RULES).cycles) == 1
    assert findings(story) == ["reopened-while-open"]
