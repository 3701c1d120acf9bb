"""Days that the Government swapped: an ordinary day is off and a Saturday is worked for it, with due dates across both.

Every expected date is counted by hand from the holidays around the swap.
"""

from datetime import date, datetime

import pytest
from oracle.judging import SHIPPED
from oracle.telling import local

from deadlines.calendar import national_days
from deadlines.instants import day_on
from deadlines.promise import due
from events.contracts.terms import Limit

PAC = SHIPPED.calendar("VN-PAC@2017.1")
OURS = "2026-01-10"  # 12729/VPCP-KGVX: an override of ours, the package does not know it

SWAPS = [
    # off          worked        received      {working days: due}
    # Tet 13 to 18 February; then Monday the 22nd is the first day, and that week has six.
    ("2010-02-19", "2010-02-27", "2010-02-12", {1: "2010-02-22", 5: "2010-02-26", 6: "2010-02-27", 7: "2010-03-01"}),
    # Tet 22 to 26 January; Monday the 30th, and that week has six.
    ("2012-01-27", "2012-02-04", "2012-01-20", {1: "2012-01-30", 5: "2012-02-03", 6: "2012-02-04", 7: "2012-02-06"}),
    # With 30 April and 1 May: Thursday 2, Friday 3, Saturday 4 May.
    ("2013-04-29", "2013-05-04", "2013-04-26", {1: "2013-05-02", 2: "2013-05-03", 3: "2013-05-04", 4: "2013-05-06"}),
    # Worked before: Saturday 26, Monday 28, Tuesday 29 April; 30 April to Sunday 4 May are off.
    ("2014-05-02", "2014-04-26", "2014-04-25", {1: "2014-04-26", 2: "2014-04-28", 3: "2014-04-29", 4: "2014-05-05"}),
    # With 2 September, a Tuesday: Wednesday 3 to Saturday 6.
    ("2014-09-01", "2014-09-06", "2014-08-29", {1: "2014-09-03", 3: "2014-09-05", 4: "2014-09-06", 5: "2014-09-08"}),
    # Over the year: Saturday 27, Monday 29 to Wednesday 31 December; 1 to 4 January are off.
    ("2015-01-02", "2014-12-27", "2014-12-26", {1: "2014-12-27", 2: "2014-12-29", 4: "2014-12-31", 5: "2015-01-05"}),
    # The Saturday before Tet; Monday 16 is swapped and 17 to 23 February are Tet.
    ("2015-02-16", "2015-02-14", "2015-02-13", {1: "2015-02-14", 2: "2015-02-24", 3: "2015-02-25"}),
    # Between Hung Kings' day, the 28th, and 30 April: Saturday 25, Monday 27, then Monday 4 May.
    ("2015-04-29", "2015-04-25", "2015-04-24", {1: "2015-04-25", 2: "2015-04-27", 3: "2015-05-04"}),
    # Over the year: 1 January is off too; Wednesday 2 to Saturday 5.
    ("2018-12-31", "2019-01-05", "2018-12-28", {1: "2019-01-02", 3: "2019-01-04", 4: "2019-01-05", 5: "2019-01-07"}),
    # As in 2013.
    ("2019-04-29", "2019-05-04", "2019-04-26", {1: "2019-05-02", 2: "2019-05-03", 3: "2019-05-04", 4: "2019-05-06"}),
    ("2024-04-29", "2024-05-04", "2024-04-26", {1: "2024-05-02", 2: "2024-05-03", 3: "2024-05-04", 4: "2024-05-06"}),
    # As in 2014: 30 April is a Wednesday again.
    ("2025-05-02", "2025-04-26", "2025-04-25", {1: "2025-04-26", 2: "2025-04-28", 3: "2025-04-29", 4: "2025-05-05"}),
    # Worked nine days before: Saturday 22, Monday 24 to Friday 28; 1 and 2 September are off too.
    ("2026-08-31", "2026-08-22", "2026-08-21", {1: "2026-08-22", 2: "2026-08-24", 6: "2026-08-28", 7: "2026-09-03"}),
    # With 1 January, a Thursday: Monday 5 to Saturday 10.
    ("2026-01-02", OURS, "2025-12-31", {1: "2026-01-05", 5: "2026-01-09", 6: "2026-01-10", 7: "2026-01-12"}),
]  # fmt: skip


def at(day: str, hour: int, minute: int = 0, second: int = 0) -> datetime:
    on = date.fromisoformat(day)
    return local(on.month, on.day, hour, minute, second, year=on.year)


def days(n: int) -> Limit:
    return Limit(amount=n, unit="working_days")


