"""Corrections before the judge: what is voided, corrected or reclassified is judged as if it had been said right."""

import os
from datetime import datetime
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle.judging import MONDAY, RULES, SHIPPED, THURSDAY, findings, only, received
from oracle.swapped import swapped
from oracle.telling import Story, local, stories

from deadlines.published import joined
from events.commands.decider import Said
from events.contracts import intake
from events.contracts.sla import DeadlineMissWithdrawn, VerdictAmended
from events.contracts.terms import Promise
from sla.explain.explain import explain
from sla.judging.corrections import CORRECTING, lateness
from sla.judging.judge import Rules, judge
from sla.judging.rows import Amendment, Deadline
from sla.publishing.decide import Publish, Warn
from sla.publishing.decide import promise as published

LATER = local(8, 1, 9)
EXAMPLES = int(os.environ.get("ONEDOOR_EXAMPLES", "100"))


def late() -> tuple[Story, str]:
    """Released on Friday, a day late: the story and its release."""
    story = received()
    return story, story.returned(local(7, 14, 9))


def test_a_voided_release_leaves_the_case_open() -> None:
    """It runs on, and a release that is said later counts."""
    story, release = late()
    story.voided(LATER, release)
    row = only(story)
    assert (row.outcome, row.released_at, row.corrections) == ("open", None, 1)
    story.returned(local(7, 20, 9))
    assert only(story).released_at == local(7, 20, 9)


def test_a_corrected_time_moves_the_release() -> None:
    """The dossier was back on Thursday; the counter wrote it down on Friday."""
    story, release = late()
    assert only(story).class_a == "overdue"
    story.corrected(LATER, release, "at", local(7, 13, 10))
    row = only(story)
    assert (row.class_a, row.released_at, row.revision, row.corrections) == ("on-time", local(7, 13, 10), 1, 1)


def test_a_corrected_time_is_not_held_back_by_the_message_that_told_of_it() -> None:
    """XONG came over Zalo on Friday; the leader says that the dossier was back on Thursday."""
    story = received()
    story.tell(intake.StaffReplied(case_id=story.case_id, unit="DL-193", word="XONG"), local(7, 14, 9))
    release = story.returned(local(7, 14, 9))
    xong = msgspec.structs.replace(story.facts[-2], stream="message-in-1", version=1)
    back = story.facts[-1]
    told = msgspec.structs.replace(back, cause=msgspec.structs.replace(back.cause, causation=xong.id))
    story.facts[-2:] = [xong, told]
    assert only(story).class_a == "overdue"
    story.corrected(LATER, release, "at", local(7, 13, 10))
    assert (only(story).class_a, only(story).released_at) == ("on-time", local(7, 13, 10))


def test_a_corrected_time_moves_the_fact_in_the_order() -> None:
    """The supplement was asked for before the hand-over, not after the release."""
    story, _ = late()
    asked = story.supplement(local(7, 14, 10))
    assert findings(story) == ["after-end"]
    story.corrected(LATER, asked, "at", local(7, 11, 10))
    story.supplemented(local(7, 12, 10), asked)
    row = only(story)
    assert (row.supplements, row.class_a, row.due_at) == (1, "on-time", local(7, 14, 17))
    assert findings(story) == []


def test_a_receipt_that_was_written_down_late_counts_from_its_real_day() -> None:
    """Received on Friday, typed in on Monday: the promise ends a day earlier."""
    story = received()
    story.corrected(LATER, story.facts[0].id, "at", local(7, 7, 9))
    row = only(story)
    assert (row.received_at, row.due_at, row.revision) == (local(7, 7, 9), local(7, 12, 17), 2)


def test_another_service_is_counted_from_the_original_receipt() -> None:
    """Three days in town become five in the country; service, field and revision follow."""
    story, _ = late()
    story.reclassified(LATER, "LV-RES-RURAL@2017-07-01")
    row = only(story)
    assert (row.due_at, row.class_a) == (local(7, 17, 17), "ahead")
    assert (row.service, row.field, row.revision, row.corrections) == ("LV-RES-RURAL@2017-07-01", "LV", 2, 1)
    story.reclassified(local(8, 2, 9), "MV-CONNECT@2017-07-01")
    assert (only(story).field, only(story).corrections) == ("MV", 2)


def test_another_service_brings_its_clock_policy() -> None:
    """A receipt under RESTART: the right service pauses."""
    story = received(MONDAY, Promise(calendar="VN-PAC@2017.1", clock_policy="RESTART", working_days=3))
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 12, 15), asked)
    assert only(story).due_at == local(7, 17, 17)
    story.reclassified(LATER, "LV-RES-URBAN@2017-07-01")
    assert only(story).due_at == local(7, 17, 10)


