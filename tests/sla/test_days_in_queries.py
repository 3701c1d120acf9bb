"""The days and instants of query strings: one reader of instants, and dates that are dates."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from events.contracts.terms import Date
from sla.reports.api import Day

ASKED: TypeAdapter[Any] = TypeAdapter(Day)


def test_as_of_takes_a_day_or_an_instant() -> None:
    assert ASKED.validate_python("2017-07-10") == date(2017, 7, 10)
    told = "2017-07-10T23:59:59.9999999+07:00"
    assert ASKED.validate_python(told) == datetime(2017, 7, 10, 16, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        "1499644800",
        "1499644800.0",
        "2017-07-10T00:00:00",
        "2017-07-10T23:59:60Z",
        "20170710",
        "2017-02-29",
        "2017-W28-1",
    ],
)
def test_a_number_of_seconds_is_neither_a_day_nor_an_instant(wrong: str) -> None:
    with pytest.raises(ValidationError):
        ASKED.validate_python(wrong)
    with pytest.raises(ValidationError):
        TypeAdapter(Date).validate_python(wrong)
