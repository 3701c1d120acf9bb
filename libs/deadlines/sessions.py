"""Sessions of work as calendars write them: half-open stretches of one local day, in order and apart from each other.

An entry writes "24:00" for the end of a day. A published rule writes it as 00:00:00, which no other end can be: its
schema stays as it is.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from deadlines.calendar import Session
from events.contracts.rules import Opening
from events.contracts.terms import Whole
from events.http.parameters import Some

_DAYTIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_END_OF_DAY, _END_AS_PUBLISHED = "24:00:00", "00:00:00"


def _clock(value: object) -> object:
    # YAML reads an unquoted 13:30 as the number 810: the files quote their times, and this says so.
    if isinstance(value, int):
        raise ValueError('a time of day is written in quotes, as in "13:30"')  # pydantic reports only a ValueError
    return value


def _with_seconds(at: str) -> str:
    return at if at.count(":") == 2 else f"{at}:00"


def _forward(session: tuple[str, str]) -> tuple[str, str]:
    opens, closes = session
    if closes <= opens:
        raise ValueError(f'a session must end after it begins, unlike {opens} to {closes}; a day ends at "24:00"')
    return session


def _in_order(sessions: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    for (_, closes), (opens, _) in pairwise(sessions):
        if opens < closes:
            raise ValueError(f"{opens} begins before {closes} ends: give sessions in order, without an overlap")
    return sessions


Weekdays = Some[Annotated[int, Whole(1, 7)]]
TimeOfDay = Annotated[
    str, Field(pattern=f"^{_DAYTIME}$", examples=["13:30"]), BeforeValidator(_clock), AfterValidator(_with_seconds)
]
EndTime = Annotated[
    str,
    Field(pattern=rf"^({_DAYTIME}|24:00(:00)?)$", examples=["17:00"]),
    BeforeValidator(_clock),
    AfterValidator(_with_seconds),
]
Sessions = Annotated[
    tuple[Annotated[tuple[TimeOfDay, EndTime], AfterValidator(_forward)], ...], AfterValidator(_in_order)
]


def seconds(at: str) -> int:
    """A time of day in seconds after local midnight."""
    hours, minutes, rest = at.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def in_seconds(sessions: Sessions) -> tuple[Session, ...]:
    """Sessions as a calendar works with them."""
    return tuple((seconds(opens), seconds(closes)) for opens, closes in sessions)


def as_published(sessions: Sessions) -> tuple[Opening, ...]:
    """Sessions as a published rule has them."""
    return tuple(
        Opening(opens=opens, closes=_END_AS_PUBLISHED if closes == _END_OF_DAY else closes)
        for opens, closes in sessions
    )


def of_published(openings: Iterable[Opening]) -> Sessions:
    """Sessions as an entry has them."""
    return tuple(
        (one.opens, _END_OF_DAY if one.closes == _END_AS_PUBLISHED else one.closes) for one in openings
    )  # fmt: skip
