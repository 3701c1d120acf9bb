"""The facts are a set in one total order: duplicates, forks, clocks behind, unknown types, no receipt."""

import dataclasses
from datetime import timedelta

from msgspec.structs import replace
from oracle.judging import HOUR, MONDAY, RULES, THURSDAY, findings, handed, only, received
from oracle.telling import Story, local, promise

from events.contracts import CATALOGUE, intake, routing
from sla.judging.arrangement import arrange
from sla.judging.case import JUDGED
from sla.judging.judge import Judgement, judge


def test_duplicates_fall_together() -> None:
    """The same record any number of times, read anew each time: one hash is one content, and nothing is forked."""
    story = handed()
    again = [replace(fact) for fact in story.facts]
    assert judge([*story.facts, *story.facts, *again], RULES) == judge(story.facts, RULES)


def test_the_same_id_with_another_body_makes_the_case_incomplete() -> None:
    """Whichever came first; nothing about it is published."""
    story = handed()
    told: routing.DossierForwarded = story.facts[3].fact  # type: ignore[assignment]
    fork = replace(story.facts[3], fact=dataclasses.replace(told, to_unit="TC-194"), hash=b"x")
    one, two = judge([*story.facts, fork], RULES), judge([fork, *story.facts], RULES)
    assert one == two
    assert one.incomplete
    assert all(row.incomplete for row in one.cycles)
    assert all(stay.incomplete for stay in one.stays)


def test_a_cause_never_follows_its_effect() -> None:
    """The team's clock is five minutes behind: the answer counts from when it could have been given."""
    story = received()
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 11, 9, 55), asked)
    story.returned(local(7, 12, 9))
    assert only(story).customer_seconds == 0
    assert findings(story) == []


def test_an_answer_never_comes_before_its_question() -> None:
    """The same where the answer does not say that the question was its cause: that it answers is enough."""
    story = received()
    asked = story.supplement(local(7, 11, 10))
    story.tell(intake.SupplementReceived(case_id=story.case_id, answers=asked), local(7, 11, 9, 55))
    story.returned(local(7, 12, 9))
    assert only(story).customer_seconds == 0
    assert findings(story) == []


def test_equal_times_keep_the_order_of_the_stream() -> None:
    """Everything at one instant: causes come before effects, then a stream keeps its versions."""
    story = Story()
    noon = local(7, 11, 9)
    story.received(noon, promise())
    story.forwarded(noon, "DL-193")
    story.forwarded(noon, "TC-193", by="DL-193")
    back = story.returned(noon, "TC-193")
    story.tell(intake.CaseClosed(case_id=story.case_id), noon, cause=back)
    judgement = judge(reversed(story.facts), RULES)
    assert [stay.unit for stay in judgement.stays] == ["PAC-193", "DL-193", "TC-193"]
    assert judgement.findings == ()
    assert judgement.cycles[0].outcome == "released"


def test_a_foreign_fact_ranks_by_its_type_and_its_cause_is_not_used() -> None:
    """An agency's own system says the reply; what it calls its cause may be anything of ours."""
    story = received()
    referred = story.referred(local(7, 11, 8))
    late = story.supplement(local(7, 12, 8))
    reply = routing.AgencyReplied(case_id=story.case_id, agency="QN-SGTVT", answers=referred, outcome="agreed")
    story.tell(reply, local(7, 11, 10), category="foreign", cause=late)
    (referral,) = judge(story.facts, RULES).referrals
    assert referral.replied_at == local(7, 11, 10)


def test_a_ring_of_causes_is_judged_all_the_same() -> None:
    """Only a forgery can make one; any order gives the same judgement."""
    story = received()
    asked = story.supplement(local(7, 11, 8))
    story.supplemented(local(7, 11, 9), asked)
    facts = story.facts
    ring = [
        facts[0],
        replace(facts[1], cause=replace(facts[1].cause, causation=facts[2].id)),
        replace(facts[2], cause=replace(facts[2].cause, causation=facts[1].id)),
    ]
    assert judge(ring, RULES) == judge(ring[::-1], RULES)


