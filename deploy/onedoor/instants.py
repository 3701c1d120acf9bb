"""Days and instants as an operator types them."""

from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Final

from events.errors import OnedoorError
from onedoor.screen import VIETNAM

A_DAY: Final = len("2017-07-20")


def instant(text: str, option: str = "--since") -> datetime:
    """A day (its beginning) or an instant; a clock in Quang Ninh where no offset is given. Raises OnedoorError."""
    try:
        if len(text) == A_DAY:
            return datetime.combine(date.fromisoformat(text), clock_time(), VIETNAM)
        read = datetime.fromisoformat(text)
    except ValueError:
        raise OnedoorError(f"{option}: {text!r} is no day (2017-07-20) and no instant (2017-07-20T09:00:00+07:00)")
    return read if read.tzinfo else read.replace(tzinfo=VIETNAM)


def until_end_of(text: str, option: str = "--until") -> datetime:
    """An instant, or the last one of a day. Raises OnedoorError."""
    begin = instant(text, option)
    return begin + timedelta(days=1, microseconds=-1) if len(text) == A_DAY else begin
