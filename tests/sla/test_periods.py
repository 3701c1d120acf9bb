"""How the year is cut."""

from datetime import date

import pytest
from oracle.judging import SHIPPED
from oracle.telling import local

from sla.counting.periods import Period, ending_in, month


@pytest.mark.parametrize(
    ("name", "year", "number", "since", "until"),
    [
        ("calendar-month", 2017, 7, date(2017, 7, 1), date(2017, 8, 1)),
        ("calendar-month", 2017, 12, date(2017, 12, 1), date(2018, 1, 1)),
        ("calendar-month", 2020, 2, date(2020, 2, 1), date(2020, 3, 1)),
        ("15th-to-14th", 2017, 7, date(2017, 6, 15), date(2017, 7, 15)),
        ("15th-to-14th", 2018, 1, date(2017, 12, 15), date(2018, 1, 15)),
    ],
)
def test_named_periods(name: str, year: int, number: int, since: date, until: date) -> None:
    """By the month in which they end."""
    assert ending_in(SHIPPED.period(name).first_day, year, number) == Period(since, until)


def test_a_period_is_made_of_local_days() -> None:
    """It begins at midnight in Quang Ninh, and its name says its dates."""
    july = month(2017, 7)
    assert (july.begins, july.ends, july.overdue_before) == (local(7, 1), local(8, 1), local(7, 31))
    assert july.id == "2017-07-01-2017-08-01"
    assert july.contains(local(7, 1)) > july.contains(local(8, 1)) == july.contains(None)


def test_a_period_that_is_not_over_is_told_of_as_of_today() -> None:
    """Nothing is late before its time has come; when it is over, no day says otherwise."""
    july = month(2017, 7)
    today = july.on(date(2017, 7, 20))
    assert (today.overdue_before, today.late_before, today.ends) == (local(7, 20), local(7, 20), july.ends)
    assert july.on(date(2017, 7, 31)).overdue_before == july.overdue_before
    assert july.on(date(2017, 8, 1)) == july
    assert july.on(date(2017, 6, 1)).overdue_before == july.begins
