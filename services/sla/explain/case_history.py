"""The facts of a case one after another, as they were said, with what corrections made of each.

Apart from the judge's order, which knows only what stands: here what was voided keeps its place.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from events.commands.amend import amend, said_of
from events.contracts.channels import TOPIC
from events.kafka import cloudevent
from events.store.envelope import RecordedEvent
from sla.judging.arrangement import place


def told(facts: Iterable[RecordedEvent]) -> list[dict[str, Any]]:
    """Each fact as its CloudEvent (`data` are the bytes that were stored), in the order of the judge.

    `voided_by`: the correction that took it back. `corrected`: its fields that were replaced, in the order of saying.
    `idle`: why a correction did nothing.
    """
    known = {fact.id: fact for fact in facts}
    amended = amend(said_of(fact) for fact in known.values())
    voided = {one.about.id: one.by.id for one in amended.amendments if one.field is None}
    idle = {by.id: why for by, why in amended.idle}
    corrected: dict[str, list[Mapping[str, str]]] = {}
    for one in amended.amendments:
        if one.field is not None:
            change = {"field": one.field, "was": one.was, "now": one.now, "by": one.by.id}
            corrected.setdefault(one.about.id, []).append(change)
    return [
        {
            "event": msgspec.Raw(_cloudevent(known[id])),
            "voided_by": voided.get(id),
            "corrected": corrected.get(id, []),
            "idle": idle.get(id),
        }
        for _, _, _, id, _ in place(known)
    ]


def _cloudevent(fact: RecordedEvent) -> bytes:
    row = {name: getattr(fact, name) for name in fact.__struct_fields__}
    cause = fact.cause
    row |= {"actor": cause.actor, "correlation": cause.correlation, "causation": cause.causation, "trace": cause.trace}
    return cloudevent.to_cloudevent(row, source_of(fact.stream))


def source_of(stream: str) -> str:
    """Which service says such a stream; an inbox keeps no source, and a stream's category tells."""
    return cloudevent.source_of(TOPIC.get(stream.partition("-")[0], "intake").partition(".")[0])
