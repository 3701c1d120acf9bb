"""The one order of the events of a dossier, whatever order they arrive in. `docs/ordering.md` states it.

By effective instant; within one instant by what can follow what. Pure.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from events.contracts.ranks import RANKS
from events.ordering.progress import Act, Fit, Progress

Placed = tuple[datetime, str, int, str, Any]
"""(instant, stream, version, id, event): plain tuples, because a rebuild sorts millions of them."""

_LAST: Final = len(RANKS)


def in_order(
    entries: Sequence[Placed], parents: Mapping[str, Sequence[str]], act_of: Callable[[Placed], Act]
) -> list[Placed]:
    """The entries of one dossier in order, each at its effective instant: the latest of its own and its parents'.

    `parents` are the ids of the cause of an event and of the question that it answers, as far as they are among the
    entries. `act_of` is only asked where an instant leaves a choice.
    """
    effective = _effective(entries, parents)
    if effective is not None:
        entries = [(effective[id], stream, version, id, event) for _, stream, version, id, event in entries]
    placed = sorted(entries)
    for number in range(1, len(placed)):
        if placed[number][0] == placed[number - 1][0]:
            return _Order(parents, act_of).of(placed)
    return placed


def _effective(entries: Sequence[Placed], parents: Mapping[str, Sequence[str]]) -> dict[str, datetime] | None:
    """The effective instant of each event; None where that is its own for all of them.

    Instants only rise, to one of finitely many: a ring of causes ends, too.
    """
    if not parents:
        return None
    effective = {entry[3]: entry[0] for entry in entries}
    ever = False
    moved = True
    while moved:
        moved = False
        for id, above in parents.items():
            for parent in above:
                if effective[parent] > effective[id]:
                    effective[id] = effective[parent]
                    moved = ever = True
    return effective if ever else None


class _Order:
    """Puts the events of equal instants in order, and knows how far the dossier has come before each."""

    def __init__(self, parents: Mapping[str, Sequence[str]], act_of: Callable[[Placed], Act]) -> None:
        self.parents, self.act_of = parents, act_of
        self.ordered: list[Placed] = []
        self.progress = Progress()
        self.taken = 0
        self.idle: set[str] = set()
        """What is known to move nothing in the present progress: many events of one instant are not asked anew."""

    def of(self, placed: Sequence[Placed]) -> list[Placed]:
        """All entries, which come by effective instant."""
        begin = 0
        for end in range(1, len(placed) + 1):
            if end == len(placed) or placed[end][0] != placed[begin][0]:
                if end - begin == 1:
                    self.ordered.append(placed[begin])
                else:
                    self._settle(placed[begin:end])
                begin = end
        return self.ordered

    def _settle(self, tied: Sequence[Placed]) -> None:
        """One instant: take, again and again, the first of those whose parents and earlier versions are taken."""
        ids = {entry[3] for entry in tied}
        blockers: dict[str, int] = {}
        followers: dict[str, list[Placed]] = {}
        ready: list[Placed] = []
        stream, earlier = "", ""
        for entry in tied:
            above = [parent for parent in self.parents.get(entry[3], ()) if parent in ids]
            if entry[1] == stream:
                above.append(earlier)
            stream, earlier = entry[1], entry[3]
            if above:
                blockers[entry[3]] = len(above)
                for parent in above:
                    followers.setdefault(parent, []).append(entry)
            else:
                ready.append(entry)
        if len(ready) > 1:
            ready.sort(key=self._rank)
        for _ in tied:
            if ready:
                chosen = self._first(ready) if len(ready) > 1 else ready[0]
                ready.remove(chosen)
            else:  # a ring of causes
                chosen = self._first(sorted(_lowest(entry for entry in tied if entry[3] in blockers), key=self._rank))
                del blockers[chosen[3]]
            self.ordered.append(chosen)
            for follower in followers.get(chosen[3], ()):
                if follower[3] in blockers:
                    blockers[follower[3]] -= 1
                    if not blockers[follower[3]]:
                        del blockers[follower[3]]
                        if ready:
                            insort(ready, follower, key=self._rank)
                        else:
                            ready.append(follower)

    def _rank(self, entry: Placed) -> tuple[int, str, int]:
        return RANKS.get(self.act_of(entry).kind, _LAST), entry[1], entry[2]

    def _first(self, candidates: Sequence[Placed]) -> Placed:
        """The lowest by (fit, rank, stream, version); the candidates come by rank, stream and version."""
        self._catch_up()
        badly: Placed | None = None
        for entry in candidates:
            if entry[3] in self.idle:
                continue
            fit = self.progress.fit(self.act_of(entry))
            if fit is Fit.WELL:
                return entry
            if fit is Fit.IDLE:
                self.idle.add(entry[3])
            else:
                badly = badly or entry
        return badly or candidates[0]

    def _catch_up(self) -> None:
        """Take what is in order already. It is only done where an instant leaves a choice."""
        while self.taken < len(self.ordered):
            if self.progress.take(self.act_of(self.ordered[self.taken])):
                self.idle.clear()
            self.taken += 1


def _lowest(left: Iterable[Placed]) -> list[Placed]:
    """The lowest version of each stream: of a ring of causes, no more can be kept than the order of streams."""
    lowest: dict[str, Placed] = {}
    for entry in left:
        if entry[1] not in lowest or entry[2] < lowest[entry[1]][2]:
            lowest[entry[1]] = entry
    return list(lowest.values())