def test_a_service_that_nobody_knows_changes_nothing() -> None:
    """It is a finding of the correction."""
    story, _ = late()
    before = only(story)
    story.reclassified(LATER, "NO-SUCH@2017-07-01")
    assert only(story) == before
    assert findings(story) == ["unknown-service"]


def test_a_dossier_without_a_promise_gets_one_by_reclassification() -> None:
    """It was undetermined."""
    story = Story()
    story.received(MONDAY, None)
    assert not only(story).determined
    story.reclassified(LATER, "LV-RES-URBAN@2017-07-01")
    assert only(story).due_at == THURSDAY
    (told,) = judge(story.facts, RULES).amendments
    assert (told.was, told.now) == ("", "LV-RES-URBAN@2017-07-01")


def test_a_correction_of_what_nobody_said_is_a_finding() -> None:
    """It may still arrive: then the finding goes."""
    story, release = late()
    story.voided(LATER, "route-none@1")
    assert findings(story) == ["corrects-nothing"]
    without = [fact for fact in story.facts if fact.id != release]
    story.voided(LATER, release)
    early = judge([*without, story.facts[-1]], RULES)
    assert [finding.what for finding in early.findings] == ["corrects-nothing", "corrects-nothing"]
    assert judge(story.facts, RULES).cycles[0].released_at is None


def test_a_voided_receipt_leaves_a_case_without_one() -> None:
    """The services refuse to say it; whoever says it all the same does not break the judge."""
    story, _ = late()
    story.voided(LATER, story.facts[0].id)
    judgement = judge(story.facts, RULES)
    assert (judgement.case_id, judgement.received, judgement.cycles) == (story.case_id, False, ())
    only_corrections = judge(story.facts[2:], RULES)
    assert (only_corrections.case_id, only_corrections.cycles) == (story.case_id, ())


def test_an_amendment_tells_what_was_put_right_by_whom_and_how_it_stood() -> None:
    """In the order of saying. `happened` is when the fact happened as it stands now; a service that nobody knows
    amends nothing, and does not keep the next one from doing so."""
    story, release = late()
    receipt = story.facts[0].id
    asked = story.supplement(local(7, 11, 10))
    at = [local(8, day, 9) for day in range(1, 6)]
    story.reclassified(at[0], "NO-SUCH@2017-07-01")
    first = story.reclassified(at[1], "LV-RES-RURAL@2017-07-01")
    moved = story.corrected(at[2], release, "at", local(7, 13, 10))
    second = story.reclassified(at[3], "MV-CONNECT@2017-07-01")
    gone = story.voided(at[4], asked)
    why: dict[str, Any] = {"reason": "entered-wrongly", "leader": "staff-qn-01"}
    service: dict[str, Any] = {
        "kind": "reclassified", "about": receipt, "fact": "ApplicationReceived", "field": "service", "happened": MONDAY,
    }  # fmt: skip
    assert judge(story.facts, RULES).amendments == (
        Amendment(first, was="LV-RES-URBAN@2017-07-01", now="LV-RES-RURAL@2017-07-01", at=at[1], **service, **why),
        Amendment(
            moved, "corrected", release, "DossierReturned", "at", "2017-07-14T02:00:00Z", "2017-07-13T03:00:00Z",
            at=at[2], happened=local(7, 13, 10), **why,
        ),
        Amendment(second, was="LV-RES-RURAL@2017-07-01", now="MV-CONNECT@2017-07-01", at=at[3], **service, **why),
        Amendment(
            gone, "voided", asked, "SupplementRequested", "", "", "", at=at[4], happened=local(7, 11, 10), **why
        ),
    )  # fmt: skip


def test_a_correction_is_told_by_the_cycle_that_it_is_about() -> None:
    """The release is the first cycle's, the reopening the second's; a reclassification is told by both, and is an act
    where the receipt is."""
    story, release = late()
    reopened = story.reopened(local(7, 20, 9))
    story.returned(local(7, 21, 9))

    def told() -> list[tuple[int, tuple[str, ...], tuple[datetime, ...]]]:
        return [(row.corrections, row.acts, row.acts_at) for row in judge(story.facts, RULES).cycles]

    story.corrected(LATER, release, "at", local(7, 13, 10))
    assert told() == [(1, ("correction",), (local(7, 13, 10),)), (0, (), ())]
    story.corrected(LATER, reopened, "reason", "customer-request")
    assert told()[1] == (1, ("correction",), (local(7, 20, 9),))
    story.reclassified(LATER, "LV-RES-RURAL@2017-07-01")
    assert told() == [
        (2, ("correction", "correction"), (local(7, 13, 10), MONDAY)),
        (2, ("correction",), (local(7, 20, 9),)),
    ]


