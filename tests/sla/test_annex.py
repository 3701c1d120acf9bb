"""The overdue annex by hand: whose doing a delay is, who is charged, and how long steps take."""

import pytest
from oracle.judging import HOUR, MONDAY, RULES, handed, received
from oracle.telling import Story, local, promise
from sla_at_work import KINDS

from events.contracts.terms import Promise
from sla.counting.annex import Delay, Dwell, Held, Late, nearest_rank
from sla.counting.line import Item
from sla.counting.periods import month
from sla.counting.record import Record, record
from sla.judging.judge import judge

JULY = month(2017, 7)


def recorded(*told: Story, step: int = 1) -> Record:
    judged = [judge(one.facts, RULES) for one in told]
    return record(
        JULY,
        KINDS,
        [row for j in judged for row in j.cycles][::step],
        [row for j in judged for row in j.stays][::step],
        [row for j in judged for row in j.referrals][::step],
        [row for j in judged for row in j.charges][::step],
    )


def only(told: Story) -> Late:
    (late,) = recorded(told).annex
    return late


def test_the_line_of_an_overdue_dossier() -> None:
    """Due Thursday 17:00, released Friday 09:00: two hours, all of them the team's, which overran its twelve."""
    late = only(handed())
    assert late == Late(
        item=Item("000.00.02.H49-170710-0001", 1), counter="PAC-193", organisation="PC-QN",
        service="LV-RES-URBAN@2017-07-01", due_at=local(7, 13, 17), released_at=local(7, 14, 9),
        delay_seconds=2 * HOUR, cause="staff", apology=False, unit="DL-193",
        holders=late.holders,
    )  # fmt: skip
    assert late.subjective
    assert sum(held.seconds for held in late.holders) == late.delay_seconds


def test_rows_in_any_order_give_the_same_line() -> None:
    """The unit in charge at the end is the one of the last stay, not of the last row."""
    assert recorded(handed(), step=-1).annex == recorded(handed()).annex


def test_a_delay_without_an_overrun_is_the_mechanism() -> None:
    """Nobody had a limit of their own: the steps together are longer than the promise."""
    told = received()
    told.forwarded(local(7, 10, 10), "DL-193")
    told.returned(local(7, 14, 9), "DL-193")
    late = only(told)
    assert (late.cause, late.subjective) == ("mechanism", False)
    assert late.holders == (Held("DL-193", 2 * HOUR),)


def test_an_agency_that_answers_late_is_the_cause() -> None:
    """Asked after due for ten working days, it takes more."""
    told = received()
    asked = told.referred(local(7, 13, 17))
    told.replied(local(7, 28, 9), answers=asked)
    told.returned(local(7, 28, 10))
    assert only(told).cause == "other-agency"


def test_waiting_for_the_customer_after_due_is_the_customers() -> None:
    """The company's clock never ran between due and release."""
    told = received()
    asked = told.supplement(local(7, 13, 17))
    told.supplemented(local(7, 20, 9), asked)
    told.returned(local(7, 20, 9))
    late = only(told)
    assert (late.delay_seconds, late.cause) == (0, "customer")


def test_closed_hours_alone_are_nobodys() -> None:
    """Due on Friday at closing, released on Saturday: late by date, and no working second passed."""
    told = received(MONDAY, Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", due=local(7, 14, 17)))
    told.returned(local(7, 15, 9))
    late = only(told)
    assert (late.delay_seconds, late.cause, late.holders) == (0, "mechanism", ())


def test_an_open_overdue_dossier_is_listed_and_not_charged_yet() -> None:
    """Open at the end of July, released in August: July's annex has it, August's delay by unit."""
    told = received()
    told.forwarded(local(7, 10, 10), "DL-193", hours=4)
    told.returned(local(8, 2, 9), "DL-193")
    found = recorded(told)
    (late,) = found.annex
    assert (late.released_at, late.unit, found.delays, found.broken()) == (None, "DL-193", (), [])


def test_delay_by_unit_adds_up_over_dossiers() -> None:
    """The greatest first."""
    other = Story("000.00.02.H49-170710-0002")
    other.received(MONDAY, promise())
    other.returned(local(7, 17, 9))
    found = recorded(handed(), other)
    assert found.delays[0] == Delay("PAC-193", 1, 10 * HOUR)
    assert sum(one.seconds for one in found.delays) == sum(one.delay_seconds for one in found.annex) == 12 * HOUR
    assert found.broken() == []


def test_how_long_steps_take() -> None:
    """Stays that ended in the period, by unit and step, in the utility's seconds."""
    dwells = {(one.unit, one.step): one for one in recorded(handed()).dwells}
    assert dwells["TC-193", "install"] == Dwell("TC-193", "install", 1, 16 * HOUR, 16 * HOUR, 16 * HOUR)
    assert dwells["PAC-193", "reception"].longest == 0  # all on the day of receipt, which is nobody's


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (10, 1), (50, 5), (90, 9), (91, 10), (100, 10)])
def test_percentiles_are_lengths_that_were_taken(percent: int, expected: int) -> None:
    """Nearest rank of ten lengths."""
    assert nearest_rank([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], percent) == expected
