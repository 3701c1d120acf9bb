"""Every column of the rows of one case, worked out by hand: what the tables show is what the facts say."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from oracle.judging import HOUR, MONDAY, RULES, received
from oracle.telling import Story, local, promise

from events.contracts.terms import Limit, Promise
from sla.judging.judge import Judgement, judge
from sla.judging.rows import ChargeRow, CycleRow, ReferralRow, Span, StayRow


@pytest.fixture
def story() -> Story:
    """Forwarded twice, paused twice, apologised for, released late by seven hours of a Friday, collected on Monday."""
    story = Story()
    story.received(MONDAY, promise(), appointment=local(7, 13, 17))
    acknowledge = Limit(amount=2, unit="working_hours")
    story.forwarded(local(7, 11, 8), "DL-193", hours=4, acknowledge_within=acknowledge)
    story.acknowledged(local(7, 11, 9), "DL-193")
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 11, 11), asked)
    referred = story.referred(local(7, 12, 8))
    story.extended(local(7, 12, 9), local(7, 17, 17))
    story.replied(local(7, 12, 10), answers=referred)
    story.forwarded(local(7, 13, 8), "TC-193", by="DL-193", step="install", hours=2)
    story.returned(local(7, 14, 17), "TC-193")
    story.rated(local(7, 15, 9), 4)
    story.closed(local(7, 17, 9))
    return story


def judged(story: Story) -> Judgement:
    return judge(story.facts, RULES, incomplete=True)


def test_the_row_of_a_cycle(story: Story) -> None:
    """Due Thursday 17:00 and three hours of others: Friday 10:00. Monday to Friday 17:00 are 104 hours."""
    (row,) = judged(story).cycles
    assert row == CycleRow(
        case_id=story.case_id, cycle=1, counter="PAC-193", organisation="PC-QN", sector="electricity",
        district="DL-193", service="LV-RES-URBAN@2017-07-01", field="LV", channel="counter", received_at=MONDAY,
        determined=True, incomplete=True, due_at=local(7, 14, 10), waiting_since=None,
        pauses_from=(local(7, 11, 10), local(7, 12, 8)), pauses_to=(local(7, 11, 11), local(7, 12, 10)),
        appointment=local(7, 17, 17), extended_at=local(7, 12, 9), supplements=1, released_at=local(7, 14, 17),
        ended_at=local(7, 14, 17), outcome="released", class_a="on-time", class_b="overdue", class_c="overdue",
        utility_seconds=29 * HOUR, customer_seconds=HOUR, agency_seconds=2 * HOUR, not_counted_seconds=72 * HOUR,
        delay_seconds=5 * HOUR, unit="PAC-193", holder="PAC-193", holder_clock=None, waiting_for=None, step="install",
        stars=4, closed_at=local(7, 17, 9), revision=2, judged_to=local(7, 14, 17), corrections=0,
        acts=("supplement", "extension"), acts_at=(local(7, 11, 10), local(7, 12, 9)),
    )  # fmt: skip


def test_the_rows_of_stays(story: Story) -> None:
    """The district's four hours end at 15:00 with the customer's hour; it used thirteen, the team fifteen for two."""
    ids = [fact.id for fact in story.facts]
    unlimited: dict[str, Any] = {"due_at": None, "class_a": None, "class_b": None, "class_d": None}
    late: dict[str, Any] = {"class_a": "overdue", "class_b": "overdue", "class_d": "overdue"}
    unacknowledged: dict[str, Any] = {"acknowledge_due": None, "acknowledged_at": None}
    assert judged(story).stays == (
        StayRow(
            case_id=story.case_id, cycle=1, stay=1, unit="PAC-193", step="reception", entered_at=MONDAY,
            entered_by=ids[0], determined=False, incomplete=True, left_at=local(7, 11, 8), utility_seconds=HOUR,
            overrun_seconds=0, paused_seconds=0, **unlimited, **unacknowledged,
        ),
        StayRow(
            case_id=story.case_id, cycle=1, stay=2, unit="DL-193", step="assign", entered_at=local(7, 11, 8),
            entered_by=ids[1], determined=True, incomplete=True, due_at=local(7, 11, 15), left_at=local(7, 13, 8),
            acknowledge_due=local(7, 11, 10), acknowledged_at=local(7, 11, 9), utility_seconds=13 * HOUR,
            overrun_seconds=9 * HOUR, paused_seconds=3 * HOUR, **late,
        ),
        StayRow(
            case_id=story.case_id, cycle=1, stay=3, unit="TC-193", step="install", entered_at=local(7, 13, 8),
            entered_by=ids[8], determined=True, incomplete=True, due_at=local(7, 13, 10), left_at=local(7, 14, 17),
            utility_seconds=15 * HOUR, overrun_seconds=13 * HOUR, paused_seconds=0, **late, **unacknowledged,
        ),
    )  # fmt: skip


def test_the_row_of_a_referral(story: Story) -> None:
    """Ten working days from Wednesday the 12th; answered after two hours."""
    assert judged(story).referrals == (
        ReferralRow(
            case_id=story.case_id, cycle=1, referral=story.facts[5].id, agency="QN-SGTVT", matter="road-trench",
            referred_at=local(7, 12, 8), determined=True, incomplete=True, due_at=local(7, 26, 17),
            replied_at=local(7, 12, 10), ended_at=None, reply="agreed", class_a="ahead", class_b="ahead",
            seconds=2 * HOUR,
        ),
    )  # fmt: skip


def test_the_rows_of_charges(story: Story) -> None:
    """Five hours by nine to thirteen: 7,363.6 and 10,636.4 seconds, the larger remainder first."""
    assert judged(story).charges == (
        ChargeRow(story.case_id, 1, "DL-193", 7_364), ChargeRow(story.case_id, 1, "TC-193", 10_636),
    )  # fmt: skip


def test_the_spans_say_who_held_it_and_why(story: Story) -> None:
    """One per change of hands or clock, each with the fact behind it."""
    ids = [fact.id for fact in story.facts]
    edges = [MONDAY, *(local(7, *at) for at in ((11, 8), (11, 10), (11, 11), (12, 8), (12, 10), (13, 8), (14, 17)))]
    seconds = [int(edge.timestamp()) for edge in edges]
    held: list[Any] = [
        ("PAC-193", "utility", "PAC-193", None, ids[0]),
        ("DL-193", "utility", "DL-193", None, ids[1]),
        ("DL-193", "customer", "customer", "supplement", ids[3]),
        ("DL-193", "utility", "DL-193", None, ids[4]),
        ("DL-193", "agency", "QN-SGTVT", "road-trench", ids[5]),
        ("DL-193", "utility", "DL-193", None, ids[7]),
        ("TC-193", "utility", "TC-193", None, ids[8]),
    ]
    spans = [Span(1, *between, *rest) for between, rest in zip(pairwise(seconds), held, strict=True)]
    assert list(judged(story).spans) == spans


ENDS: dict[str, tuple[Callable[[Story, datetime], str], tuple[str, ...], bool]] = {
    "released": (Story.returned, (), True),
    "closed": (Story.closed, ("early closing",), True),
    "refused": (Story.refused, ("refusal",), False),
    "withdrawn": (Story.withdrawn, (), False),
    "stopped": (Story.stopped, (), False),
}


@pytest.mark.parametrize("outcome", ENDS)
def test_an_ended_cycle_says_how_and_by_which_fact(outcome: str) -> None:
    """What ends early is an act that is counted by officer; only a result is a release."""
    end, acts, with_result = ENDS[outcome]
    story, at = received(), local(7, 12, 9)
    ended = end(story, at)
    judgement = judge(story.facts, RULES)
    (row,) = judgement.cycles
    assert (row.outcome, row.ended_at, row.released_at) == (outcome, at, at if with_result else None)
    assert (row.acts, row.acts_at) == (acts, (at,) * len(acts))
    assert (row.unit, row.holder, row.holder_clock, row.waiting_for) == ("PAC-193", "PAC-193", None, None)
    assert judgement.endings == (ended,)
    assert judgement.findings == ()


Asks = Callable[[Story, datetime], str]
Answers = Callable[[Story, datetime, str], str]
AGENCYS = partial(Story.obstructed, fault="agency")
OURS = ("utility", "PAC-193", None)
WAITS: dict[str, tuple[Asks, Answers, tuple[str, str, str | None], tuple[str, ...]]] = {
    "papers": (Story.supplement, Story.supplemented, ("customer", "customer", "supplement"), ("supplement",)),
    "the customer's works": (Story.works, Story.worked, ("customer", "customer", "own-works"), ("action",)),
    "an agency": (
        Story.referred,
        lambda story, at, asked: story.replied(at, answers=asked),
        ("agency", "QN-SGTVT", "road-trench"),
        (),
    ),
    "the customer's obstacle": (
        partial(Story.obstructed, fault="customer"), Story.resumed, ("customer", "customer", "bad-weather"),
        ("obstacle",),
    ),
    "an agency's obstacle": (
        partial(AGENCYS, agency="QN-SXD"), Story.resumed, ("agency", "QN-SXD", "bad-weather"), (),
    ),
    "an obstacle of some agency": (AGENCYS, Story.resumed, ("agency", "agency", "bad-weather"), ()),
    "our own obstacle": (partial(Story.obstructed, fault="utility"), Story.resumed, OURS, ()),
}  # fmt: skip


@pytest.mark.parametrize("what", WAITS)
def test_a_question_gives_the_clock_away_and_its_answer_takes_it_back(what: str) -> None:
    """Who holds it meanwhile, for what, and by which facts; our own obstacle is nobody else's time."""
    ask, answer, held, acts = WAITS[what]
    story = received()
    asked = ask(story, local(7, 11, 8))
    answered = answer(story, local(7, 11, 9), asked)
    story.returned(local(7, 11, 10))
    judgement = judge(story.facts, RULES)
    told = [(span.clock, span.holder, span.why, span.because) for span in judgement.spans]
    receipt = story.facts[0].id
    away = [] if held == OURS else [(*held, asked), (*OURS, answered)]
    assert told == [(*OURS, receipt), *away]
    (row,) = judgement.cycles
    assert (row.acts, row.acts_at) == (acts, (local(7, 11, 8),) * len(acts))
    paused = {held[0]: HOUR} if away else {}
    assert (row.customer_seconds, row.agency_seconds) == (paused.get("customer", 0), paused.get("agency", 0))


