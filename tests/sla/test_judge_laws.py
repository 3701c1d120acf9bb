"""What holds for every case, drawn at random: sensible ones and absurd ones."""

import os
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.telling import Story, stories

from deadlines.instants import second_of
from deadlines.load import load
from sla.judging.judge import Judgement, Rules, judge, ledger
from sla.judging.ledger import apportion, charge

RULES = Rules(load(Path(__file__).parents[2] / "deploy" / "catalogue"))
EXAMPLES = int(os.environ.get("ONEDOOR_EXAMPLES", "500"))
weights = st.dictionaries(st.sampled_from(["DL-193", "TC-193", "PAC-22", "KS-22"]), st.integers(0, 10**6))


def any_order_and_any_duplication_give_the_same_judgement(story: Story, judgement: Judgement, random: Random) -> None:
    """The facts are a set."""
    shuffled = [*story.facts, *story.facts[: len(story.facts) // 2]]
    random.shuffle(shuffled)
    assert judge(shuffled, RULES) == judgement


def the_ledger_tiles_every_cycle_and_adds_up(judgement: Judgement) -> None:
    """No gap, no overlap, and by clock the very seconds that the rows say."""
    lines = ledger(judgement, RULES)
    for row in judgement.cycles:
        own = [line for line in lines if line.cycle == row.cycle]
        edges = [second_of(row.received_at), *(line.end for line in own)]
        assert [line.start for line in own] == edges[:-1]
        assert edges[-1] == second_of(row.judged_to)
        sums: Counter[str] = Counter()
        for line in own:
            assert line.seconds == line.end - line.start > 0
            sums[line.clock] += line.seconds
        assert sums["utility"] == row.utility_seconds
        assert sums["customer"] == row.customer_seconds
        assert sums["agency"] == row.agency_seconds
        assert sums["not counted"] == row.not_counted_seconds
        assert sums.total() == (row.judged_to - row.received_at).total_seconds()


def stays_follow_each_other_and_hold_all_the_utility_time(judgement: Judgement) -> None:
    """From receipt to end without gap; their utility time is the cycle's."""
    for row in judgement.cycles:
        own = [stay for stay in judgement.stays if stay.cycle == row.cycle]
        assert [s.entered_at for s in own] == [row.received_at, *(s.left_at for s in own[:-1])]
        assert own[-1].left_at == row.ended_at
        assert sum(stay.utility_seconds for stay in own) == row.utility_seconds
        assert all(0 <= stay.overrun_seconds <= stay.utility_seconds for stay in own)


def the_shares_of_a_delay_sum_to_it(judgement: Judgement) -> None:
    """Whole seconds, nobody below zero, and late only when there is a delay or closed hours hide it."""
    for row in judgement.cycles:
        shares = [c.seconds for c in judgement.charges if c.cycle == row.cycle]
        assert sum(shares) == row.delay_seconds
        assert all(share > 0 for share in shares)
        assert row.delay_seconds <= row.utility_seconds


def now_never_changes_a_due_or_an_ended_cycle(judgement: Judgement, later: Judgement) -> None:
    """It only runs on what is open."""
    for row, then in zip(judgement.cycles, later.cycles, strict=True):
        assert (row.due_at, row.class_a, row.class_b, row.ended_at) == (
            then.due_at,
            then.class_a,
            then.class_b,
            then.ended_at,
        )
        if row.ended_at is not None:
            assert row == then


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories(), st.randoms(use_true_random=False), st.integers(0, 50000))
def test_the_laws_of_every_case(story: Story, random: Random, minutes: int) -> None:
    """Each of them above, of a case as its facts leave it and some time later.

    One test, because drawing a case takes several times as long as judging it.
    """
    judgement = judge(story.facts, RULES)
    now = story.facts[-1].at + timedelta(minutes=minutes) if story.facts else None
    later = judge(story.facts, RULES, now)
    any_order_and_any_duplication_give_the_same_judgement(story, judgement, random)
    for told in (judgement, later):
        the_ledger_tiles_every_cycle_and_adds_up(told)
        stays_follow_each_other_and_hold_all_the_utility_time(told)
        the_shares_of_a_delay_sum_to_it(told)
    now_never_changes_a_due_or_an_ended_cycle(judgement, later)


@given(st.integers(0, 10**6), weights)
def test_apportioning_gives_whole_parts_that_sum(whole: int, by: dict[str, int]) -> None:
    """Each part within one of its exact share; nothing for nothing."""
    parts = apportion(whole, by)
    total = sum(by.values())
    if whole and total:
        assert sum(parts.values()) == whole
        assert all(abs(part - whole * by[name] / total) < 1 for name, part in parts.items())
    else:
        assert parts == {}


@given(weights, weights)
def test_nobody_is_charged_more_than_their_overrun_while_others_share_it(
    overruns: dict[str, int], held: dict[str, int]
) -> None:
    """Overruns first, in proportion; the rest to who held it."""
    delay = sum(held.values())
    shares = charge(delay, overruns, held)
    assert sum(shares.values()) == delay
    if delay <= sum(overruns.values()):
        assert all(seconds <= overruns[unit] for unit, seconds in shares.items())


def test_ties_go_by_unit_code() -> None:
    """One second for two equals: the first code."""
    assert apportion(1, {"TC-193": 5, "DL-193": 5}) == {"TC-193": 0, "DL-193": 1}
