"""The oracle's corrections: what a case's facts are once put right, by the words of the rule. Shares no code with
`events.commands.amend`.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from events.store.envelope import RecordedEvent

CORRECTIONS = ("FactVoided", "FactCorrected", "ServiceReclassified")
PROMISE = (
    "ApplicationReceived", "CaseReopened", "SupplementRequested", "SupplementReceived", "DeadlineExtended",
    "CustomerActionRequested", "CustomerActionCompleted", "AgencyReferred", "AgencyReplied", "WorkObstructed",
    "WorkResumed",
)  # fmt: skip
BEARS = ("all", "at", "agency", "answers", "appointment", "due", "fault")


@dataclass
class Righted:
    """The facts of a case after its corrections, by the words of the rule."""

    facts: list[RecordedEvent]
    about: list[datetime]
    """When that happened what each correction in effect is about."""
    services: list[str]
    """Reclassifications in the order of saying."""
    raised: int
    """By how much the promise's revision rises."""


def beside(one: RecordedEvent, target: RecordedEvent) -> bool:
    """Whether a correction counts: it was said in the stream of its target, or both are another system's."""
    foreign = one.stream.startswith("foreign-") and target.stream.startswith("foreign-")
    return foreign or one.stream == target.stream


def put_right(facts: list[RecordedEvent], services: Collection[str]) -> Righted:
    """Voids first; then each correction replaces one field, the last one said standing. `services`: those known."""
    known = {fact.id: fact for fact in facts}
    said = sorted(known.values(), key=lambda fact: (fact.at, fact.stream, fact.version))
    right = {id: fact for id, fact in known.items() if fact.type not in CORRECTIONS}
    done: list[tuple[RecordedEvent, RecordedEvent, str]] = []
    overtaken: list[tuple[RecordedEvent, RecordedEvent, str]] = []  # of what another void took away
    for one in said:
        if one.type == "FactVoided" and one.fact is not None:
            target = right.get(one.fact.voids)
            if target is not None and beside(one, target):
                done.append((one, right.pop(target.id), "all"))
            elif (gone := known.get(one.fact.voids)) is not None and beside(one, gone):
                overtaken.append((one, gone, "all"))
    for one in said:
        if one.type == "FactCorrected" and one.fact is not None:
            target, gone = right.get(one.fact.corrects), known.get(one.fact.corrects)
            if target is None and gone is not None and beside(one, gone):
                overtaken.append((one, gone, one.fact.field))
            after = changed(target, one.fact.field, one.fact.value) if target is not None else None
            if target is not None and after is not None and beside(one, target):
                done.append((one, target, one.fact.field))
                right[target.id] = after
    reclassified = [one for one in said if getattr(one.fact, "service", None) in services]
    meant = [one for one, target, field in (*done, *overtaken) if target.type in PROMISE and field in BEARS]
    promise_moved = meant + reclassified
    begun = [fact for fact in said if fact.type in ("SupplementReceived", "DeadlineExtended", "CaseReopened")]
    return Righted(
        list(right.values()),
        [right.get(target.id, target).at for _, target, _ in done],
        [getattr(one.fact, "service", "") for one in reclassified],
        sum(1 + len([fact for fact in begun if fact.at <= one.at]) for one in promise_moved),
    )


def changed(target: RecordedEvent, name: str, value: str) -> RecordedEvent | None:
    """The fact with another value in one field; None if it would not take it."""
    if name == "at" and value != "yesterday":
        alone = target.cause.causation.startswith("message-")  # the message was late, what it told of was not
        cause = msgspec.structs.replace(target.cause, causation="") if alone else target.cause
        return msgspec.structs.replace(target, at=datetime.fromisoformat(value), cause=cause)
    if name == "at":
        return None
    fact: Any = target.fact
    if not hasattr(fact, name) or value in ("weather", "9"):
        return None
    new: Any = int(value) if name == "stars" else value
    return msgspec.structs.replace(target, fact=replace(fact, **{name: new}))
