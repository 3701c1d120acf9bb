"""The schema of the files in `deploy/catalogue`: services, units, processes, checklists, reasons, calendars,
periods and thresholds of the record.

Everything is dated: in force from `from` up to the day before `to`. A changed entry is a new version, never an edit.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from itertools import combinations
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from deadlines import sessions
from deadlines.calendar import Calendar, Hours, Override
from deadlines.errors import CatalogueError, UnknownId
from deadlines.sessions import Sessions, TimeOfDay, Weekdays
from events.contracts.rules import CalendarTerms, Era, OneDay, ServiceTerms
from events.contracts.terms import (
    CalendarId,
    ClockPolicy,
    Country,
    Date,
    Flag,
    Limit,
    ProcessName,
    ServiceId,
    UnitCode,
    UnitKind,
    Whole,
    Word,
)
from events.http.parameters import SOME, Some, StorableText, some

FieldOfWork = Literal["LV", "MV", "CONTRACT"]
Cutoff = Literal["transfer", "promise"]


class Entry(BaseModel):
    """Anything in the catalogue: unknown keys are refused, and nothing changes once read. No value is read laxly."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sourced(Entry):
    """An entry that says where it comes from; `unsure` marks what nobody could look up."""

    basis: StorableText
    unsure: Flag = False


class Name(Entry):
    """A name as printed, in Vietnamese and English."""

    vi: StorableText
    en: StorableText


class Dated(Entry):
    """In force from `from` up to the day before `to`."""

    since: Date = Field(alias="from")
    until: Date | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.until is not None and self.until <= self.since:
            raise ValueError("`to` is the first day after and must lie later than `from`")
        return self

    def in_force(self, on: date) -> bool:
        """Whether the entry holds on a date."""
        return self.since <= on and (self.until is None or on < self.until)

    def overlaps(self, other: "Dated") -> bool:
        """Whether both are in force on some date."""
        return self.since < (other.until or date.max) and other.since < (self.until or date.max)


class HoursEntry(Dated, Sourced):
    """Opening hours of an era; weekdays by ISO number, 1 = Monday."""

    weekdays: Weekdays
    sessions: Annotated[Sessions, AfterValidator(some), Field(json_schema_extra=SOME)]


class OverrideEntry(Sourced):
    """A day that differs from the national calendar: off, a make-up day, or worked for part of it."""

    on: Date = Field(alias="date")
    day: Literal["off", "make-up", "half"]
    sessions: Sessions = ()

    @model_validator(mode="after")
    def _half_has_hours(self) -> Self:
        if (self.day == "half") != bool(self.sessions):
            raise ValueError("`sessions` is given for a half day, and only for one")
        return self


