"""Who held a dossier, who is charged, and agencies on clocks of their own."""

from typing import Any

import pytest
from oracle.judging import HOUR, MONDAY, RULES, findings, handed, only, received
from oracle.telling import local

from events.contracts.terms import Limit
from sla.judging.judge import judge


def test_custody_moves_with_every_hand_over() -> None:
    """Each stay with its limit, its acknowledgement and its class."""
    stays = judge(handed().facts, RULES).stays
    assert [(s.unit, s.entered_at, s.left_at, s.due_at) for s in stays] == [
        ("PAC-193", MONDAY, local(7, 10, 10), None),
        ("DL-193", local(7, 10, 10), local(7, 10, 16), local(7, 10, 16)),
        ("TC-193", local(7, 10, 16), local(7, 12, 17), local(7, 12, 10)),
        ("DL-193", local(7, 12, 17), local(7, 14, 9), local(7, 13, 11)),
    ]
    assert [(s.class_a, s.class_b) for s in stays] == [
        (None, None),
        ("on-time", "on-time"),
        ("on-time", "overdue"),
        ("overdue", "overdue"),
    ]
    assert stays[1].acknowledged_at == local(7, 10, 11)


def test_the_delay_is_charged_to_who_used_the_time_and_not_to_the_last_holder_alone() -> None:
    """Late by two hours on Friday; team and district share it by what each overran its own step."""
    judgement = judge(handed().facts, RULES)
    (row,) = judgement.cycles
    assert row.delay_seconds == 2 * HOUR
    overran = {s.step: s.overrun_seconds for s in judgement.stays if s.overrun_seconds}
    assert overran == {"install": 5 * HOUR, "close": 6 * HOUR}
    assert {c.unit: c.seconds for c in judgement.charges} == {"DL-193": 3927, "TC-193": 3273}  # 7,200 s as 6 : 5


def test_a_delay_without_overrun_falls_on_who_held_it_after_due() -> None:
    """No step limits: the district held Friday's two hours."""
    story = received()
    story.forwarded(local(7, 11, 9), "DL-193")
    story.returned(local(7, 14, 9), "DL-193")
    assert [(c.unit, c.seconds) for c in judge(story.facts, RULES).charges] == [("DL-193", 2 * HOUR)]


def test_a_step_pauses_with_the_case() -> None:
    """Four hours from 08:00; two of them the customer's: due 15:30 with lunch."""
    story = received()
    story.forwarded(local(7, 11, 8), "DL-193", hours=4)
    asked = story.supplement(local(7, 11, 9))
    story.supplemented(local(7, 11, 11), asked)
    story.forwarded(local(7, 11, 16), "TC-193", by="DL-193", hours=4)
    stay = judge(story.facts, RULES).stays[1]
    assert stay.due_at == local(7, 11, 16)
    assert stay.utility_seconds == 4 * HOUR


def test_an_acknowledgement_ends_only_the_wait_for_it() -> None:
    """Custody moved at the hand-over already; another unit's word, or a second one, is a finding."""
    story = received()
    story.forwarded(local(7, 11, 8), "DL-193", acknowledge_within=Limit(amount=2, unit="working_hours"))
    story.acknowledged(local(7, 11, 9), "TC-193")
    story.acknowledged(local(7, 11, 10), "DL-193")
    story.acknowledged(local(7, 11, 11), "DL-193")
    stay = judge(story.facts, RULES).stays[1]
    assert (stay.acknowledge_due, stay.acknowledged_at) == (local(7, 11, 10), local(7, 11, 10))
    assert findings(story) == ["acknowledged-by-another", "acknowledged-again"]


def test_an_agency_has_a_clock_of_its_own() -> None:
    """Ten working days from Tuesday by the catalogue; answered late, which is the agency's verdict and not ours."""
    story = received()
    referred = story.referred(local(7, 11, 8))
    story.replied(local(7, 26, 8), answers=referred)
    story.returned(local(7, 27, 9))
    (referral,) = judge(story.facts, RULES).referrals
    assert (referral.due_at, referral.class_a, referral.reply) == (local(7, 25, 17), "overdue", "agreed")
    row = only(story)
    assert row.class_a == "ahead"
    assert row.delay_seconds == 0


def test_parallel_referrals_join_when_all_have_replied() -> None:
    """The first reply does not let the clock run; a pinned limit comes before the catalogue's."""
    story = received()
    story.referred(local(7, 11, 8))
    story.referred(local(7, 11, 9), "QN-SXD", "substation-position", limit=Limit(amount=1, unit="working_days"))
    story.replied(local(7, 12, 8))
    assert only(story).due_at is None
    story.replied(local(7, 12, 9), "QN-SXD")
    row = only(story)
    assert row.agency_seconds == 9 * HOUR
    assert [r.due_at for r in judge(story.facts, RULES).referrals] == [local(7, 25, 17), local(7, 12, 17)]


@pytest.mark.parametrize(
    ("agency", "names", "replied"),
    [
        ("QN-SGTVT", 1, [False, True, False]),  # the question that it names, though an older one is open
        ("QN-SGTVT", 2, [False, False, True]),  # whoever's question it is: another agency's word is a finding
        ("QN-SGTVT", None, [True, False, False]),  # without a name: the oldest of that agency
        ("QN-SXD", None, [False, False, True]),  # ... and of no other
    ],
)
def test_a_reply_answers_the_question_that_it_names(agency: str, names: int | None, replied: list[bool]) -> None:
    """Two questions to the one agency, then one to the other."""
    story = received()
    asked = [
        story.referred(local(7, 11, 8)),
        story.referred(local(7, 11, 9)),
        story.referred(local(7, 11, 10), "QN-SXD", "substation-position"),
    ]
    story.replied(local(7, 12, 8), agency, None if names is None else asked[names])
    assert [row.replied_at is not None for row in judge(story.facts, RULES).referrals] == replied


def test_the_second_reply_without_a_name_answers_the_second_question() -> None:
    """The first has its answer, which stays as it is."""
    story = received()
    story.referred(local(7, 11, 8))
    story.referred(local(7, 11, 9))
    story.replied(local(7, 12, 8))
    story.replied(local(7, 12, 9))
    judgement = judge(story.facts, RULES)
    assert [row.replied_at for row in judgement.referrals] == [local(7, 12, 8), local(7, 12, 9)]
    assert judgement.findings == ()


def test_a_referral_that_the_case_outlives_ends_with_it() -> None:
    """Withdrawn while the agency was asked: no reply, no class."""
    story = received()
    story.referred(local(7, 11, 8))
    story.withdrawn(local(7, 12, 8))
    (referral,) = judge(story.facts, RULES).referrals
    assert (referral.replied_at, referral.ended_at, referral.class_a) == (None, local(7, 12, 8), None)


def test_every_row_names_its_case_and_an_ended_cycle_its_ending() -> None:
    """The rows of many cases lie in one table; the second cycle is still open and has no ending."""
    story = handed()
    released = story.facts[-1].id
    story.reopened(local(7, 17, 9))
    story.referred(local(7, 17, 10))
    judgement = judge(story.facts, RULES)
    rows: list[Any] = [*judgement.cycles, *judgement.stays, *judgement.referrals, *judgement.charges]
    assert {row.case_id for row in rows} == {story.case_id}
    assert all((judgement.cycles, judgement.stays, judgement.referrals, judgement.charges))
    assert judgement.endings == (released, None)
