"""How the judge sees facts: as a set, in one total order that any arrival gives."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, NamedTuple

from events.contracts import field, intake, routing
from events.contracts.catalogue import CATALOGUE
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
_ANSWERING: Final = frozenset(entry.cls for entry in CATALOGUE.values() if "answers" in entry.cls.__slots__)
"""Facts that name the fact that they answer: compiled, asking all others for it makes the order half as slow again."""


Placed = tuple[datetime, int, int, str, int, str, Any]
"""(effective, depth, rank, stream, version, id, fact): plain tuples, because a rebuild sorts millions of them."""

_Entry = tuple[datetime, str, int, str, Recorded]
"""When it happened, stream, version, id, and the fact as it was recorded."""


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
    return Arranged(place(known), forked, subject, corrections)


def place(known: Mapping[str, Recorded]) -> list[Placed]:
    """The order of these facts, by id, corrections as facts like any other."""
    by_time = [(recorded.at, recorded.stream, recorded.version, key, recorded) for key, recorded in known.items()]
    by_time.sort()  # ids are unique, so two entries never compare equal up to what they hold
    placed = _in_order(by_time, known) or _in_passes(by_time, known)
    return sorted(placed.values())


def _rank_and_cause(recorded: Recorded) -> tuple[int, str]:
    rank = RANKS.get(recorded.stream.partition("-")[0], len(RANKS))
    if rank == _ANY_SYSTEM:
        return _FOREIGN.get(recorded.type, rank), ""
    return rank, recorded.cause.causation


def _parents(recorded: Recorded, cause: str, known: Mapping[str, Recorded]) -> list[str]:
    """The ids of its cause and of the fact that it answers, where they are in the set."""
    parents = [cause] if cause in known else []
    fact: Any = recorded.fact
    if type(fact) in _ANSWERING and fact.answers in known:
        parents.append(fact.answers)
    return parents


def _in_order(by_time: list[_Entry], known: Mapping[str, Recorded]) -> dict[str, Placed] | None:
    """Each fact placed behind its parents and behind the one before it in its stream, mostly in one pass.

    None where there is no such order: for a ring of causes, and for a stream whose clock ran backwards.
    """
    placed: dict[str, Placed] = {}
    last: dict[str, Placed] = {}
    waiting = by_time
    while waiting:
        later: list[_Entry] = []
        held: set[str] = set()
        for entry in waiting:
            effective, stream, version, key, recorded = entry
            depth = -1
            before = last.get(stream)
            if before is not None:
                depth = before[1]
                if before[4] > version:
                    return None
            rank, cause = _rank_and_cause(recorded)
            for parent in _parents(recorded, cause, known):
                if parent not in placed:
                    held.add(stream)
                    break
                above = placed[parent]
                effective, depth = max(effective, above[0]), max(depth, above[1])
            if stream in held:
                later.append(entry)
            else:
                placed[key] = last[stream] = effective, depth + 1, rank, stream, version, key, recorded.fact
        if len(later) == len(waiting):
            return None
        waiting = later
    return placed


def _in_passes(by_time: list[_Entry], known: Mapping[str, Recorded]) -> dict[str, Placed]:
    """The same where there is no such order: passes until nothing changes, or as many as there are facts."""
    placed: dict[str, Placed] = {}
    streams = sorted((stream, version, key) for _, stream, version, key, _ in by_time)
    before = {key: earlier for (stream, _, earlier), (same, _, key) in pairwise(streams) if stream == same}
    for _ in range(len(by_time) + 1):
        changed = False
        for at, stream, version, key, recorded in by_time:
            rank, cause = _rank_and_cause(recorded)
            above = [placed[parent] for parent in _parents(recorded, cause, known) if parent in placed]
            effective = max([at, *(parent[0] for parent in above)])
            if before.get(key) in placed:
                above.append(placed[before[key]])
            depth = max((one[1] for one in above), default=-1)
            now = effective, depth + 1, rank, stream, version, key, recorded.fact
            if placed.get(key) != now:
                placed[key], changed = now, True
        if not changed:
            break
    return placed