@pytest.mark.parametrize("what", WAITS)
def test_a_question_that_is_open_shows_who_is_waited_for(what: str) -> None:
    """On the board: the holder, the clock and what for."""
    ask, _, (clock, holder, why), _ = WAITS[what]
    story = received()
    ask(story, local(7, 11, 8))
    (row,) = judge(story.facts, RULES, local(7, 11, 9)).cycles
    assert (row.holder_clock, row.holder, row.waiting_for) == (clock, holder, why)


def test_an_open_cycle_shows_who_is_waited_for() -> None:
    """No due while the customer's time runs; nothing has ended, and the unit is still the district."""
    story = received()
    story.forwarded(local(7, 11, 8), "DL-193", hours=4)
    story.works(local(7, 11, 10))
    judgement = judge(story.facts, RULES, local(7, 12, 9))
    (row,) = judgement.cycles
    assert (row.due_at, row.waiting_since, row.pauses_from, row.pauses_to) == (
        None, local(7, 11, 10), (local(7, 11, 10),), (),
    )  # fmt: skip
    assert (row.unit, row.holder, row.holder_clock, row.waiting_for) == ("DL-193", "customer", "customer", "own-works")
    assert (row.released_at, row.ended_at, row.closed_at, row.outcome) == (None, None, None, "open")
    assert (row.class_a, row.class_b, row.class_c, row.stars) == (None, None, None, None)
    assert (row.judged_to, row.customer_seconds, row.acts) == (local(7, 12, 9), 7 * HOUR, ("action",))
    stay = judgement.stays[1]
    assert (stay.left_at, stay.due_at, stay.utility_seconds, stay.paused_seconds) == (None, None, 2 * HOUR, 7 * HOUR)
    assert (stay.class_a, stay.class_d, stay.overrun_seconds) == (None, None, 0)


