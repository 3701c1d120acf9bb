"""Working time: the vectors of the trade, and the laws of the arithmetic."""

import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.telling import local

from deadlines.calendar import Calendar, Hours, Override
from deadlines.errors import OutsideCalendar
from deadlines.instants import day_on, instant_of, local_date, midnight, second_of
from deadlines.load import load

CATALOGUE = load(Path(__file__).parents[2] / "deploy" / "catalogue")
PAC = CATALOGUE.calendar("VN-PAC@2017.1")
ORDINARY = Hours(
    since=date(1990, 1, 1),
    until=None,
    sessions=((7 * 3600, 11 * 3600 + 1800), (13 * 3600 + 1800, 17 * 3600)),
    weekdays=frozenset(range(1, 6)),
)

instants = st.integers(second_of(local(1, 2, year=1990)), second_of(local(12, 1, year=2100))).map(instant_of)
lengths = st.integers(0, 400 * 8 * 3600)


@pytest.mark.parametrize(
    ("after", "n", "expected"),
    [
        ("2017-07-10", 3, "2017-07-13"),  # an ordinary week
        ("2017-07-14", 3, "2017-07-19"),  # Friday: the weekend is not counted
        ("2017-08-30", 3, "2017-09-05"),  # 2 September is a Saturday, made good on Monday the 4th
        ("2017-08-31", 2, "2017-09-05"),  # the same holiday, two days
        ("2017-09-01", 7, "2017-09-13"),  # the same holiday, seven days
        ("2018-02-12", 3, "2018-02-22"),  # Tet week: 14 to 20 February are off
        ("2018-02-12", 7, "2018-02-28"),  # over Tet
        ("2018-12-28", 1, "2019-01-02"),  # 31 December is off by a swap, 1 January by law: year boundary
        ("2019-01-04", 1, "2019-01-05"),  # a Saturday worked for that swap
        ("2025-04-25", 1, "2025-04-26"),  # a Saturday worked for 2 May
        ("2025-04-29", 2, "2025-05-06"),  # 30 April, 1 and 2 May are off
        ("2025-12-31", 1, "2026-01-05"),  # our own override: 2 January 2026 is swapped
        ("2026-01-09", 1, "2026-01-10"),  # with Saturday the 10th, which the package does not know
    ],
)
def test_counted_days(after: str, n: int, expected: str) -> None:
    """The n-th working day after the day of receipt."""
    assert PAC.nth_working_day(date.fromisoformat(after), n) == date.fromisoformat(expected)
    assert PAC.working_days_between(date.fromisoformat(after), date.fromisoformat(expected)) == n


def test_the_holidays_of_2017() -> None:
    """1 and 2 January, 26 January to 1 February, 6 April, 30 April to 2 May, 2 and 4 September."""
    off = {date(2017, 1, 1) + timedelta(days=n) for n in range(365)}
    named = {on for on in off if PAC.holiday(on)}
    expected = {date(2017, 1, 1), date(2017, 1, 2), date(2017, 4, 6), date(2017, 4, 30), date(2017, 5, 1)}
    expected |= {date(2017, 1, 26) + timedelta(days=n) for n in range(7)}
    assert named == expected | {date(2017, 5, 2), date(2017, 9, 2), date(2017, 9, 4)}


def test_a_working_day_has_eight_hours() -> None:
    """07:00-11:30 and 13:30-17:00."""
    assert PAC.working_seconds(local(7, 10), local(7, 11)) == 8 * 3600
    assert PAC.opening_of(date(2017, 7, 10)) == local(7, 10, 7)
    assert PAC.closing_of(date(2017, 7, 10)) == local(7, 10, 17)


def test_lunch_nights_and_weekends_are_not_worked() -> None:
    """From Friday 11:00 to Monday 08:00: half an hour, an afternoon, an hour."""
    assert PAC.working_seconds(local(7, 14, 11), local(7, 17, 8)) == 1800 + 3 * 3600 + 1800 + 3600


def test_segments_name_every_kind_of_time() -> None:
    """The Saturday of 2 September and the Monday after are holidays, the Sunday between them is closed."""
    kinds = [(s.kind, s.end - s.start) for s in PAC.segments(second_of(local(9, 1, 16)), second_of(local(9, 5, 8)))]
    assert kinds == [
        ("worked", 3600),
        ("closed hours", 7 * 3600),
        ("holiday", 24 * 3600),
        ("closed hours", 24 * 3600),
        ("holiday", 24 * 3600),
        ("closed hours", 7 * 3600),
        ("worked", 3600),
    ]


