"""What the judge makes of one case: each line that broke a real system, with the expected value and its reason."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from oracle.telling import Story, local, promise

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile
from deadlines.instants import second_of
from deadlines.load import load
from events.contracts import intake, routing
from events.contracts.terms import Limit, Promise
from sla.facts import RANKS, arrange
from sla.judge import Judgement, Rules, judge, ledger
from sla.rows import CycleRow

SHIPPED = load(Path(__file__).parents[2] / "deploy" / "catalogue")
RULES = Rules(SHIPPED)
MONDAY = local(7, 10, 9)
THURSDAY = local(7, 13, 17)
HOUR = 3600


def received(at: datetime = MONDAY, pledge: Promise | None = None) -> Story:
    """A household in town: three working days, due Thursday 17:00 when received on Monday."""
    story = Story()
    story.received(at, pledge or promise())
    return story


def only(story: Story, now: datetime | None = None) -> CycleRow:
    """The single cycle of a case."""
    (row,) = judge(story.facts, RULES, now).cycles
    return row


def findings(story: Story) -> list[str]:
    return [finding.what for finding in judge(story.facts, RULES).findings]


def clocks(row: CycleRow) -> tuple[int, int, int, int]:
    return row.utility_seconds, row.customer_seconds, row.agency_seconds, row.not_counted_seconds


# -- release and class --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "class_a", "class_b"),
    [
        (local(7, 12, 17), "ahead", "ahead"),
        (local(7, 13, 11), "on-time", "ahead"),
        (local(7, 13, 17), "on-time", "on-time"),  # due exactly at closing, released exactly then
        (local(7, 13, 17, 30), "on-time", "overdue"),
        (local(7, 14, 7), "overdue", "overdue"),
    ],
)
def test_a_release_is_classed_by_date_and_by_session(returned: datetime, class_a: str, class_b: str) -> None:
    """Due Thursday 17:00."""
    story = received()
    story.returned(returned)
    row = only(story)
    assert (row.due_at, row.released_at) == (THURSDAY, returned)
    assert (row.class_a, row.class_b) == (class_a, class_b)


def test_collecting_late_is_not_releasing_late() -> None:
    """Released in time, collected a month later: on time, and the month is on no clock."""
    story = received()
    story.returned(local(7, 13, 16))
    story.closed(local(8, 14, 9))
    row = only(story)
    assert (row.outcome, row.class_a, row.ended_at, row.closed_at) == (
        "released",
        "on-time",
        local(7, 13, 16),
        local(8, 14, 9),
    )
    assert sum(clocks(row)) == (3 * 24 + 7) * HOUR


def test_a_case_closed_without_return_is_released_by_closing() -> None:
    """There was no DossierReturned, so the hand-over to the customer ends the cycle."""
    story = received()
    story.closed(local(7, 14, 9))
    row = only(story)
    assert (row.outcome, row.released_at, row.class_a) == ("closed", local(7, 14, 9), "overdue")


def test_no_promise_is_undetermined_and_never_on_time() -> None:
    """A missing due date counted as on time in a real system."""
    story = Story()
    story.received(MONDAY, None)
    story.returned(local(7, 10, 10))
    row = only(story)
    assert not row.determined
    assert (row.due_at, row.class_a, row.class_b) == (None, None, None)
    assert row.utility_seconds == HOUR


@pytest.mark.parametrize(
    ("pledge", "what"),
    [
        (promise("LV-RES-URBAN@1999-01-01"), "unknown-service"),
        (Promise(calendar="VN-PAC@1999.1", clock_policy="PAUSE", working_days=3), "unknown-calendar"),
        (Promise(calendar="VN-PAC@1999.1", clock_policy="PAUSE", due=THURSDAY), "unknown-calendar"),
    ],
)
def test_what_the_catalogue_does_not_know_is_undetermined_and_shown(pledge: Promise, what: str) -> None:
    """The judge never refuses a fact and never guesses a limit."""
    story = received(pledge=pledge)
    assert not only(story).determined
    assert findings(story) == [what]


def test_an_appointment_that_differs_from_due_is_a_finding() -> None:
    """The computed due decides; the paper is shown beside it."""
    story = Story()
    story.received(MONDAY, promise(), appointment=local(7, 14, 17))
    story.returned(local(7, 14, 9))
    assert findings(story) == ["appointment-differs"]
    assert only(story).class_a == "overdue"


def test_withdrawn_refused_and_stopped_end_without_a_class() -> None:
    """They are in no ratio, even when due had passed."""
    for end in ("withdrawn", "refused", "stopped"):
        story = received()
        getattr(story, end)(local(7, 14, 9))
        row = only(story)
        assert (row.outcome, row.released_at, row.class_a) == (end, None, None)
        assert row.ended_at == local(7, 14, 9)


def test_facts_after_the_end_move_nothing_and_are_findings() -> None:
    """A team that did not hear of the withdrawal, and a customer who brings papers after it."""
    story = received()
    asked = story.supplement(local(7, 11, 9))
    story.withdrawn(local(7, 11, 10))
    before = only(story)
    story.supplemented(local(7, 12, 9), asked)
    story.forwarded(local(7, 12, 10), "DL-193")
    story.returned(local(7, 12, 11))
    story.closed(local(7, 12, 12))
    assert only(story)._replace(judged_to=before.judged_to) == before
    assert findings(story) == ["after-end"] * 4


# -- time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (local(7, 14, 17, 1), local(7, 19, 17)),
        (local(7, 15, 9), local(7, 19, 17)),
        (local(7, 10, 12), THURSDAY),
        (local(7, 10, 23, 59, 59), THURSDAY),
        (local(7, 10, 15), THURSDAY),
        (local(2, 12, 9, year=2018), local(2, 22, 17, year=2018)),
        (local(12, 29, 9), local(1, 4, 17, year=2018)),
        (local(1, 5, 9, year=2019), local(1, 9, 17, year=2019)),
    ],
)
def test_receipt_at_awkward_hours(at: datetime, due: datetime) -> None:
    """17:01, a Saturday, lunch, the last second, the cut-off, before Tet, over the year, a make-up Saturday."""
    assert only(received(at)).due_at == due


def test_a_day_declared_a_holiday_later_does_not_move_a_pinned_due() -> None:
    """The case keeps the calendar of its receipt; a new version judges only dossiers that name it."""
    data = SHIPPED.calendars["VN-PAC@2017.1"].model_dump(by_alias=True)
    extra = [{"date": "2017-07-12", "day": "off", "basis": "declared on the 11th"}]
    data |= {"id": "VN-PAC@2017.2", "overrides": extra}
    later = CatalogueFile(
        calendars=(*SHIPPED.calendars.values(), CatalogueFile.of("x", {"calendars": [data]}).calendars[0]),
        services=tuple(SHIPPED.services.values()),
        units=tuple(SHIPPED.units()),
        processes=SHIPPED.processes,
        checklists=SHIPPED.checklists,
    )
    rules = Rules(Catalogue({"later": later}))
    assert judge(received().facts, rules).cycles[0].due_at == THURSDAY
    limited = Promise(calendar="VN-PAC@2017.2", clock_policy="PAUSE", working_days=3)
    assert judge(received(pledge=limited).facts, rules).cycles[0].due_at == local(7, 14, 17)


def test_the_day_of_receipt_is_on_nobodys_clock() -> None:
    """Received Monday 09:00, returned Tuesday 09:00: two hours of the company, the rest of Monday not counted."""
    story = received()
    story.returned(local(7, 11, 9))
    assert clocks(only(story)) == (2 * HOUR, 0, 0, 22 * HOUR)
    kinds = [(i.kind, i.seconds) for i in ledger(judge(story.facts, RULES), RULES)]
    assert kinds == [
        ("day of receipt", 2 * HOUR + 1800),
        ("closed hours", 2 * HOUR),
        ("day of receipt", 3 * HOUR + 1800),
        ("closed hours", 14 * HOUR),
        ("worked", 2 * HOUR),
    ]


def test_zero_days_end_with_the_day_itself() -> None:
    """Received at 15:00:01 they end with the next working day."""
    zero = Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", working_days=0)
    assert only(received(MONDAY, zero)).due_at == local(7, 10, 17)
    assert only(received(local(7, 14, 15, 0, 1), zero)).due_at == local(7, 17, 17)


# -- pauses -------------------------------------------------------------------------------------


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
    story.supplemented(local(7, 17, 8), asked)
    works = story.works(local(7, 17, 8))
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


def test_medium_voltage_does_not_count_the_customers_own_works() -> None:
    """Seven days from Monday: Wednesday the 19th; a week of own works moves it to the Wednesday after."""
    story = received(pledge=promise("MV-CONNECT@2017-07-01"))
    works = story.works(local(7, 12, 7))
    story.worked(local(7, 19, 7), works)
    story.returned(local(7, 25, 10))
    row = only(story)
    assert (row.due_at, row.class_a, row.field) == (local(7, 26, 17), "ahead", "MV")
    assert row.customer_seconds == 5 * 8 * HOUR


# -- extension, reopening -----------------------------------------------------------------------


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


def test_a_reopened_stated_promise_needs_a_new_due() -> None:
    """Without one the cycle is undetermined."""
    stated = Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", due=THURSDAY)
    for due, determined in ((None, False), (local(7, 28, 17), True)):
        story = received(pledge=stated)
        story.returned(local(7, 12, 9))
        story.reopened(local(7, 24, 9), due)
        row = judge(story.facts, RULES).cycles[1]
        assert (row.determined, row.due_at) == (determined, due)


def test_reopening_an_open_case_moves_nothing() -> None:
    """Only an ended case starts anew."""
    story = received()
    story.reopened(local(7, 11, 9))
    assert len(judge(story.facts, RULES).cycles) == 1
    assert findings(story) == ["reopened-while-open"]


# -- custody ------------------------------------------------------------------------------------


def handed() -> Story:
    """Counter, district, team, district, and back; the team overruns its twelve hours by three."""
    story = received()
    story.forwarded(local(7, 10, 10), "DL-193", hours=4)
    story.acknowledged(local(7, 10, 11), "DL-193")
    story.forwarded(local(7, 10, 16), "TC-193", by="DL-193", hours=12, step="install")
    story.forwarded(local(7, 12, 17), "DL-193", by="TC-193", hours=4, step="close")
    story.returned(local(7, 14, 9), "DL-193")
    return story


def test_custody_moves_with_every_hand_over() -> None:
    """Each stay with its limit, its acknowledgement and its class."""
    stays = judge(handed().facts, RULES).stays
    assert [(s.unit, s.entered_at, s.left_at, s.due_at) for s in stays] == [
        ("PAC-193", MONDAY, local(7, 10, 10), None),
        ("DL-193", local(7, 10, 10), local(7, 10, 16), local(7, 10, 16)),
        ("TC-193", local(7, 10, 16), local(7, 12, 17), local(7, 12, 10)),
        ("DL-193", local(7, 12, 17), local(7, 14, 9), local(7, 13, 11)),
    ]
    assert [(s.class_a, s.class_b) for s in stays] == [
        (None, None),
        ("on-time", "on-time"),
        ("on-time", "overdue"),
        ("overdue", "overdue"),
    ]
    assert stays[1].acknowledged_at == local(7, 10, 11)


def test_the_delay_is_charged_to_who_used_the_time_and_not_to_the_last_holder_alone() -> None:
    """Late by two hours on Friday; team and district share it by what each overran its own step."""
    judgement = judge(handed().facts, RULES)
    (row,) = judgement.cycles
    assert row.delay_seconds == 2 * HOUR
    overran = {s.step: s.overrun_seconds for s in judgement.stays if s.overrun_seconds}
    assert overran == {"install": 5 * HOUR, "close": 6 * HOUR}
    assert {c.unit: c.seconds for c in judgement.charges} == {"DL-193": 3927, "TC-193": 3273}  # 7,200 s as 6 : 5


def test_a_delay_without_overrun_falls_on_who_held_it_after_due() -> None:
    """No step limits: the district held Friday's two hours."""
    story = received()
    story.forwarded(local(7, 11, 9), "DL-193")
    story.returned(local(7, 14, 9), "DL-193")
    assert [(c.unit, c.seconds) for c in judge(story.facts, RULES).charges] == [("DL-193", 2 * HOUR)]