def test_the_rows_of_a_case_are_those_of_all_its_cycles() -> None:
    """Asked an agency, released late, reopened, asked again, released late again: nothing of the first run is lost."""
    story = received()
    story.replied(local(7, 12, 9), answers=story.referred(local(7, 11, 9)))
    story.returned(local(7, 21, 9))
    story.closed(local(7, 21, 10))
    story.reopened(local(8, 1, 9))
    story.replied(local(8, 3, 9), answers=story.referred(local(8, 2, 9)))
    story.returned(local(8, 18, 9))
    judgement = judge(story.facts, RULES)
    for rows in (judgement.cycles, judgement.stays, judgement.referrals, judgement.charges, judgement.spans):
        assert {row.cycle for row in rows} == {1, 2}


def test_what_a_unit_overran_in_two_stays_is_added_up() -> None:
    """The district by two hours and by thirteen, the team by four: Friday's two hours as 15 to 4."""
    story = received()
    story.forwarded(local(7, 11, 7), "DL-193", hours=2)
    story.forwarded(local(7, 11, 11), "TC-193", by="DL-193", hours=4)
    story.forwarded(local(7, 12, 11), "DL-193", by="TC-193", hours=1)
    story.returned(local(7, 14, 9), "DL-193")
    charges = [ChargeRow(story.case_id, 1, "DL-193", 5_684), ChargeRow(story.case_id, 1, "TC-193", 1_516)]
    assert list(judged(story).charges) == charges


