"""The monthly record: the columns by hand, and the identities over random histories."""

import os
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.telling import Story, local, promise, stories

from deadlines.load import load
from sla.counting.line import Column, Item, Line
from sla.counting.periods import Period, month
from sla.counting.record import Record, record
from sla.judging.judge import Rules, judge
from sla.reports.document import document
from sla.reports.sheets import title

CATALOGUE = load(Path(__file__).parents[2] / "deploy" / "catalogue")
RULES = Rules(CATALOGUE)
KINDS = {unit.code: unit.kind for unit in CATALOGUE.units()}
EXAMPLES = int(os.environ.get("ONEDOOR_EXAMPLES", "100"))
JULY, AUGUST = month(2017, 7), month(2017, 8)


def story(number: int) -> Story:
    return Story(f"000.00.02.H49-170710-{number:04d}")


def counted(period: Period, *told: Story) -> Record:
    """The record over judged stories."""
    judged = [judge(one.facts, RULES) for one in told]
    return record(
        period,
        KINDS,
        [row for j in judged for row in j.cycles],
        [row for j in judged for row in j.stays],
        [row for j in judged for row in j.referrals],
        [row for j in judged for row in j.charges],
    )


def figures(found: Record, unit: str) -> dict[Column, int]:
    """What a unit's line counts, without the indicators of Decision 766."""
    line = found.line(unit)
    assert line is not None
    return {column: len(items) for column, items in line.figures.items() if not column.startswith("766")}


def released(number: int, at: int, **more: bool) -> Story:
    """Received Monday 10 July, due Thursday the 13th, released on a day of July at 09:00."""
    told = story(number)
    told.received(local(7, 10, 9), promise())
    if more.get("sorry"):
        told.extended(local(7, 12, 9), local(7, 20, 17))
    told.returned(local(7, at, 9))
    return told


def test_a_month_by_hand() -> None:
    """Two ahead, one on time, two overdue (one apologised for), one withdrawn, one open late, one open in time."""
    withdrawn, late, waiting = story(6), story(7), story(8)
    withdrawn.received(local(7, 10, 9), promise())
    withdrawn.withdrawn(local(7, 20, 9))
    late.received(local(7, 10, 9), promise())
    waiting.received(local(7, 10, 9), promise())
    waiting.supplement(local(7, 11, 9))
    nothing = story(9)
    nothing.received(local(7, 10, 9), None)
    told = [released(1, 11), released(2, 12), released(3, 13), released(4, 14), released(5, 14, sorry=True)]
    found = counted(JULY, *told, withdrawn, late, waiting, nothing)
    expected = {
        "received": 8, "received direct": 8, "solved": 6, "ahead": 2, "on time": 2, "overdue": 2,
        "with apology": 1, "without apology": 1,
        "without result": 1, "withdrawn": 1, "open": 2, "open overdue": 1, "open in time": 1, "waiting": 1,
        "undetermined": 1,
    }  # fmt: skip
    assert figures(found, "PAC-193") == figures(found, "PC-QN") == expected
    line = found.line("PAC-193")
    assert line is not None
    assert line.on_time_share == 3 / 5
    assert line.items("overdue") == [Item(told[3].case_id, 1), Item(told[4].case_id, 1)]
    assert found.broken() == []


@pytest.mark.parametrize("outcome", ["refused", "withdrawn", "stopped"])
def test_what_ends_without_a_result_is_in_no_ratio(outcome: Column) -> None:
    """Long after due: in the column of what is on time, so that the identities hold, and in none of the shares."""
    ended = story(2)
    ended.received(local(7, 10, 9), promise())
    getattr(ended, outcome)(local(7, 28, 9))
    found = counted(JULY, released(1, 14), ended)
    line = found.line("PAC-193")
    assert line is not None
    assert [line.count(column) for column in ("on time", "without result", outcome, "overdue")] == [1, 1, 1, 1]
    assert line.on_time_share == 0
    assert found.broken() == []


def test_what_is_open_is_carried_over() -> None:
    """Received on 31 July, released in August: carried over once, received once."""
    told = story(1)
    told.received(local(7, 31, 9), promise())
    told.returned(local(8, 3, 9))
    july, august = counted(JULY, told), counted(AUGUST, told)
    assert figures(july, "PAC-193") == {"received": 1, "received direct": 1, "open": 1, "open in time": 1}
    assert figures(august, "PAC-193") == {"carried over": 1, "solved": 1, "on time": 1}
    assert august.broken(july) == []


def test_a_day_ends_at_midnight_in_quang_ninh() -> None:
    """23:59:59 on the 31st is July; a second later it is August. In UTC both were July."""
    told, next_day = story(1), story(2)
    told.received(local(7, 31, 23, 59, 59), promise())
    next_day.received(local(8, 1), promise())
    assert figures(counted(JULY, told, next_day), "PAC-193")["received"] == 1
    assert figures(counted(AUGUST, told, next_day), "PAC-193")["received"] == 1


