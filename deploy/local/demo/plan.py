"""The quarter as a plan: 3,187 made-up dossiers, each with its script. Pure, and the same for the same seed.

The article gives the number of counters and dossiers, the period, the share in time (over 99%) and the days of medium
voltage (4.28); all other proportions are assumptions of this generator (proportions.py). Names are made up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from deadlines.calendar import Calendar
from deadlines.catalogue import Catalogue
from deadlines.instants import second_of
from deadlines.verdict import by_date
from local.demo import people
from local.demo import proportions as share
from local.demo.deal import Card, deal, working_days
from local.demo.hands import Hands
from local.demo.people import Person
from local.demo.script import VIETNAM, Action, Dossier, Plan, local_day
from local.demo.ways import Aim, Way, contract, low_voltage, medium_voltage

PROCESSES = {"LV": low_voltage, "CONTRACT": contract, "MV": medium_voltage}
TRIES = 8
TOPICS = ("tariff", "papers-needed", "progress", "capacity", "safety")


def plan(seed: int, cases: int, catalogue: Catalogue) -> Plan:
    """The scripts of so many dossiers. The period stays the whole one; from 50 on every branch is there."""
    return Generator(seed, cases, catalogue).plan()


class Generator:
    """One seed, one catalogue. Every dossier has a chance of its own, so that one script does not shift another."""

    def __init__(self, seed: int, cases: int, catalogue: Catalogue) -> None:
        self.seed, self.cases, self.catalogue = seed, cases, catalogue
        self.calendar: Calendar = catalogue.calendar(next(iter(catalogue.calendars)))
        self.accounts = {unit.code: unit.zalo for unit in catalogue.units() if unit.zalo}
        units = sorted(unit.code for unit in catalogue.units("department"))
        self.by_zalo = frozenset(self._chance("habits").sample(units, round(len(units) * share.BY_ZALO)))
        self.end = datetime.combine(share.LAST_DAY + timedelta(days=1), time(), tzinfo=VIETNAM)

    def plan(self) -> Plan:
        cards, arrivals = self._dealt()
        days = self._mv_days(cards, arrivals)
        dossiers = [self._dossier(card, arrivals[card.number], days.get(card.number, 0.0)) for card in cards]
        return Plan(
            seed=self.seed, dossiers=dossiers, errands=self._errands(cards),
            first_day=share.FIRST_DAY, last_day=share.LAST_DAY,
        )  # fmt: skip

    def _dealt(self) -> tuple[list[Card], Mapping[int, datetime]]:
        cards = deal(self._chance("deal"), self.cases, self.catalogue, self.calendar)
        return cards, {card.number: self._arrival(card) for card in cards}

    def _chance(self, *names: object) -> Random:
        return Random("/".join(str(name) for name in (self.seed, *names)))

    # -- one dossier ---------------------------------------------------------------------------

    def _dossier(self, card: Card, received: datetime, days: float) -> Dossier:
        hands = self._hands(card, received, days)
        traits = frozenset(card.traits)
        return Dossier(card.number, card.counter, card.district, card.service.id, traits, hands.script())

    def _hands(self, card: Card, received: datetime, days: float) -> Hands:
        """Writes the script; a dossier that was to be in time and is not is written again, quicker."""
        aim = self._aim(card)
        way = Way(traits=frozenset(card.traits), district=card.district, aim=aim, days=days)
        for attempt in range(TRIES):
            hands = self._write(card, received, replace(way, pace=0.85**attempt))
            if hands.released is None or aim == "late" or card.process == "MV":
                return hands
            late = by_date(second_of(hands.released), second_of(hands.due())) == "overdue"
            if not late:
                return hands
        return hands

    def _aim(self, card: Card) -> Aim:
        if card.traits & {"late", "late-with-apology"}:
            return "late"
        last = self._chance("aim", card.number).random() < share.USES_ALL_THE_TIME
        return "last day" if last and card.service.limit.amount == 3 else "in time"

    def _write(self, card: Card, received: datetime, way: Way) -> Hands:
        chance = self._chance("dossier", card.number)
        hands = Hands(
            chance=chance, calendar=self.calendar, service=card.service, counter=card.counter,
            accounts=self.accounts, by_zalo=self.by_zalo, end=self.end, now=received,
        )  # fmt: skip
        body = self._application(card, chance, hands)
        hands.receive(received, body)
        PROCESSES[card.process](hands, way)
        return hands

    def _application(self, card: Card, chance: Random, hands: Hands) -> dict[str, Any]:
        """What the receptionist types in, and what came before it."""
        person = people.person(chance, card.number)
        checklist = self.catalogue.checklist(card.service.checklist)
        documents = [*checklist.all, *(chance.choice(group) for group in checklist.one_of.values())]
        body: dict[str, Any] = {
            "counter": card.counter, "service": card.service.id, "district": card.district, "documents": documents,
            "channel": chance.choices(list(share.CHANNELS), list(share.CHANNELS.values()))[0],
        }  # fmt: skip
        applicant = {"name": person.name, "phone": person.phone, "address": person.address}
        if "by-zalo" in card.traits:
            hands.actions.append(self._submission(card, person, chance, hands.now))
            return body | {"channel": "zalo", "submission": "{submission}"}
        if "turned-away" in card.traits:
            before = self._day_before(local_day(hands.now))
            at = datetime.combine(before, time(8), tzinfo=VIETNAM) + timedelta(minutes=chance.randint(0, 170))
            hands.receive(at, body | {"documents": documents[1:], "applicant": applicant}, refused=True)
        if card.resubmits is not None:
            body["previous_case"] = f"{{case {card.resubmits}}}"
        return body | {"applicant": applicant}

    def _submission(self, card: Card, person: Person, chance: Random, received: datetime) -> Action:
        """An application over Zalo the evening before."""
        evening = datetime.combine(local_day(received) - timedelta(days=1), time(18, 30), tzinfo=VIETNAM)
        at = evening + timedelta(seconds=chance.randint(0, 3 * 3600))
        text = f"DK {card.service.code} {card.counter[4:]} {person.name}, {person.phone}, {person.address}"
        return Action(at=at, does="DK", who=people.zalo_id(card.number), door="zalo", body={"text": text})

    def _day_before(self, day: date) -> date:
        found = day - timedelta(days=1)
        while not self.calendar.is_working_day(found):
            found -= timedelta(days=1)
        return found

    def _arrival(self, card: Card) -> datetime:
        """When the customer is at the counter."""
        chance, day = self._chance("arrival", card.number), card.day
        if "on-saturday" in card.traits:
            day += timedelta(days=5 - day.weekday())
            if self.calendar.holiday(day):
                day -= timedelta(days=7)
            begins, ends = time(7, 30), time(11, 0)
        elif "at-lunch" in card.traits:
            begins, ends = time(11, 35), time(13, 25)
        elif "after-15" in card.traits:
            begins, ends = time(15, 1), time(16, 55)
        elif chance.random() < 0.62:
            begins, ends = time(7, 5), time(11, 20)
        else:
            begins, ends = time(13, 35), time(14, 58)
        opens = datetime.combine(day, begins, tzinfo=VIETNAM)
        length = datetime.combine(day, ends, tzinfo=VIETNAM) - opens
        return opens + timedelta(seconds=chance.randint(0, int(length.total_seconds())))

    # -- medium voltage ------------------------------------------------------------------------

    def _mv_days(self, cards: Sequence[Card], arrivals: Mapping[int, datetime]) -> dict[int, float]:
        """Utility days for each medium-voltage dossier, so that those finished by September average 4.28."""
        high = [card for card in cards if card.process == "MV"]
        high[0].traits.add("first")
        chance = self._chance("mv")
        days = {card.number: min(6.3, max(2.6, chance.gauss(share.MV_DAYS, 0.8))) for card in high}
        for _ in range(6):
            took = self._finished(high, arrivals, days)
            off = share.MV_DAYS - sum(took) / len(took) if took else 0.0
            days = {number: value + off for number, value in days.items()}
        return days

    def _finished(
        self, high: Sequence[Card], arrivals: Mapping[int, datetime], days: Mapping[int, float]
    ) -> list[float]:
        """The utility days that those take who finish by September, hours and hand-overs considered."""
        written = [self._hands(card, arrivals[card.number], days[card.number]) for card in high]
        return [
            hands.utility_days()
            for hands in written
            if hands.released is not None and local_day(hands.released) <= share.MV_DAYS_UNTIL
        ]

    def mv_days_taken(self) -> list[float]:
        """What the record should say of medium voltage finished by September, one figure per dossier."""
        cards, arrivals = self._dealt()
        days = self._mv_days(cards, arrivals)
        return self._finished([card for card in cards if card.process == "MV"], arrivals, days)

    # -- what belongs to no dossier ------------------------------------------------------------

    def _errands(self, cards: Sequence[Card]) -> list[Action]:
        """Questions answered at counters, and Zalo messages from people whom nobody knows."""
        chance, days = self._chance("errands"), working_days(self.calendar)
        errands = []
        for _ in range(max(1, round(share.ADVICE * len(cards)))):
            counter = chance.choices(list(share.COUNTERS), list(share.COUNTERS.values()))[0]
            at = datetime.combine(chance.choice(days), time(7, 30), tzinfo=VIETNAM)
            at += timedelta(seconds=chance.randint(0, 4 * 3600))
            channel = chance.choice(("counter", "hotline"))
            body = {"counter": counter, "topic": chance.choice(TOPICS), "channel": channel}
            errands.append(
                Action(at=at, does="advice", who=f"receptionist.{counter}", door="intake", path="/advice", body=body)
            )
        for number in range(max(1, round(share.STRAYS * len(cards)))):
            stranger = people.person(chance, 9_000_000 + number)
            at = datetime.combine(chance.choice(days), time(20), tzinfo=VIETNAM)
            text = f"Tôi là {stranger.name}, bao giờ có điện?"
            who = people.zalo_id(9_000_000 + number)
            errands.append(Action(at=at, does="stray", who=who, door="zalo", body={"text": text}))
        return sorted(errands, key=lambda action: (action.at, action.who))
