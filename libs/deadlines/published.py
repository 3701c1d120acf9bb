"""A catalogue and the rules that were published since: what is known now, and which version stands for which. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from deadlines.catalogue import Catalogue
from deadlines.entries import CalendarEntry, CatalogueFile, Service
from events.contracts.rules import CalendarPublished, CataloguePublished
from events.contracts.terms import Promise

Fact = CalendarPublished | CataloguePublished

STREAM = "rules-published"
"""One stream, so that what is published is decided on everything that was published before."""


def joined(catalogue: Catalogue, facts: Iterable[Any]) -> Catalogue:
    """The catalogue with everything that these facts publish; other facts change nothing.

    Raises CatalogueError where a file says something else than was published.
    """
    for fact in facts:
        if isinstance(fact, CalendarPublished | CataloguePublished):
            catalogue = catalogue.plus(f"published on the basis of {fact.basis}", file_of(fact))
            catalogue.revised.update(revised_by(catalogue, [fact]))
    return catalogue


def revised_by(catalogue: Catalogue, facts: Iterable[Any]) -> dict[str, str]:
    """Older version → the version that stands for it, by those of these facts whose policy is as-revised."""
    revised: dict[str, str] = {}
    for fact in facts:
        if isinstance(fact, CalendarPublished | CataloguePublished) and fact.policy == "as-revised":
            revised.update(standing_for(catalogue, ids_of(fact)))
    return revised


def file_of(fact: Fact) -> CatalogueFile:
    """What a fact publishes, as a file of the catalogue would say it."""
    if isinstance(fact, CalendarPublished):
        return CatalogueFile(calendars=(CalendarEntry.of_terms(fact.calendar, fact.basis),))
    return CatalogueFile(services=tuple(Service.of_terms(terms, fact.basis) for terms in fact.services))


def ids_of(fact: Fact) -> tuple[str, ...]:
    """The versions that a fact publishes."""
    if isinstance(fact, CalendarPublished):
        return (fact.calendar.id,)
    return tuple(terms.id for terms in fact.services)


def standing_for(catalogue: Catalogue, newer: Iterable[str]) -> dict[str, str]:
    """Every older version of the same names → the newest of these."""
    newest: dict[str, str] = {}
    for id in sorted(newer, key=order):
        newest[name_of(id)] = id
    return {
        id: newest[name_of(id)]
        for id in (*catalogue.calendars, *catalogue.services)
        if name_of(id) in newest and order(id) < order(newest[name_of(id)])
    }


def newest(catalogue: Catalogue) -> Mapping[str, str]:
    """Every version that has a newer one → the newest of the same name."""
    return standing_for(catalogue, (*catalogue.calendars, *catalogue.services))


def as_revised(pinned: Promise, catalogue: Catalogue, revised: Mapping[str, str]) -> Promise:
    """The promise that stands for what a receipt pinned. `revised`: older version → the version that stands for it.

    A calendar that the counter keeps for itself stays, in its own newest version, when the service is another.
    """
    service, calendar, policy = pinned.service, pinned.calendar, pinned.clock_policy
    if service is not None and service in revised:
        older, newer = catalogue.services.get(service), catalogue.service(revised[service])
        if older is None or name_of(calendar) == name_of(older.calendar):
            calendar = newer.calendar
        service, policy = newer.id, newer.clock_policy
    return replace(pinned, service=service, calendar=revised.get(calendar, calendar), clock_policy=policy)


def renamed(pinned: Promise | None, service: Service) -> Promise:
    """What a receipt promises once a leader has found that it is of this service: the calendar stays, limit and clock
    policy do not."""
    calendar = pinned.calendar if pinned is not None else service.calendar
    return Promise(calendar=calendar, clock_policy=service.clock_policy, service=service.id)


def name_of(id: str) -> str:
    """VN-PAC of VN-PAC@2017.1."""
    return id.partition("@")[0]


def order(id: str) -> tuple[int, ...]:
    """Versions in order: the numbers of 2017.1, or the day of 2017-07-01."""
    version = id.partition("@")[2]
    if "-" in version:
        return (date.fromisoformat(version).toordinal(),)
    return tuple(int(part) for part in version.split("."))
