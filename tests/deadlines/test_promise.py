"""When a promise falls due, and which class a release is: every vector of the trade with its reason."""

from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.telling import local

from deadlines.instants import instant_of, second_of
from deadlines.load import load
from deadlines.promise import due, merged
from deadlines.verdict import by_date, by_session
from events.contracts.terms import Limit

PAC = load(Path(__file__).parents[2] / "deploy" / "catalogue").calendar("VN-PAC@2017.1")


def days(n: int) -> Limit:
    return Limit(amount=n, unit="working_days")


def hours(n: int) -> Limit:
    return Limit(amount=n, unit="working_hours")


MONDAY = local(7, 10, 9)
THREE_DAYS = local(7, 13, 17)


@pytest.mark.parametrize(
    ("received", "limit", "expected"),
    [
        (MONDAY, days(3), THREE_DAYS),  # the day of receipt is not counted
        (local(7, 14, 17, 1), days(3), local(7, 19, 17)),  # 17:01 on Friday keeps its date
        (local(7, 15, 9), days(3), local(7, 19, 17)),  # a Saturday keeps its date; Monday is the first day
        (local(1, 5, 9, year=2019), days(1), local(1, 7, 17, year=2019)),  # a make-up Saturday is the day of receipt
        (local(1, 4, 9, year=2019), days(1), local(1, 5, 17, year=2019)),  # ... and the first counted day after Friday
        (local(7, 10, 12), days(3), THREE_DAYS),  # at lunch
        (local(7, 10, 23, 59, 59), days(3), THREE_DAYS),  # the last second of Monday is still Monday
        (local(7, 11), days(3), local(7, 14, 17)),  # a second later it is Tuesday
        (local(7, 10, 15), days(3), THREE_DAYS),  # exactly at the cut-off
        (local(7, 10, 15, 0, 1), days(3), THREE_DAYS),  # after it: only the hand-over may wait
        (local(9, 1, 9), days(7), local(9, 13, 17)),  # over 2 September
        (local(2, 12, 9, year=2018), days(3), local(2, 22, 17, year=2018)),  # over Tet
        (local(12, 29, 9), days(1), local(1, 2, 17, year=2018)),  # over the year
        (MONDAY, days(0), local(7, 10, 17)),  # zero days: closing of the same day
        (local(7, 10, 15), days(0), local(7, 10, 17)),  # exactly 15:00:00 is still the same day
        (local(7, 10, 15, 0, 1), days(0), local(7, 11, 17)),  # after it the next working day
        (local(7, 15, 9), days(0), local(7, 17, 17)),  # on a closed day the next working day
        (
            MONDAY,
            Limit(amount=240, unit="working_minutes"),
            local(7, 10, 15),
        ),  # half a day is 240 minutes: 2.5 h + 1.5 h
        (MONDAY, hours(8), local(7, 11, 9)),  # eight hours of work are a day and a night
        (local(7, 10, 17, 1), hours(1), local(7, 11, 8)),  # hours received after closing begin the next morning
        (MONDAY, hours(6), local(7, 10, 17)),  # exactly at closing, not at the next opening
        (MONDAY, hours(0), MONDAY),  # no time at all
        (MONDAY, local(7, 12, 16, 30), local(7, 12, 16, 30)),  # stated on the receipt
    ],
)
def test_due(received: datetime, limit: Limit | datetime, expected: datetime) -> None:
    """Receipt and limit give one instant."""
    assert due(PAC, limit, received) == expected


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (local(7, 14, 15, 0, 1), local(7, 20, 17)),  # Friday after the cut-off counts as Monday
        (local(7, 14, 15), local(7, 19, 17)),  # exactly at it does not
        (local(7, 14, 9), local(7, 19, 17)),
    ],
)
def test_a_cutoff_that_moves_the_promise(received: datetime, expected: datetime) -> None:
    """`cutoff: promise` is data of a service; the default moves only the hand-over."""
    assert due(PAC, days(3), received, cutoff="promise") == expected


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        ([(local(7, 11, 10), local(7, 12, 15))], local(7, 17, 10)),  # 660 working minutes
        ([(local(7, 10, 10), local(7, 10, 15))], THREE_DAYS),  # within the day of receipt: not counted for anyone
        ([(local(7, 10, 10), local(7, 11, 8))], local(7, 14, 8)),  # only the hour of Tuesday moves it
        ([(local(7, 13, 17), local(7, 14, 17))], THREE_DAYS),  # begins exactly at due
        ([(local(7, 14, 9), local(7, 17, 9))], THREE_DAYS),  # begins while already overdue
        ([(local(7, 13, 16, 59, 59), local(7, 14, 17))], local(7, 17, 7, 0, 1)),  # one second before due: 8 h 0 min 1 s
        # Two overlapping pauses are one: 08:00 to 15:00 is five and a half hours, counted once.
        ([(local(7, 11, 8), local(7, 11, 14)), (local(7, 11, 10), local(7, 11, 15))], local(7, 14, 14)),
        ([(local(7, 11, 10), None)], None),  # never resumed: no due instant while it lasts
        ([(local(7, 14, 9), None)], THREE_DAYS),  # never resumed, but begun after due
        ([(local(7, 12, 18), local(7, 13, 6))], THREE_DAYS),  # a night: no working time inside
        # The first moves due to Friday 17:00, so that the second, on Friday, still begins before it.
        ([(local(7, 12, 7), local(7, 12, 17)), (local(7, 14, 7), local(7, 14, 8))], local(7, 17, 8)),
    ],
)
def test_pauses_move_due_forward(pauses: list[tuple[datetime, datetime | None]], expected: datetime | None) -> None:
    """Received Monday 09:00 with three days, due Thursday 17:00, then paused."""
    assert due(PAC, days(3), MONDAY, pauses=pauses) == expected


