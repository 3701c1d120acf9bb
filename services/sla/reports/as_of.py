"""What was known on a day: every answer judged anew from the facts recorded by then, under the rules published by then.

One mechanism for all of them: whole cases from the inbox in bounded chunks, in one snapshot, none of the live tables.
One case costs as much as its explanation; a list or a record costs judging every case once (docs/performance.md).
"""

import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from deadlines.calendar import FIRST, LAST
from deadlines.inforce import InForce
from deadlines.instants import day_on, instant_of, midnight
from events.contracts.terms import UnitKind
from events.errors import Refused
from events.store.database import Connection, Pool, snapshot
from sla.counting.periods import Period
from sla.counting.record import Record, record
from sla.judging.case_rules import Rules, known_on
from sla.judging.judge import Judgement, judge
from sla.judging.rows import ChargeRow, CycleRow, ReferralRow, StayRow, shown
from sla.live import inbox_reader
from sla.live.watermarks import passed


def end_of(asked: datetime | date) -> datetime:
    """The last instant that counts: a day is known at its local end. Raises Refused beyond the years of calendars."""
    if not FIRST.year <= asked.year <= LAST.year:
        raise Refused("beyond-calendar", f"{asked} is not in {FIRST.year} to {LAST.year}", field="as_of")
    if isinstance(asked, datetime):
        return asked
    return instant_of(midnight(day_on(asked) + 1)) - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class AsOf:
    """The inbox and the rules as they stood at `day`. `final`: nothing recorded by then can still arrive."""

    connection: Connection
    rules: Rules
    day: datetime
    final: bool

    @property
    def mark(self) -> dict[str, Any]:
        """What every answer says beside what it shows."""
        return {"as_of": self.day, "final": self.final, "standing": "final" if self.final else "provisional"}

    async def case(self, case_id: str) -> Judgement | None:
        """One case, an open cycle judged up to its last fact; None when nothing was known of it."""
        facts = await inbox_reader.one(self.connection, self.day, case_id)
        return self._judged(case_id, facts, await inbox_reader.holes(self.connection)) if facts else None

    async def explained(self, case_id: str, now: datetime) -> Judgement | None:
        """The same, an open cycle judged up to the day itself (or to now, where the day is yet to come)."""
        facts = await inbox_reader.one(self.connection, self.day, case_id)
        hole = case_id in await inbox_reader.holes(self.connection)
        return judge(facts, self.rules, min(self.day, now), incomplete=hole) if facts else None

    async def judgements(self, after: str = "") -> AsyncIterator[Judgement]:
        """Every case known then, by case id."""
        holes = await inbox_reader.holes(self.connection)
        async for chunk in inbox_reader.cases(self.connection, self.day, after=after):
            for case_id, facts in chunk.items():
                yield self._judged(case_id, facts, holes)

    async def cases(self, after: str, limit: int) -> tuple[Sequence[dict[str, Any]], str | None]:
        """A page of cases with their cycles, and where the next page begins."""
        page: list[dict[str, Any]] = []
        async for judgement in self.judgements(after):
            if judgement.cycles:
                cycles = [shown(row._asdict()) for row in judgement.cycles]
                page.append({"case_id": judgement.case_id, "cycles": cycles})
                if len(page) == limit:
                    return page, judgement.case_id
        return page, None

    async def overdue(self, unit: str | None, limit: int) -> Sequence[dict[str, Any]]:
        """Cycles that were open past their due instant on the day, the longest overdue first."""
        late = [
            (row.due_at, row.case_id, row)
            async for judgement in self.judgements()
            for row in judgement.cycles
            if row.ended_at is None and row.due_at is not None and row.due_at < self.day and unit in (None, row.unit)
        ]
        return [{"case_id": case_id, **shown(row._asdict())} for _, case_id, row in heapq.nsmallest(limit, late)]

    async def the_record(self, period: Period, kinds: Mapping[str, UnitKind]) -> Record:
        """The record of a period as it would have been drawn up on the day. Keeps the period's rows, no others."""
        cycles: list[CycleRow] = []
        stays: list[StayRow] = []
        referrals: list[ReferralRow] = []
        charges: list[ChargeRow] = []
        async for judgement in self.judgements():
            of_period = [row for row in judgement.cycles if _touches(period, row.received_at, row.ended_at)]
            cycles += of_period
            charges += [row for row in judgement.charges if any(row.cycle == cycle.cycle for cycle in of_period)]
            stays += [row for row in judgement.stays if _touches(period, row.entered_at, row.left_at)]
            referrals += [
                row for row in judgement.referrals if _touches(period, row.referred_at, row.replied_at or row.ended_at)
            ]
        return record(period, kinds, cycles, stays, referrals, charges)

    def _judged(self, case_id: str, facts: list[Any], holes: set[str]) -> Judgement:
        return judge(facts, self.rules, incomplete=case_id in holes)


@asynccontextmanager
async def as_of(pool: Pool, in_force: InForce, day: datetime, *, log_clock: bool) -> AsyncIterator[AsOf]:
    """One snapshot for the whole answer. It only reads: no transaction number is taken, no follower held back."""
    async with snapshot(pool) as connection:
        watermark = await passed(connection, log_clock=log_clock)
        await in_force.refresh(connection)  # another process may just have published
        rules = known_on(in_force.files, in_force.facts, day)
        yield AsOf(connection, rules, day, final=watermark is not None and watermark >= day)


def _touches(period: Period, began: datetime, over: datetime | None) -> bool:
    return began < period.ends and (over is None or over >= period.begins)
