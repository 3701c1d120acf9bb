"""What a plan is made of: actions with their instants, in the order in which one dossier meets them. Pure values.

An action names the public route that it goes through. `{case}` and `{order}` stand for codes that only the
services give out: the dossier's, and that of the team's open work order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any, Literal

VIETNAM = timezone(timedelta(hours=7))  # no daylight saving

Door = Literal["intake", "routing", "field", "zalo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that somebody does. `who` is a client of the issuer, or a Zalo account where the door is Zalo's."""

    at: datetime
    does: str  # the path's last part, or the word said over Zalo: for people who read a plan
    who: str
    door: Door
    path: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    refused: bool = False  # the service is expected to say no


@dataclass(slots=True)
class Dossier:
    """One dossier's script. `number` is its place in the quarter; `traits` say what is special about it."""

    number: int
    counter: str
    district: str
    service: str  # with its version
    traits: frozenset[str]
    actions: list[Action] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.number:05d}"


@dataclass(frozen=True, slots=True)
class Segment:
    """Actions of one dossier that follow each other without waiting for any other service."""

    dossier: Dossier
    first: int  # the place of the first action in the script
    actions: Sequence[Action]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole quarter. `errands` belong to no dossier: advice at counters, messages from strangers."""

    seed: int
    dossiers: Sequence[Dossier]
    errands: Sequence[Action]
    first_day: date
    last_day: date

    @property
    def actions(self) -> int:
        return sum(len(dossier.actions) for dossier in self.dossiers) + len(self.errands)

    def days(self) -> Iterator[date]:
        """Every day of the period, worked or not."""
        for number in range((self.last_day - self.first_day).days + 1):
            yield self.first_day + timedelta(days=number)

    def rounds(self) -> Mapping[date, Sequence[Sequence[Segment]]]:
        """For each day, rounds: a dossier's k-th stretch of actions at one door is in round k of its day."""
        found: dict[date, list[list[Segment]]] = {}
        for dossier in self.dossiers:
            place, today, first = 0, None, 0
            for number, action in enumerate(dossier.actions):
                begins = number == 0 or _apart(dossier.actions[number - 1], action)
                if begins:
                    day = local_day(action.at)
                    place, today = (place + 1, today) if day == today else (0, day)
                    first = number
                ends = number + 1 == len(dossier.actions) or _apart(action, dossier.actions[number + 1])
                if ends:
                    rounds = found.setdefault(local_day(action.at), [])
                    while len(rounds) <= place:
                        rounds.append([])
                    rounds[place].append(Segment(dossier, first, dossier.actions[first : number + 1]))
        return found


def local_day(instant: datetime) -> date:
    """The date on the wall of a counter."""
    return instant.astimezone(VIETNAM).date()


def _apart(one: Action, next: Action) -> bool:
    """Whether the next action must see what other services made of this one."""
    return one.door != next.door or local_day(one.at) != local_day(next.at)
