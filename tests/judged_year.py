"""A year's dossiers, judged, with the record of a period in every form: what tests of the outputs look at."""

from dataclasses import dataclass
from datetime import date

from oracle.judging import RULES
from oracle.year import year
from sla_at_work import KINDS

from sla.counting.periods import Period
from sla.counting.record import Record, record
from sla.judging.judge import Judgement, judge
from sla.judging.rows import CycleRow
from sla.reports.document import Document, addressed, document
from sla.reports.sheets import Sheet, sheets

PERIOD = Period(date(2017, 7, 1), date(2018, 5, 1))
DATES = {"from": str(PERIOD.since), "to": str(PERIOD.until)}
Key = tuple[str, int]


@dataclass(frozen=True)
class World:
    """Judged dossiers of which some are still open at the end of the period, and the record of them."""

    judgements: list[Judgement]
    rows: dict[Key, CycleRow]
    record: Record
    told: Document
    sheets: dict[str, Sheet]


def judged_year() -> World:
    """Four hundred of them."""
    told = year(400, RULES.catalogue)
    # Facts of the period only, so that what a row says now is what it said at the end of the period.
    known = [[fact for fact in one.facts if fact.at < PERIOD.ends] for one in told]
    judged = [judge(facts, RULES) for facts in known if facts]
    found = record(
        PERIOD,
        KINDS,
        [row for one in judged for row in one.cycles],
        [row for one in judged for row in one.stays],
        [row for one in judged for row in one.referrals],
        [row for one in judged for row in one.charges],
    )
    it = addressed(document(found, RULES.catalogue, items=True), "/record/items", **DATES)
    rows = {(row.case_id, row.cycle): row for one in judged for row in one.cycles}
    return World(judged, rows, found, it, {one.name: one for one in sheets(it)})


def by_766(row: CycleRow) -> str | None:
    """The column of Decision 766 that a row counts in."""
    if not row.determined:
        return None
    if row.ended_at is None:
        return "766 pending late" if row.due_at is not None and row.due_at < PERIOD.ends else None
    return "766 late" if row.class_c == "overdue" else "766 on time"