@pytest.mark.parametrize(("day", "column"), [(25, "open overdue"), (26, "open in time"), (27, "open in time")])
def test_an_open_dossier_is_overdue_by_date(day: int, column: Column) -> None:
    """Due on Friday 28 July (received the 25th), Monday the 31st (the 26th) or 1 August: only a date before counts."""
    told = story(1)
    told.received(local(7, day, 9), promise())
    assert figures(counted(JULY, told), "PAC-193")[column] == 1


@pytest.mark.parametrize(("today", "column"), [(12, "open in time"), (13, "open in time"), (14, "open overdue")])
def test_in_the_middle_of_a_month_only_what_is_late_by_now_is_late(today: int, column: Column) -> None:
    """Due on Thursday the 13th: late on the 14th, whatever the end of the month will say."""
    told = story(1)
    told.received(local(7, 10, 9), promise())
    found = counted(JULY.on(date(2017, 7, today)), told)
    assert figures(found, "PAC-193") == {"received": 1, "received direct": 1, "open": 1, column: 1}
    line = found.line("PAC-193")
    assert line is not None
    assert line.count("766 pending late") == (column == "open overdue")
    assert len(found.annex) == (column == "open overdue")
    assert found.broken() == []


def test_a_record_of_a_month_that_is_not_over_says_so() -> None:
    """On paper and in JSON; one that is over is known by its dates alone."""
    told = document(counted(JULY.on(date(2017, 7, 13)), released(1, 12)), CATALOGUE, items=False)
    assert told["seen"] == "2017-07-13"
    assert title(told).vi.endswith("từ 01/07/2017 đến 31/07/2017, tính đến ngày 13/07/2017")
    assert "seen" not in document(counted(JULY.on(date(2017, 8, 1)), released(1, 12)), CATALOGUE, items=False)


def test_a_wait_that_began_after_due_is_overdue() -> None:
    """Column 13, not 12."""
    told = story(1)
    told.received(local(7, 10, 9), promise())
    told.supplement(local(7, 20, 9))
    found = figures(counted(JULY, told), "PAC-193")
    assert found == {"received": 1, "received direct": 1, "open": 1, "open overdue": 1}


def test_a_wait_that_ended_later_was_a_wait_then() -> None:
    """The July record is the same whether it is counted in August or in October."""
    told = story(1)
    told.received(local(7, 10, 9), promise())
    asked = told.supplement(local(7, 11, 9))
    before = figures(counted(JULY, told), "PAC-193")
    told.supplemented(local(8, 15, 9), asked)
    told.returned(local(8, 16, 9))
    assert before == figures(counted(JULY, told), "PAC-193") == {
        "received": 1, "received direct": 1, "open": 1, "open in time": 1, "waiting": 1,
    }  # fmt: skip


def test_a_wait_that_ends_with_the_period_was_a_wait_in_it() -> None:
    """Answered at midnight: the last instant of July was still the customer's, the first of August is not."""
    told = story(1)
    told.received(local(7, 31, 9), promise("LV-RES-RURAL@2017-07-01"))
    asked = told.supplement(local(7, 31, 10))
    told.supplemented(local(8, 1), asked)
    assert figures(counted(JULY, told), "PAC-193")["waiting"] == 1
    first = Period(date(2017, 8, 1), date(2017, 8, 2))
    assert "waiting" not in figures(counted(first, told), "PAC-193")


def test_a_reopened_cycle_is_received_again() -> None:
    """In the month of its reopening; the first one stays what it was."""
    told = released(1, 14)
    told.reopened(local(8, 14, 9))
    told.returned(local(8, 15, 9))
    assert figures(counted(JULY, told), "PAC-193")["overdue"] == 1
    assert figures(counted(AUGUST, told), "PAC-193") == {"received": 1, "received direct": 1, "solved": 1, "ahead": 1}


def test_departments_and_teams_count_stays_and_agencies_referrals() -> None:
    """A stay by its step's limit, one without a limit undetermined; an agency by its own limit."""
    told = story(1)
    told.received(local(7, 10, 9), promise())
    told.forwarded(local(7, 10, 10), "DL-193", hours=4)
    told.forwarded(local(7, 11, 9), "TC-193", by="DL-193")
    told.referred(local(7, 11, 10))
    told.replied(local(7, 12, 10))
    told.forwarded(local(7, 12, 11), "DL-193", by="TC-193", hours=4)
    told.returned(local(7, 12, 12), "DL-193")
    found = counted(JULY, told)
    assert [(line.unit, line.kind) for line in found.lines] == [
        ("PC-QN", "organisation"),
        ("PAC-193", "counter"),
        ("DL-193", "department"),
        ("TC-193", "team"),
        ("QN-SGTVT", "agency"),
    ]
    assert figures(found, "DL-193") == {
        "received": 2,
        "received direct": 2,
        "solved": 2,
        "overdue": 1,
        "without apology": 1,
        "on time": 1,
    }
    assert figures(found, "TC-193") == {"undetermined": 1}
    assert figures(found, "QN-SGTVT") == {"received": 1, "received direct": 1, "solved": 1, "ahead": 1}