def test_a_ring_of_causes_moves_no_other_fact() -> None:
    """Everything outside it has the place that it would have without: behind its cause, its stream, its question."""
    story = handed()
    referred = story.referred(local(7, 13, 10))
    late = story.supplement(local(7, 13, 16))
    story.supplemented(local(7, 13, 15), late)
    reply = routing.AgencyReplied(case_id=story.case_id, agency="QN-SGTVT", answers=referred, outcome="agreed")
    story.tell(reply, local(7, 13, 9), category="foreign", cause=late)
    stuck = story.obstructed(local(7, 11, 8), "utility")
    story.resumed(local(7, 11, 9), stuck)
    *plain, one, two = story.facts
    ring = [replace(fact, cause=replace(fact.cause, causation=other.id)) for fact, other in ((one, two), (two, one))]
    outside = [placed for placed in arrange([*plain, *ring]).facts if not placed[1].startswith("workorder-")]
    assert outside == arrange(plain).facts


def test_an_unknown_type_is_kept_out_of_the_judgement() -> None:
    """A newer service said it; this version does not know what it means."""
    story = received()
    plain = judge(story.facts, RULES)
    unknown = replace(story.facts[0], stream="case-z", type="SomethingNew", fact=None, at=local(8, 1))
    assert judge([*story.facts, unknown], RULES) == plain


def test_the_judge_knows_every_fact_of_a_dossier() -> None:
    """A new fact gets its line in MOVES, `Case.noted` if it moves nothing, or its name here with the reason."""
    ours = ("sla", "rules", "operations", "gateway")
    before_receipt = {"ApplicationSubmitted", "AdviceGiven"}
    messages = {"MessagePrepared", "MessageDelivered", "MessageFailed", "MessageInDoubt"}
    heard = {entry.name for entry in CATALOGUE.values() if entry.cls.__module__.rpartition(".")[2] not in ours}
    assert heard - set(JUDGED) == before_receipt | messages


def test_messages_do_not_move_the_horizon_of_an_open_case() -> None:
    """How often one was sent is not about the case."""
    story = received()
    plain = judge(story.facts, RULES)
    message = intake.MessagePrepared(message_id="m-1", case_id=story.case_id, to="DL-193", template="due", about="a@1")
    story.tell(message, local(7, 12, 9), category="message")
    assert judge(story.facts, RULES) == plain


def test_a_case_without_receipt_exists_and_says_so() -> None:
    """Its receipt may still be on its way."""
    story = Story()
    story.forwarded(local(7, 11, 8), "DL-193")
    story.rated(local(7, 12, 8), 5)
    judgement = judge(story.facts, RULES)
    assert (judgement.case_id, judgement.received, judgement.cycles) == (story.case_id, False, ())
    assert [finding.what for finding in judgement.findings] == ["no-receipt", "before-receipt", "before-receipt"]
    assert judgement.findings[0].event == story.facts[0].id


def test_no_facts_are_no_case() -> None:
    """Not an error either."""
    empty: Judgement = judge([], RULES)
    assert (empty.case_id, empty.received, empty.incomplete) == ("", False, False)
    assert [(finding.event, finding.what) for finding in empty.findings] == [("", "no-receipt")]
    assert judge([], RULES, local(7, 10)) == empty


def test_a_second_receipt_moves_nothing() -> None:
    """A dossier is received once."""
    story = received()
    story.received(local(7, 12, 9), promise("MV-CONNECT@2017-07-01"))
    assert only(story).due_at == THURSDAY
    assert findings(story) == ["received-again"]


def test_now_only_runs_an_open_case() -> None:
    """An ended one is the same at any time; an open one's sums and delay run on, its due does not."""
    ended = handed()
    assert judge(ended.facts, RULES, local(12, 1)) == judge(ended.facts, RULES)
    running = only(received(), local(7, 14, 9))
    assert (running.due_at, running.delay_seconds, running.judged_to) == (THURSDAY, 2 * HOUR, local(7, 14, 9))
    assert only(received()).judged_to == MONDAY


def test_fractions_of_a_second_are_dropped() -> None:
    """Half a second after due is still the second of due; sums stay whole."""
    story = received()
    story.returned(THURSDAY + timedelta(milliseconds=500))
    row = only(story)
    assert (row.released_at, row.class_b) == (THURSDAY, "on-time")


def test_a_rating_is_kept_and_the_last_one_counts() -> None:
    """It moves no clock."""
    story = handed()
    story.closed(local(7, 14, 10))
    story.rated(local(7, 14, 11), 2)
    story.rated(local(7, 14, 12), 4)
    assert only(story).stars == 4
