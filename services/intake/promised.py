"""When a promise runs out, as far as the door can know. Pure.

The door counts with its own facts and with those of routing that it has heard. It does not hear of obstacles on site:
where one stopped the clock, the judge knows of a later due than the door.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from deadlines.catalogue import Catalogue
from deadlines.promise import due
from deadlines.published import as_revised, renamed
from events.commands.amend import as_corrected
from events.contracts.routing import (
    AgencyReferred,
    AgencyReplied,
    CustomerActionCompleted,
    CustomerActionRequested,
)
from events.contracts.terms import Promise
from events.store.envelope import RecordedEvent
from intake.state import Open

Span = tuple[datetime, datetime]


def runs_out(case: Open, catalogue: Catalogue, at: datetime, waits: Iterable[Span] = ()) -> datetime | None:
    """When the promise of the running cycle runs out (a UTC instant) if every pause that is open ends at `at`.

    Counted as the judge counts ("Due" in the settled rules): from receipt or reopening, with the limit of the receipt's
    service or of the one that a leader named, under the pinned calendar or what revised it, moved by the pauses. Where
    the catalogue has nothing to count with, what was stated; None: nothing was. Raises OutsideCalendar.
    """
    promise, start = _promise(case, catalogue), (case.reopening or case.receipt).at
    service = catalogue.services.get(promise.service or "") if promise else None
    if promise is None or service is None or start is None:
        stated: datetime | None = case.reopening.fact.due if case.reopening else case.received.appointment
        return stated
    calendar = catalogue.calendar(promise.calendar)
    closed = [(asked.at, brought.at) for asked, brought in case.brought if asked.at and brought.at]
    pauses = [*closed, *(one for one in waits if one[0] >= start)]  # what was asked before is of another cycle
    if case.waiting and case.waiting.at:
        pauses.append((case.waiting.at, max(case.waiting.at, at)))
    count = partial(due, calendar, service.limit, start, cutoff=service.cutoff)
    restarted: datetime | None = None
    if promise.clock_policy == "RESTART":
        for asked, brought in closed:
            until = count(pauses=[one for one in pauses if one[0] < asked], restarted=restarted)
            if until is not None and asked < until:
                restarted = brought
    return count(pauses=pauses, restarted=restarted)


def _promise(case: Open, catalogue: Catalogue) -> Promise | None:
    pinned = case.received.promise
    named = catalogue.services.get(case.service or "") if case.reclassification else None
    if named is not None:
        pinned = renamed(pinned, named)
    return as_revised(pinned, catalogue, catalogue.revised) if pinned else None


def waits(heard: Iterable[RecordedEvent], at: datetime) -> list[Span]:
    """When the dossier's way waited for the customer or an agency, by the facts of its stream; what is open ends at
    `at`."""
    open_ones: dict[str, datetime] = {}
    found: list[Span] = []
    for one in as_corrected(list(heard)):
        match one.fact:
            case CustomerActionRequested() | AgencyReferred():
                open_ones[one.id] = one.at
            case CustomerActionCompleted(answers=str(asked)) | AgencyReplied(answers=str(asked)):
                if asked in open_ones:
                    found.append((open_ones.pop(asked), one.at))
            case _:
                pass
    return found + [(began, max(began, at)) for began in open_ones.values()]