def test_an_incomplete_case_is_in_no_term() -> None:
    """A column of its own."""
    judgement = judge(released(1, 14).facts, RULES, incomplete=True)
    found = record(JULY, KINDS, judgement.cycles, judgement.stays)
    assert figures(found, "PAC-193") == {"incomplete": 1}
    assert found.broken() == []


def test_nothing_solved_has_no_share() -> None:
    """Not available, not zero and not a hundred."""
    told = story(1)
    told.received(local(7, 10, 9), promise())
    line = counted(JULY, told).line("PAC-193")
    assert line is not None
    assert (line.on_time_share, line.mv_averages, line.ratings) == (None, None, None)


def test_medium_voltage_days_are_the_companys() -> None:
    """Two utility days, five of the customer's own works; elapsed days are said beside them."""
    told = story(1)
    told.received(local(7, 10, 16), promise("MV-CONNECT@2017-07-01"))
    works = told.works(local(7, 12, 7))
    told.worked(local(7, 19, 7), works)
    told.returned(local(7, 19, 17))
    told.closed(local(7, 20, 9))
    told.rated(local(7, 20, 10), 4)
    line = counted(JULY, told).line("PC-QN")
    assert line is not None
    averages = line.mv_averages
    assert averages is not None
    assert (averages.cases, averages.utility_days, averages.customer_days, averages.agency_days) == (1, 2.0, 5.0, 0.0)
    assert averages.elapsed_days == pytest.approx(9 + 1 / 24)
    assert line.ratings == (1, 4.0)


def test_a_month_of_the_year_end() -> None:
    """December ends with the year."""
    assert month(2017, 12) == Period(date(2017, 12, 1), date(2018, 1, 1))
    assert month(2017, 7).ends == local(8, 1)


def test_a_broken_identity_is_a_sentence() -> None:
    """The checker itself."""
    line = Line("PAC-193", "counter", {"received": [Item("a", 1)], "open": [Item("b", 1)], "overdue": [Item("a", 1)]})
    assert len(line.broken()) == 5
    whole = Record(JULY, (line,))
    assert "is not what was carried over" in Record(AUGUST, ()).broken(whole)[0]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(stories(), min_size=1, max_size=4), st.integers(1, 9), st.integers(0, 3))
def test_the_identities_hold_for_every_unit_and_period(told: list[Story], days: int, shift: int) -> None:
    """Any periods, any histories; what is open at one end is carried over at the next begin."""
    judged = [judge(one.facts, RULES) for one in told]
    cycles = [row._replace(case_id=f"c{number}") for number, j in enumerate(judged) for row in j.cycles]
    stays = [row._replace(case_id=f"c{number}") for number, j in enumerate(judged) for row in j.stays]
    referrals = [row._replace(case_id=f"c{number}") for number, j in enumerate(judged) for row in j.referrals]
    charges = [row._replace(case_id=f"c{number}") for number, j in enumerate(judged) for row in j.charges]
    first = date(2017, 7, 8) + timedelta(days=shift)
    edges = [first + timedelta(days=days * number) for number in range(8)]
    records = [record(Period(a, b), KINDS, cycles, stays, referrals, charges) for a, b in pairwise(edges)]
    assert [sentence for found in records for sentence in found.broken()] == []
    assert [sentence for before, found in pairwise(records) for sentence in found.broken(before)] == []


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories(corrections=False), st.integers(0, 20))
def test_a_closed_period_is_not_changed_by_what_happens_after_it(told: Story, days: int) -> None:
    """Facts that happened after the period, said after it, leave its figures as they were (corrections may not)."""
    period = Period(date(2017, 7, 1), date(2017, 7, 10) + timedelta(days=days))
    ordered = sorted(told.facts, key=lambda fact: fact.at)
    # Facts whose order was repaired belong to a later time than they say, so keep the cut to honest clocks.
    if any(fact.at < cause.at for fact in ordered for cause in ordered if cause.id == fact.cause.causation):
        return
    if any(f.at < g.at for f in ordered for g in ordered if g.id == getattr(f.fact, "answers", None)):
        return
    then = judge([fact for fact in ordered if fact.at < period.ends], RULES)
    now = judge(ordered, RULES)
    was = record(period, KINDS, then.cycles, then.stays, then.referrals, then.charges)
    stands = record(period, KINDS, now.cycles, now.stays, now.referrals, now.charges)
    assert {line.unit: line.figures for line in was.lines} == {line.unit: line.figures for line in stands.lines}
    assert {(line.kind, line.unit): (line.figures, line.mv_sums, line.delay_seconds) for line in was.cuts} == {
        (line.kind, line.unit): (line.figures, line.mv_sums, line.delay_seconds) for line in stands.cuts
    }