def test_a_step_pauses_with_the_case() -> None:
    """Four hours from 08:00; two of them the customer's: due 15:30 with lunch."""
    story = received()
    story.forwarded(local(7, 11, 8), "DL-193", hours=4)
    asked = story.supplement(local(7, 11, 9))
    story.supplemented(local(7, 11, 11), asked)
    story.forwarded(local(7, 11, 16), "TC-193", by="DL-193", hours=4)
    stay = judge(story.facts, RULES).stays[1]
    assert stay.due_at == local(7, 11, 16)
    assert stay.utility_seconds == 4 * HOUR


def test_an_acknowledgement_ends_only_the_wait_for_it() -> None:
    """Custody moved at the hand-over already; another unit's word, or a second one, is a finding."""
    story = received()
    story.forwarded(local(7, 11, 8), "DL-193", acknowledge_within=Limit(amount=2, unit="working_hours"))
    story.acknowledged(local(7, 11, 9), "TC-193")
    story.acknowledged(local(7, 11, 10), "DL-193")
    story.acknowledged(local(7, 11, 11), "DL-193")
    stay = judge(story.facts, RULES).stays[1]
    assert (stay.acknowledge_due, stay.acknowledged_at) == (local(7, 11, 10), local(7, 11, 10))
    assert findings(story) == ["acknowledged-by-another", "acknowledged-again"]