class CalendarEntry(Sourced):
    """One version of a calendar: national holidays of `country`, our overrides, the hours.

    Several hours may be in force at once, each on weekdays of its own.
    """

    id: CalendarId
    country: Country
    cutoff_at: TimeOfDay
    hours: Some[HoursEntry]
    overrides: tuple[OverrideEntry, ...] = ()

    @field_validator("hours")
    @classmethod
    def _one_for_each_weekday(cls, hours: tuple[HoursEntry, ...]) -> tuple[HoursEntry, ...]:
        for one, other in combinations(hours, 2):
            if one.overlaps(other) and (shared := set(one.weekdays) & set(other.weekdays)):
                on = max(one.since, other.since)
                raise ValueError(f"weekday {min(shared)} has two hours in force on {on}: end the earlier with `to`")
        return hours

    @field_validator("overrides")
    @classmethod
    def _one_for_each_day(cls, overrides: tuple[OverrideEntry, ...]) -> tuple[OverrideEntry, ...]:
        for on, times in Counter(one.on for one in overrides).items():
            if times > 1:
                raise ValueError(f"{on} stands twice: a day is overridden once")
        return overrides

    def terms(self) -> CalendarTerms:
        """What working time is computed from: the entry without its texts."""
        return CalendarTerms(
            id=self.id,
            country=self.country,
            cutoff_at=self.cutoff_at,
            hours=tuple(
                Era(
                    since=h.since.isoformat(),
                    until=h.until.isoformat() if h.until else None,
                    weekdays=h.weekdays,
                    sessions=sessions.as_published(h.sessions),
                )
                for h in self.hours
            ),
            overrides=tuple(
                OneDay(on=o.on.isoformat(), day=o.day, sessions=sessions.as_published(o.sessions))
                for o in self.overrides
            ),
        )

    @staticmethod
    def of_terms(terms: CalendarTerms, basis: str) -> "CalendarEntry":
        """The entry of a calendar that was published. Its days off are called by the decision behind them.

        Not validated again: a published calendar is a fact, and a service must start with it whatever is refused today.
        """
        return CalendarEntry.model_construct(
            id=terms.id, country=terms.country, cutoff_at=terms.cutoff_at, basis=basis,
            hours=tuple(
                HoursEntry.model_construct(
                    since=date.fromisoformat(era.since), until=date.fromisoformat(era.until) if era.until else None,
                    weekdays=era.weekdays, sessions=sessions.of_published(era.sessions), basis=basis,
                )
                for era in terms.hours
            ),
            overrides=tuple(
                OverrideEntry.model_construct(
                    on=date.fromisoformat(one.on), day=one.day, sessions=sessions.of_published(one.sessions),
                    basis=basis,
                )
                for one in terms.overrides
            ),
        )  # fmt: skip

    def build(self) -> Calendar:
        """The index that answers questions."""
        return Calendar(
            self.id,
            country=self.country,
            cutoff_at=sessions.seconds(self.cutoff_at),
            hours=[
                Hours(
                    since=h.since,
                    until=_day_before(h.until),
                    sessions=sessions.in_seconds(h.sessions),
                    weekdays=frozenset(h.weekdays),
                )
                for h in self.hours
            ],
            overrides=[
                Override(
                    on=o.on, sessions=None if o.day == "make-up" else sessions.in_seconds(o.sessions), name=o.basis
                )
                for o in self.overrides
            ],
        )


class Service(Dated, Sourced):
    """One version of a service: how long it may take, under which calendar and clock policy, through which process."""

    id: ServiceId
    name: Name
    field: FieldOfWork
    limit: Limit
    clock_policy: ClockPolicy
    calendar: CalendarId
    cutoff: Cutoff = "transfer"
    process: ProcessName
    checklist: Word

    @property
    def code(self) -> str:
        """The service without its version: LV-RES-URBAN."""
        return self.id.partition("@")[0]

    def terms(self) -> ServiceTerms:
        """What a promise is judged by: the entry without its texts."""
        return ServiceTerms(
            id=self.id, since=self.since.isoformat(), until=self.until.isoformat() if self.until else None,
            field=self.field, limit=self.limit, clock_policy=self.clock_policy, calendar=self.calendar,
            cutoff=self.cutoff, process=self.process, checklist=self.checklist,
        )  # fmt: skip

    @classmethod
    def of_terms(cls, terms: ServiceTerms, basis: str) -> Self:
        """The entry of a service that was published; called by its code until a file names it."""
        code = terms.id.partition("@")[0]
        return cls.model_validate(
            {
                "id": terms.id, "name": {"vi": code, "en": code}, "from": terms.since, "to": terms.until,
                "field": terms.field, "limit": terms.limit, "clock_policy": terms.clock_policy,
                "calendar": terms.calendar, "cutoff": terms.cutoff, "process": terms.process,
                "checklist": terms.checklist, "basis": basis,
            }
        )  # fmt: skip


class Matter(Sourced):
    """Something an agency is asked about, and how long it may take to reply."""

    matter: Word
    limit: Limit


class Unit(Dated, Sourced):
    """An office, team or agency. `district` is the power unit of a district; `receipt` a counter's part of the code.

    `calendar`: a counter that keeps days or hours of its own promises by it, whatever the service's calendar is.
    """

    code: UnitCode
    kind: UnitKind
    name: Name
    parent: UnitCode | None = None
    district: UnitCode | None = None
    successor: UnitCode | None = None
    zalo: str | None = None
    receipt: Annotated[str, Field(pattern=r"^\d{2}$")] | None = None
    calendar: CalendarId | None = None
    matters: tuple[Matter, ...] = ()

    @property
    def prefix(self) -> str | None:
        """How the codes of a counter's dossiers begin: 000.00.22.H49 (QCVN 102:2016/BTTTT; H49 = Quang Ninh)."""
        return f"000.00.{self.receipt}.H49" if self.receipt else None