def test_corrections_do_not_move_the_horizon_of_an_open_case() -> None:
    """A leader's work in August makes no open dossier of July older."""
    story = received()
    forwarded = story.forwarded(local(7, 10, 10), "DL-193")
    story.corrected(LATER, forwarded, "to_unit", "DL-194")
    row = only(story)
    assert (row.judged_to, row.unit) == (local(7, 10, 10), "DL-194")


def test_a_correction_that_does_not_concern_the_promise_keeps_its_revision() -> None:
    """Who had the dossier is one thing; when it is due another."""
    story = received()
    forwarded = story.forwarded(local(7, 10, 10), "DL-193")
    story.rated(local(7, 10, 11), 1)
    story.corrected(LATER, forwarded, "to_unit", "DL-194")
    assert (only(story).revision, only(story).corrections) == (1, 1)


def test_a_voided_extension_does_not_bring_its_revision_back() -> None:
    """Warnings of the first appointment are said anew: the revision is one that never was."""
    story = received()
    extended = story.extended(local(7, 12, 9), local(7, 20, 17))
    assert only(story).revision == 2
    story.voided(LATER, extended)
    row = only(story)
    assert (row.revision, row.extended_at) == (3, None)


def test_a_void_of_what_was_corrected_before_does_not_bring_a_revision_back() -> None:
    """The correction is without effect then; the revision that it began was said all the same."""
    story = received()
    extended = story.extended(local(7, 12, 9), local(7, 20, 17))
    story.corrected(LATER, extended, "appointment", local(7, 21, 17))
    corrected = only(story).revision
    story.voided(LATER, extended)
    assert only(story).revision > corrected == 4


@settings(max_examples=EXAMPLES, deadline=None)
@given(stories(), st.data())
def test_a_correction_of_the_promise_always_begins_a_new_revision(story: Story, data: st.DataObject) -> None:
    """Whatever it takes back, no cycle that is left has a revision that it had before."""
    assume(story.facts)
    before = {row.received_at: row.revision for row in judge(story.facts, RULES).cycles}
    target = data.draw(st.sampled_from(story.facts))
    # Said after everything that it could take back, as a service dates its facts.
    story.voided(max(fact.at for fact in story.facts), target.id)
    judgement = judge(story.facts, RULES)
    assume(any(one.event == story.facts[-1].id for one in judgement.amendments))
    extended = target.type in ("SupplementRequested", "SupplementReceived", "DeadlineExtended", "WorkObstructed")
    for row in judgement.cycles:
        if extended and row.received_at in before:
            assert row.revision > before[row.received_at]


@settings(max_examples=EXAMPLES, deadline=None)
@given(stories())
def test_every_correction_is_told_or_found(story: Story) -> None:
    """None is passed over in silence."""
    judgement = judge(story.facts, RULES)
    corrections = {fact.id for fact in story.facts if fact.type in CORRECTING}
    told = {one.event for one in judgement.amendments} | {finding.event for finding in judgement.findings}
    assert corrections <= told
    touched = sum(one.kind != "reclassified" for one in judgement.amendments)
    again = sum(one.kind == "reclassified" for one in judgement.amendments)
    expected = touched + again * len(judgement.cycles) if judgement.cycles else 0
    assert sum(row.corrections for row in judgement.cycles) == expected


# -- in words ----------------------------------------------------------------------------------------


