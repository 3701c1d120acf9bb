"""The channels: what is said on each topic, under which key, by whom, and who hears it. Pure, and the only list.

The services take what they say and hear from here, the topics are made from here, and the AsyncAPI document tells it to
others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from events.contracts.catalogue import Entry

PARTITIONS: Final = 12  # partition p of every dossier topic holds the same cases
SERVICES: Final = ("intake", "routing", "field", "sla")
RULES: Final = "rules.events"  # few facts that every service hears, in one order: a single partition
CASES: Final = "sla.cases"
INBOUND: Final = "provincial.inbound"  # what other systems send, untrusted
HEARTBEATS: Final = "heartbeats"

# What other systems may say of dossiers of their own: the work of a one-door process. Not what is a matter between our
# services and people (submissions, messages), nor what the judge alone concludes, nor rules, nor operators' orders. A
# wrong fact is voided and said anew: a correction of one field would pass by the check of the units that it names.
OTHERS: Final = (
    "ApplicationReceived", "SupplementRequested", "SupplementReceived", "ApplicationRefused", "ApplicationWithdrawn",
    "ProcessingStopped", "DeadlineExtended", "CaseClosed", "CaseReopened", "CustomerRated",
    "DossierForwarded", "DossierAcknowledged", "StepCompleted", "CustomerActionRequested", "CustomerActionCompleted",
    "AgencyReferred", "AgencyReplied", "DossierReturned", "DossierRecalled",
    "WorkOrderIssued", "VisitScheduled", "VisitMissed", "WorkStarted", "WorkObstructed", "WorkResumed",
    "WorkCompleted", "WorkOrderCancelled",
    "FactVoided",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One topic.

    `facts` are the modules of `events.contracts` whose facts are said here, none where the records are no facts; `only`
    those of their facts, where it is not all of them. `about` says what it is for where no module's docstring does.
    `streams` the categories (the first part of a stream's name) that go here. What operators do to a service, a stream
    of the category `operation`, goes on the service's own topic. `open`: whoever may read ours may read it.
    """

    topic: str
    key: str
    said_by: tuple[str, ...]
    heard_by: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    about: str | None = None
    streams: tuple[str, ...] = ()
    partitions: int = PARTITIONS
    compacted: bool = False
    open: bool = True

    @property
    def from_outside(self) -> bool:
        """Whether only others write here: under any key, so into any number of partitions, and by any clock."""
        return not self.said_by

    def carries(self, entry: Entry) -> bool:
        """Whether this fact is said here."""
        return module_of(entry) in self.facts and (not self.only or entry.name in self.only)


_CASE: Final = "the dossier's code, or the name of the stream for what is about no dossier"

CHANNELS: Final = (
    Channel(
        topic="intake.events", key=_CASE, said_by=("intake",), heard_by=("routing", "sla"),
        facts=("intake", "corrections", "operations"), streams=("submission", "advice", "case", "message"),
    ),
    Channel(
        topic="routing.events", key=_CASE, said_by=("routing",), heard_by=("intake", "field", "sla"),
        facts=("routing", "corrections", "operations"), streams=("route",),
    ),
    Channel(
        topic="field.events", key=_CASE, said_by=("field",), heard_by=("routing", "sla"),
        facts=("field", "corrections", "operations"), streams=("workorder",),
    ),
    Channel(
        topic="sla.events", key=_CASE, said_by=("sla",), heard_by=("routing",),
        facts=("sla", "operations"), streams=("promise", "generation", "month", "remedy"),
    ),
    Channel(
        topic=RULES, key="the name of the one stream that all rules share", said_by=("sla",),
        heard_by=("intake", "routing", "field"), facts=("rules",), streams=("rules",), partitions=1,
    ),
    Channel(
        topic="provincial.events", key="the dossier's code", said_by=("intake",), heard_by=("sla",),
        facts=("intake", "routing", "field", "corrections"), only=OTHERS, streams=("foreign",),
        about="What other systems say, after the gateway: of dossiers of their own, and agencies' replies.",
    ),
    Channel(
        topic="provincial.refusals", key="the source of the emitter", said_by=("intake",), facts=("gateway",),
        streams=("refusal",),
    ),
    Channel(  # what others sent is theirs: nobody else reads it before it was judged
        topic=INBOUND, key="any; the order of arrival changes nothing", said_by=(), heard_by=("intake",), open=False
    ),
    Channel(topic=CASES, key="the dossier's code", said_by=("sla",), compacted=True),
    Channel(
        topic=HEARTBEATS, key="the service's name", said_by=SERVICES, heard_by=("sla",), partitions=1, compacted=True,
        open=False,
    ),
)  # fmt: skip


TOPIC: Final = {category: channel.topic for channel in CHANNELS for category in channel.streams}
"""A stream's category, the first part of its name, decides its topic."""


def module_of(entry: Entry) -> str:
    """The module of `events.contracts` that defines a fact."""
    return str(entry.cls.__module__).rpartition(".")[2]


def says(service: str) -> tuple[str, ...]:
    """The topics on which a service says something. Heartbeats, which every service says, are left out."""
    return tuple(one.topic for one in CHANNELS if service in one.said_by and one.topic != HEARTBEATS)


def hears(service: str) -> tuple[str, ...]:
    """The topics whose facts a service hears."""
    return tuple(one.topic for one in CHANNELS if service in one.heard_by and one.facts)


def sources(service: str) -> Mapping[str, tuple[str, ...]]:
    """The services that say what a service hears, each with those of its topics that are heard."""
    heard = hears(service)
    said = {one: tuple(topic for topic in says(one) if topic in heard) for one in SERVICES}
    return {one: topics for one, topics in said.items() if topics}