def test_an_agency_has_a_clock_of_its_own() -> None:
    """Ten working days from Tuesday by the catalogue; answered late, which is the agency's verdict and not ours."""
    story = received()
    referred = story.referred(local(7, 11, 8))
    story.replied(local(7, 26, 8), answers=referred)
    story.returned(local(7, 27, 9))
    (referral,) = judge(story.facts, RULES).referrals
    assert (referral.due_at, referral.class_a, referral.reply) == (local(7, 25, 17), "overdue", "agreed")
    row = only(story)
    assert row.class_a == "ahead"
    assert row.delay_seconds == 0


def test_parallel_referrals_join_when_all_have_replied() -> None:
    """The first reply does not let the clock run; a pinned limit comes before the catalogue's."""
    story = received()
    story.referred(local(7, 11, 8))
    story.referred(local(7, 11, 9), "QN-SXD", "substation-position", limit=Limit(amount=1, unit="working_days"))
    story.replied(local(7, 12, 8))
    assert only(story).due_at is None
    story.replied(local(7, 12, 9), "QN-SXD")
    row = only(story)
    assert row.agency_seconds == 9 * HOUR
    assert [r.due_at for r in judge(story.facts, RULES).referrals] == [local(7, 25, 17), local(7, 12, 17)]


def test_a_referral_that_the_case_outlives_ends_with_it() -> None:
    """Withdrawn while the agency was asked: no reply, no class."""
    story = received()
    story.referred(local(7, 11, 8))
    story.withdrawn(local(7, 12, 8))
    (referral,) = judge(story.facts, RULES).referrals
    assert (referral.replied_at, referral.ended_at, referral.class_a) == (None, local(7, 12, 8), None)


