"""Corrections as the judge takes them: applied to the facts of a case before these are put in order. Pure.

What a correction does to a fact is `events.commands.amend`'s; here is what it means for a promise.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from deadlines.instants import second_of
from events.commands.amend import CORRECTIONS, EARLIEST, amend, said_of
from events.commands.amend import Amendment as Applied
from events.contracts import field as site
from events.contracts import intake, routing
from events.contracts.catalogue import name_of
from events.contracts.corrections import FactCorrected, FactVoided
from events.contracts.intake import ServiceReclassified
from events.store.envelope import RecordedEvent, Said
from sla.judging.rows import Amendment, Finding

MOVES_DUE: Final = (
    intake.ApplicationReceived, intake.CaseReopened, intake.SupplementRequested, intake.SupplementReceived,
    intake.DeadlineExtended, routing.CustomerActionRequested, routing.CustomerActionCompleted,
    routing.AgencyReferred, routing.AgencyReplied, site.WorkObstructed, site.WorkResumed,
)  # fmt: skip
"""Facts that can move a promise's due, or the appointment that warnings run to."""
FIELDS_OF_DUE: Final = frozenset({"at", "agency", "answers", "appointment", "due", "fault"})
OVERTAKEN: Final = ("corrects-voided", "voided-before")
"""Corrections that a void left without effect raise the revision all the same: they may have done so before it."""
_BEGINS_REVISION: Final = frozenset({"SupplementReceived", "DeadlineExtended", "CaseReopened"})


class Reclassification(NamedTuple):
    """Another service than the receipt's, and by how much it raises the promise's revision."""

    said: Said
    raises: int


class Corrections(NamedTuple):
    """What was corrected of a case, in the order of saying; `raised` is what that adds to the promise's revision."""

    amendments: tuple[Amendment, ...] = ()
    reclassified: tuple[Reclassification, ...] = ()
    idle: tuple[Finding, ...] = ()
    raised: int = 0


NONE: Final = Corrections()
CORRECTING: Final = frozenset(one.__name__ for one in CORRECTIONS)


def apply(known: Mapping[str, RecordedEvent]) -> tuple[dict[str, RecordedEvent], Corrections]:
    """The facts of a case, by id, as corrected and without the corrections; and what was corrected."""
    amended = amend(said_of(recorded) for recorded in known.values())
    begins = sorted(recorded.at for recorded in known.values() if recorded.type in _BEGINS_REVISION)
    standing = {one.id: one for one in amended.facts if not isinstance(one.fact, ServiceReclassified)}
    facts = {id: _as_it_stands(known[id], one) for id, one in standing.items()}
    said = [*(one.by for one in amended.amendments), *(by for by, why in amended.idle if why in OVERTAKEN)]
    reclassified = sorted(
        (recorded for recorded in known.values() if isinstance(recorded.fact, ServiceReclassified)),
        key=lambda recorded: (recorded.at, recorded.stream, recorded.version),
    )
    return facts, Corrections(
        tuple(_amendment(one, standing) for one in amended.amendments),
        tuple(Reclassification(said_of(one), _raises(said_of(one), begins)) for one in reclassified),
        tuple(Finding(one.id, why) for one, why in amended.idle),
        sum(_raises(by, begins) for by in said if _concerns_promise(by, known)),
    )


def _as_it_stands(said: RecordedEvent, one: Said) -> RecordedEvent:
    """The fact as put right. A corrected time is not held back by the message that brought the fact: the message was
    late, what it told of was not."""
    if (said.fact, said.at) == (one.fact, one.at) or one.at is None:
        return said
    cause = said.cause
    if said.at != one.at and cause.causation.startswith("message-"):
        cause = msgspec.structs.replace(cause, causation="")
    return msgspec.structs.replace(said, fact=one.fact, at=one.at, cause=cause)


def lateness(cause: RecordedEvent, known: Iterable[RecordedEvent]) -> int | None:
    """How late a cause came, in plain seconds: from when it happened to when it was recorded.

    A correction is as late as what it puts right had happened before. None for what is no fact of a case.
    """
    if getattr(cause.fact, "case_id", None) is None:
        return None
    about = getattr(cause.fact, "voids", None) or getattr(cause.fact, "corrects", None)
    happened = cause.at
    for recorded in known:
        receipt = isinstance(cause.fact, ServiceReclassified) and recorded.type == "ApplicationReceived"
        if receipt or recorded.id == about:
            happened = recorded.at
    return max(0, second_of(cause.recorded_at) - second_of(happened))


def _amendment(one: Applied, standing: Mapping[str, Said]) -> Amendment:
    return Amendment(
        event=one.by.id,
        kind="voided" if one.field is None else "corrected",
        about=one.about.id,
        fact=name_of(one.about.fact)[0] if one.about.fact is not None else "",
        field=one.field or "",
        was=one.was,
        now=one.now,
        reason=one.by.fact.reason,
        leader=one.by.fact.leader,
        at=one.by.at or EARLIEST,
        happened=_happened(standing.get(one.about.id, one.about)),
    )


def _happened(said: Said) -> datetime:
    return said.at or EARLIEST


def _concerns_promise(by: Said, known: Mapping[str, RecordedEvent]) -> bool:
    match by.fact:
        case FactVoided(voids=about):
            return isinstance(known[about].fact, MOVES_DUE)
        case FactCorrected(corrects=about, field=field):
            return isinstance(known[about].fact, MOVES_DUE) and field in FIELDS_OF_DUE
        case _:
            return False


def _raises(by: Said, begins: Iterable[datetime]) -> int:
    """One more revision, and as many as the correction may have taken back: a revision never comes again."""
    return 1 + sum(at <= _happened(by) for at in begins)
