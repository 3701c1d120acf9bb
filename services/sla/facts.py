"""How the judge sees facts: as a set, in one total order that any arrival gives."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from events.contracts import field, intake, routing
from events.envelope import Recorded

CATEGORIES: Final = (
    "submission", "advice", "case", "route", "workorder", "message", "foreign",
    "rules", "promise", "month", "remedy", "generation", "operation",
)  # fmt: skip
RANKS: Final = {category: rank for rank, category in enumerate(CATEGORIES)}

# A fact from another system ranks as if our own service had said it, whatever its stream is called.
_FOREIGN: Final = {
    name: RANKS[category]
    for module, category in ((intake, "case"), (routing, "route"), (field, "workorder"))
    for name in vars(module)
}


class Placed(NamedTuple):
    """A fact at its place in the order of its case: compared field by field, it sorts."""

    effective: datetime
    depth: int
    rank: int
    stream: str
    version: int
    id: str
    fact: Any


class Arranged(NamedTuple):
    """The facts of a case in order, and whether one id came with two bodies (then nothing is published)."""

    facts: list[Placed]
    forked: bool


def arrange(facts: Iterable[Recorded]) -> Arranged:
    """Puts the facts of one case into the order (effective, depth, category rank, stream, version).

    A fact's parents are its cause and the fact it answers, when they are in the set; a foreign fact's cause
    is not used. effective = max(at, effective of the parents), so a cause never follows its effect even when
    a clock is behind; depth puts a stream in its own order among equal instants. Duplicates fall together.
    """
    known: dict[str, Recorded] = {}
    forked = False
    for recorded in facts:
        key = f"{recorded.stream}@{recorded.version}"
        other = known.setdefault(key, recorded)
        if other is not recorded and other.hash != recorded.hash:
            forked = True
            # Any choice will do as long as it does not depend on which came first.
            known[key] = min(other, recorded, key=lambda fork: fork.hash)
    before: dict[str, str] = {}
    last: dict[str, str] = {}
    by_stream = sorted(known, key=lambda key: (known[key].stream, known[key].version))
    for key in by_stream:
        stream = known[key].stream
        if stream in last:
            before[key] = last[stream]
        last[stream] = key
    # Causes mostly happen before their effects: in this order one pass is enough, and a second finds nothing to do.
    by_time = sorted(known, key=lambda key: (known[key].at, known[key].stream, known[key].version))
    effective: dict[str, datetime] = {}
    depth: dict[str, int] = {}
    # A ring of causes can only be forged; the number of passes bounds it, the same way in any arrival order.
    for _ in range(len(known) + 1):
        settled = True
        for key in by_time:
            recorded = known[key]
            at, deep, seen = recorded.at, -1, True
            for parent in _parents(recorded, known):
                if parent in effective:
                    at, deep = max(at, effective[parent]), max(deep, depth[parent])
                else:
                    seen = False
            earlier = before.get(key)
            if earlier is not None:
                if earlier in depth:
                    deep = max(deep, depth[earlier])
                else:
                    seen = False
            if effective.get(key) != at or depth.get(key) != deep + 1:
                settled = settled and seen and key not in effective
                effective[key], depth[key] = at, deep + 1
        if settled:
            break
    placed = [
        Placed(effective[key], depth[key], _rank(recorded), recorded.stream, recorded.version, key, recorded.fact)
        for key, recorded in known.items()
    ]
    placed.sort(key=_order)
    return Arranged(placed, forked)


def _order(placed: Placed) -> tuple[datetime, int, int, str, int]:
    return placed[:5]


def _parents(recorded: Recorded, known: dict[str, Recorded]) -> list[str]:
    cause = recorded.cause.causation
    found = [cause] if cause in known and not recorded.stream.startswith("foreign-") else []
    answers = getattr(recorded.fact, "answers", None)
    if answers in known and answers not in found:
        found.append(answers)
    return found


def _rank(recorded: Recorded) -> int:
    category = recorded.stream.partition("-")[0]
    rank = RANKS.get(category, len(RANKS))
    return _FOREIGN.get(recorded.type, rank) if category == "foreign" else rank