def test_the_explanation_names_event_field_values_reason_and_leader() -> None:
    """In both languages, in the order of saying."""
    story, release = late()
    asked = story.supplement(local(7, 11, 10))
    moved = story.corrected(LATER, release, "at", local(7, 13, 10))
    gone = story.voided(local(8, 2, 9), asked)
    other = story.reclassified(local(8, 3, 9), "LV-RES-RURAL@2017-07-01")
    lines = {one.event: text for one, text in explain(judge(story.facts, RULES), RULES).corrections}
    assert lines[moved].vi == (
        f"Sửa thời điểm của “Trả hồ sơ về quầy” ({release}): từ 14/07/2017 09:00 thành 13/07/2017 10:00: "
        f"staff-qn-01, Nhập sai ({moved})"
    )
    assert lines[moved].en == (
        f"Corrected: time of return to the counter ({release}), from 14/07/2017 09:00 to 13/07/2017 10:00, "
        f"by staff-qn-01, It was entered wrongly ({moved})"
    )
    assert lines[gone].en == (
        f"Voided: request for a supplement ({asked}), by staff-qn-01, It was entered wrongly ({gone})"
    )
    assert lines[other].vi == (
        "Xác định lại thủ tục: từ Cấp điện mới hạ áp sinh hoạt, thành phố, thị xã (LV-RES-URBAN@2017-07-01) "
        "thành Cấp điện mới hạ áp sinh hoạt, nông thôn (LV-RES-RURAL@2017-07-01): "
        f"staff-qn-01, Nhập sai ({other})"
    )
    story.corrected(local(8, 4, 9), story.facts[0].id, "appointment", local(7, 17, 17))
    last = explain(judge(story.facts, RULES), RULES).corrections[-1][1]
    assert "from (none) to 17/07/2017 17:00" in last.en


# -- what is published -------------------------------------------------------------------------------


def said(*facts: object, case_id: str) -> list[Said]:
    return [Said(fact, "policy-sla-judge", f"promise-{case_id}@{number}") for number, fact in enumerate(facts, 1)]


def publish(story: Story, because: str = "case-x@9") -> Publish:
    return Publish(judgement=judge(story.facts, RULES), because=because, late_seconds=60)


def test_an_amended_verdict_carries_its_cause_and_how_late_it_came() -> None:
    """Once: saying it again says nothing."""
    story, release = late()
    reached = published.decide(publish(story), published.initial)
    story.corrected(LATER, release, "at", local(7, 13, 10))
    state = published.fold(said(*reached, case_id=story.case_id))
    (amended,) = published.decide(publish(story), state)
    assert isinstance(amended, VerdictAmended)
    assert (amended.was_by_date, amended.by_date, amended.because) == ("overdue", "on-time", "case-x@9")
    assert amended.late_seconds == 60
    again = published.fold(said(*reached, amended, case_id=story.case_id))
    assert published.decide(publish(story), again) == []


def test_a_cycle_that_never_was_takes_back_its_verdict_and_its_miss() -> None:
    """The reopening is void: what was published of the second cycle is amended to nothing."""
    story, _ = late()
    reopened = story.reopened(local(7, 20, 9))
    missed = published.decide(
        Warn(case_id=story.case_id, deadline=Deadline(2), threshold="due", revision=2, due=local(7, 25, 17)),
        published.initial,
    )
    story.returned(local(7, 26, 9))
    facts = [*missed, *published.decide(publish(story), published.fold(said(*missed, case_id=story.case_id)))]
    story.voided(LATER, reopened)
    state = published.fold(said(*facts, case_id=story.case_id))
    amended, withdrawn = published.decide(publish(story), state)
    assert isinstance(amended, VerdictAmended)
    assert (amended.cycle, amended.released, amended.by_date, amended.was_by_date) == (2, None, None, "overdue")
    assert isinstance(withdrawn, DeadlineMissWithdrawn)
    then = published.fold(said(*facts, amended, withdrawn, case_id=story.case_id))
    assert published.decide(publish(story), then) == []


def seconds(later: datetime, earlier: datetime) -> int:
    return int((later - earlier).total_seconds())


def test_a_correction_is_as_late_as_what_it_puts_right() -> None:
    """A late fact from when it happened to when it was recorded; a correction from when what it corrects happened."""
    story, release = late()
    story.tell(story.facts[-1].fact, local(7, 15, 9), late=90)
    assert lateness(story.facts[-1], story.facts) == 90
    story.corrected(LATER, release, "at", local(7, 13, 10))
    assert lateness(story.facts[-1], story.facts) == seconds(LATER, local(7, 14, 9))
    story.reclassified(LATER, "LV-RES-RURAL@2017-07-01")
    assert lateness(story.facts[-1], story.facts) == seconds(LATER, MONDAY)


def test_another_service_keeps_the_calendar_that_the_receipt_pinned() -> None:
    """Thursday is off by the calendar of this receipt, though not by the service's own: three days end on Friday."""
    rules = Rules(joined(SHIPPED, [swapped(policy="pinned")]))
    story = received(pledge=Promise(calendar="VN-PAC@2017.2", clock_policy="PAUSE", working_days=7))
    story.reclassified(LATER, "LV-RES-URBAN@2017-07-01")
    judgement = judge(story.facts, rules)
    assert judgement.calendar == "VN-PAC@2017.2"
    assert judgement.cycles[0].due_at == local(7, 14, 17)