def test_hours_change_with_the_era_and_a_half_day_is_half() -> None:
    """Winter hours from November; a half day is worked in the morning only."""
    winter = Hours(
        since=date(2017, 11, 1), until=None, sessions=((8 * 3600, 12 * 3600),), weekdays=frozenset({1, 2, 3, 4, 5})
    )
    summer = Hours(
        since=date(1990, 1, 1), until=date(2017, 10, 31), sessions=ORDINARY.sessions, weekdays=winter.weekdays
    )
    half = Override(on=date(2017, 7, 10), sessions=((7 * 3600, 11 * 3600),), name="half")
    calendar = Calendar("X@2017.1", country="VN", hours=[summer, winter], overrides=[half], cutoff_at=54000)
    assert calendar.working_seconds(local(7, 10), local(7, 11)) == 4 * 3600
    assert calendar.working_seconds(local(10, 31), local(11, 1)) == 8 * 3600
    assert calendar.working_seconds(local(11, 1), local(11, 2)) == 4 * 3600
    assert calendar.closing_of(date(2017, 7, 10)) == local(7, 10, 11)


MORNING = ((7 * 3600, 11 * 3600),)


def test_a_calendar_is_what_its_data_says() -> None:
    """Days off by law, days off of our own, make-up days, half days, and a holiday that is worked after all."""
    overrides = [
        Override(on=date(2018, 3, 5), sessions=(), name="flood"),
        Override(on=date(2018, 3, 10), sessions=None, name="made good"),
        Override(on=date(2018, 3, 6), sessions=MORNING, name="half"),
        Override(on=date(2018, 5, 1), sessions=MORNING, name="worked after all"),
        Override(on=date(2101, 1, 3), sessions=MORNING, name="beyond the span"),
        Override(on=date(2101, 1, 1), sessions=MORNING, name="just beyond it"),
        Override(on=date(1989, 12, 29), sessions=MORNING, name="before it"),
    ]
    calendar = Calendar("X@2018.1", country="VN", hours=[ORDINARY], overrides=overrides, cutoff_at=54000)
    assert (repr(calendar), calendar.cutoff_at) == ("Calendar('X@2018.1')", 54000)
    week = [calendar.is_working_day(date(2018, 3, 11) + timedelta(days=n)) for n in range(7)]
    assert week == [False, True, True, True, True, True, False]
    off = [date(1990, 1, 1), date(2018, 3, 5), date(2018, 4, 30), date(2018, 12, 31), date(2099, 1, 1)]
    assert [on for on in off if calendar.is_working_day(on)] == []
    worked = {date(2018, 3, 6): 4, date(2018, 3, 7): 8, date(2018, 3, 10): 8, date(2018, 5, 1): 4, date(2019, 1, 5): 8}
    for on, hours in worked.items():
        assert calendar.is_working_day(on)
        assert calendar.worked(midnight(day_on(on)), midnight(day_on(on) + 1)) == hours * 3600
    assert (calendar.holiday(date(2018, 3, 5)), calendar.holiday(date(2018, 5, 1))) == ("flood", None)
    assert calendar.holiday(date(2018, 4, 30)) is not None


def test_the_span_begins_with_its_first_working_day() -> None:
    """1 January 1990 is off: nothing is worked before Tuesday 07:00, and nobody's session began."""
    calendar = Calendar("X@2018.1", country="VN", hours=[ORDINARY], cutoff_at=54000)
    tuesday = second_of(local(1, 2, year=1990))
    assert calendar.worked(tuesday - 10**6, tuesday + 86_400) == 8 * 3600
    assert calendar.session_start(second_of(local(1, 2, 7, year=1990))) == second_of(local(1, 2, 7, year=1990))
    sentence = r"X@2018\.1 covers 1990-01-01 to 2100-12-31; 1990-01-01 23:59:59\+00:00 lies beyond it"
    with pytest.raises(OutsideCalendar, match=sentence):
        calendar.session_start(second_of(local(1, 2, 6, 59, 59, year=1990)))
    with pytest.raises(OutsideCalendar, match="lies beyond"):
        calendar.at_mark(0)
    assert calendar.at_mark(1) == second_of(local(1, 2, 7, 0, 1, year=1990))
    assert calendar.nth_working_day(date(1990, 1, 1), 1) == date(1990, 1, 2)


def test_the_span_ends_with_its_last_working_day() -> None:
    """31 December 2100 is a Friday: the first day after it is an error, not an index that is missing."""
    assert PAC.nth_working_day(date(2100, 12, 30), 1) == date(2100, 12, 31)
    with pytest.raises(OutsideCalendar, match=r"2100-12-30 \+ 2 working days lies beyond it"):
        PAC.nth_working_day(date(2100, 12, 30), 2)