def test_a_pause_moves_a_limit_in_hours_from_receipt_on() -> None:
    """Hours count from receipt, so a pause on the same day moves them."""
    assert due(PAC, hours(4), MONDAY, pauses=[(local(7, 10, 10), local(7, 10, 11))]) == local(7, 10, 16)


def test_zero_days_leave_the_day_of_receipt_uncounted_too() -> None:
    """A pause on it moves nothing; received after the cut-off, the next day's pause moves that day's closing."""
    assert due(PAC, days(0), MONDAY, pauses=[(local(7, 10, 10), local(7, 10, 11))]) == local(7, 10, 17)
    late = local(7, 13, 15, 0, 1)
    assert due(PAC, days(0), late, pauses=[(local(7, 14, 8), local(7, 14, 9))]) == local(7, 17, 8)


def test_a_pause_moves_a_stated_due_even_on_the_day_of_receipt() -> None:
    """No days are counted, so no day is left out."""
    assert due(PAC, THREE_DAYS, MONDAY, pauses=[(local(7, 10, 10), local(7, 10, 11))]) == local(7, 14, 8)


def test_a_pause_moves_a_stated_due_outside_hours_into_working_time() -> None:
    """Stated for Saturday 09:00 and paused an hour: the hour is worked on Monday."""
    assert due(PAC, local(7, 15, 9), MONDAY, pauses=[(local(7, 11, 8), local(7, 11, 9))]) == local(7, 17, 8)


def test_restart_counts_the_days_anew() -> None:
    """Three days after the supplement of Wednesday: Monday; what was paused before no longer matters."""
    pauses = [(local(7, 11, 10), local(7, 12, 15))]
    assert due(PAC, days(3), MONDAY, pauses=pauses, restarted=local(7, 12, 15)) == local(7, 17, 17)


