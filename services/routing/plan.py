"""Through which hands one dossier goes: a process of the catalogue with the units of its district. Pure."""

from dataclasses import dataclass
from datetime import datetime

from deadlines.catalogue import Catalogue
from deadlines.entries import Process
from deadlines.errors import CatalogueError
from deadlines.instants import local_date
from events.contracts.terms import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One step at one unit. `waits_for`: what the customer does before it begins."""

    step: str
    unit: str
    limit: Limit | None
    acknowledge_within: Limit | None
    work: str | None
    waits_for: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The legs from the counter's desk until the dossier returns to it."""

    process: str
    district: str
    legs: tuple[Leg, ...]

    def index(self, step: str) -> int | None:
        """The place of a step, if it is one of the plan's."""
        return next((place for place, leg in enumerate(self.legs) if leg.step == step), None)


class Plans:
    """Every plan of the catalogue: each process in each district. Raises CatalogueError for an impossible one."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue  # services may be published while we run; processes are the files' own
        self._plans: dict[tuple[str, str], Plan] = {}
        districts = sorted({unit.district for unit in catalogue.units() if unit.district})
        for name, process in catalogue.processes.items():
            _check(name, process)
            for district in districts:
                plan = Plan(process=name, district=district, legs=_legs(process, district))
                if not all(catalogue.has_unit(leg.unit) for leg in plan.legs):
                    continue
                self._plans[name, district] = plan

    def of(self, service: str, district: str) -> Plan | None:
        """The plan of a service version in a district ("DL-193"), if the catalogue has one."""
        known = self._catalogue.services.get(service)
        return self._plans.get((known.process, district)) if known else None

    def escalated_to(self, step: str, due: datetime) -> str | None:
        """The unit whose head hears of a promise due then, by a step of the catalogue's escalations."""
        on = local_date(due)
        return next((one.unit for one in self._catalogue.escalations_on(on) if one.step == step), None)

    def named(self, process: str | None, district: str | None) -> Plan | None:
        """The plan that a route's first hand-over names."""
        return self._plans.get((process or "", district or ""))


def _legs(process: Process, district: str) -> tuple[Leg, ...]:
    return tuple(
        Leg(
            step=step.step, unit=step.unit_for(district), limit=step.limit,
            acknowledge_within=step.acknowledge_within, work=step.work, waits_for=step.waits_for,
        )
        for step in process.steps
    )  # fmt: skip


def _check(name: str, process: Process) -> None:
    steps = [step.step for step in process.steps]
    if not steps or len(set(steps)) != len(steps):
        raise CatalogueError(f"processes.yaml: {name}: a process has at least one step, and each step once")
    if process.steps[0].waits_for:
        raise CatalogueError(f"processes.yaml: {name}: the first step waits for nobody: the dossier was complete")
