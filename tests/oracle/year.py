"""A year of one-door work, made up: every counter and service, every branch that a dossier can take, in working hours.

The same seed gives the same year. Facts are in order of time; a tenth is recorded late.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from oracle.telling import Story, local

from deadlines.catalogue import Catalogue
from deadlines.entries import Service, Unit
from events.contracts.terms import ClockPolicy, Promise
from events.store.envelope import RecordedEvent

BEGIN = local(7, 10, 7)
DAYS = 340
CHANNELS = ("counter", "counter", "counter", "online", "zalo", "post", "hotline")
POLICIES: tuple[ClockPolicy, ...] = ("PAUSE", "PAUSE", "PAUSE", "RESTART")
CALENDAR = "VN-PAC@2017.1"


def year(cases: int, catalogue: Catalogue, seed: int = 2017, *, pace: int = 1) -> list[Story]:
    """So many dossiers, received over eleven months; some are open when the year ends. `pace`: so many times slower."""
    random = Random(seed)
    counters = [unit for unit in catalogue.units("counter") if unit.district]
    services = [service for service in catalogue.services.values() if service.in_force(BEGIN.date())]
    return [_case(number, random, counters, services, pace) for number in range(1, cases + 1)]


def facts(told: list[Story]) -> Iterator[RecordedEvent]:
    """All facts of these stories, as they arrive: most when they happened, some days later."""
    random = Random(len(told))
    arrivals = [(fact.at + timedelta(days=random.randrange(1, 12) if random.random() < 0.1 else 0), fact.id, fact)
                for one in told for fact in one.facts]  # fmt: skip
    return (fact for *_, fact in sorted(arrivals, key=lambda arrival: arrival[:2]))


def _case(number: int, random: Random, counters: list[Unit], services: list[Service], pace: int) -> Story:
    counter, service = random.choice(counters), random.choice(services)
    day = BEGIN + timedelta(days=random.randrange(DAYS), minutes=random.randrange(600))
    told = Story(f"{counter.prefix}-{day + timedelta(hours=7):%y%m%d}-{number:05d}")
    told.received(
        day, _promise(random, service, day), counter=counter.code, district=counter.district,
        channel=random.choice(CHANNELS),
    )  # fmt: skip
    Dossier(told, random, counter.code, counter.district or "", day, pace).live()
    return told


def _promise(random: Random, service: Service, day: datetime) -> Promise | None:
    chance = random.random()
    if chance < 0.01:
        return None
    if chance < 0.03:
        return Promise(calendar=CALENDAR, clock_policy="PAUSE", due=day + timedelta(days=random.randrange(2, 9)))
    if chance < 0.06:
        policy = random.choice(POLICIES)
        return Promise(calendar=CALENDAR, clock_policy=policy, working_days=random.randrange(8))
    policy = random.choice(POLICIES)
    return Promise(calendar=CALENDAR, clock_policy=policy, service=service.id)


class Dossier:
    """One dossier on its way; `at` is where its time stands."""

    def __init__(self, told: Story, random: Random, counter: str, district: str, at: datetime, pace: int) -> None:
        self.told, self.random, self.counter, self.district, self.at = told, random, counter, district, at
        self.team, self.pace = district.replace("DL", "TC"), pace

    def later(self, most_hours: int) -> datetime:
        self.at += timedelta(minutes=self.random.randrange(5, most_hours * 60 * self.pace))
        return self.at

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent

    def live(self) -> None:
        told = self.told
        self._run()
        if self.chance(2):
            told.reopened(self.later(24 * 40))
            self._run()

    def _run(self) -> None:
        told, district, team = self.told, self.district, self.team
        told.forwarded(self.later(3), district, by=self.counter, hours=4, acknowledge_within=None)
        if self.chance(90):
            told.acknowledged(self.later(2), district)
        if self.chance(12):
            self._supplement()
        if self.chance(2):
            self._supplement()
        if self.chance(5):
            getattr(told, self.random.choice(("withdrawn", "refused", "stopped")))(self.later(30))
            return
        if self.chance(10):
            works = told.works(self.later(6))
            told.worked(self.later(24 * 12), works)
        if self.chance(8):
            self._refer()
        told.forwarded(self.later(5), team, by=district, hours=12, step="install")
        if self.chance(6):
            fault = self.random.choice(("customer", "agency", "utility"))
            obstacle = told.obstructed(self.later(5), fault, "QN-SXD" if fault == "agency" else None)
            told.resumed(self.later(40), obstacle)
        slow = self.chance(6)
        if slow and self.chance(50):
            told.extended(self.later(2), self.at + timedelta(days=5))
        told.forwarded(self.later(200 if slow else 18), district, by=team, hours=4, step="close")
        if self.chance(1):
            return
        told.returned(self.later(8), by=district)
        if self.chance(90):
            told.closed(self.later(60))
        if self.chance(30):
            told.rated(self.later(10), self.random.randrange(1, 6))

    def _supplement(self) -> None:
        asked = self.told.supplement(self.later(5))
        if self.chance(95):
            self.told.supplemented(self.later(24 * 9), asked)

    def _refer(self) -> None:
        asked = self.told.referred(self.later(5), self.random.choice(("QN-SGTVT", "QN-SXD")))
        if self.chance(95):
            self.told.replied(self.later(24 * 25), self.told.facts[-1].fact.agency, asked)  # type: ignore[union-attr]
