"""What may be promised, by whom and through which hands, looked up by id; and what must hold among entries."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Self, TypeVar

from deadlines.calendar import Calendar
from deadlines.entries import (
    CalendarEntry,
    CatalogueFile,
    Checklist,
    Dated,
    Entry,
    Escalation,
    Indicator,
    Process,
    Reason,
    ReportingPeriod,
    Service,
    Threshold,
    Unit,
)
from deadlines.errors import CatalogueError, Overlapping, TwoContents, UnknownId
from events.contracts.catalogue import write
from events.contracts.rules import CalendarTerms, ServiceTerms
from events.contracts.terms import Limit, UnitKind

T = TypeVar("T")
E = TypeVar("E", bound=Entry)


class Catalogue:
    """Everything that may be promised, by id. Calendars are built when first asked for."""

    def __init__(self, files: Mapping[str, CatalogueFile]) -> None:
        self.calendars: dict[str, CalendarEntry] = {}
        self.services: dict[str, Service] = {}
        self.processes: dict[str, Process] = {}
        self.checklists: dict[str, Checklist] = {}
        self.reasons: dict[str, Reason] = {}
        self.periods: dict[str, ReportingPeriod] = {}
        self.indicators: dict[str, Indicator] = {}
        self.thresholds: list[Threshold] = []
        self.escalations: list[Escalation] = []
        self._units: dict[str, list[Unit]] = {}
        self._built: dict[str, Calendar] = {}
        self.revised: dict[str, str] = {}
        """Versions that were published with the policy as-revised, by each older version that they stand for."""
        for name, file in files.items():
            _enter(
                self.calendars,
                ((c.id, c) for c in file.calendars),
                f"{name}: calendars",
            )
            _enter(self.services, ((s.id, s) for s in file.services), f"{name}: services")
            _enter(self.processes, file.processes.items(), f"{name}: processes")
            _enter(self.checklists, file.checklists.items(), f"{name}: checklists")
            _enter(self.reasons, file.reasons.items(), f"{name}: reasons")
            _enter(self.periods, ((p.name, p) for p in file.periods), f"{name}: periods")
            _enter(self.indicators, ((i.name, i) for i in file.indicators), f"{name}: indicators")
            self.thresholds += file.thresholds
            self.escalations += file.escalations
            for unit in file.units:
                versions = self._units.setdefault(unit.code, [])
                if unit not in versions:
                    versions.append(unit)
        self._check()

    # -- more versions --------------------------------------------------------------------------

    def plus(self, name: str, file: CatalogueFile) -> "Catalogue":
        """A new catalogue with the calendars and services of one more file; `name` is what its faults are told by.

        An id that exists is taken as it stands; it may be ended by `to` where it was open. Raises TwoContents when its
        terms are others, and CatalogueError when the whole contradicts itself.
        """
        other = Catalogue.__new__(Catalogue)
        other.__dict__.update(self.__dict__)
        other.calendars, other.services = dict(self.calendars), dict(self.services)
        other._built, other.revised = dict(self._built), dict(self.revised)
        for calendar in file.calendars:
            known = other.calendars.setdefault(calendar.id, calendar)
            if known.terms() != calendar.terms():
                raise TwoContents(_two(f"{name}: calendars", calendar.id))
        for service in file.services:
            there = other.services.setdefault(service.id, service)
            if _judged(there) != _judged(service) or (there.until and there.until != service.until):
                raise TwoContents(_two(f"{name}: services", service.id))
            if there.until != service.until:
                other.services[service.id] = there.model_copy(update={"until": service.until})
        other._check()
        return other

    def become(self, other: "Catalogue") -> None:
        """Take another's calendars and services: those who hold this one see what was published."""
        self.calendars, self.services = other.calendars, other.services
        self._built, self.revised = other._built, other.revised

    def in_force(self, id: str) -> str:
        """The version by which a new receipt that names this one is judged: itself, or what revised it."""
        return self.revised.get(id, id)

    # -- look-ups -----------------------------------------------------------------------------

    def service(self, service_id: str) -> Service:
        """A service version. Raises UnknownId."""
        return _found(self.services, service_id, "services.yaml: id", "service")

    def service_on(self, code: str, on: date) -> Service:
        """The version of a service ("LV-RES-URBAN") in force on a date. Raises UnknownId."""
        for service in self.services.values():
            if service.code == code and service.in_force(on):
                return service
        raise UnknownId(f"services.yaml: id: no version of service {code!r} is in force on {on}")

    def unit(self, code: str, on: date | None = None) -> Unit:
        """A unit: its version in force on a date, or its latest. Raises UnknownId."""
        versions = self._units.get(code, [])
        for unit in reversed(versions):
            if on is None or unit.in_force(on):
                return unit
        raise UnknownId(f"units.yaml: code: there is no unit {code!r}" + (f" on {on}" if versions and on else ""))

    def units(self, kind: UnitKind | None = None, on: date | None = None) -> Iterator[Unit]:
        """Units by code, each in its version of the date (or its latest)."""
        for code in sorted(self._units):
            unit = next(
                (u for u in reversed(self._units[code]) if on is None or u.in_force(on)),
                None,
            )
            if unit is not None and kind in (None, unit.kind):
                yield unit

    def owners(self) -> frozenset[str]:
        """What the codes of our own dossiers begin with."""
        return frozenset(unit.prefix for unit in self.units("counter") if unit.prefix)

    def has_unit(self, code: str) -> bool:
        """Whether any version of a unit is known."""
        return code in self._units

    def limit(self, service_id: str) -> Limit:
        """How long a service may take. Raises UnknownId."""
        return self.service(service_id).limit

    def agency_limit(self, agency: str, matter: str) -> Limit | None:
        """How long an agency may take over a matter; None where nobody has said."""
        for entry in self.unit(agency).matters if agency in self._units else ():
            if entry.matter == matter:
                return entry.limit
        return None

    def process(self, process_id: str) -> Process:
        """A process by its id. Raises UnknownId."""
        return _found(self.processes, process_id, "processes.yaml: processes", "process")

    def checklist(self, checklist_id: str) -> Checklist:
        """A checklist by its id. Raises UnknownId."""
        return _found(self.checklists, checklist_id, "checklists.yaml: checklists", "checklist")

    def reason(self, word: str) -> Reason:
        """The texts of a reason. Raises UnknownId."""
        return _found(self.reasons, word, "reasons.yaml: reasons", "reason")

    def period(self, name: str) -> ReportingPeriod:
        """How a named kind of period is cut. Raises UnknownId."""
        return _found(self.periods, name, "record.yaml: periods", "period")

    def escalations_on(self, on: date) -> list[Escalation]:
        """The steps by which a promise that is due on a date is escalated."""
        return [one for one in self.escalations if one.in_force(on)]

    def thresholds_on(self, on: date) -> list[Threshold]:
        """The thresholds in force on a date."""
        return [threshold for threshold in self.thresholds if threshold.in_force(on)]

    def calendar(self, calendar_id: str) -> Calendar:
        """A calendar version, built once. Raises UnknownId."""
        built = self._built.get(calendar_id)
        if built is None:
            built = self._built[calendar_id] = _found(
                self.calendars, calendar_id, "calendars.yaml: id", "calendar"
            ).build()
        return built

    def build(self) -> Self:
        """Builds every calendar now, so that no first question waits for it."""
        for calendar_id in self.calendars:
            self.calendar(calendar_id)
        return self

    def calendar_of(self, unit: str) -> Calendar:
        """The calendar that a unit works by: its own, else that of the nearest unit above, else the first one."""
        seen: set[str] = set()
        code: str | None = unit
        while code in self._units and code not in seen:
            seen.add(code)
            entry = self.unit(code)
            if entry.calendar:
                return self.calendar(entry.calendar)
            code = entry.parent
        return self.calendar(next(iter(self.calendars)))

    def promised(self, counter: str, service: Service, on: date) -> Calendar:
        """The calendar that a receipt of a date names: the counter's own if it keeps other days, else the service's."""
        return self.calendar(self.in_force(self.unit(counter, on).calendar or service.calendar))

    def fingerprints(self) -> dict[str, str]:
        """SHA-256 of the terms behind each id@version, to notice that one was edited since it was last used.

        Texts may be mended and a service may end: neither changes what a receipt that names the version promised.
        """
        terms: dict[str, CalendarTerms | ServiceTerms] = {
            id: calendar.terms() for id, calendar in self.calendars.items()
        }
        terms |= {id: _judged(service) for id, service in self.services.items()}
        return {id: hashlib.sha256(write(one)).hexdigest() for id, one in sorted(terms.items())}

    # -- what must hold among entries ---------------------------------------------------------

    def _check(self) -> None:
        by_code: dict[str, list[Service]] = {}
        for service in self.services.values():
            by_code.setdefault(service.code, []).append(service)
            where = f"services.yaml: {service.id}"
            _known(f"{where}: calendar", service.calendar, self.calendars)
            _known(f"{where}: process", service.process, self.processes)
            _known(f"{where}: checklist", service.checklist, self.checklists)
            if service.id.partition("@")[2] != service.since.isoformat():
                raise CatalogueError(
                    f"{where}: from: the version in the id and the first day in force must be the same"
                )
        for why in {threshold.why for threshold in self.thresholds}:
            _apart(f"record.yaml: thresholds: {why}", [one for one in self.thresholds if one.why == why])
        for step in {one.step for one in self.escalations}:
            same = [one for one in self.escalations if one.step == step]
            _apart(f"processes.yaml: escalations: {step}", same)
            for one in same:
                _known(f"processes.yaml: escalations: {step}: unit", one.unit, self._units)
        for code, services in by_code.items():
            _apart(f"services.yaml: {code}", services)
        for code, units in self._units.items():
            units.sort(key=lambda unit: unit.since)
            _apart(f"units.yaml: {code}", units)
            for unit in units:
                for field in ("parent", "district", "successor"):
                    if other := getattr(unit, field):
                        _known(f"units.yaml: {code}: {field}", other, self._units)
                if unit.calendar:
                    _known(f"units.yaml: {code}: calendar", unit.calendar, self.calendars)
        self._check_receipts()

    def _check_receipts(self) -> None:
        held: dict[str, str] = {}
        for code, units in self._units.items():
            for part in {unit.receipt for unit in units if unit.receipt}:
                if held.setdefault(part, code) != code:
                    raise CatalogueError(
                        f"units.yaml: {code}: receipt: {part!r} is already the code part of {held[part]}"
                    )


def _judged(service: Service) -> ServiceTerms:
    """What two mentions of one version must agree on: all but its last day."""
    return replace(service.terms(), until=None)


def _two(where: str, key: str) -> str:
    return f"{where}: {key} is defined twice with different contents; a change is a new version"


def _enter(into: dict[str, E], entries: Iterable[tuple[str, E]], where: str) -> None:
    for key, entry in entries:
        if key in into and into[key] != entry:
            raise TwoContents(_two(where, key))
        into[key] = entry


def _found(among: Mapping[str, T], key: str, where: str, what: str) -> T:
    if key not in among:
        raise UnknownId(f"{where}: there is no {what} {key!r}")
    return among[key]


def _known(where: str, key: str, among: Mapping[str, object]) -> None:
    if key not in among:
        raise UnknownId(f"{where}: {key!r} is not defined in the catalogue")


def _apart(where: str, versions: Iterable[Dated]) -> None:
    ordered = sorted(versions, key=lambda version: version.since)
    for earlier, later in pairwise(ordered):
        if earlier.until is None or earlier.until > later.since:
            raise Overlapping(f"{where}: two versions are in force on {later.since}; end the earlier one with `to`")
