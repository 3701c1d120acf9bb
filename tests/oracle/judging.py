"""What the judge's tests share: the shipped rules, a household's dossier, and short questions about it."""

from datetime import datetime
from pathlib import Path

from oracle.telling import Story, local, promise

from deadlines.load import load
from events.contracts.terms import Promise
from sla.judging.judge import Rules, judge
from sla.judging.rows import CycleRow

SHIPPED = load(Path(__file__).parents[2] / "deploy" / "catalogue")
RULES = Rules(SHIPPED)
MONDAY = local(7, 10, 9)
THURSDAY = local(7, 13, 17)
HOUR = 3600


def received(at: datetime = MONDAY, pledge: Promise | None = None) -> Story:
    """A household in town: three working days, due Thursday 17:00 when received on Monday."""
    story = Story()
    story.received(at, pledge or promise())
    return story


def only(story: Story, now: datetime | None = None) -> CycleRow:
    """The single cycle of a case."""
    (row,) = judge(story.facts, RULES, now).cycles
    return row


def findings(story: Story) -> list[str]:
    return [finding.what for finding in judge(story.facts, RULES).findings]


def clocks(row: CycleRow) -> tuple[int, int, int, int]:
    return row.utility_seconds, row.customer_seconds, row.agency_seconds, row.not_counted_seconds


def handed() -> Story:
    """Counter, district, team, district, and back; the team overruns its twelve hours by three."""
    story = received()
    story.forwarded(local(7, 10, 10), "DL-193", hours=4)
    story.acknowledged(local(7, 10, 11), "DL-193")
    story.forwarded(local(7, 10, 16), "TC-193", by="DL-193", hours=12, step="install")
    story.forwarded(local(7, 12, 17), "DL-193", by="TC-193", hours=4, step="close")
    story.returned(local(7, 14, 9), "DL-193")
    return story
