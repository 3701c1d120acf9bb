"""A generated quarter: dossiers of July to October 2017 on whole minutes, with every usual way to go."""

from datetime import datetime, timedelta
from random import Random

import msgspec
from oracle.telling import Story, local, promise

PLEDGES = ("LV-RES-URBAN@2017-07-01", "LV-RES-RURAL@2017-07-01", "MV-CONNECT@2017-07-01")
BEGIN = local(7, 10, 7)
DAYS = 60  # of receipts; the oracle knows time up to March 2018


def quarter(cases: int, seed: int = 2017) -> list[Story]:
    """So many dossiers, each its own; the same for the same seed."""
    random = Random(seed)
    return [_dossier(number, random) for number in range(1, cases + 1)]


def _dossier(number: int, random: Random) -> Story:
    story = Story(f"000.00.02.H49-170710-{number:05d}")
    now = BEGIN + timedelta(days=random.randrange(DAYS), minutes=random.randrange(600))

    def later(hours: int) -> datetime:
        nonlocal now
        now += timedelta(minutes=random.randrange(1, hours * 60))
        return now

    service = random.choice(PLEDGES)
    story.received(now, promise(service, random.choice(("PAUSE", "RESTART"))))
    story.forwarded(later(3), "DL-193", hours=4)
    if random.random() < 0.2:
        asked = story.supplement(later(8))
        if random.random() < 0.8:
            story.supplemented(later(60), asked)
    if random.random() < 0.2:
        referred = story.referred(later(8))
        story.replied(later(200), answers=referred)
    if random.random() < 0.3:
        story.forwarded(later(20), "TC-193", by="DL-193", hours=12, step="install")
    ending = random.random()
    if ending < 0.75:
        story.returned(later(160), "DL-193")
        if random.random() < 0.5:
            story.closed(later(100))
        if random.random() < 0.05:
            story.reopened(later(48))
            story.returned(later(100))
    elif ending < 0.85:
        story.withdrawn(later(40))
    return story


def told_late(stories: list[Story], seed: int = 7, share: float = 0.2, days: int = 20) -> list[Story]:
    """The same, a share of the facts recorded up to so many days after they happened."""
    random = Random(seed)
    for story in stories:
        story.facts = [
            msgspec.structs.replace(fact, recorded_at=fact.at + timedelta(minutes=random.randrange(1, days * 1440)))
            if random.random() < share
            else fact
            for fact in story.facts
        ]
    return stories
