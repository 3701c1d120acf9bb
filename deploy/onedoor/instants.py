"""Days and instants as an operator types them."""

import re
from datetime import datetime, timedelta
from typing import Final

from events.errors import OnedoorError
from events.instants import parse_instant

A_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NO_OFFSET: Final = re.compile(rf"({A_DAY.pattern}[Tt ][0-9]{{2}}:[0-9]{{2}})(:[0-9]{{2}}(?:\.[0-9]+)?)?")
LOCALLY: Final = "+07:00"  # Quang Ninh


def instant(text: str, option: str = "--since") -> datetime:
    """A day (its beginning) or an instant; a clock in Quang Ninh where no offset is given. Raises OnedoorError."""
    whole = text
    if A_DAY.fullmatch(text):
        whole = f"{text}T00:00:00{LOCALLY}"
    elif clock := NO_OFFSET.fullmatch(text):
        whole = f"{clock[1]}{clock[2] or ':00'}{LOCALLY}"
    try:
        return parse_instant(whole)
    except ValueError as wrong:
        raise OnedoorError(
            f"{option}: {text!r} is no day (2017-07-20) and no instant (2017-07-20T09:00:00+07:00): {wrong}"
        ) from wrong


def until_end_of(text: str, option: str = "--until") -> datetime:
    """An instant, or the last one of a day. Raises OnedoorError."""
    begin = instant(text, option)
    return begin + timedelta(days=1, microseconds=-1) if A_DAY.fullmatch(text) else begin
