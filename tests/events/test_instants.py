"""The one reader of instants takes what RFC 3339 takes, cuts after microseconds, and says no to the rest."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from events.instants import PATTERN, parse_instant

NINE = datetime(2017, 7, 10, 2, tzinfo=UTC)
AT_MIDNIGHT = datetime(2017, 7, 10, 16, 59, 59, 999999, tzinfo=UTC)

TAKEN = [
    ("2017-07-10T09:00:00+07:00", NINE),
    ("2017-07-10T02:00:00Z", NINE),
    ("2017-07-10t02:00:00z", NINE),
    ("2017-07-10 02:00:00Z", NINE),
    ("2017-07-10T02:00:00.000Z", NINE),
    ("2017-07-10T02:00:00-00:00", NINE),
    ("2017-07-09T22:30:00-03:30", NINE),
    ("2017-07-11T01:59:00+23:59", NINE),
    ("2017-07-10T02:00:00.1Z", NINE + timedelta(milliseconds=100)),
    ("2017-07-10T23:59:59.9999999+07:00", AT_MIDNIGHT),  # seven digits, as .NET writes them
    ("2017-07-10T23:59:59.999999999+07:00", AT_MIDNIGHT),
    ("2017-07-10T02:00:00.0000009Z", NINE),
    (f"2017-07-10T02:00:00.{'0' * 500}9Z", NINE),
    ("2016-02-29T00:00:00Z", datetime(2016, 2, 29, tzinfo=UTC)),
    ("0002-01-01T00:00:00+23:59", datetime(1, 12, 31, 0, 1, tzinfo=UTC)),
    ("9998-12-31T23:59:59-23:59", datetime(9999, 1, 1, 23, 58, 59, tzinfo=UTC)),
]
REFUSED = [
    "",
    "now",
    "2017-07-10",
    "20170710T090000Z",
    "2017-07-10T09:00:00",
    "2017-07-10T09:00Z",
    "2017-07-10T09Z",
    "2017-07-10T09:00:60Z",
    "2016-12-31T23:59:60Z",
    "2017-07-10T24:00:00Z",
    "2017-07-10T09:60:00Z",
    "2017-07-10T09:00:00+24:00",
    "2017-07-10T09:00:00+07:60",
    "2017-07-10T09:00:00+0700",
    "2017-07-10T09:00:00+07",
    "2017-07-10T09:00:00+07:00:00",
    "2017-07-10T09:00:00.Z",
    "2017-07-10T09:00:00,5Z",
    "2017-07-10T09:00:00 Z",
    "2017-07-10  09:00:00Z",
    "2017-07-10_09:00:00Z",
    " 2017-07-10T09:00:00Z",
    "2017-07-10T09:00:00Z\n",
    "2017-02-29T09:00:00Z",
    "2017-06-31T09:00:00Z",
    "2017-00-10T09:00:00Z",
    "2017-07-00T09:00:00Z",
    "2017-13-01T09:00:00Z",
    "2017-07-32T09:00:00Z",
    "2017-W28-1T09:00:00Z",
    "2017-191T09:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999Z",
    "12017-07-10T09:00:00Z",
    "-2017-07-10T09:00:00Z",
    "1499652000",
    "1499652000.0",
    "2017071317",
    "٢٠١٧-07-10T09:00:00Z",
    "2017-07-10T09:00:00²Z",
    "2017-07-10T09:00:00\u221207:00",
]


@pytest.mark.parametrize(("text", "instant"), TAKEN)
def test_an_instant_is_read_however_it_is_spelt(text: str, instant: datetime) -> None:
    read = parse_instant(text)
    assert (read, read.utcoffset()) == (instant, timedelta(0))


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_instant_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"as in 2017-07-10T09:00:00\+07:00|there is no such day") as refused:
        parse_instant(text)
    assert "\n" not in str(refused.value)


@given(
    some.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),  # noqa: DTZ001
    some.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)),
    some.text("0123456789", max_size=12),
)
def test_the_instant_is_that_of_the_calendar_cut_after_microseconds(
    local: datetime, ahead: timedelta, digits: str
) -> None:
    minutes = ahead // timedelta(minutes=1)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    fraction = f".{digits}" if digits else ""
    text = f"{local.replace(microsecond=0).isoformat()}{fraction}{sign}{hours:02}:{rest:02}"
    whole = local.replace(microsecond=int(digits[:6].ljust(6, "0")), tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_instant(text) == whole
    assert re.search(PATTERN, text)


@given(some.from_regex(PATTERN, fullmatch=True))
def test_what_the_pattern_matches_is_read_where_the_month_has_that_day(text: str) -> None:
    year, month, day = (int(part) for part in text[:10].split("-"))
    try:
        local = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        with pytest.raises(ValueError, match="there is no such day"):
            parse_instant(text)
    else:
        assert abs(parse_instant(text) - local) < timedelta(days=2)


@given(some.from_regex(PATTERN, fullmatch=True), some.integers(0, 40), some.characters())
def test_one_character_beside_is_refused_or_matches_the_pattern(text: str, place: int, other: str) -> None:
    spelt = text[:place] + other + text[place + 1 :]
    try:
        parse_instant(spelt)
    except ValueError:
        return
    assert re.fullmatch(PATTERN, spelt.replace(" ", "T", 1))