# -- the set of facts ---------------------------------------------------------------------------


def test_duplicates_fall_together() -> None:
    """The same record any number of times."""
    story = handed()
    assert judge([*story.facts, *story.facts], RULES) == judge(story.facts, RULES)


def test_the_same_id_with_another_body_makes_the_case_incomplete() -> None:
    """Whichever came first; nothing about it is published."""
    story = handed()
    told: routing.DossierForwarded = story.facts[3].fact  # type: ignore[assignment]
    fork = replace(story.facts[3], fact=replace(told, to_unit="TC-194"), hash=b"x")
    one, two = judge([*story.facts, fork], RULES), judge([fork, *story.facts], RULES)
    assert one == two
    assert one.incomplete
    assert all(row.incomplete for row in one.cycles)
    assert all(stay.incomplete for stay in one.stays)


def test_a_cause_never_follows_its_effect() -> None:
    """The team's clock is five minutes behind: the answer counts from when it could have been given."""
    story = received()
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 11, 9, 55), asked)
    story.returned(local(7, 12, 9))
    assert only(story).customer_seconds == 0
    assert findings(story) == []


def test_equal_times_keep_the_order_of_the_stream() -> None:
    """Everything at one instant: causes come before effects, then a stream keeps its versions."""
    story = Story()
    noon = local(7, 11, 9)
    story.received(noon, promise())
    story.forwarded(noon, "DL-193")
    story.forwarded(noon, "TC-193", by="DL-193")
    back = story.returned(noon, "TC-193")
    story.tell(intake.CaseClosed(case_id=story.case_id), noon, cause=back)
    judgement = judge(reversed(story.facts), RULES)
    assert [stay.unit for stay in judgement.stays] == ["PAC-193", "DL-193", "TC-193"]
    assert judgement.findings == ()
    assert judgement.cycles[0].outcome == "released"


def test_a_foreign_fact_ranks_by_its_type_and_its_cause_is_not_used() -> None:
    """An agency's own system says the reply; what it calls its cause may be anything of ours."""
    story = received()
    referred = story.referred(local(7, 11, 8))
    late = story.supplement(local(7, 12, 8))
    reply = routing.AgencyReplied(case_id=story.case_id, agency="QN-SGTVT", answers=referred, outcome="agreed")
    story.tell(reply, local(7, 11, 10), category="foreign", cause=late)
    (referral,) = judge(story.facts, RULES).referrals
    assert referral.replied_at == local(7, 11, 10)


