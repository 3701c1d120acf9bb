"""How the judge sees facts: as a set, in one total order that any arrival gives."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import itemgetter
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

_Entry = tuple[str, int, str, datetime, Recorded]
"""Stream, version, id, when it happened, and all of it."""
_Settled = tuple[datetime, int]
"""Effective time and depth."""
_WHEN: Final = itemgetter(3)


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
    # Ids are unique, so two entries never compare equal up to what they hold.
    by_stream = sorted(
        [(recorded.stream, recorded.version, key, recorded.at, recorded) for key, recorded in known.items()]
    )
    ranks: dict[str, int] = {}
    before: dict[str, str] = {}
    parents: dict[str, list[str]] = {}
    last, foreign = "", False
    for stream, _, key, _, recorded in by_stream:
        if stream in ranks:
            before[key] = last
        else:
            ranks[stream] = _rank(stream)
            foreign = stream.startswith("foreign-")
        last = key
        if not foreign and recorded.cause.causation in known:
            parents[key] = [recorded.cause.causation]
        answered = getattr(recorded.fact, "answers", None)
        if answered in known:
            parents.setdefault(key, []).append(answered)
    by_time = sorted(by_stream, key=_WHEN)
    settled = _in_order(by_time, parents, before) or _in_passes(by_time, parents, before)
    placed: list[Placed] = []
    for stream, version, key, _, recorded in by_time:
        effective, depth = settled[key]
        rank = ranks[stream]
        if rank == _ANY_SYSTEM:
            rank = _FOREIGN.get(recorded.type, rank)
        placed.append((effective, depth, rank, stream, version, key, recorded.fact))
    placed.sort()
    return Arranged(placed, forked, subject, corrections)


def _in_order(
    by_time: list[_Entry], parents: Mapping[str, list[str]], before: Mapping[str, str]
) -> dict[str, _Settled] | None:
    """Effective time and depth, each fact after its parents and after the one `before` it; None for a ring of them."""
    settled: dict[str, _Settled] = {}
    waiting = by_time
    while waiting:
        later: list[_Entry] = []
        for entry in waiting:
            key, effective, depth = entry[2], entry[3], -1
            if key in before:
                earlier = settled.get(before[key])
                if earlier is None:
                    later.append(entry)
                    continue
                depth = earlier[1]
            if key in parents:
                above = [settled[parent] for parent in parents[key] if parent in settled]
                if len(above) < len(parents[key]):
                    later.append(entry)
                    continue
                effective = max(effective, *[parent[0] for parent in above])
                depth = max(depth, *[parent[1] for parent in above])
            settled[key] = effective, depth + 1
        if len(later) == len(waiting):
            return None
        waiting = later
    return settled


def _in_passes(
    by_time: list[_Entry], parents: Mapping[str, list[str]], before: Mapping[str, str]
) -> dict[str, _Settled]:
    """The same where there is a ring: passes until nothing changes, or as many as there are facts."""
    settled: dict[str, _Settled] = {}
    for _ in range(len(by_time) + 1):
        changed = False
        for _, _, key, at, _ in by_time:
            above = [settled[parent] for parent in parents.get(key, ()) if parent in settled]
            depth = max((parent[1] for parent in above), default=-1)
            if key in before and before[key] in settled:
                depth = max(depth, settled[before[key]][1])
            now = max([at, *(parent[0] for parent in above)]), depth + 1
            if settled.get(key) != now:
                settled[key], changed = now, True
        if not changed:
            break
    return settled


def _rank(stream: str) -> int:
    return RANKS.get(stream.partition("-")[0], len(RANKS))
