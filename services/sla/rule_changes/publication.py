"""Publishing a rule: which versions become facts, once each, and what is refused. Pure.

All rules share one stream, so that each is decided on everything that was published before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile
from deadlines.errors import CatalogueError, Overlapping, TwoContents, UnknownId
from deadlines.published import STREAM, joined
from events.commands.decider import Decider, Said
from events.contracts.catalogue import Fact
from events.contracts.rules import CalendarPublished, CataloguePublished, Impact, Policy
from events.contracts.terms import Reference
from events.errors import Refused

ID = STREAM.partition("-")[2]
RULE = {UnknownId: "unknown-id", Overlapping: "overlapping-versions", TwoContents: "two-contents"}
WAY_OUT = {
    UnknownId: "name one that the catalogue has, or publish it first",
    Overlapping: "end the earlier version with `to` in the same request",
    TwoContents: "give the change a version of its own",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRules:
    """Make versions of calendars, or of services, facts. `impact` is what they were judged to move beforehand."""

    file: CatalogueFile
    policy: Policy
    basis: Reference
    impact: Impact


@dataclass(frozen=True, slots=True)
class PublishedRules:
    """What was published so far, in order."""

    facts: tuple[Fact, ...] = field(default=())


def evolve(state: PublishedRules, said: Said) -> PublishedRules:
    match said.fact:
        case CalendarPublished() | CataloguePublished():
            return PublishedRules((*state.facts, said.fact))
        case _:
            return state


def publisher(files: Catalogue) -> Decider[PublishRules, PublishedRules]:
    """The decider over the versions that the catalogue's files have."""

    def decide(command: PublishRules, state: PublishedRules) -> Sequence[Fact]:
        known = joined(files, state.facts)
        after = checked(known, command.file)
        policy, basis, impact = command.policy, command.basis, command.impact
        facts: list[Fact] = [
            CalendarPublished(calendar=calendar.terms(), policy=policy, basis=basis, impact=impact)
            for calendar in command.file.calendars
            if calendar.id not in known.calendars
        ]
        services = tuple(
            after.services[service.id].terms()
            for service in command.file.services
            if known.services.get(service.id) != after.services[service.id]
        )
        if services:
            facts.append(CataloguePublished(services=services, policy=policy, basis=basis, impact=impact))
        return facts

    return Decider(category="rules", initial=PublishedRules(), decide=decide, evolve=evolve)


def checked(known: Catalogue, file: CatalogueFile) -> Catalogue:
    """The catalogue with these versions. Raises Refused naming file, entry, field and rule."""
    try:
        return known.plus("given", file)
    except CatalogueError as wrong:
        raise refused(wrong) from wrong


def refused(wrong: CatalogueError) -> Refused:
    """The same sentence as a refusal; the field is the place that the sentence begins with."""
    place = str(wrong).rpartition(": ")[0]
    rule = RULE.get(type(wrong), "broken-catalogue")
    return Refused(rule, str(wrong), field=place or None, way_out=WAY_OUT.get(type(wrong)))
