"""How the judge sees events: as a set, in one total order that any arrival gives."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from events.ordering.order import Placed, in_order
from events.ordering.progress import ANSWERING, Act, act_of
from events.store.envelope import RecordedEvent
from sla.judging.corrections import CORRECTING, NONE, Corrections, apply

_OF_OTHERS: Final = "foreign-"
"""Streams of other systems: what they call a cause may be anything of ours, and is not used."""


class Arranged(NamedTuple):
    """The corrected facts of a case in order; `forked`: one id came with two bodies (then nothing is published)."""

    facts: list[Placed]
    forked: bool
    case_id: str
    corrections: Corrections


def arrange(facts: Iterable[RecordedEvent]) -> Arranged:
    """Puts the facts of one case into their order (`events.ordering.order`). Duplicates fall together.

    Corrections come first of all: what was voided has no place in the order, and a corrected fact has its right one.
    """
    known: dict[str, RecordedEvent] = {}
    forked = corrected = False
    subject = ""
    for recorded in facts:
        key = f"{recorded.stream}@{recorded.version}"
        other = known.setdefault(key, recorded)
        if other is not recorded and other.hash != recorded.hash:
            forked = True
            # Any choice will do as long as it does not depend on which came first.
            known[key] = min(other, recorded, key=lambda fork: fork.hash)
        if recorded.type in CORRECTING:
            corrected = True
        subject = recorded.subject
    corrections = NONE
    if corrected:
        known, corrections = apply(known)
    return Arranged(place(known), forked, subject, corrections)


def place(known: Mapping[str, RecordedEvent]) -> list[Placed]:
    """These facts, by id, in their order; corrections are facts like any other."""
    entries: list[Placed] = []
    parents: dict[str, list[str]] = {}
    for key, recorded in known.items():
        stream, fact = recorded.stream, recorded.fact
        entries.append((recorded.at, stream, recorded.version, key, fact))
        cause = recorded.cause.causation
        above = [cause] if cause in known and not stream.startswith(_OF_OTHERS) else []
        if recorded.type in ANSWERING and fact is not None and fact.answers in known:
            above.append(fact.answers)
        if above:
            parents[key] = above
    return in_order(entries, parents, _act)


def _act(placed: Placed) -> Act:
    return act_of(placed[3], placed[4])
