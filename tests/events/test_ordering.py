"""The order of the events of a dossier: by effective instant, within one instant by what can follow what."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations, product

import pytest
from msgspec.structs import replace
from oracle.judging import RULES
from oracle.telling import Story, local, promise

from events.contracts import field, intake, routing
from events.contracts.channels import OTHERS
from events.contracts.ranks import RANKS
from events.store.envelope import RecordedEvent
from sla.judging.arrangement import arrange
from sla.judging.case import JUDGED
from sla.judging.judge import Judgement, judge

NINE, TEN = local(7, 10, 9), local(7, 10, 10)
Tell = Callable[[Story], str]


def kinds(events: list[RecordedEvent]) -> list[str]:
    return [type(placed[4]).__name__ for placed in arrange(events).facts]


def renamed(events: list[RecordedEvent], names: tuple[int, ...]) -> list[RecordedEvent]:
    """The same events of another system under other ids."""
    ids = {one.stream: f"foreign-{name:064x}" for one, name in zip(events, names, strict=True)}
    answers = {f"{old}@1": f"{new}@1" for old, new in ids.items()}
    return [
        replace(one, stream=ids[one.stream], fact=type(one.fact)(**_fields(one.fact, answers)))  # type: ignore[misc]
        for one in events
    ]


def _fields(event: object, answers: dict[str, str]) -> dict[str, object]:
    told = {name: getattr(event, name) for name in event.__slots__}  # type: ignore[attr-defined]
    if told.get("answers"):
        told["answers"] = answers[told["answers"]]
    return told


def under_any_id(story: Story) -> list[Judgement]:
    """What is judged of the story under every order of its ids, and told backwards."""
    numbers = range(len(story.facts))
    told = [renamed(story.facts, names) for names in list(permutations(numbers))[:720]]
    return [judge(reversed(events), RULES) for events in told]


def test_a_receipt_and_a_closing_in_one_minute_end_the_dossier_whatever_their_ids() -> None:
    story = Story(foreign=True)
    story.received(NINE, promise())
    story.closed(NINE)
    assert {judged.cycles[0].outcome for judged in under_any_id(story)} == {"closed"}


def test_a_release_and_a_collection_in_one_minute_are_no_early_closing() -> None:
    story = Story(foreign=True)
    story.received(NINE, promise())
    story.returned(TEN)
    story.closed(TEN)
    judged = under_any_id(story)
    assert {one.cycles[0].outcome for one in judged} == {"released"}
    assert {one.cycles[0].acts for one in judged} == {()}


def test_a_supplement_asked_in_the_minute_of_the_receipt_is_a_pause() -> None:
    """Lost, its due would be Thursday, a working day early."""
    story = Story(foreign=True)
    story.received(NINE, promise())
    asked = story.supplement(NINE)
    story.supplemented(local(7, 11, 17), asked)
    story.returned(local(7, 14, 9))
    assert {one.cycles[0].due_at for one in under_any_id(story)} == {local(7, 14, 17)}


def test_hand_overs_of_one_minute_chain_from_unit_to_unit() -> None:
    """A source that keeps days tells a whole dossier at one instant."""
    story = Story(foreign=True)
    story.received(NINE, promise())
    story.forwarded(NINE, "DL-193")
    story.acknowledged(NINE, "DL-193")
    story.forwarded(NINE, "TC-193", by="DL-193")
    story.acknowledged(NINE, "TC-193")
    story.returned(NINE, by="TC-193")
    for judged in under_any_id(story):
        assert [stay.unit for stay in judged.stays] == ["PAC-193", "DL-193", "TC-193"]
        assert [stay.acknowledged_at for stay in judged.stays] == [None, NINE, NINE]
        assert judged.findings == ()


def test_a_reopening_of_one_minute_comes_after_the_collection_and_before_the_next_hand_over() -> None:
    story = Story(foreign=True)
    story.received(NINE, promise())
    story.forwarded(NINE, "DL-193")
    story.returned(TEN, by="DL-193")
    story.closed(TEN)
    story.reopened(TEN)
    story.forwarded(TEN, "DL-193")
    for judged in under_any_id(story):
        assert [(cycle.outcome, cycle.closed_at) for cycle in judged.cycles] == [("released", TEN), ("open", None)]
        assert judged.findings == ()


def test_a_reply_that_names_no_question_comes_after_the_referral_of_its_minute() -> None:
    story = Story(foreign=True)
    story.received(NINE, promise())
    story.referred(TEN)
    story.replied(TEN)
    assert {one.referrals[0].replied_at for one in under_any_id(story)} == {TEN}


def test_our_own_events_keep_the_order_of_their_streams() -> None:
    """Said by the service that decided it: the stream is the order, even where another would fit better."""
    story = Story()
    story.received(NINE, promise())
    story.reopened(NINE)
    story.closed(NINE)
    assert kinds(story.facts) == ["ApplicationReceived", "CaseReopened", "CaseClosed"]


def test_a_cause_comes_before_its_effect_at_one_instant() -> None:
    story = Story()
    story.received(NINE, promise())
    rated = story.rated(NINE, 5)
    story.tell(routing.CustomerActionRequested(case_id=story.case_id, action="own-works"), NINE, cause=rated)
    assert kinds(story.facts) == ["ApplicationReceived", "CustomerRated", "CustomerActionRequested"]


def test_a_stream_whose_clock_ran_backwards_is_taken_by_its_instants() -> None:
    """Its second event says an earlier time than its first."""
    story = Story()
    story.rated(local(7, 11, 10), 1)
    story.rated(local(7, 11, 9), 2)
    story.returned(local(7, 11, 9))
    assert [placed[3].partition("-")[0] for placed in arrange(story.facts).facts] == ["route", "case", "case"]
    assert [placed[2] for placed in arrange(story.facts).facts] == [1, 2, 1]


def test_what_nobody_knows_comes_last() -> None:
    """An event of a type that this version does not know, and messages."""
    story = Story()
    story.received(NINE, promise())
    story.closed(NINE)
    known = story.facts[0]
    new = replace(known, stream=f"foreign-{'0' * 64}", type="SomethingNew", fact=None)
    message = intake.MessageInDoubt(message_id="1", case_id=story.case_id)
    told = replace(known, stream="a-message-1", type="MessageInDoubt", fact=message)
    assert kinds([new, told, *story.facts]) == ["ApplicationReceived", "CaseClosed", "MessageInDoubt", "NoneType"]


def test_every_event_that_is_judged_or_said_by_others_has_a_rank() -> None:
    assert {*JUDGED, *OTHERS} - RANKS.keys() == set()


# -- pairs, from three states -----------------------------------------------------------------------

ASKED = {"SupplementReceived": 0, "CustomerActionCompleted": 1, "WorkResumed": 2}


def _open(story: Story) -> list[str]:
    """Received, handed to the district, and with one question of each kind open."""
    story.received(NINE - timedelta(hours=2), promise())
    story.forwarded(NINE - timedelta(hours=1), "DL-193")
    at = NINE - timedelta(minutes=30)
    return [story.supplement(at), story.works(at), story.obstructed(at, "customer")]


def _ended(story: Story) -> list[str]:
    asked = _open(story)
    story.returned(NINE - timedelta(minutes=10), by="DL-193")
    return asked


STATES: dict[str, Callable[[Story], list[str]]] = {
    "not received": lambda story: ["foreign-none@1"] * 3, "open": _open, "ended": _ended,
}  # fmt: skip


def _tell(story: Story, kind: str, asked: list[str]) -> None:
    """One event of a type at nine, as the district and the counter would say it."""
    case = {"case_id": story.case_id}
    order = {**case, "work_order": "wo-1"}
    events: dict[str, object] = {
        "ApplicationRefused": lambda: intake.ApplicationRefused(**case, reason="outside-area"),
        "StepCompleted": lambda: routing.StepCompleted(**case, unit="DL-193", step="assign"),
        "DossierRecalled": lambda: routing.DossierRecalled(**case, from_unit="DL-193", because="case-1@1"),
        "DossierEscalated": lambda: routing.DossierEscalated(**case, unit="DL-193", because="promise-1@1"),
        "StaffReplied": lambda: intake.StaffReplied(**case, unit="DL-193", word="NHAN"),
        "WorkOrderIssued": lambda: field.WorkOrderIssued(**order, team="TC-193", work="meter", because="route-1@1"),
        "VisitScheduled": lambda: field.VisitScheduled(**order, starts=TEN, ends=TEN),
        "VisitMissed": lambda: field.VisitMissed(**order, fault="customer", reason="absent"),
        "WorkStarted": lambda: field.WorkStarted(**order),
        "WorkCompleted": lambda: field.WorkCompleted(**order, evidence=(), handed_over=True),
        "WorkOrderCancelled": lambda: field.WorkOrderCancelled(**order, because="route-1@1"),
    }  # fmt: skip
    match kind:
        case "ApplicationReceived":
            story.received(NINE, promise())
        case "DossierForwarded":
            story.forwarded(NINE, "TC-193", by="DL-193")
        case "DossierAcknowledged":
            story.acknowledged(NINE, "DL-193")
        case "DossierReturned":
            story.returned(NINE, by="DL-193")
        case "SupplementRequested":
            story.supplement(NINE)
        case "SupplementReceived":
            story.supplemented(NINE, asked[0])
        case "CustomerActionRequested":
            story.works(NINE)
        case "CustomerActionCompleted":
            story.worked(NINE, asked[1])
        case "WorkObstructed":
            story.obstructed(NINE, "customer")
        case "WorkResumed":
            story.resumed(NINE, asked[2])
        case "AgencyReferred":
            story.referred(NINE)
        case "AgencyReplied":
            story.replied(NINE)
        case "DeadlineExtended":
            story.extended(NINE, TEN)
        case "CaseClosed":
            story.closed(NINE)
        case "CaseReopened":
            story.reopened(NINE)
        case "CustomerRated":
            story.rated(NINE, 5)
        case "ApplicationWithdrawn":
            story.withdrawn(NINE)
        case "ProcessingStopped":
            story.stopped(NINE)
        case _:
            story.tell(events[kind](), NINE)  # type: ignore[operator]


TYPES = [kind for kind in JUDGED if kind not in ("FactVoided", "FactCorrected", "ServiceReclassified")]


@pytest.mark.parametrize("state", STATES)
def test_two_events_of_one_instant_are_taken_in_the_order_that_fits_better_whatever_their_ids(state: str) -> None:
    """The judgement is that of one of the two orders told a microsecond apart, the one with fewer findings."""
    wrong = []
    for one, other in product(TYPES, TYPES):
        if one == other:
            continue  # only their ids tell them apart: docs/ordering.md
        story = Story(foreign=True)
        asked = STATES[state](story)
        _tell(story, one, asked)
        _tell(story, other, asked)
        *before, first, second = story.facts
        tied = judge(story.facts, RULES)
        swapped = judge([*before, *_exchanged(first, second)], RULES)
        later = timedelta(microseconds=1)
        told = judge([*before, first, replace(second, at=second.at + later)], RULES)
        back = judge([*before, replace(first, at=first.at + later), second], RULES)
        fewest = min(len(told.findings), len(back.findings))
        if (
            _rows(tied) != _rows(swapped)
            or len(tied.findings) != fewest
            or _rows(tied) not in (_rows(told), _rows(back))
        ):
            wrong.append((one, other))
    assert wrong == []


def _exchanged(first: RecordedEvent, second: RecordedEvent) -> tuple[RecordedEvent, RecordedEvent]:
    return replace(first, stream=second.stream), replace(second, stream=first.stream)


def _rows(judgement: Judgement) -> object:
    """What is judged, without the ids that the rows name."""
    return (
        judgement.cycles,
        [stay._replace(entered_by="") for stay in judgement.stays],
        [referral._replace(referral="") for referral in judgement.referrals],
        judgement.charges,
        sorted((finding.what, finding.detail) for finding in judgement.findings),
    )