class Step(Sourced):
    """One pair of hands in a process. `{district}` in `unit` is the number of the dossier's district unit."""

    step: Word
    unit: str
    limit: Limit | None = None
    acknowledge_within: Limit | None = None
    work: Word | None = None
    waits_for: Word | None = None
    """What the customer must have done before this step begins: asked for when the step before is complete."""

    def unit_for(self, district: str) -> str:
        """The unit that takes this step for a dossier of district unit "DL-193"."""
        return self.unit.replace("{district}", district.partition("-")[2])


class Process(Entry):
    """The steps from the counter's desk until the dossier returns to it."""

    steps: tuple[Step, ...]


class Checklist(Sourced):
    """The papers of an application: all of `all`, and one of each group. Items are named in `items`."""

    items: dict[Word, Name]
    all: tuple[Word, ...]
    one_of: dict[Word, tuple[Word, ...]] = {}
    groups: dict[Word, Name] = {}

    @model_validator(mode="after")
    def _named(self) -> Self:
        used = [*self.all, *(item for group in self.one_of.values() for item in group)]
        if missing := sorted({item for item in used if item not in self.items}):
            raise ValueError(f"items without a name: {', '.join(missing)}")
        if unnamed := sorted(set(self.one_of) - set(self.groups)):
            raise ValueError(f"one-of groups without a name: {', '.join(unnamed)}")
        return self

    def missing(self, documents: Iterable[str]) -> tuple[str, ...]:
        """Every item and every one-of group that the documents do not cover, in the checklist's order."""
        held = set(documents)
        return (
            *(item for item in self.all if item not in held),
            *(group for group, items in self.one_of.items() if not held.intersection(items)),
        )

    def name(self, word: str) -> Name:
        """What an item or a group is called. Raises UnknownId."""
        found = self.items.get(word) or self.groups.get(word)
        if found is None:
            raise UnknownId(f"checklists.yaml: items: there is no item or group {word!r}")
        return found


class Reason(Name):
    """A word used as a reason, with its texts, and what it may be a reason for."""

    uses: tuple[Word, ...]


class ReportingPeriod(Sourced):
    """A way to cut the year into periods: each begins on this day of a month and ends the day before it in the next."""

    name: Word
    first_day: Annotated[int, Whole(1, 28)]


class Indicator(Sourced):
    """A share that is published: the target in percent, and the denominator below which it is marked as small."""

    name: Literal["on-time-share", "overdue-share"]
    target_percent: Annotated[int, Whole(0, 100)]
    small: Annotated[int, Whole(1)]


class Threshold(Dated, Sourced):
    """When a unit has to put something right: more than so many percent of what it solved in a period was overdue."""

    why: Word
    kinds: tuple[UnitKind, ...]
    over_percent: Annotated[int, Whole(0, 100)]
    solved_at_least: Annotated[int, Whole(1)]
    due_working_days: Annotated[int, Whole(1, 250)]


WARNINGS = ("half", "four-fifths", "one-day")  # what a promise is warned of before it is due


class Escalation(Dated, Sourced):
    """A dossier still open so many working days after its missed due is put before the head of a higher unit."""

    step: Word
    after_working_days: Annotated[int, Whole(1, 250)]
    unit: UnitCode

    @field_validator("step")
    @classmethod
    def _no_warning(cls, step: str) -> str:
        if step in (*WARNINGS, "due"):
            raise ValueError(f"{step!r} is what a warning before due is called")
        return step


class CatalogueFile(Entry):
    """What one file of the folder may hold."""

    calendars: tuple[CalendarEntry, ...] = ()
    services: tuple[Service, ...] = ()
    units: tuple[Unit, ...] = ()
    processes: dict[str, Process] = {}
    checklists: dict[Word, Checklist] = {}
    reasons: dict[Word, Reason] = {}
    periods: tuple[ReportingPeriod, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    escalations: tuple[Escalation, ...] = ()

    @classmethod
    def of(cls, name: str, content: Any) -> Self:
        """A file's content, checked. Raises CatalogueError that names file, entry and field."""
        try:
            return cls.model_validate(content or {})
        except ValidationError as invalid:
            first = invalid.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise CatalogueError(f"{name}: {where}: {first['msg']}") from invalid


def _day_before(until: date | None) -> date | None:
    return date.fromordinal(until.toordinal() - 1) if until else None
