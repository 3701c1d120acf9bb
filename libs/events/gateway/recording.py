"""A recorded stream, judged by the gateway's own rules before its system is connected: one pass, then a report. Pure.

Kept are a hash and a few words of each event, because the last one may belong to the first.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from events.contracts.terms import owner_of
from events.errors import Refused
from events.gateway.cloudevent import Item, Sent, Unread
from events.gateway.decide import Refusal, decide
from events.gateway.emitters import Emitter, Emitters
from events.gateway.equality import Known
from events.gateway.findings import Example, Finding, Findings, Level
from events.gateway.rules import Accepted
from events.gateway.sequence_check import Found, course
from events.gateway.sequence_step import Place, Step, step
from events.gateway.signed_record import Letter

SECOND: Final = timedelta(seconds=1)


class Catalogued(NamedTuple):
    """The versions of services and calendars that a promise can name."""

    services: Collection[str]
    calendars: Collection[str]


@dataclass(slots=True)
class Clock:
    """When it happened, of what was accepted, and the furthest that was from its arrival, either way."""

    earliest: datetime | None = None
    latest: datetime | None = None
    seconds_ahead: int = 0
    seconds_late: int = 0

    def see(self, at: datetime, arrived: datetime) -> None:
        self.earliest = min(self.earliest or at, at)
        self.latest = max(self.latest or at, at)
        ahead = (at - arrived) // SECOND
        self.seconds_ahead, self.seconds_late = max(self.seconds_ahead, ahead), max(self.seconds_late, -ahead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What would become of a recording: counts of events, and what was found."""

    level: Level
    events: int
    accepted: int
    repeated: int
    refused: int
    dossiers: int
    clock: Clock
    findings: list[Finding]


@dataclass(slots=True)
class _Dossier:
    latest: datetime
    steps: list[Step] = field(default_factory=list)


@dataclass(slots=True)
class Recording:
    """Hears the events one after another. `known` is what was accepted, by stream."""

    emitters: Emitters
    catalogued: Catalogued
    known: dict[str, Known] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    clock: Clock = field(default_factory=Clock)
    events: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    _dossiers: dict[str, _Dossier] = field(default_factory=dict)

    def posted(self, item: Item, arrived: datetime, place: Place) -> None:
        """An event as it is posted. Whose it is says its source: there is no token in a recording."""
        self.events += 1
        try:
            if isinstance(item, Unread):
                raise item.why
            emitter = self.emitters.speaking_as(item.attributes.get("source"))
        except Refused as why:
            self._refuse(why, item, place)
            return
        self._decide(item, emitter, arrived, place)

    def put(self, letter: Letter, key: bytes | None, arrived: datetime, place: Place) -> None:
        """A record as it is put on Kafka, with its key and its signature."""
        self.events += 1
        item = letter.read()
        try:
            if isinstance(item, Unread):
                raise item.why
            emitter = letter.signed_for(item, self.emitters)
        except Refused as why:
            self._refuse(why, item, place)
            return
        made = self._decide(item, emitter, arrived, place)
        if made is not None and key != made.fact.case_id.encode():
            self.findings.noted("another-key", Example(place, made.name.id, made.fact.case_id, ""))

    def _decide(self, sent: Sent, emitter: Emitter, arrived: datetime, place: Place) -> Accepted | None:
        name, made = decide(sent, emitter, self.emitters.ours, arrived, self.known)
        if isinstance(made, Refusal):
            self._refuse(made.why, sent, place)
            return None
        if made is None:
            self.repeated += 1
            self.findings.noted("repeated", Example(place, name.id if name else None, _subject(sent), ""))
            return None
        self.accepted += 1
        self.clock.see(made.at, arrived)
        if owner_of(made.fact.case_id) not in self.emitters.ours:
            self._keep(made, place)
        return made

    def _refuse(self, why: Refused, item: Item, place: Place) -> None:
        self.refused += 1
        told = item.attributes if isinstance(item, Sent) else {}
        self.findings.refused(why, Example(place, told.get("id"), told.get("subject"), why.detail))

    def _keep(self, made: Accepted, place: Place) -> None:
        case_id = made.fact.case_id
        dossier = self._dossiers.setdefault(case_id, _Dossier(made.at))
        if made.at < dossier.latest:
            self.findings.noted("out-of-order", Example(place, made.name.id, case_id, made.at.isoformat()))
        dossier.latest = max(dossier.latest, made.at)
        dossier.steps.append(step(made, place))

    def report(self) -> Report:
        """What was found, of single events and of whole dossiers. To be asked once, at the end."""
        for case_id, dossier in self._dossiers.items():
            for one, rule, detail in self._found(dossier.steps):
                self.findings.noted(rule, Example(one.place, None, case_id, f"{one.kind} {detail}".strip()))
        return Report(
            level=self.findings.level, events=self.events, accepted=self.accepted, repeated=self.repeated,
            refused=self.refused, dossiers=len(self._dossiers), clock=self.clock, findings=self.findings.all(),
        )  # fmt: skip

    def _found(self, steps: list[Step]) -> Iterator[Found]:
        """Where there is no receipt at all, only that is said, and not of each fact that it is before the receipt."""
        found = course(steps)
        unreceived = any(one.rule == "no-receipt" for one in found)
        for one in found:
            if not (unreceived and one.rule == "before-receipt"):
                yield one
        for receipt in steps:
            if receipt.kind == "ApplicationReceived" and (promise := receipt.about) is not None:
                if promise.calendar not in self.catalogued.calendars:
                    yield Found(receipt, "unknown-calendar", promise.calendar)
                if promise.service is not None and promise.service not in self.catalogued.services:
                    yield Found(receipt, "unknown-service", promise.service)


def _subject(sent: Sent) -> str | None:
    return sent.attributes.get("subject")
