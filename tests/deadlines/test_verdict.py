"""Four classifiers, one table: the edge vectors of the trade, and what each version asks about."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.judging import SHIPPED
from oracle.telling import local

from deadlines.instants import second_of
from deadlines.verdict import CLASSIFIERS, Class, Finished, by_minutes, classes, minutes_of
from events.contracts.terms import Limit

PAC = SHIPPED.calendar("VN-PAC@2017.1")
WEDNESDAY = local(7, 12, 17)


def finished(at: datetime, *, due: datetime | None = WEDNESDAY, **more: int) -> Finished:
    return Finished(second_of(at), None if due is None else second_of(due), PAC, **more)


@pytest.mark.parametrize(
    ("at", "a", "b", "c"),
    [
        (local(7, 11, 17), "ahead", "ahead", "on-time"),
        (local(7, 12, 11), "on-time", "ahead", "on-time"),  # the morning of the day, before the session of due
        (local(7, 12, 14), "on-time", "on-time", "on-time"),
        (local(7, 12, 17), "on-time", "on-time", "on-time"),  # exactly at due
        (local(7, 12, 17, 0, 1), "on-time", "overdue", "overdue"),  # a second late: only the date forgives
        (local(7, 12, 17, 30), "on-time", "overdue", "overdue"),
        (local(7, 13, 7), "overdue", "overdue", "overdue"),
    ],
)
def test_the_edge_vectors(at: datetime, a: Class, b: Class, c: Class) -> None:
    """Due Wednesday 17:00, hours 07:00-11:30 and 13:30-17:00; a dossier has no step limit, so no class D."""
    assert classes(finished(at)) == {"A@1": a, "B@1": b, "C@1": c, "C@2": c, "D@1": None}


@pytest.mark.parametrize(
    ("supplements", "of_dossier", "within_a_cycle", "within_a_dossier"),
    [
        (0, 0, "on-time", "on-time"),
        (1, 1, "on-time", "on-time"),
        (2, 2, "overdue", "overdue"),
        (1, 2, "on-time", "overdue"),  # the other one was asked in another cycle
        (0, 2, "on-time", "on-time"),  # both were
    ],
)
def test_a_second_request_for_papers_is_late_by_766(
    supplements: int, of_dossier: int, within_a_cycle: Class, within_a_dossier: Class
) -> None:
    """Asked once is allowed; asked twice counts as overdue even when the result came early. C@1 counts in a cycle, C@2
    in the dossier."""
    asked = finished(local(7, 10, 9), supplements=supplements, supplements_of_dossier=of_dossier)
    assert (classes(asked)["C@1"], classes(asked)["C@2"]) == (within_a_cycle, within_a_dossier)


@pytest.mark.parametrize(
    ("processed", "limit", "expected"),
    [
        (239, Limit(amount=4, unit="working_hours"), "ahead"),
        (240, Limit(amount=4, unit="working_hours"), "on-time"),
        (241, Limit(amount=4, unit="working_hours"), "overdue"),
        (480, Limit(amount=1, unit="working_days"), "on-time"),  # a working day is 480 minutes
        (90, Limit(amount=90, unit="working_minutes"), "on-time"),
        (0, Limit(amount=0, unit="working_days"), "on-time"),
        (1, Limit(amount=0, unit="working_days"), "overdue"),
    ],
)
def test_a_step_is_classed_by_its_minutes(processed: int, limit: Limit, expected: Class) -> None:
    """Whatever the dates say: minutes of work against minutes of the limit."""
    assert by_minutes(processed, minutes_of(limit)) == expected


def test_without_a_due_or_a_limit_there_is_no_class() -> None:
    """A missing due date counted as ahead of time in a real system (OpenCPS)."""
    assert set(classes(finished(local(7, 12, 9), due=None)).values()) == {None}


@given(st.integers(-4000, 4000), st.integers(0, 3))
def test_a_late_session_is_never_kept_by_766(minutes: int, supplements: int) -> None:
    """B and C compare with the same instant: where B says overdue, C does; where C is on time, B is not overdue."""
    it = Finished(second_of(WEDNESDAY) + minutes * 60, second_of(WEDNESDAY), PAC, supplements)
    b, c = CLASSIFIERS["B@1"](it), CLASSIFIERS["C@1"](it)
    assert c == ("overdue" if b == "overdue" or supplements > 1 else "on-time")
