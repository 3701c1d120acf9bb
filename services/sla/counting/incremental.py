"""The record of a period as sums that are kept: a case is taken out of them and put in again when it changes. Pure.

What each case adds is counted by `record` of that case alone, so there is one way of counting. Lists of what a figure
counts are not kept: who wants them counts the period.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from events.contracts.terms import UnitKind
from sla.counting.annex import Late, delays, dwell, dwelt
from sla.counting.line import Column, Cut, Item, Line
from sla.counting.periods import Period
from sla.counting.record import CUTS, UNITS, Record, in_order, record
from sla.judging.rows import ChargeRow, CycleRow, ReferralRow, StayRow


class Rows(NamedTuple):
    """The rows of some cases, or of one, that a record is counted from."""

    cycles: list[CycleRow]
    stays: list[StayRow]
    referrals: list[ReferralRow]
    charges: list[ChargeRow]

    def by_case(self) -> "dict[str, Rows]":
        """The rows of each case."""
        found: defaultdict[str, Rows] = defaultdict(lambda: Rows([], [], [], []))
        for cycle in self.cycles:
            found[cycle.case_id].cycles.append(cycle)
        for stay in self.stays:
            found[stay.case_id].stays.append(stay)
        for referral in self.referrals:
            found[referral.case_id].referrals.append(referral)
        for charge in self.charges:
            found[charge.case_id].charges.append(charge)
        return found


@dataclass(slots=True)
class Total(Line):
    """A line that holds sums alone."""

    counts: Counter[Column] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)

    def count(self, column: Column) -> int:
        return self.counts.get(column, 0)  # a Counter's own look-up of what is not there is slow

    @property
    def mv_cases(self) -> int:
        return self.sums["mv cases"]

    @property
    def mv_sums(self) -> dict[str, int]:
        return {name: self.sums[name] for name in _MV_SUMS}

    @property
    def marks(self) -> tuple[int, int]:
        return self.sums["marks"], self.sums["stars"]

    def add(self, line: Line, times: int) -> None:
        """Put a case's line in (1), or take it out (-1)."""
        for column in line.figures:
            self.counts[column] += times * line.count(column)
        if line.mv:
            self.sums["mv cases"] += times * line.mv_cases
            for name, seconds in line.mv_sums.items():
                self.sums[name] += times * seconds
        if line.stars:
            marks, stars = line.marks
            self.sums["marks"] += times * marks
            self.sums["stars"] += times * stars
        self.delay_seconds += times * line.delay_seconds


_MV_SUMS = tuple(Line("", "counter").mv_sums)


class Tally:
    """The record of a period, case by case."""

    def __init__(self, period: Period, kinds: Mapping[str, UnitKind]) -> None:
        self.period, self.kinds = period, kinds
        self.cases: dict[str, bytes] = {}  # the packed rows of each case, some 1.3 KB: what has to be taken out again
        self._lines: dict[tuple[Cut, str], Total] = {}
        self._annex: dict[Item, Late] = {}
        self._lengths: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._broken: set[str] = set()

    def put(self, case_id: str, rows: Rows | None) -> None:
        """These rows stand for the case from now on; None or no rows: it has nothing to do with the period."""
        before = self.cases.pop(case_id, None)
        if before is not None:
            self._add(case_id, _unpack(before), -1)
        if rows is not None:
            self.cases[case_id] = _pack(rows)
            self._add(case_id, rows, 1)

    def _add(self, case_id: str, rows: Rows, times: int) -> None:
        found = record(self.period, self.kinds, *rows)
        for line in (*found.lines, *found.cuts):
            key = line.kind, line.unit
            total = self._lines.get(key) or self._lines.setdefault(key, Total(line.unit, line.kind))
            total.add(line, times)
        for late in found.annex:
            if times > 0:
                self._annex[late.item] = late
            else:
                del self._annex[late.item]
        for step, seconds in dwelt(rows.stays, self.period):
            lengths = self._lengths[step]
            if times > 0:
                insort(lengths, seconds)
            else:
                del lengths[bisect_left(lengths, seconds)]
        if times > 0 and found.broken():
            self._broken.add(case_id)
        else:
            self._broken.discard(case_id)

    def record(self) -> Record | None:
        """The record, without the lists of its items. None when a case's figures do not add up: count, and say so."""
        if self._broken:
            return None
        lines = [line for line in self._lines.values() if any(line.counts.values())]
        annex = sorted(self._annex.values(), key=lambda late: late.item)
        dwells = tuple(dwell(*step, lengths) for step, lengths in sorted(self._lengths.items()) if lengths)
        return Record(
            self.period, in_order(lines, UNITS), in_order(lines, CUTS), tuple(annex), delays(annex), dwells, sound=True
        )


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Rows).decode
