"""What the judge makes of one case: release, class and time, each with the expected value and its reason."""

from dataclasses import replace
from datetime import datetime
from typing import Literal

import pytest
from oracle.judging import HOUR, MONDAY, RULES, SHIPPED, THURSDAY, clocks, findings, only, received
from oracle.swapped import URBAN, services, swap_file
from oracle.telling import Story, local, promise

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile
from deadlines.published import joined
from events.contracts import routing
from events.contracts.terms import Limit, Promise
from sla.judging.judge import Rules, judge, ledger


# -- release and class ---------------------------------------------------------------------------
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
    assert (row.service, row.field) == (None, None)
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
    assert (only(story).class_a, only(story).appointment) == ("overdue", local(7, 14, 17))


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


# -- time ----------------------------------------------------------------------------------------
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
    extra = [{"date": "2017-07-13", "day": "off", "basis": "the day of due itself, declared on the 11th"}]
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


@pytest.mark.parametrize(
    ("cutoff", "at", "due"),
    [
        ("promise", local(7, 14, 15, 0, 1), local(7, 20, 17)),
        ("promise", local(7, 14, 15), local(7, 19, 17)),
        ("transfer", local(7, 14, 15, 0, 1), local(7, 19, 17)),
    ],
)
def test_a_service_may_count_a_late_receipt_as_the_next_day(
    cutoff: Literal["promise", "transfer"], at: datetime, due: datetime
) -> None:
    """Friday after the cut-off is Monday, where the service says so; the hand-over alone moves no promise."""
    urban = replace(URBAN, id="CUT@2017-07-01", cutoff=cutoff)
    rules = Rules(joined(SHIPPED, [services(urban)]))
    assert judge(received(at, promise(urban.id)).facts, rules).cycles[0].due_at == due


@pytest.mark.parametrize("pledge", [None, Promise(calendar="VN-PAC@1999.1", clock_policy="PAUSE", working_days=3)])
@pytest.mark.parametrize(("counter", "hours"), [("PAC-193", 8), ("PAC-194", 16)])
def test_without_a_promise_time_is_that_of_the_counters_own_calendar(
    counter: str, hours: int, pledge: Promise | None
) -> None:
    """So it is when the promise's calendar is not known: Thursday is off at the one counter and worked at the other."""
    own = SHIPPED.unit("PAC-193").model_copy(update={"calendar": "VN-PAC@2017.2"})
    units = tuple(own if unit.code == own.code else unit for unit in SHIPPED.units())
    shipped = CatalogueFile(calendars=tuple(SHIPPED.calendars.values()), units=units)
    story = Story()
    story.received(local(7, 12, 7), pledge, counter=counter)
    story.returned(local(7, 13, 18))
    rules = Rules(Catalogue({"shipped": shipped, "swap": swap_file()}))
    assert judge(story.facts, rules).cycles[0].utility_seconds == hours * HOUR


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


def test_half_a_day_is_240_working_minutes() -> None:
    """From 09:00 over lunch to 15:00; a promise of half a day is a step's limit, promises are in days."""
    story = received()
    half = Limit(amount=240, unit="working_minutes")
    story.tell(
        routing.DossierForwarded(
            case_id=story.case_id, from_unit="PAC-193", to_unit="DL-193", step="assign", limit=half
        ),
        local(7, 11, 9),
    )
    assert judge(story.facts, RULES).stays[1].due_at == local(7, 11, 15)


def test_zero_days_end_with_the_day_itself() -> None:
    """Received at 15:00:01 they end with the next working day."""
    zero = Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", working_days=0)
    assert only(received(MONDAY, zero)).due_at == local(7, 10, 17)
    assert only(received(local(7, 14, 15, 0, 1), zero)).due_at == local(7, 17, 17)


def test_a_reopening_does_not_give_a_second_supplement_away() -> None:
    """One request in each of two cycles are two of the dossier: both are late by Decision 766, and only by it."""
    story = received()
    story.supplemented(local(7, 11, 10), story.supplement(local(7, 11, 9)))
    story.returned(local(7, 12, 9))
    assert [row.class_c for row in judge(story.facts, RULES).cycles] == ["on-time"]
    story.reopened(local(7, 17, 9))
    second = story.supplement(local(7, 18, 9))
    story.supplemented(local(7, 18, 10), second)
    story.returned(local(7, 19, 9))
    rows = judge(story.facts, RULES).cycles
    assert [(row.supplements, row.class_a, row.class_c) for row in rows] == [(1, "ahead", "overdue")] * 2
    story.voided(local(7, 20, 9), second)
    assert [row.class_c for row in judge(story.facts, RULES).cycles] == ["on-time", "on-time"]


def test_a_cycle_without_a_request_is_not_late_for_those_of_another() -> None:
    story = received()
    for hour in (9, 10):
        story.supplemented(local(7, 11, hour, 30), story.supplement(local(7, 11, hour)))
    story.returned(local(7, 12, 9))
    story.reopened(local(7, 17, 9))
    story.returned(local(7, 18, 9))
    assert [row.class_c for row in judge(story.facts, RULES).cycles] == ["overdue", "on-time"]