@pytest.mark.parametrize(("off", "worked", "received", "dues"), SWAPS, ids=[swap[0] for swap in SWAPS])
def test_a_swapped_day_is_off_and_its_saturday_counts(
    off: str, worked: str, received: str, dues: dict[int, str]
) -> None:
    """The day is printed as a holiday, the Saturday has the hours of any day, and promises count it."""
    swapped, saturday = date.fromisoformat(off), date.fromisoformat(worked)
    assert (swapped.weekday() < 5, saturday.weekday()) == (True, 5)
    assert (PAC.is_working_day(swapped), PAC.is_working_day(saturday)) == (False, True)
    assert PAC.holiday(swapped) is not None
    assert (PAC.opening_of(saturday), PAC.closing_of(saturday)) == (at(worked, 7), at(worked, 17))
    assert PAC.working_seconds(at(worked, 0), at(worked, 23)) == 8 * 3600
    assert {n: due(PAC, days(n), at(received, 9)) for n in dues} == {n: at(day, 17) for n, day in dues.items()}


def test_every_saturday_that_the_package_has_worked_is_among_them() -> None:
    """A newer package that knows another swap needs its line here."""
    assert {day_on(on) for on in national_days("VN")[1]} == {
        day_on(date.fromisoformat(worked)) for _, worked, _, _ in SWAPS if worked != OURS
    }


@pytest.mark.parametrize(
    ("received", "limit", "expected"),
    [
        (at("2018-12-31", 9), days(1), at("2019-01-02", 17)),  # on the swapped day: it keeps its date
        (at("2018-12-31", 9), days(0), at("2019-01-02", 17)),  # zero days on a day off: the next working day
        (at("2019-01-05", 9), days(0), at("2019-01-05", 17)),  # zero days on a Saturday that is worked: its closing
        (at("2019-01-05", 15, 0, 1), days(0), at("2019-01-07", 17)),  # after its cut-off: Monday
        (at("2026-01-10", 9), days(1), at("2026-01-12", 17)),  # a Saturday of receipt is not counted, worked or not
        # Friday 16:00 and four hours: one of them on Friday, three on the Saturday from 07:00.
        (at("2019-01-04", 16), Limit(amount=4, unit="working_hours"), at("2019-01-05", 10)),
        # The same before a swapped Monday: three on Wednesday the 2nd, after 31 December and 1 January.
        (at("2018-12-28", 16), Limit(amount=4, unit="working_hours"), at("2019-01-02", 10)),
    ],
)
def test_receipt_and_hours_around_a_swap(received: datetime, limit: Limit, expected: datetime) -> None:
    """A swapped day is like a holiday and its Saturday like a Friday, whatever the limit is counted in."""
    assert due(PAC, limit, received) == expected


def test_a_pause_over_a_worked_saturday_moves_due_by_its_hours() -> None:
    """Received on Thursday with two days, due on the Saturday; paused for just its eight hours, due on Monday."""
    received = at("2019-01-03", 9)
    assert due(PAC, days(2), received) == at("2019-01-05", 17)
    pause = (at("2019-01-04", 17), at("2019-01-07", 7))
    assert due(PAC, days(2), received, pauses=[pause]) == at("2019-01-07", 17)


@pytest.mark.parametrize(
    ("off", "worked"),
    [
        # 2 September has a day beside it since 2021: the 3rd, or the 1st, whichever makes the longer rest.
        (["2020-09-02"], ["2020-09-01", "2020-09-03"]),
        (["2021-09-02", "2021-09-03"], ["2021-09-01", "2021-09-06"]),
        (["2022-09-01", "2022-09-02"], ["2022-08-31", "2022-09-05"]),
        (["2024-09-02", "2024-09-03"], ["2024-08-30", "2024-09-04"]),
        (["2025-09-01", "2025-09-02"], ["2025-08-29", "2025-09-03"]),
        # Saturday and Sunday, 30 April and 1 May 2022, are made good on Monday and Tuesday.
        (["2022-05-02", "2022-05-03"], ["2022-04-29", "2022-05-04"]),
        # Hung Kings' day is a Saturday and 30 April a Sunday; both made good after 1 May.
        (["2023-05-01", "2023-05-02", "2023-05-03"], ["2023-04-28", "2023-05-04"]),
        # Hung Kings' day (10/3 of the moon) on a Sunday, made good on Monday.
        (["2019-04-15"], ["2019-04-12", "2019-04-16"]),
        # Five days of Tet since 2013; its Saturday and Sunday are made good on Thursday and Friday.
        (["2013-02-11", "2013-02-12", "2013-02-13", "2013-02-14", "2013-02-15"], ["2013-02-08", "2013-02-18"]),
        # Vietnam Culture Day since 2026 (Resolution 80-NQ/TW).
        (["2026-11-24"], ["2025-11-24", "2026-11-23", "2026-11-25"]),
    ],
)
def test_public_holidays_as_the_law_has_them(off: list[str], worked: list[str]) -> None:
    """Those that moved in a later year than 2017, and weekends that are made good."""
    assert [day for day in off if PAC.is_working_day(date.fromisoformat(day))] == []
    assert [day for day in worked if not PAC.is_working_day(date.fromisoformat(day))] == []
