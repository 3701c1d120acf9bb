"""By which rules a case is judged: what its receipt pinned, or what stands for that by policy."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from oracle.judging import MONDAY, RULES, SHIPPED, THURSDAY, received
from oracle.swapped import NEWER, URBAN, services, swap_file, swapped
from oracle.telling import Story, local, promise

from deadlines.entries import CatalogueFile
from deadlines.published import joined
from events.contracts import name_of, write
from events.contracts.terms import Promise
from events.store.envelope import Cause, RecordedEvent
from sla.judging.case_rules import Supposed, known_on, with_published
from sla.judging.judge import Rules, judge

FRIDAY = local(7, 14, 17)


def said(number: int, fact: Any, recorded_at: datetime = MONDAY) -> RecordedEvent:
    """A published rule at its place in the log."""
    name, schema = name_of(fact)
    return RecordedEvent(
        stream="rules-published", version=number, subject="rules-published", type=name, schema=schema, fact=fact,
        data=write(fact), cause=Cause(correlation="x", causation="x", actor="staff-22-01"), at=recorded_at,
        recorded_at=recorded_at, hash=b"",
    )  # fmt: skip


def due(story: Story, rules: Rules) -> datetime | None:
    return judge(story.facts, rules).cycles[0].due_at


def test_a_receipt_is_judged_by_what_it_pinned() -> None:
    """Another version of its calendar is known, and moves nothing."""
    known = joined(SHIPPED, [swapped(policy="pinned")])
    assert due(received(), Rules(known)) == THURSDAY
    pinned = received(pledge=promise())
    assert due(pinned, Rules(known, known.revised)) == THURSDAY


def test_as_revised_is_judged_by_the_newest_of_the_same_name() -> None:
    """Thursday is off: three days end on Friday."""
    known = joined(SHIPPED, [swapped()])
    assert due(received(), Rules(known, known.revised)) == FRIDAY


def test_a_publication_counts_from_the_swap_of_the_generation_on() -> None:
    """The version is known at once; what it revises moves when the live generation applies it."""
    published = [said(1, swapped())]
    known = joined(SHIPPED, [swapped()])
    assert due(received(), with_published(known, published, 0)) == THURSDAY
    assert due(received(), with_published(known, published, 1)) == FRIDAY


def test_a_day_knows_what_was_published_by_then() -> None:
    """Published on Wednesday: Tuesday still says Thursday, as it said then."""
    published = [said(1, swapped(), local(7, 12, 9))]
    assert due(received(), known_on(SHIPPED, published, local(7, 11))) == THURSDAY
    assert due(received(), known_on(SHIPPED, published, local(7, 12, 9))) == FRIDAY


def test_a_newer_service_brings_limit_calendar_and_clock_policy() -> None:
    """Two days instead of three, for receipts that pinned the old one."""
    told = services(URBAN, NEWER, policy="as-revised")
    ended = services(*(service for service in told.services[1:]), policy="as-revised")
    known = joined(SHIPPED.plus("x", _ended()), [ended])
    assert due(received(), Rules(known, known.revised)) == local(7, 12, 17)


def _ended() -> CatalogueFile:
    open_one = SHIPPED.services[URBAN.id]
    return CatalogueFile(services=(open_one.model_copy(update={"until": local(12, 31).date() + timedelta(days=1)}),))


@pytest.mark.parametrize(
    ("supposed", "expected"),
    [
        (Supposed(file=swap_file(), policy="as-revised"), FRIDAY),
        (Supposed(file=swap_file(), policy="pinned"), THURSDAY),
        (Supposed(file=swap_file()), THURSDAY),
        (Supposed(policy="as-revised"), THURSDAY),
    ],
)
def test_what_is_supposed_revises_by_policy_only(supposed: Supposed, expected: datetime) -> None:
    """A calendar newer than the pinned one is used under as-revised."""
    assert due(received(), supposed.rules(RULES)) == expected


def test_a_supposed_file_revises_its_own_names_alone() -> None:
    """The newer METER-CHECK of the shipped files stays out of a question about a calendar."""
    pledge = promise("METER-CHECK@2017-07-01")
    about_calendar = Supposed(file=swap_file(), policy="as-revised").rules(RULES)
    assert about_calendar.judged_by(pledge).service == "METER-CHECK@2017-07-01"
    about_all = Supposed(policy="as-revised").rules(RULES)
    assert about_all.judged_by(pledge).service == "METER-CHECK@2018-06-21"
    assert about_all.judged_by(pledge).clock_policy == "RESTART"


def test_a_supposed_clock_policy_holds_for_all() -> None:
    """Supplement on Wednesday 10:00: three days anew instead of a pause."""
    story = received()
    asked = story.supplement(local(7, 11, 8))
    story.supplemented(local(7, 12, 10), asked)
    assert due(story, Supposed(clock_policy="RESTART").rules(RULES)) == local(7, 17, 17)
    assert due(story, Supposed().rules(RULES)) == due(story, RULES) != local(7, 17, 17)


def test_a_promise_is_met_again_with_the_same_answer() -> None:
    """A stated due has no service; its calendar is revised all the same, and its due is not."""
    rules = Supposed(file=swap_file(), policy="as-revised").rules(RULES)
    stated = Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", due=THURSDAY)
    for pledge in (promise(), promise(), stated, stated, promise(policy="RESTART")):
        judged = rules.judged_by(pledge)
        assert judged == replace(pledge, calendar="VN-PAC@2017.2")


def test_pinned_puts_what_was_revised_aside() -> None:
    """What every receipt says, whatever was published as revised."""
    known = joined(SHIPPED, [swapped()])
    in_force = Rules(known, known.revised)
    assert due(received(), Supposed(policy="pinned").rules(in_force)) == THURSDAY
    assert due(received(), Supposed().rules(in_force)) == FRIDAY