def test_two_calendars_differ_on_the_days_that_are_worked_otherwise() -> None:
    """A swapped day and its Saturday, in order."""
    plain = Calendar("X@2018.1", country="VN", hours=[ORDINARY], cutoff_at=54000)
    swap = [
        Override(on=date(2018, 3, 10), sessions=None, name="made good"),
        Override(on=date(2018, 3, 5), sessions=(), name="swapped"),
    ]
    other = Calendar("X@2018.2", country="VN", hours=[ORDINARY], overrides=swap, cutoff_at=54000)
    assert plain.differs_from(other) == [day_on(date(2018, 3, 5)), day_on(date(2018, 3, 10))]
    assert plain.differs_from(plain) == []


def test_segments_that_begin_at_an_opening_have_no_empty_part() -> None:
    """Every tile has a length; beyond the span nothing is worked."""
    opens = second_of(local(7, 10, 7))
    assert [tuple(tile) for tile in PAC.segments(opens, opens + 60)] == [(opens, opens + 60, "worked")]
    beyond = second_of(local(1, 1, year=2101))
    assert [tile.kind for tile in PAC.segments(beyond, beyond + 86_400)] == ["closed hours"]


def test_beyond_the_calendar_is_an_error_that_says_so() -> None:
    """1990 to 2100; asking further is a clear error and never a wrong date."""
    with pytest.raises(OutsideCalendar, match="1990-01-01 to 2100-12-31"):
        PAC.nth_working_day(date(2100, 12, 30), 5)
    with pytest.raises(OutsideCalendar, match="covers"):
        PAC.add_working_seconds(datetime(2100, 12, 31, tzinfo=UTC), 10**7)
    with pytest.raises(OutsideCalendar, match="not a working day"):
        PAC.closing_of(date(2017, 7, 9))


@given(instants, instants, instants)
def test_working_time_is_monotone_and_additive(a: datetime, b: datetime, c: datetime) -> None:
    """More time is never less work, and the parts add up to the whole."""
    a, b, c = sorted((a, b, c))
    assert 0 <= PAC.working_seconds(a, b) <= PAC.working_seconds(a, c)
    assert PAC.working_seconds(a, b) + PAC.working_seconds(b, c) == PAC.working_seconds(a, c)


@given(instants.filter(lambda at: at.year < 2098), lengths, lengths)
def test_adding_working_time_is_the_inverse_and_additive(start: datetime, some: int, more: int) -> None:
    """What was added is what lies between; adding twice is adding the sum; and it is the earliest such instant."""
    end = PAC.add_working_seconds(start, some)
    assert PAC.working_seconds(start, end) == some
    assert PAC.add_working_seconds(end, more) == PAC.add_working_seconds(start, some + more)
    if some:
        assert PAC.working_seconds(start, end - timedelta(seconds=1)) == some - 1


@given(instants, st.integers(0, 20 * 86400))
def test_segments_tile_and_agree_with_the_index(start: datetime, length: int) -> None:
    """No gap, no overlap, neighbours differ, and the worked ones add up to the look-up."""
    begin, end = second_of(start), second_of(start) + length
    tiles = list(PAC.segments(begin, end))
    assert [tile.start for tile in tiles] == [begin, *(tile.end for tile in tiles)][: len(tiles)]
    assert (tiles[-1].end if tiles else begin) == end
    assert all(one.kind != two.kind for one, two in pairwise(tiles))
    assert sum(t.end - t.start for t in tiles if t.kind == "worked") == PAC.worked(begin, end)


@given(st.dates(date(1990, 1, 2), date(2100, 11, 1)), st.integers(1, 30))
def test_counted_days_go_there_and_back(on: date, n: int) -> None:
    """The n-th working day is a working day with n of them up to it."""
    there = PAC.nth_working_day(on, n)
    assert PAC.is_working_day(there)
    assert PAC.working_days_between(on, there) == n


@given(instants)
def test_instants_keep_their_second_and_local_date(at: datetime) -> None:
    """Seconds there and back; the local date turns at 17:00 UTC."""
    assert instant_of(second_of(at)) == at
    assert local_date(at) == (at + timedelta(hours=7)).date()
    assert midnight(day_on(local_date(at))) <= second_of(at) < midnight(day_on(local_date(at)) + 1)


def test_a_calendar_is_quick_to_build_and_to_ask() -> None:
    """Building every day of 1990-2100 takes well under a second, a question microseconds (bounds are generous)."""
    began = time.perf_counter()
    calendar = Calendar("X@2017.1", country="VN", hours=[ORDINARY], cutoff_at=54000)
    built = time.perf_counter() - began
    start, end = second_of(local(7, 10)), second_of(local(7, 10, year=2090))
    began = time.perf_counter()
    for _ in range(1000):
        calendar.worked(start, end)
        calendar.after(start, 10**7)
    asked = (time.perf_counter() - began) / 2000
    assert built < 0.5
    assert asked < 50e-6
