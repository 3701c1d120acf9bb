"""Two implementations that share no code agree on every drawn case."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from oracle.naive import ZERO, Oracle, Run, class_a, class_b, class_c, class_d
from oracle.telling import Story, local, promise, stories

from deadlines.load import load
from sla.judging.judge import Rules, judge
from sla.judging.rows import CycleRow

EXAMPLES = int(os.environ.get("ONEDOOR_EXAMPLES", "500"))
RULES = Rules(load(Path(__file__).parents[2] / "deploy" / "catalogue"))
quick = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def when(minute: int | None) -> datetime | None:
    return None if minute is None else (ZERO + timedelta(minutes=minute)).astimezone(UTC)


def naive_row(run: Run, requests: int = 0) -> dict[str, object]:
    released = run.end if run.outcome in ("released", "closed") else None
    paused = run.end is None and run.paused_before_due()
    due = None if run.due is None or paused else run.due.at
    judged = released is not None and due is not None
    return {
        "received_at": when(run.start),
        "determined": run.due is not None,
        "due_at": when(due),
        "released_at": when(released),
        "ended_at": when(run.end),
        "outcome": run.outcome,
        "closed_at": when(run.closed),
        "class_a": class_a(released, due) if judged and released is not None and due is not None else None,
        "class_b": class_b(released, due) if judged and released is not None and due is not None else None,
        "class_c": class_c(run.end, due, run.supplements, requests)
        if run.end is not None and due is not None
        else None,
        "utility_seconds": run.seconds["utility"],
        "customer_seconds": run.seconds["customer"],
        "agency_seconds": run.seconds["agency"],
        "supplements": run.supplements,
        "service": run.service,
        "revision": run.revision,
        "corrections": run.corrections,
    }


def judged_row(row: CycleRow) -> dict[str, object]:
    return {key: value for key, value in row._asdict().items() if key in naive_row(Run(0, 0, None))}


@quick
@given(stories())
def test_due_classes_and_sums_agree(story: Story) -> None:
    """Due, release, classes A, B and C and the seconds of every clock, cycle by cycle."""
    oracle = Oracle(story.facts)
    judgement = judge(story.facts, RULES)
    requests = sum(run.supplements for run in oracle.runs)
    assert [judged_row(row) for row in judgement.cycles] == [naive_row(run, requests) for run in oracle.runs]
    assert [row.extended_at is not None for row in judgement.cycles] == [run.extended for run in oracle.runs]


@quick
@given(stories())
def test_custody_agrees(story: Story) -> None:
    """Who held the dossier from when to when, their own limit, the utility time they used, and its class D."""
    oracle = Oracle(story.facts)
    judgement = judge(story.facts, RULES)
    naive_stays = []
    for run in oracle.runs:
        for number, stay in enumerate(run.stays, 1):
            last_paused = run.end is None and number == len(run.stays) and bool(run.waiting) and run.moving["step"]
            due = None if stay.due is None or last_paused else stay.due.at
            over = stay.left is not None and stay.limit is not None
            by_minutes = class_d(stay.utility // 60, stay.limit) if over else None
            naive_stays.append((stay.unit, when(stay.entered), when(stay.left), when(due), stay.utility, by_minutes))
    stays = [(s.unit, s.entered_at, s.left_at, s.due_at, s.utility_seconds, s.class_d) for s in judgement.stays]
    assert stays == naive_stays
    referrals = [(r.agency, r.due_at, r.replied_at) for r in judgement.referrals]
    assert referrals == [
        (r.agency, when(r.due), when(r.replied)) for run in oracle.runs for r in run.referrals.values()
    ]


def test_the_oracle_itself_knows_a_vector_by_hand() -> None:
    """Monday 09:00 and three days, paused for 660 working minutes: Monday 10:00."""
    story = Story()
    story.received(local(7, 10, 9), promise())
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 12, 15), asked)
    story.returned(local(7, 17, 9))
    (run,) = Oracle(story.facts).runs
    assert run.due is not None
    assert when(run.due.at) == local(7, 17, 10)
