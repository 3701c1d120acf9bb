"""Deals services, counters, days and traits to the dossiers, so that the proportions come out and no branch is missing.

A share is met by dealing a counted number of cards, not by rolling dice: at 3,187 the proportions are exact, and at 50
each trait is still dealt at least once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from deadlines.calendar import Calendar
from deadlines.catalogue import Catalogue
from deadlines.entries import Service
from local.demo import proportions as share

PREPARED_BY = date(2017, 8, 25)  # traits that take weeks are dealt to dossiers received by then
QUICK_BY = date(2017, 9, 20)


@dataclass(slots=True)
class Card:
    """One dossier to be: what, where, when, and what is special about it."""

    number: int
    service: Service
    counter: str = ""
    district: str = ""
    day: date = share.FIRST_DAY
    traits: set[str] = field(default_factory=set)
    resubmits: int | None = None  # the number of the refused dossier that this one replaces

    @property
    def process(self) -> str:
        return self.service.process

    @property
    def plain(self) -> bool:
        """Nothing is dealt yet but the way of arriving."""
        return not self.traits - set(share.ARRIVALS)


def deal(chance: Random, cases: int, catalogue: Catalogue, calendar: Calendar) -> list[Card]:
    """The cards, in order of their numbers, which is the order of their days."""
    cards = [
        Card(number, catalogue.service_on(code, share.FIRST_DAY))
        for number, code in enumerate(spread(chance, cases, share.SERVICES))
    ]
    _deal_counters(chance, cards)
    _deal_days(chance, cards, calendar)
    cards.sort(key=lambda card: card.day)
    for number, card in enumerate(cards):
        card.number = number
    _deal_traits(chance, cards)
    return cards


def spread(chance: Random, cases: int, weights: Mapping[str, float]) -> list[str]:
    """So many words in proportion to their weights (largest remainder, each at least once), shuffled."""
    total = sum(weights.values())
    counts = {word: max(1, int(cases * weight / total)) for word, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda word: (counts[word] - cases * weights[word] / total, word))
    for place in range(cases - sum(counts.values())):
        counts[by_remainder[place % len(by_remainder)]] += 1
    words = [word for word, count in counts.items() for _ in range(count)][:cases]
    chance.shuffle(words)
    return words


def _deal_counters(chance: Random, cards: Sequence[Card]) -> None:
    """Urban services at the cities' and towns' counters, rural ones elsewhere first; the rest as it comes."""
    counters = spread(chance, len(cards), share.COUNTERS)
    cities = [one for one in counters if f"DL-{one[4:]}" in share.CITIES_AND_TOWNS]
    country = [one for one in counters if one not in set(cities) and one != "PAC-22"]
    province = [one for one in counters if one == "PAC-22"]
    order = {"URBAN": [cities, province, country], "RURAL": [country, province, cities]}
    anywhere = [province, cities, country]
    rest = [card for card in cards if not card.service.code.endswith(("URBAN", "RURAL"))]
    rest.sort(key=lambda card: card.process != "MV")  # half of the provincial centre's work is medium voltage
    for card in [*(one for one in cards if one not in rest), *rest]:
        piles = order.get(card.service.code.rpartition("-")[2])
        if piles is None:
            piles = anywhere if card.process == "MV" and chance.random() < 0.5 else _shuffled(chance, anywhere)
        card.counter = next(pile for pile in piles if pile).pop()
        card.district = f"DL-{card.counter[4:]}"
        if card.counter == "PAC-22":
            wanted = share.CITIES_AND_TOWNS if card.service.code.endswith("URBAN") else None
            districts = {f"DL-{one[4:]}": w for one, w in share.COUNTERS.items() if one != "PAC-22"}
            known = {one: w for one, w in districts.items() if wanted is None or one in wanted}
            card.district = chance.choices(list(known), list(known.values()))[0]


def _shuffled(chance: Random, piles: list[list[str]]) -> list[list[str]]:
    """The piles in an order that follows their sizes by chance."""
    left = [pile for pile in piles if pile]
    order: list[list[str]] = []
    while left:
        pile = chance.choices(left, [len(one) for one in left])[0]
        left = [one for one in left if one is not pile]
        order.append(pile)
    return order


def _deal_days(chance: Random, cards: Sequence[Card], calendar: Calendar) -> None:
    """Evenly over the working days, Mondays a little busier; medium voltage evenly by itself."""
    days = working_days(calendar)
    weights = [1.25 if day.weekday() == 0 else 1.0 for day in days]
    high = [card for card in cards if card.process == "MV"]
    for place, card in enumerate(high):
        card.day = days[int((place + chance.random() * 0.9) * len(days) * 0.97 / len(high))]
    for card in cards:
        if card.process != "MV":
            card.day = chance.choices(days, weights)[0]


def working_days(calendar: Calendar) -> list[date]:
    """The working days of the period."""
    span = (share.LAST_DAY - share.FIRST_DAY).days + 1
    days = [share.FIRST_DAY + timedelta(days=number) for number in range(span)]
    return [day for day in days if calendar.is_working_day(day)]


Fits = Callable[[Card], bool]


def _deal_traits(chance: Random, cards: list[Card]) -> None:
    total = len(cards)

    def give(trait: str, count: int, among: Iterable[Card]) -> list[Card]:
        fitting = list(among)
        chosen = chance.sample(fitting, min(max(1, count), len(fitting)))
        for card in chosen:
            card.traits.add(trait)
        return chosen

    for trait, part in share.ENDINGS.items():
        give(trait, round(part * total), [card for card in cards if card.plain and _ENDING[trait](card)])
    for trait, part in share.PAPERS.items():
        give(trait, round(part * total), [card for card in cards if card.plain and card.day <= QUICK_BY])
    for trait, part in share.SITE.items():
        on_site = [card for card in cards if card.plain and card.process != "CONTRACT" and card.day <= QUICK_BY]
        give(trait, round(part * total), on_site)
    _deal_questions(give, cards)
    for trait, part in share.ARRIVALS.items():
        free = [card for card in cards if not card.traits & set(share.ARRIVALS) and _ARRIVAL[trait](card)]
        give(trait, round(part * total), free)
    refused = [card for card in cards if "refused" in card.traits]
    for card in refused[: max(1, round(share.RESUBMITTED * len(refused)))]:
        later = [
            one for one in cards if one.plain and not one.traits and one.resubmits is None
            and timedelta(days=6) <= one.day - card.day and one.process != "MV"
        ]  # fmt: skip
        if later:
            again = later[0]
            again.resubmits, again.counter, again.district, again.service = (
                card.number, card.counter, card.district, card.service
            )  # fmt: skip


def _deal_questions(give: Callable[[str, int, Iterable[Card]], list[Card]], cards: Sequence[Card]) -> None:
    """Which agencies are asked: for medium voltage and poles, not where something else is special."""
    high = [card for card in cards if card.process == "MV"]
    poles = [card for card in cards if card.service.code == "LV-POLE" and card.plain and card.day <= PREPARED_BY]
    twice = give("asks-two-agencies", round(share.REFERRED_TWICE_MV * len(high)), high)
    once = [card for card in high if card not in twice]
    asked = [
        *give("asks-agency", round(share.REFERRED_MV * len(high)), once or twice),
        *give("asks-agency", round(share.REFERRED_POLE * len(poles)), poles),
    ]
    give("agency-late", round(share.AGENCY_LATE * len(asked)), asked)


def _by(day: date, *processes: str) -> Fits:
    return lambda card: card.day <= day and card.process in processes


_ENDING: Mapping[str, Fits] = {
    "refused": _by(PREPARED_BY, "LV", "CONTRACT"),
    "withdrawn": _by(date(2017, 10, 6), "LV", "CONTRACT"),
    "withdrawn-on-site": _by(QUICK_BY, "LV"),
    "stopped": _by(PREPARED_BY, "LV", "CONTRACT"),
    "late": _by(QUICK_BY, "LV"),
    "late-with-apology": _by(QUICK_BY, "LV"),
    "extended-but-kept": _by(QUICK_BY, "LV"),
    "reopened": _by(PREPARED_BY, "LV", "CONTRACT"),
}
_ARRIVAL: Mapping[str, Fits] = {
    "by-zalo": lambda card: card.counter != "PAC-22" and card.day > share.FIRST_DAY and card.process != "MV",
    "turned-away": lambda card: card.day > share.FIRST_DAY,
    "after-15": lambda card: True,
    "at-lunch": lambda card: True,
    "on-saturday": lambda card: date(2017, 7, 14) < card.day < date(2017, 10, 6),
}