def test_at_one_instant_a_foreign_fact_stands_where_our_own_would() -> None:
    """The reply is routing's kind of fact: after the counter's, before the team's."""
    story = Story()
    noon = local(7, 11, 12)
    reply = routing.AgencyReplied(case_id=story.case_id, agency="QN-SGTVT", outcome="agreed")
    story.tell(reply, noon, category="foreign")
    story.obstructed(noon, "customer")
    story.rated(noon, 5)
    assert [placed[2] for placed in arrange(story.facts).facts] == [RANKS["case"], RANKS["route"], RANKS["workorder"]]


def test_a_stream_whose_clock_ran_backwards_keeps_its_depth() -> None:
    """Its second fact says an earlier time than its first; at that instant a fact without forerunners goes first."""
    story = Story()
    story.rated(local(7, 11, 10), 1)
    story.rated(local(7, 11, 9), 2)
    story.returned(local(7, 11, 9))
    order = [(placed[1], placed[3].partition("-")[0]) for placed in arrange(story.facts).facts]
    assert order == [(0, "route"), (1, "case"), (0, "case")]


def test_a_ring_of_causes_is_judged_all_the_same() -> None:
    """Only a forgery can make one; any order gives the same judgement."""
    story = received()
    asked = story.supplement(local(7, 11, 8))
    story.supplemented(local(7, 11, 9), asked)
    facts = story.facts
    ring = [
        facts[0],
        replace(facts[1], cause=replace(facts[1].cause, causation=facts[2].id)),
        replace(facts[2], cause=replace(facts[2].cause, causation=facts[1].id)),
    ]
    assert judge(ring, RULES) == judge(ring[::-1], RULES)


def test_an_unknown_type_is_kept_out_of_the_judgement() -> None:
    """A newer service said it; this version does not know what it means."""
    story = received()
    plain = judge(story.facts, RULES)
    unknown = replace(story.facts[0], stream="case-z", type="SomethingNew", fact=None, at=local(8, 1))
    assert judge([*story.facts, unknown], RULES) == plain


def test_messages_do_not_move_the_horizon_of_an_open_case() -> None:
    """How often one was sent is not about the case."""
    story = received()
    plain = judge(story.facts, RULES)
    message = intake.MessagePrepared(message_id="m-1", case_id=story.case_id, to="DL-193", template="due", about="a@1")
    story.tell(message, local(7, 12, 9), category="message")
    assert judge(story.facts, RULES) == plain


def test_a_case_without_receipt_exists_and_says_so() -> None:
    """Its receipt may still be on its way."""
    story = Story()
    story.forwarded(local(7, 11, 8), "DL-193")
    story.rated(local(7, 12, 8), 5)
    judgement = judge(story.facts, RULES)
    assert (judgement.case_id, judgement.received, judgement.cycles) == (story.case_id, False, ())
    assert [finding.what for finding in judgement.findings] == ["no-receipt", "before-receipt", "before-receipt"]


def test_no_facts_are_no_case() -> None:
    """Not an error either."""
    empty: Judgement = judge([], RULES)
    assert (empty.case_id, empty.received) == ("", False)


def test_a_second_receipt_moves_nothing() -> None:
    """A dossier is received once."""
    story = received()
    story.received(local(7, 12, 9), promise("MV-CONNECT@2017-07-01"))
    assert only(story).due_at == THURSDAY
    assert findings(story) == ["received-again"]


def test_now_only_runs_an_open_case() -> None:
    """An ended one is the same at any time; an open one's sums and delay run on, its due does not."""
    ended = handed()
    assert judge(ended.facts, RULES, local(12, 1)) == judge(ended.facts, RULES)
    running = only(received(), local(7, 14, 9))
    assert (running.due_at, running.delay_seconds, running.judged_to) == (THURSDAY, 2 * HOUR, local(7, 14, 9))
    assert only(received()).judged_to == MONDAY


def test_fractions_of_a_second_are_dropped() -> None:
    """Half a second after due is still the second of due; sums stay whole."""
    story = received()
    story.returned(THURSDAY + timedelta(milliseconds=500))
    row = only(story)
    assert (row.released_at, row.class_b) == (THURSDAY, "on-time")


def test_a_rating_is_kept_and_the_last_one_counts() -> None:
    """It moves no clock."""
    story = handed()
    story.closed(local(7, 14, 10))
    story.rated(local(7, 14, 11), 2)
    story.rated(local(7, 14, 12), 4)
    assert only(story).stars == 4
