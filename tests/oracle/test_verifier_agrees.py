"""The program that outsiders get judges every drawn case as the system does, from the lines that they get."""

import os
from datetime import timedelta

import msgspec
import pytest
from handed_out import RULES, rows_of
from hypothesis import HealthCheck, given, settings
from oracle.telling import Story, local, promise, stories

from events.contracts.terms import Promise
from onedoor.verifier import Fact, Judge, second
from sla.evidence.proofs import line_of, rules_document
from sla.judging.judge import judge
from sla.judging.rows import shown

EXAMPLES = int(os.environ.get("ONEDOOR_EXAMPLES", "300"))
JUDGE = Judge(rules_document(RULES, 0))


def lines(story: Story) -> list[Fact]:
    return [Fact(line_of(row).rstrip("\n")) for row in rows_of(story.facts)]


def agrees(story: Story) -> None:
    """Every field that the verifier computes stands in the row, and there are as many rows."""
    ours = JUDGE.verdict(lines(story))
    rows = [msgspec.to_builtins(shown(row._asdict())) for row in judge(story.facts, RULES).cycles]
    theirs = [{name: _plain(name, row[name]) for name in found} for found, row in zip(ours, rows, strict=True)]
    assert ours == theirs


def _plain(name: str, value: object) -> object:
    return second(value) if name.endswith("_at") or name == "judged_to" else value


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories())
def test_due_classes_sums_and_delay_agree(story: Story) -> None:
    agrees(story)


def test_a_day_that_is_worked_in_seconds() -> None:
    """Due in the middle of a session after one pause is pushed on by the next, second by second."""
    story = Story()
    story.received(local(7, 10, 9), promise())
    asked = story.supplement(local(7, 11, 10, 0, 7))
    story.supplemented(local(7, 12, 15, 0, 1), asked)
    works = story.works(local(7, 17, 9, 59, 30))
    story.worked(local(7, 17, 10, 30), works)
    story.returned(local(7, 17, 10, 30, 31))
    agrees(story)
    (cycle,) = JUDGE.verdict(lines(story))
    # 39,594 s of the first pause carry Thursday 17:00 to Monday 09:59:54, 1,830 s of the second to 10:30:24.
    assert (cycle["by_date"], cycle["by_session"], cycle["delay_seconds"]) == ("on-time", "overdue", 7)


@pytest.mark.parametrize(
    "pinned",
    [
        Promise(calendar="VN-PAC@2017.1", clock_policy="RESTART", working_days=2),
        Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", working_days=0),
        Promise(calendar="NO-SUCH@2017.1", clock_policy="PAUSE", working_days=2),
        None,
    ],
)
def test_restarts_reopenings_and_what_comes_in_other_systems_words(pinned: Promise | None) -> None:
    """Counted anew, opened again, and facts that are streams of their own."""
    story = Story()
    story.received(local(7, 10, 15, 0, 1), pinned)
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 12, 15), asked)
    referred = story.referred(local(7, 13, 8))
    answered = story.facts[-1]
    story.tell(answered.fact, answered.at + timedelta(hours=1), category="foreign")
    story.replied(local(7, 14, 8), answers=referred)
    story.returned(local(7, 20, 8))
    story.reopened(local(8, 1, 9))
    story.extended(local(8, 1, 10), local(8, 9, 10))
    story.returned(local(8, 31, 9))
    agrees(story)
