"""The pen that writes one dossier's script: it keeps the working time, who has the dossier, and what was waited for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from deadlines.calendar import Calendar
from deadlines.entries import Service
from deadlines.promise import due
from local.demo.script import VIETNAM, Action, Door, local_day

DOORS_A_DAY = 3  # people who hand a dossier on do not all see it on one day
HOUR = 3600  # seconds


@dataclass(slots=True)
class Hands:
    """Time goes on by `work`, whosever it is; actions are written at the present instant."""

    chance: Random
    calendar: Calendar
    service: Service
    counter: str
    accounts: Mapping[str, str]  # unit → Zalo account
    by_zalo: frozenset[str]  # units that answer over Zalo
    end: datetime  # nothing is done from here on
    now: datetime
    actions: list[Action] = field(default_factory=list)
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    received: datetime | None = None
    released: datetime | None = None
    _paused: datetime | None = None
    _day: date | None = None
    _doors: int = 0
    _door: Door | None = None

    # -- time ----------------------------------------------------------------------------------

    def work(self, seconds: float) -> None:
        """So many working seconds pass."""
        self.now = self.calendar.add_working_seconds(self.now, max(30, int(seconds)))

    def paused(self) -> None:
        """From the action just written on, somebody else's time runs."""
        self._paused = self.now

    def resumed(self) -> None:
        """The action just written was the answer."""
        assert self._paused is not None
        self.pauses.append((self._paused, self.now))
        self._paused = None

    def spread(self, low: float, high: float) -> float:
        """So many hours, in seconds."""
        return self.chance.uniform(low, high) * HOUR

    def due(self) -> datetime:
        """When the promise falls due, with the pauses so far."""
        assert self.received is not None
        at = due(self.calendar, self.service.limit, self.received, cutoff=self.service.cutoff, pauses=self.pauses)
        assert at is not None
        return at

    def utility_days(self) -> float:
        """Utility working days from the day after receipt to release."""
        assert self.received is not None
        assert self.released is not None
        begins = datetime.combine(
            local_day(self.received) + timedelta(days=1), datetime.min.time(), tzinfo=VIETNAM
        )  # the day of receipt is not counted
        worked = self.calendar.working_seconds(begins, self.released)
        paused = sum(
            self.calendar.working_seconds(max(begins, begun), over) for begun, over in self.pauses if over > begins
        )
        return (worked - paused) / (8 * HOUR)

    # -- what is done --------------------------------------------------------------------------

    def at_counter(self, does: str, path: str, *, leader: bool = False, **body: Any) -> None:
        who = "leader.PC-QN" if leader else f"receptionist.{self.counter}"
        self._do(does, who, "intake", "/applications/{case}/" + path, body)

    def receive(self, at: datetime, body: Mapping[str, Any], *, refused: bool = False) -> None:
        """The customer is at the counter at that very instant, in or out of hours."""
        self.now = at
        who = f"receptionist.{self.counter}"
        self._day, self._doors, self._door = local_day(at), 1, "intake"
        self.actions.append(
            Action(at=at, does="receive", who=who, door="intake", path="/applications", body=body, refused=refused)
        )
        if not refused:
            self.received = at

    def acknowledge(self, unit: str) -> None:
        if unit in self.by_zalo:
            self.say(unit, "NHAN")
        else:
            self._do("acknowledgement", client(unit), "routing", "/dossiers/{case}/acknowledgement", {})

    def complete(self, unit: str) -> None:
        if unit in self.by_zalo:
            self.say(unit, "XONG")
        else:
            self._do("step-completion", client(unit), "routing", "/dossiers/{case}/step-completion", {})

    def say(self, unit: str, word: str) -> None:
        self._do(word, self.accounts[unit], "zalo", "", {"text": word + " {case}"})

    def on_the_way(self, does: str, who: str, **body: Any) -> None:
        self._do(does, who, "routing", "/dossiers/{case}/" + does, body)

    def on_site(self, does: str, team: str, **body: Any) -> None:
        self._do(does, client(team), "field", "/workorders/{order}/" + does, body)

    def _do(self, does: str, who: str, door: Door, path: str, body: Mapping[str, Any]) -> None:
        self.turn_to(door)
        self.now = self.now.replace(microsecond=0)
        self.actions.append(Action(at=self.now, does=does, who=who, door=door, path=path, body=body))

    def turn_to(self, door: Door) -> None:
        """On the same day a dossier passes through few doors; the rest is done the next working morning."""
        today = local_day(self.now)
        if today != self._day:
            self._day, self._doors, self._door = today, 1, door
        elif door != self._door:
            self._doors, self._door = self._doors + 1, door
            if self._doors > DOORS_A_DAY:
                morning = self.calendar.opening_of(self.calendar.nth_working_day(today, 1))
                self.now = morning + timedelta(minutes=self.chance.randint(2, 35))
                self._day, self._doors = local_day(self.now), 1

    def script(self) -> list[Action]:
        """What happens within the period."""
        return [action for action in self.actions if action.at < self.end]


def client(unit: str) -> str:
    """Who acts for a unit: `<role>.<unit>`, as the issuer knows them."""
    return f"{'team' if unit.startswith(('KS-', 'TC-')) else 'officer'}.{unit}"
