"""The fold that all Python peers share: from the events of a case to classifier A's columns. Pure."""

from datetime import datetime, timedelta
from typing import Any

RECEIVED, RELEASED = "onedoor.ApplicationReceived.v1", "onedoor.DossierReturned.v1"
HERE = timedelta(hours=7)

Row = list[Any]
"""received, due, released (as the events spell them), class, how many events of the case were folded."""


def fold(row: Row | None, kind: str, at: str, due: str | None) -> Row:
    """One event into its case's row. The topics are not in step, so a release may come before the receipt."""
    if row is None:
        row = [None, None, None, None, 0]
    row[4] += 1
    if kind == RECEIVED:
        row[0], row[1] = at, due
    elif kind == RELEASED:
        row[2] = at
    else:
        return row
    if row[1] is not None and row[2] is not None:
        row[3] = by_date(row[2], row[1])
    return row


def by_date(released: str, due: str) -> str:
    """Classifier A: the local date of release against that of due."""
    finished, promised = _day(released), _day(due)
    return "ahead" if finished < promised else "on-time" if finished == promised else "overdue"


def _day(instant: str) -> int:
    return (datetime.fromisoformat(instant) + HERE).toordinal()