def test_restart_leaves_the_day_of_the_supplement_uncounted() -> None:
    """Another pause on that same day does not move the new due; one after it does."""
    same_day = [(local(7, 12, 15), local(7, 12, 16))]
    assert due(PAC, days(3), MONDAY, pauses=same_day, restarted=local(7, 12, 14)) == local(7, 17, 17)
    later = [(local(7, 13, 9), local(7, 13, 10))]
    assert due(PAC, days(3), MONDAY, pauses=later, restarted=local(7, 12, 14)) == local(7, 18, 8)


def test_restart_acts_as_pause_on_a_stated_due() -> None:
    """There is no limit that could be counted anew."""
    pauses = [(local(7, 11, 8), local(7, 11, 9))]
    assert due(PAC, THREE_DAYS, MONDAY, pauses=pauses, restarted=local(7, 11, 9)) == local(7, 14, 8)


def test_pauses_join_when_they_touch_or_overlap() -> None:
    """Empty ones vanish, order does not matter."""
    assert merged([(5, 9), (1, 3), (3, 4), (6, 7), (12, 12)]) == [(1, 4), (5, 9)]


@given(
    st.lists(st.tuples(st.integers(0, 20000), st.integers(0, 3000)), max_size=5),
    st.integers(0, 7),
    st.sampled_from(["working_days", "working_hours"]),
)
def test_a_pause_never_brings_due_forward_in_time(
    spans: list[tuple[int, int]], amount: int, unit: Literal["working_days", "working_hours"]
) -> None:
    """Pauses only ever move due later, and by no more than the working time inside them."""
    limit = Limit(amount=amount, unit=unit)
    start = second_of(MONDAY)
    pauses = [(instant_of(start + 60 * at), instant_of(start + 60 * (at + length))) for at, length in spans]
    plain, moved = due(PAC, limit, MONDAY), due(PAC, limit, MONDAY, pauses=pauses)
    assert plain is not None
    assert moved is not None
    inside = sum(PAC.working_seconds(begin, end) for begin, end in pauses)
    assert plain <= moved
    assert PAC.working_seconds(plain, moved) <= inside


WEDNESDAY = local(7, 12, 17)


@pytest.mark.parametrize(
    ("finished", "date_class", "session_class"),
    [
        (local(7, 11, 17), "ahead", "ahead"),
        (local(7, 12, 11), "on-time", "ahead"),  # the morning, while due is in the afternoon
        (local(7, 12, 12), "on-time", "ahead"),  # at lunch the afternoon has not begun
        (local(7, 12, 13, 30), "on-time", "on-time"),  # the afternoon begins
        (local(7, 12, 14), "on-time", "on-time"),
        (local(7, 12, 17), "on-time", "on-time"),  # exactly at due
        (local(7, 12, 17, 0, 1), "on-time", "overdue"),  # a second late: the date forgives, the session does not
        (local(7, 12, 17, 30), "on-time", "overdue"),
        (local(7, 13, 0), "overdue", "overdue"),  # midnight
        (local(7, 13, 7), "overdue", "overdue"),
    ],
)
def test_classes_of_a_release(finished: datetime, date_class: str, session_class: str) -> None:
    """Due Wednesday 17:00."""
    at, limit = second_of(finished), second_of(WEDNESDAY)
    assert by_date(at, limit) == date_class
    assert by_session(PAC, at, limit) == session_class


@pytest.mark.parametrize(
    ("stated", "session_begins"),
    [
        (local(7, 12, 10), local(7, 12, 7)),
        (local(7, 12, 12), local(7, 12, 7)),  # at lunch: the morning was the last session
        (local(7, 12, 20), local(7, 12, 13, 30)),
        (local(7, 12, 6), local(7, 11, 13, 30)),  # before opening: the afternoon before
        (local(7, 15, 9), local(7, 14, 13, 30)),  # Saturday: Friday afternoon
    ],
)
def test_the_session_of_a_due_instant(stated: datetime, session_begins: datetime) -> None:
    """A due instant in closed hours belongs to the last session that began before it."""
    assert PAC.session_start(second_of(stated)) == second_of(session_begins)
