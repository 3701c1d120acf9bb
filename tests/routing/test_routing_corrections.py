"""The hands put their facts right: the way as if it had been said right, and what follows from a void elsewhere."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from contracts.given import eventually
from serving import serving

from deadlines.load import load
from events.actor import Actor
from events.clock import now
from events.commands.correct import Correct, correcting
from events.commands.decider import Said
from events.commands.testing import Scenario
from events.contracts.corrections import FactCorrected, FactVoided
from events.contracts.field import WorkCompleted
from events.contracts.intake import ApplicationReceived
from events.contracts.routing import (
    AgencyReferred,
    AgencyReplied,
    DossierForwarded,
    DossierRecalled,
    DossierReturned,
    StepCompleted,
)
from events.contracts.terms import Promise
from events.errors import Refused
from events.store.envelope import Cause, RecordedEvent
from routing.api import begins_cycle
from routing.app import service
from routing.decide import Command, Return, route
from routing.onward import GoOn, Recall, send_off
from routing.plan import Plans
from routing.policy import HandOn
from routing.state import AtUnit, State, follows

CASE = "000.00.02.H49-170710-0001"
ON: Any = {"case_id": CASE}
WHY: Any = {"reason": "entered-wrongly", "leader": "staff-qn-01"}
PLANS = Plans(load(Path(__file__).parents[2] / "deploy" / "catalogue"))
CONTRACT = PLANS.of("CONTRACT-CHANGE@2017-07-01", "DL-193")
assert CONTRACT is not None
FORWARDED = send_off(CASE, "PAC-193", CONTRACT)
DONE = StepCompleted(**ON, unit="DL-193", step=FORWARDED.step)
RETURNED = DossierReturned(**ON, from_unit="DL-193", by="zalo")
REFUSED = f"case-{CASE}@2"
RECALLED = DossierRecalled(**ON, from_unit="DL-193", because=REFUSED)
NINE, HOUR = datetime(2017, 7, 10, 2, tzinfo=UTC), timedelta(hours=1)
CORRECTING = correcting(route(PLANS), follows, founds=begins_cycle)
OFFICER = Actor(id="staff-193-01", roles=frozenset({"officer"}), unit="DL-193")


def dossier(by: str = "policy-routing-hand-on") -> Scenario[Command, State]:
    return Scenario(route(PLANS), CASE, by=by)


def void(version: int, kind: str) -> FactVoided:
    return FactVoided(**ON, voids=f"route-{CASE}@{version}", kind=kind, **WHY)


def stands(*facts: Any) -> State:
    said = (Said(fact, OFFICER.id, f"route-{CASE}@{number}") for number, fact in enumerate(facts, 1))
    return route(PLANS).fold(said)


def test_a_voided_return_leaves_the_dossier_at_its_unit() -> None:
    """It can be returned again, when it is really finished."""
    facts = (FORWARDED, DONE, RETURNED, void(3, "DossierReturned"))
    assert stands(*facts) == stands(FORWARDED, DONE)
    dossier(OFFICER.id).given(*facts).when(Return(case_id=CASE, by=OFFICER)).then(
        DossierReturned(**ON, from_unit="DL-193", by="software")
    )


def test_a_voided_hand_over_leaves_the_dossier_where_it_was() -> None:
    """And what the other unit said of it moves nothing."""
    away = DossierForwarded(**ON, from_unit="DL-193", to_unit="PCQN-KD", step=FORWARDED.step)
    assert stands(FORWARDED, away, void(2, "DossierForwarded")) == stands(FORWARDED)


def test_a_corrected_receiver_has_the_dossier() -> None:
    """It was handed to the other department all along."""
    right = FactCorrected(
        **ON, corrects=f"route-{CASE}@1", kind="DossierForwarded", field="to_unit", value="DL-194", **WHY
    )
    state = stands(FORWARDED, right)
    assert isinstance(state, AtUnit)
    assert state.unit == "DL-194"


def test_a_corrected_answer_closes_the_other_question() -> None:
    """Two questions are open; the reply was booked on the wrong one."""
    asked = [AgencyReferred(**ON, agency="UBND-193", matter=matter) for matter in ("road-trench", "corridor-overhead")]
    reply = AgencyReplied(**ON, agency="UBND-193", answers=f"route-{CASE}@2", outcome="agreed")
    right = FactCorrected(
        **ON, corrects=f"route-{CASE}@4", kind="AgencyReplied", field="answers", value=f"route-{CASE}@3", **WHY
    )
    state = stands(FORWARDED, *asked, reply, right)
    assert isinstance(state, AtUnit)
    assert [one.asked.id for one in state.waiting] == [f"route-{CASE}@2"]


def happened(*facts: tuple[Any, float]) -> list[Said]:
    """Facts of the way, each so many hours after the receipt."""
    return [
        Said(fact, OFFICER.id, f"route-{CASE}@{number}", NINE + hours * HOUR)
        for number, (fact, hours) in enumerate(facts, 1)
    ]


def correct(past: list[Said], number: int, field: str, value: str) -> list[Any]:
    leader = Actor(id="staff-qn-01", roles=frozenset({"leader"}), unit="PC-QN")
    command = Correct(
        case_id=CASE, fact=f"route-{CASE}@{number}", field=field, value=value, reason="entered-late",
        now=NINE + 100 * HOUR, by=leader,
    )  # fmt: skip
    return list(CORRECTING.decide(command, CORRECTING.fold(past)))


def moved(past: list[Said], number: int, hours: float) -> list[Any]:
    return correct(past, number, "at", (NINE + hours * HOUR).isoformat())


def rule(past: list[Said], number: int, hours: float) -> str:
    with pytest.raises(Refused) as no:
        moved(past, number, hours)
    return no.value.rule


TRENCH = AgencyReferred(**ON, agency="UBND-193", matter="road-trench")
CORRIDOR = AgencyReferred(**ON, agency="UBND-193", matter="corridor-overhead")


def replied(number: int) -> AgencyReplied:
    return AgencyReplied(**ON, agency="UBND-193", answers=f"route-{CASE}@{number}", outcome="agreed")


def test_a_corrected_hand_over_stays_between_the_one_before_and_the_one_after() -> None:
    """Custody never runs backwards: a dossier leaves a unit after it came to it."""
    away = DossierForwarded(**ON, from_unit="DL-193", to_unit="PCQN-KD", step=FORWARDED.step)
    back = DossierForwarded(**ON, from_unit="PCQN-KD", to_unit="DL-193", step=FORWARDED.step)
    past = happened((FORWARDED, 0), (away, 2), (back, 4), (DONE, 6), (RETURNED, 6))
    assert [rule(past, 2, hours) for hours in (-1, 4.5, 7)] == ["out-of-order"] * 3
    assert [rule(past, 3, hours) for hours in (1, 7)] == ["out-of-order"] * 2
    assert [rule(past, number, 5) for number in (1, 5)] == ["out-of-order"] * 2
    for number, hours in ((2, 1), (2, 4), (3, 5), (4, 5), (5, 8)):
        assert len(moved(past, number, hours)) == 1


def test_a_corrected_reply_stays_between_its_question_and_what_waited_for_it() -> None:
    """It may have come before the step was complete, not after the dossier went on because of it."""
    past = happened((FORWARDED, 0), (TRENCH, 1), (DONE, 3), (replied(2), 5), (RETURNED, 5))
    assert len(moved(past, 4, 2)) == 1
    assert [rule(past, 4, hours) for hours in (0.5, 6)] == ["out-of-order"] * 2
    assert rule(past, 2, 5.5) == "out-of-order"


def test_a_reply_is_moved_only_to_a_referral_that_has_no_other() -> None:
    """Not to a hand-over, nor to a question that another reply answers."""
    asked = ((FORWARDED, 0), (TRENCH, 1), (CORRIDOR, 2), (replied(2), 3))
    assert len(correct(happened(*asked), 4, "answers", f"route-{CASE}@3")) == 1
    past = happened(*asked, (replied(3), 4))
    for number, other in ((4, 1), (4, 3), (5, 2)):
        with pytest.raises(Refused) as no:
            correct(past, number, "answers", f"route-{CASE}@{other}")
        assert no.value.rule == "answers-nothing"


def test_a_recall_falls_with_the_end_that_caused_it() -> None:
    """The refusal at the counter never was; the dossier is where it was, and hearing it twice says nothing."""
    go_on = GoOn(case_id=CASE, voided=REFUSED, **WHY)
    given = dossier().given(FORWARDED, RECALLED)
    given.when(go_on).then(void(2, "DossierRecalled"))
    assert stands(FORWARDED, RECALLED, void(2, "DossierRecalled")) == stands(FORWARDED)
    dossier().given(FORWARDED, RECALLED).when(GoOn(case_id=CASE, voided=f"case-{CASE}@9", **WHY)).then_nothing()
    dossier().given(FORWARDED, DONE, RETURNED).when(go_on).then_nothing()
    dossier().given(FORWARDED).when(go_on).then_nothing()


def heard(fact: Any) -> list[Any]:
    cause = Cause(correlation="c", causation="c", actor="staff-qn-01")
    recorded = RecordedEvent(
        stream=f"case-{CASE}", version=3, subject=CASE, type="", schema=1, fact=fact, data=b"", cause=cause,
        at=now(), recorded_at=now(), hash=b"",
    )  # fmt: skip
    return [command for _, command in HandOn(PLANS)(recorded)]


def test_what_is_asked_when_others_void_their_facts() -> None:
    """An end that never was: go on. A reopening that never was: call it back. Anything else: nothing."""
    of = {"voids": REFUSED, **ON, **WHY}
    for kind in ("ApplicationRefused", "ApplicationWithdrawn", "ProcessingStopped", "CaseClosed"):
        assert heard(FactVoided(kind=kind, **of)) == [GoOn(case_id=CASE, voided=REFUSED, **WHY)]
    assert heard(FactVoided(kind="CaseReopened", **of)) == [Recall(case_id=CASE, because=f"case-{CASE}@3")]
    for kind in ("SupplementRequested", WorkCompleted.__name__):
        assert heard(FactVoided(kind=kind, **of)) == []


# -- the service itself ------------------------------------------------------------------------------


async def test_the_worklist_follows_corrections(database: Mapping[str, str], kafka: str, topic_prefix: str) -> None:
    """A return that never was, and a question that was asked earlier: list and dossier agree."""
    leader: Any = {"role": "leader", "unit": "PC-QN"}
    officer: Any = {"role": "officer", "unit": "DL-193"}
    received = ApplicationReceived(
        **ON, counter="PAC-193", organisation="PC-QN", sector="electricity", district="DL-193", channel="counter",
        promise=Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", service="CONTRACT-CHANGE@2017-07-01"),
    )  # fmt: skip
    async with serving(service, database["routing"], kafka, topic_prefix) as at_work:
        path = f"/dossiers/{CASE}"
        await at_work.hear(f"case-{CASE}", 1, received, now())
        await eventually(lambda: at_work.past(f"route-{CASE}"))
        ask = {"agency": "UBND-193", "matter": "road-trench"}
        assert (await at_work.post(f"{path}/referral", ask, **officer)).status == 200
        reply = {"agency": "UBND-193", "outcome": "agreed"}
        assert (await at_work.post(f"{path}/agency-reply", reply, **officer)).status == 200
        assert (await at_work.post(f"{path}/step-completion", **officer)).status == 200
        said = await at_work.past(f"route-{CASE}")
        assert [one.type for one in said][-2:] == ["StepCompleted", "DossierReturned"]

        for version in (5, 4, 3):  # the return, the step and the reply
            body = {"fact": f"route-{CASE}@{version}", "reason": "entered-wrongly"}
            assert (await at_work.post(f"{path}/corrections", body, **officer)).status == 403
            assert (await at_work.post(f"{path}/corrections", body, **leader)).status == 200
        first = await at_work.post(
            f"{path}/corrections", {"fact": f"route-{CASE}@1", "reason": "entered-wrongly"}, **leader
        )
        assert (first.status, first.body["title"]) == (409, "founding fact")

        shown = (await at_work.get(path)).body
        assert (shown["status"], shown["unit"], shown["step_completed"]) == ("waiting", "DL-193", False)
        assert shown["version"] == 8

        async def listed() -> bool:
            rows = (await at_work.get("/dossiers?unit=DL-193&open=true")).body
            return [(row["waits_for"], row["completed_at"], row["version"]) for row in rows] == [
                (["UBND-193"], None, 8)
            ]

        await eventually(listed)
        assert (await at_work.post(f"{path}/agency-reply", reply, **officer)).status == 200
        assert (await at_work.post(f"{path}/step-completion", **officer)).status == 200
        assert (await at_work.get(path)).body["status"] == "DossierReturned"
