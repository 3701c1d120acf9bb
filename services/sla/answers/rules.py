"""Rules: what other rules would change, and what publishing them came to."""

from datetime import datetime
from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from deadlines.entries import CalendarEntry, Service
from deadlines.verdict import Class
from events.contracts.rules import Policy
from events.contracts.terms import CaseId, ClockPolicy, UnitKind
from events.http.answers import Said, about
from sla.answers.cases import CycleNumber, UnitName


class ImpactCounts(TypedDict):
    """How many cycles change in each way."""

    due_moved: Annotated[int, about("Another due instant.", 3)]
    verdicts_changed: Annotated[int, about("Another verdict.", 1)]
    newly_overdue: Annotated[int, about("Overdue, and not before.", 0)]
    no_longer_overdue: Annotated[int, about("No longer overdue.", 1)]


class UnitImpact(ImpactCounts):
    """The same of one organisation or counter."""

    unit: UnitName
    kind: Annotated[UnitKind, about("What the unit is.")]


class ImpactReport(ImpactCounts):
    """What other rules change."""

    cases: Annotated[int, about("Dossiers that were judged.", 3_187)]
    units: Annotated[list[UnitImpact], about("Organisations, then counters, the most moved first.")]


class SupposedRules(TypedDict):
    """What a run supposes."""

    calendars: Annotated[list[CalendarEntry], about("Calendar versions.")]
    services: Annotated[list[Service], about("Service versions.")]
    policy: Annotated[Policy | None, about("Whether dossiers that pinned older versions are judged by them.")]
    clock_policy: Annotated[ClockPolicy | None, about("What a supplement does to the promise's clock.")]


class ChangedCycle(TypedDict):
    """A cycle that other rules judge otherwise."""

    case_id: CaseId
    cycle: CycleNumber
    counter: Annotated[str, about("The counter that took it in.", "PAC-193")]
    organisation: Annotated[str, about("The organisation of the counter.", "PC-QN")]
    unit: Annotated[str, about("The unit in charge; after release the counter.", "DL-193")]
    due: Annotated[datetime | None, about("Due by the rules in force.")]
    new_due: Annotated[datetime | None, about("Due by the supposed ones.")]
    by_date: Annotated[Class | None, about("Classifier A by the rules in force.")]
    new_by_date: Annotated[Class | None, about("Classifier A by the supposed ones.")]
    by_session: Annotated[Class | None, about("Classifier B by the rules in force.")]
    new_by_session: Annotated[Class | None, about("Classifier B by the supposed ones.")]
    late: Annotated[bool, about("Overdue by the rules in force, released or not.")]
    new_late: Annotated[bool, about("Overdue by the supposed ones.")]


class WhatIfRun(TypedDict):
    """How a what-if goes, or went."""

    run: Annotated[int, about("Its number.", 1)]
    state: Annotated[Literal["running", "done", "failed"], about("Whether it is at work, or its end.")]
    actor: Annotated[str, about("Who asked for it.", "leader-onedoor-01")]
    supposed: Annotated[SupposedRules, about("What it supposes.")]
    now: Annotated[datetime, about("The instant at which what is open is overdue.")]
    started_at: Annotated[datetime, about("When it began.")]
    finished_at: Annotated[datetime | None, about("When it ended.")]
    cases: Annotated[int, about("Dossiers to judge; an estimate until the end.", 3_187)]
    judged: Annotated[int, about("Dossiers judged so far.", 1_024)]
    seconds: Annotated[float, about("Seconds that it took so far.", 0.8)]
    impact: Annotated[ImpactReport | None, about("What changes; null until the end.")]
    error: Annotated[str | None, about("Why it failed.", "its process ended with status 1")]
    cases_per_second: Annotated[float | None, about("Dossiers judged in a second.", 1_280.0)]
    seconds_left: Annotated[float | None, about("Seconds that are left, while it is at work.", 1.7)]
    dossiers: NotRequired[Annotated[list[ChangedCycle], about("With `dossiers`: every cycle that changes.")]]


class WhatIfBegun(TypedDict):
    """A what-if that has begun."""

    run: Annotated[int, about("Its number: watch it at /what-if/{run}.", 1)]


class Published(TypedDict):
    """What publishing rules came to."""

    preview: Annotated[bool, about("Whether nothing was said.")]
    impact: Annotated[ImpactReport | None, about("What it changes; null where the rules are in force already.")]
    facts: Annotated[list[Said], about("What was said; nothing of a preview.")]
    run: NotRequired[Annotated[int | None, about("Of a preview: the what-if that judged it.", 1)]]
