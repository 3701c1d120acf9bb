"""How the judge sees facts: as a set, in one total order that any arrival gives."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from events.contracts import field, intake, routing
from events.envelope import Recorded
from sla.amendments import CORRECTING, NONE, Corrections, apply

CATEGORIES: Final = (
    "submission", "advice", "case", "route", "workorder", "message", "foreign",
    "rules", "promise", "month", "remedy", "generation", "operation",
)  # fmt: skip
RANKS: Final = {category: rank for rank, category in enumerate(CATEGORIES)}

_ANY_SYSTEM: Final = RANKS["foreign"]

# A fact from another system ranks as if our own service had said it, whatever its stream is called.
_FOREIGN: Final = {
    name: RANKS[category]
    for module, category in ((intake, "case"), (routing, "route"), (field, "workorder"))
    for name in vars(module)
}


Placed = tuple[datetime, int, int, str, int, str, Any]
"""(effective, depth, rank, stream, version, id, fact): plain tuples, because a rebuild sorts millions of them."""

_Timed = tuple[datetime, str, int, str]
"""When it happened, stream, version, id."""
_Settled = tuple[datetime, int]
"""Effective time and depth."""


class Arranged(NamedTuple):
    """The corrected facts of a case in order; `forked`: one id came with two bodies (then nothing is published)."""

    facts: list[Placed]
    forked: bool
    case_id: str
    corrections: Corrections


def arrange(facts: Iterable[Recorded]) -> Arranged:
    """Puts the facts of one case into the order (effective, depth, category rank, stream, version).

    A fact's parents are its cause and the fact it answers, when they are in the set; a foreign fact's cause
    is not used. effective = max(at, effective of the parents), so a cause never follows its effect even when
    a clock is behind; depth puts a stream in its own order among equal instants. Duplicates fall together.
    Corrections come first of all: what was voided has no place in the order, and a corrected fact has its right one.
    """
    known: dict[str, Recorded] = {}
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
    by_time = sorted((recorded.at, recorded.stream, recorded.version, key) for key, recorded in known.items())
    settled = _by_descent(known, by_time) or _in_passes(known, by_time)
    ranks = {stream: _rank(stream) for stream in {stream for _, stream, _, _ in by_time}}
    placed: list[Placed] = []
    for _, stream, version, key in by_time:
        recorded = known[key]
        effective, depth = settled[key]
        rank = ranks[stream]
        if rank == _ANY_SYSTEM:
            rank = _FOREIGN.get(recorded.type, rank)
        placed.append((effective, depth, rank, stream, version, key, recorded.fact))
    # Ids are unique, so two of them never compare equal up to their facts.
    placed.sort()
    return Arranged(placed, forked, subject, corrections)


def _by_descent(known: dict[str, Recorded], by_time: list[_Timed]) -> dict[str, _Settled] | None:
    """Effective time and depth, each fact's parents before it; None for a ring, or for a line too long to descend."""
    before: dict[str, str] = {}
    last: dict[str, str] = {}
    for stream, _, key in sorted([(stream, version, key) for _, stream, version, key in by_time]):
        if stream in last:
            before[key] = last[stream]
        last[stream] = key
    settled: dict[str, _Settled] = {}
    under_way: set[str] = set()

    def settle(key: str) -> _Settled:
        if key in under_way:
            raise _Ring
        under_way.add(key)
        recorded = known[key]
        effective, depth = recorded.at, -1
        cause = None if recorded.stream.startswith("foreign-") else recorded.cause.causation
        for parent in (cause, getattr(recorded.fact, "answers", None)):
            if parent in known:
                above = settled.get(parent) or settle(parent)
                effective = max(effective, above[0])
                depth = max(depth, above[1])
        earlier = before.get(key)
        if earlier is not None:
            above = settled.get(earlier) or settle(earlier)
            depth = max(depth, above[1])
        under_way.discard(key)
        settled[key] = effective, depth + 1
        return settled[key]

    try:
        for _, _, _, key in by_time:
            if key not in settled:
                settle(key)
    except (_Ring, RecursionError):
        return None
    return settled


class _Ring(Exception):
    """A fact among its own causes."""


def _in_passes(known: dict[str, Recorded], by_time: list[_Timed]) -> dict[str, _Settled]:
    """The same for any facts: passes until nothing changes. A forged ring of causes is bounded by their number."""
    before: dict[str, str] = {}
    last: dict[str, str] = {}
    for stream, _, key in sorted((recorded.stream, recorded.version, key) for key, recorded in known.items()):
        if stream in last:
            before[key] = last[stream]
        last[stream] = key
    settled: dict[str, _Settled] = {}
    for _ in range(len(known) + 1):
        changed = False
        for at, _, _, key in by_time:
            above = [settled[parent] for parent in _parents(known[key], known) if parent in settled]
            depth = max((parent[1] for parent in above), default=-1)
            if key in before and before[key] in settled:
                depth = max(depth, settled[before[key]][1])
            now = max([at, *(parent[0] for parent in above)]), depth + 1
            if settled.get(key) != now:
                settled[key], changed = now, True
        if not changed:
            break
    return settled


def _parents(recorded: Recorded, known: dict[str, Recorded]) -> list[str]:
    cause = None if recorded.stream.startswith("foreign-") else recorded.cause.causation
    return [parent for parent in (cause, getattr(recorded.fact, "answers", None)) if parent in known]


def _rank(stream: str) -> int:
    return RANKS.get(stream.partition("-")[0], len(RANKS))