def test_more_than_a_unit_overran_is_not_charged_to_it() -> None:
    """The team overran its step by an hour of the two; who held it after due has the other."""
    story = received()
    story.forwarded(local(7, 11, 7), "TC-193", hours=2)
    story.forwarded(local(7, 11, 10), "DL-193", by="TC-193")
    story.returned(local(7, 14, 9), "DL-193")
    assert [(row.unit, row.seconds) for row in judged(story).charges] == [("DL-193", HOUR), ("TC-193", HOUR)]


@pytest.mark.parametrize(
    ("left", "class_d"),
    [(local(7, 11, 10, 59, 59), "ahead"), (local(7, 11, 11, 0, 59), "on-time"), (local(7, 11, 11, 1), "overdue")],
)
def test_a_step_is_classified_by_whole_minutes(left: datetime, class_d: str) -> None:
    """Four hours from 07:00: 239, 240 and 241 minutes."""
    story = received()
    story.forwarded(local(7, 11, 7), "DL-193", hours=4)
    story.forwarded(left, "TC-193", by="DL-193")
    assert judged(story).stays[1].class_d == class_d


def test_the_customer_is_waited_for_before_an_agency_that_was_asked_first() -> None:
    """The agency from Tuesday 08:00 to Wednesday 08:00, and an hour of it the customer."""
    story = received()
    referred = story.referred(local(7, 11, 8))
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 11, 11), asked)
    story.replied(local(7, 12, 8), answers=referred)
    (row,) = judged(story).cycles
    assert (row.customer_seconds, row.agency_seconds) == (HOUR, 7 * HOUR)


def test_a_pause_after_a_unit_has_left_does_not_move_its_due() -> None:
    """Eight hours of Tuesday; handed on at ten, the supplement comes at two."""
    story = received()
    story.forwarded(local(7, 11, 7), "DL-193", hours=8)
    story.forwarded(local(7, 11, 10), "TC-193", by="DL-193")
    story.supplemented(local(7, 11, 16), story.supplement(local(7, 11, 14)))
    assert judged(story).stays[1].due_at == local(7, 11, 17)


def test_a_pause_that_begins_at_due_stops_nothing() -> None:
    """Thursday 17:00, at closing: the promise has run out."""
    story = received()
    story.supplemented(local(7, 14, 9), story.supplement(local(7, 13, 17)))
    (row,) = judged(story).cycles
    assert (row.due_at, row.pauses_from, row.pauses_to) == (local(7, 13, 17), (), ())


def test_without_a_promise_no_pause_stops_it() -> None:
    """The customer's time is counted all the same."""
    story = Story()
    story.received(MONDAY, None)
    story.supplemented(local(7, 11, 9), story.supplement(local(7, 11, 8)))
    (row,) = judged(story).cycles
    assert (row.determined, row.due_at, row.pauses_from, row.customer_seconds) == (False, None, (), HOUR)


def test_nobody_is_waited_for_after_the_end() -> None:
    """Withdrawn while the customer was asked for a paper."""
    story = received()
    story.supplement(local(7, 11, 8))
    story.withdrawn(local(7, 11, 9))
    (row,) = judged(story).cycles
    assert (row.outcome, row.holder_clock, row.waiting_for) == ("withdrawn", None, None)


def test_what_nobody_said_yet_is_empty() -> None:
    """A second cycle has no appointment of its own, an open question no reply."""
    story = received()
    story.returned(local(7, 12, 9))
    story.reopened(local(7, 13, 9))
    story.referred(local(7, 13, 10))
    judgement = judged(story)
    assert judgement.cycles[1].appointment is None
    assert (judgement.referrals[0].reply, judgement.referrals[0].replied_at) == (None, None)


def test_beyond_the_calendar_only_the_date_is_judged() -> None:
    """It begins with the year 1990: there is no session to look at."""
    pledge = Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", due=local(7, 13, 17, year=1989))
    story = received(local(7, 10, 9, year=1989), pledge)
    story.returned(local(7, 12, 9, year=1989))
    (row,) = judged(story).cycles
    assert (row.class_a, row.class_b) == ("ahead", None)


def test_a_correction_of_what_happened_before_the_receipt_is_told_by_the_first_cycle() -> None:
    """A hand-over at eight of a dossier that was received at nine, to another unit."""
    story = received()
    story.corrected(local(7, 11, 9), story.forwarded(local(7, 10, 8), "DL-193"), "to_unit", "TC-193")
    assert [row.corrections for row in judged(story).cycles] == [1]
