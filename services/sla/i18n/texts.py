"""A sentence in two languages, Vietnamese first, and an instant as people read it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from deadlines.instants import OFFSET


class Text(NamedTuple):
    """The same sentence in Vietnamese and English."""

    vi: str
    en: str


def local(instant: datetime) -> str:
    """An instant by the clock on a counter's wall."""
    return f"{instant + timedelta(seconds=OFFSET):%d/%m/%Y %H:%M}"
