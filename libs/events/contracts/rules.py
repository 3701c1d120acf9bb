"""What is published as a rule: calendar versions and service versions, as the values that promises are judged by.

Names and texts stay in the catalogue's files; `basis` refers to the decision behind a rule. Said by sla, heard by all.
"""

from typing import Annotated, Literal

from events.contracts.catalogue import fact
from events.contracts.terms import (
    CalendarId,
    ClockPolicy,
    Count,
    Country,
    Limit,
    LocalDate,
    LocalTime,
    ProcessName,
    Reference,
    ServiceId,
    Whole,
    Word,
    value,
)

Policy = Literal["pinned", "as-revised"]
"""Whether a case is judged under the version that its receipt pinned, or under the newest one of the same name."""


@value
class Opening:
    """Half a day of work, from one local time to another; `closes` is 00:00:00 where it is worked until midnight."""

    opens: LocalTime
    closes: LocalTime


@value
class Era:
    """Opening hours in force from a date up to the day before `until`; ISO weekdays, 1 = Monday."""

    since: LocalDate
    until: LocalDate | None = None
    weekdays: tuple[Annotated[int, Whole(1, 7)], ...]
    sessions: tuple[Opening, ...]


@value
class OneDay:
    """A day that differs from the national calendar. `sessions` are those of a half day."""

    on: LocalDate
    day: Literal["off", "make-up", "half"]
    sessions: tuple[Opening, ...] = ()


@value
class CalendarTerms:
    """Everything of a calendar version that working time is computed from."""

    id: CalendarId
    country: Country
    cutoff_at: LocalTime
    hours: tuple[Era, ...]
    overrides: tuple[OneDay, ...] = ()


@value
class ServiceTerms:
    """Everything of a service version that a promise is judged by, and from when until when it is offered."""

    id: ServiceId
    since: LocalDate
    until: LocalDate | None = None
    field: Literal["LV", "MV", "CONTRACT"]
    limit: Limit
    clock_policy: ClockPolicy
    calendar: CalendarId
    cutoff: Literal["transfer", "promise"]
    process: ProcessName
    checklist: Word


@value
class Impact:
    """What publishing moves, in cycles of dossiers, as it was judged before anything was said."""

    cases: Count
    due_moved: Count
    verdicts_changed: Count
    newly_overdue: Count
    no_longer_overdue: Count


@fact(schema=1)
class CalendarPublished:
    """A calendar version is in force. `policy`: whether dossiers that pinned an older one are judged by it."""

    calendar: CalendarTerms
    policy: Policy
    basis: Reference
    impact: Impact


@fact(schema=1)
class CataloguePublished:
    """Versions of services are in force. `policy`: whether dossiers that pinned older ones are judged by them."""

    services: tuple[ServiceTerms, ...]
    policy: Policy
    basis: Reference
    impact: Impact
