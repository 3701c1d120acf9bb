"""What a case is judged by: every version of every rule, and which of them stands for the one that a receipt pinned.
Pure; apart from the judge because as-of, what-if and the live judge differ in nothing but this.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile
from deadlines.published import as_revised, joined, newest, revised_by, standing_for
from events.contracts.rules import Policy
from events.contracts.terms import ClockPolicy, Promise
from events.store.envelope import RecordedEvent


@dataclass(frozen=True, slots=True)
class Rules:
    """The catalogue, and by policy: `revised`, versions that stand for older ones, and a clock policy for all.

    Without both, a case is judged by what its receipt pinned.
    """

    catalogue: Catalogue
    revised: Mapping[str, str] = field(default_factory=dict)
    clock_policy: ClockPolicy | None = None
    _met: dict[Promise, Promise] = field(default_factory=dict, compare=False, repr=False)
    """Promises that were asked for before: a few service versions stand for a million receipts."""

    def judged_by(self, pinned: Promise) -> Promise:
        """The promise by which a case is judged whose receipt pinned this one."""
        if not self.revised and self.clock_policy is None:
            return pinned
        if pinned.service is None:  # a due instant or a length of its own
            return self._revised(pinned)
        met = self._met.get(pinned)
        if met is None:
            met = self._met[pinned] = self._revised(pinned)
        return met

    def _revised(self, pinned: Promise) -> Promise:
        promise = as_revised(pinned, self.catalogue, self.revised)
        return replace(promise, clock_policy=self.clock_policy) if self.clock_policy else promise


def with_published(catalogue: Catalogue, published: Iterable[RecordedEvent], applied: int) -> Rules:
    """The rules where the first `applied` published facts have moved what they move.

    Versions are known as soon as they are published; what they revise moves by rebuild and swap only.
    """
    return Rules(catalogue, revised_by(catalogue, (one.fact for one in published if one.version <= applied)))


def known_on(files: Catalogue, published: Iterable[RecordedEvent], day: datetime) -> Rules:
    """The rules as far as they were published by an instant. Files have no date of publication: all count."""
    catalogue = joined(files, [one.fact for one in published if one.recorded_at <= day])
    return Rules(catalogue, catalogue.revised)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """Rules that somebody supposes: versions beside those in force, and policies. None: as it is in force."""

    file: CatalogueFile = field(default_factory=CatalogueFile)
    policy: Policy | None = None
    clock_policy: ClockPolicy | None = None

    def rules(self, in_force: Rules) -> Rules:
        """What cases would be judged by. Raises CatalogueError naming entry and field.

        As-revised revises the names of the versions supposed; where there are none, every name.
        """
        catalogue = in_force.catalogue.plus("given", self.file)
        given = [*(calendar.id for calendar in self.file.calendars), *(service.id for service in self.file.services)]
        revised: Mapping[str, str] = in_force.revised
        if self.policy == "pinned":
            revised = {}
        elif self.policy == "as-revised":
            revised = {**revised, **(standing_for(catalogue, given) if given else newest(catalogue))}
        return Rules(catalogue, revised, self.clock_policy)
