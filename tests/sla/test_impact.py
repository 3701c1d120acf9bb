"""What a swap day changes, case by case: the list is exactly what a second opinion that shares no code says."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from oracle import naive
from oracle.judging import RULES, THURSDAY, received
from oracle.swapped import second_oracle, swap_file
from oracle.telling import Story, local, stories

from events.contracts.terms import Promise
from sla.judging.case_rules import Supposed
from sla.judging.judge import judge
from sla.rule_changes.impact import Change, Reach, Standing, by_unit, counts, differences

EXAMPLES = int(os.environ.get("ONEDOOR_EXAMPLES", "150"))
AFTER = Supposed(file=swap_file(), policy="as-revised").rules(RULES)
SWAPPED = second_oracle()
FRIDAY = local(7, 14, 17)


def changes(story: Story, now: datetime) -> list[Change]:
    return differences(judge(story.facts, RULES).cycles, judge(story.facts, AFTER).cycles, now)


def standing(story: Story) -> list[Standing]:
    """How its cycles stand in the live table."""
    rows = judge(story.facts, RULES).cycles
    return [Standing(*(getattr(row, name) for name in Standing._fields)) for row in rows]


def told(oracle: Any, facts: Any, now: datetime) -> list[tuple[Any, ...]]:
    """Due, classes and lateness of each cycle by an oracle."""
    rows = []
    for run in oracle.Oracle(facts).runs:
        due = None if run.due is None or (run.end is None and run.paused_before_due()) else run.due.at
        released = run.end if run.outcome in ("released", "closed") else None
        class_a = oracle.class_a(released, due) if released is not None and due is not None else None
        class_b = oracle.class_b(released, due) if released is not None and due is not None else None
        late = class_a == "overdue" if run.end is not None else due is not None and when(due) < now
        rows.append((None if due is None else when(due), class_a, class_b, late))
    return rows


def when(minute: int) -> datetime:
    return (naive.ZERO + timedelta(minutes=minute)).astimezone(UTC)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories())
def test_a_swap_day_changes_exactly_what_the_oracle_says(story: Story) -> None:
    """Due, both classes and lateness, for any history."""
    now = local(7, 20, 12)
    before, after = told(naive, story.facts, now), told(SWAPPED, story.facts, now)
    expected = [
        (cycle, *old, *new) for cycle, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new
    ]
    assert [
        (c.cycle, c.due, c.by_date, c.by_session, c.late, c.new_due, c.new_by_date, c.new_by_session, c.new_late)
        for c in changes(story, now)
    ] == expected


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories())
def test_what_is_out_of_reach_does_not_change(story: Story) -> None:
    """So that a what-if need not judge it."""
    cycles = standing(story)
    if cycles and not Reach.of(RULES, AFTER).may_change(cycles):
        assert changes(story, local(7, 20, 12)) == []


def test_a_service_is_in_reach_and_another_is_not() -> None:
    """METER-CHECK of 2018 stands for the one of 2017; a household is not asked about."""
    reach = Reach.of(RULES, Supposed(policy="as-revised").rules(RULES))
    assert (reach.everything, reach.days, "METER-CHECK@2017-07-01" in reach.services) == (False, (), True)
    assert not reach.may_change(standing(received()))
    assert Reach.of(RULES, Supposed(clock_policy="RESTART").rules(RULES)).everything


def test_a_receipt_that_names_a_version_yet_unknown_is_in_reach() -> None:
    """Undetermined now; with the version supposed it has a due date."""
    story = received(local(12, 4, 9), Promise(calendar="VN-PAC@2017.2", clock_policy="PAUSE", working_days=3))
    assert Reach.of(RULES, AFTER).may_change(standing(story))
    (change,) = changes(story, local(12, 5))
    assert (change.due, change.new_due) == (None, local(12, 7, 17))


def test_a_swap_day_reaches_who_lives_through_it() -> None:
    """A household of July, and none of December."""
    reach = Reach.of(RULES, AFTER)
    assert len(reach.days) == 2
    for begins, may in ((local(7, 10, 9), True), (local(12, 4, 9), False)):
        assert reach.may_change(standing(received(begins))) == may


def test_an_open_dossier_that_is_late_no_longer() -> None:
    """Friday noon: due was Thursday, and would be Friday."""
    (change,) = changes(received(), local(7, 14, 12))
    assert (change.due, change.new_due) == (THURSDAY, FRIDAY)
    assert change.kinds == ("due_moved", "no_longer_overdue")


def test_a_released_dossier_whose_verdict_would_change() -> None:
    """Released on Friday: overdue, and on time under the swap."""
    story = received()
    story.returned(local(7, 14, 9))
    (change,) = changes(story, local(8, 1))
    assert (change.by_date, change.new_by_date) == ("overdue", "on-time")
    assert change.kinds == ("due_moved", "verdicts_changed", "no_longer_overdue")


def test_what_lies_elsewhere_is_no_change() -> None:
    """A week in August."""
    story = Story()
    story.received(local(8, 7, 9), received().facts[0].fact.promise)  # type: ignore[union-attr]
    assert changes(story, local(8, 20)) == []


def test_counts_are_given_for_all_and_by_unit() -> None:
    """Organisation first, then counters; an empty list counts nothing."""
    found = changes(received(), local(7, 14, 12))
    assert counts(found) == {"due_moved": 1, "verdicts_changed": 0, "newly_overdue": 0, "no_longer_overdue": 1}
    assert [(line["kind"], line["unit"], line["due_moved"]) for line in by_unit(found)] == [
        ("organisation", "PC-QN", 1),
        ("counter", "PAC-193", 1),
    ]
    assert set(counts([]).values()) == {0}
    assert by_unit([]) == []
