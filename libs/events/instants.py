"""The one reader of instants that come from outside: RFC 3339, nothing looser.

Senders spell one instant in many ways (`Z`, `+07:00`, three digits of a fraction, seven); all give one value here.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

# Years 0002 to 9998: whatever the offset, the instant has a UTC date. No second 60: datetime has none. Without
# lookaround, so that every dialect of regular expressions can read it.
_YEAR: Final = "000[2-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8]"
_DATE: Final = f"({_YEAR})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(\.[0-9]+)?"
_OFFSET: Final = "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

PATTERN: Final = f"^{_DATE}[Tt]{_TIME}{_OFFSET}$"
"""An instant in JSON, as the published schemas have it. Only the lengths of months are left to `format: date-time`."""
_TEXT: Final = re.compile(f"{_DATE}[Tt ]{_TIME}{_OFFSET}")
EXAMPLE: Final = "2017-07-10T09:00:00+07:00"


def parse_instant(text: str) -> datetime:
    """The UTC instant that an RFC 3339 text says, cut after microseconds.

    Between date and time stands `T`, `t` or, for tables and for what people type, one space. Raises ValueError.
    """
    matched = _TEXT.fullmatch(text)
    if matched is None:
        raise ValueError(f"not an instant by RFC 3339, with its offset and no second 60, as in {EXAMPLE}")
    year, month, day, hour, minute, second, fraction, offset, offset_hours = matched.groups()
    microsecond = int(f"{(fraction or '.')[1:7]:0<6}")
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, tzinfo=UTC)
    except ValueError as invalid:
        raise ValueError(f"there is no such day: {year}-{month} has no {day}") from invalid
    if offset_hours is None:
        return local
    ahead = timedelta(hours=int(offset_hours), minutes=int(offset[-2:]))
    return local + ahead if offset[0] == "-" else local - ahead
