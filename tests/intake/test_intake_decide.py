"""The door's decisions: given what was said of a case, when somebody acts, then facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from deadlines.entries import Checklist
from deadlines.load import load
from events.actor import Actor
from events.commands.decider import Said
from events.commands.testing import Scenario
from events.contracts.catalogue import Fact
from events.contracts.intake import (
    AdviceGiven,
    ApplicationReceived,
    ApplicationRefused,
    ApplicationWithdrawn,
    CaseClosed,
    CaseReopened,
    CustomerRated,
    DeadlineExtended,
    ProcessingStopped,
    SupplementReceived,
    SupplementRequested,
)
from events.contracts.terms import Gap, Promise
from events.errors import Conflict, Forbidden, NotFound, Refused
from intake.decide import (
    Close,
    Command,
    Extend,
    Rate,
    Receive,
    ReceiveSupplement,
    Refuse,
    Reopen,
    RequestSupplement,
    Stop,
    Withdraw,
    advice,
    case,
)
from intake.state import State, follows

CASE = "000.00.02.H49-170710-0001"
ON: Any = {"case_id": CASE}
DUE = datetime(2017, 7, 13, 10, tzinfo=UTC)  # 17:00 in Quang Ninh
HOUR = timedelta(hours=1)
SHIPPED = load(Path(__file__).parents[2] / "deploy" / "catalogue")
CLERK = Actor(id="staff-193-01", roles=frozenset({"receptionist"}), unit="PAC-193")
COLLEAGUE = Actor(id="staff-193-02", roles=frozenset({"receptionist"}), unit="PAC-193")
LEADER = Actor(id="staff-22-99", roles=frozenset({"leader"}), unit="PC-QN")

NAMES = {word: {"vi": word, "en": word} for word in ("request", "identity", "title", "lease")}
CHECKLIST = Checklist.model_validate(
    {"basis": "a test", "items": NAMES, "all": ["request", "identity"], "one_of": {"place": ["title", "lease"]},
     "groups": {"place": {"vi": "chỗ ở", "en": "place"}}}
)  # fmt: skip
RECEIVED = ApplicationReceived(
    case_id=CASE, counter="PAC-193", organisation="PC-QN", sector="electricity", district="DL-193", channel="counter",
    documents=("request", "identity", "lease"), applicant_ref=f"p-{CASE}", appointment=DUE,
    promise=Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", service="LV-RES-URBAN@2017-07-01"),
)  # fmt: skip
GAPS = (Gap(document="lease", wrong="expired"),)
ASKED = SupplementRequested(case_id=CASE, gaps=GAPS)
BROUGHT = SupplementReceived(case_id=CASE, answers=f"case-{CASE}@2")
EXTENDED = DeadlineExtended(case_id=CASE, appointment=DUE + 24 * HOUR, reason="bad-weather", leader=LEADER.id)
CLOSED = CaseClosed(case_id=CASE)
REOPENED = CaseReopened(case_id=CASE, reason="result-wrong")

CLOSE = Close(case_id=CASE, by=CLERK)
EXTEND = Extend(
    case_id=CASE, appointment=DUE + 24 * HOUR, reason="bad-weather", at=DUE - HOUR, catalogue=SHIPPED, by=LEADER
)  # fmt: skip
REOPEN = Reopen(case_id=CASE, reason="result-wrong", due=None, by=LEADER)


def the_case(by: Actor = CLERK) -> Scenario[Command, State]:
    return Scenario(case, CASE, by=by.id)


def opened(by: Actor = CLERK) -> Scenario[Command, State]:
    return the_case(by).given(RECEIVED, by=CLERK.id)


def receive(by: Actor = CLERK, **changed: Any) -> Receive:
    return Receive(received=replace(RECEIVED, **changed), checklist=CHECKLIST, by=by)


def ask(by: Actor = CLERK) -> RequestSupplement:
    return RequestSupplement(case_id=CASE, gaps=GAPS, by=by)


# -- receipt ----------------------------------------------------------------------------------------------------------


def test_a_complete_dossier_is_received_once() -> None:
    the_case().when(receive()).then(RECEIVED)
    opened().when(receive()).then_nothing()
    opened().given(CLOSED).when(receive()).then_nothing()


@pytest.mark.parametrize("again", [receive(by=COLLEAGUE), receive(district="DL-194")])
def test_a_code_belongs_to_one_dossier(again: Receive) -> None:
    assert isinstance(opened().when(again).then_refused("already-received"), Conflict)


def test_an_incomplete_dossier_is_refused_with_every_gap_named() -> None:
    refused = the_case().when(receive(documents=("identity",))).then_refused("incomplete-dossier")
    assert refused.more == {"missing": ["request", "place"]}
    assert "chỗ ở (place)" in refused.detail
    assert refused.field == "documents"


@pytest.mark.parametrize("one_of", ["title", "lease"])
def test_one_paper_of_a_group_is_enough(one_of: str) -> None:
    the_case().when(receive(documents=("request", "identity", one_of))).then(
        receive(documents=("request", "identity", one_of)).received
    )


@pytest.mark.parametrize(
    "command",
    [ask(), ReceiveSupplement(case_id=CASE, by=CLERK), Refuse(case_id=CASE, reason="outside-area", by=CLERK),
     Withdraw(case_id=CASE, reason="changed-plans", by=CLERK), Stop(case_id=CASE, reason="no-supplement", by=LEADER),
     CLOSE, EXTEND, REOPEN, Rate(case_id=CASE, stars=5, by=CLERK)],
)  # fmt: skip
def test_a_dossier_that_nobody_took_in_is_not_found(command: Command) -> None:
    assert isinstance(the_case().when(command).then_refused("no-such-dossier"), NotFound)


# -- supplements ------------------------------------------------------------------------------------------------------


def test_a_supplement_is_asked_for_once_and_completely() -> None:
    opened().when(ask()).then(ASKED)
    opened().given(ASKED).when(ask(COLLEAGUE)).then_refused("supplement-pending")


def test_a_second_supplement_needs_a_leader() -> None:
    refused = opened().given(ASKED, BROUGHT).when(ask()).then_refused("second-supplement-needs-leader")
    assert isinstance(refused, Forbidden)
    opened(LEADER).given(ASKED, BROUGHT).when(ask(LEADER)).then(
        SupplementRequested(case_id=CASE, gaps=GAPS, approved_by=LEADER.id)
    )


def test_reopening_does_not_give_a_second_supplement_away() -> None:
    opened().given(ASKED, BROUGHT, CLOSED, REOPENED).when(ask()).then_refused("second-supplement-needs-leader")


def test_the_answer_names_what_was_asked() -> None:
    bring = ReceiveSupplement(case_id=CASE, by=CLERK)
    opened().given(ASKED).when(bring).then(BROUGHT)
    opened().when(bring).then_refused("no-supplement-asked")
    opened().given(ASKED, BROUGHT).when(ReceiveSupplement(case_id=CASE, by=COLLEAGUE)).then_refused(
        "no-supplement-asked"
    )


# -- extension --------------------------------------------------------------------------------------------------------


def test_the_appointment_is_moved_once_and_before_it_expires() -> None:
    opened(LEADER).when(EXTEND).then(EXTENDED)
    opened().given(EXTENDED, by=LEADER.id).when(replace(EXTEND, reason="staff-short")).then_refused("extended-once")
    opened().when(replace(EXTEND, at=DUE)).then_refused("extension-after-expiry")
    assert opened().when(replace(EXTEND, appointment=DUE)).then_refused("appointment-not-later").field == "appointment"


def test_a_case_without_an_appointment_has_nothing_to_move() -> None:
    the_case().given(receive(appointment=None).received).when(EXTEND).then_refused("no-appointment")


# -- the end, and again -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (Refuse(case_id=CASE, reason="outside-area", by=CLERK), ApplicationRefused(**ON, reason="outside-area")),
        (Withdraw(case_id=CASE, reason="changed-plans", by=CLERK), ApplicationWithdrawn(**ON, reason="changed-plans")),
        (Stop(case_id=CASE, reason="no-supplement", by=CLERK), ProcessingStopped(**ON, reason="no-supplement")),
        (CLOSE, CLOSED),
    ],
)
def test_a_case_ends_once(command: Command, fact: Fact) -> None:
    opened().when(command).then(fact)
    ended = opened().given(fact)
    ended.when(replace(command, by=COLLEAGUE)).then_refused("case-ended")
    ended.when(ask()).then_refused("case-ended")
    ended.when(EXTEND).then_refused("case-ended")


def test_only_an_ended_case_is_reopened() -> None:
    opened().when(REOPEN).then_refused("case-open")
    opened(LEADER).given(CLOSED).when(REOPEN).then(REOPENED)
    again = opened().given(CLOSED, REOPENED)
    again.when(CLOSE).then(CLOSED)
    again.when(REOPEN).then_refused("case-open")


def test_a_service_is_rated_once_and_after_it_ended() -> None:
    rate, rated = Rate(case_id=CASE, stars=5, by=CLERK), CustomerRated(case_id=CASE, stars=5)
    opened().when(rate).then_refused("case-open")
    opened().given(CLOSED).when(rate).then(rated)
    opened().given(CLOSED, rated).when(Rate(case_id=CASE, stars=1, by=CLERK)).then_refused("rated-once")
    opened().given(CLOSED, rated, REOPENED, CLOSED).when(Rate(case_id=CASE, stars=2, by=CLERK)).then(
        CustomerRated(case_id=CASE, stars=2)
    )


def test_advice_is_counted_once() -> None:
    given = AdviceGiven(advice_id="a1", counter="PAC-193", topic="prices", channel="counter")
    Scenario(advice, "a1").when(given).then(given)


# -- laws -------------------------------------------------------------------------------------------------------------

actors = st.sampled_from((CLERK, COLLEAGUE, LEADER))
commands: st.SearchStrategy[Command] = st.one_of(
    actors.map(receive),
    actors.map(ask),
    st.builds(ReceiveSupplement, case_id=st.just(CASE), by=actors),
    st.builds(Refuse, case_id=st.just(CASE), reason=st.just("outside-area"), by=actors),
    st.builds(Withdraw, case_id=st.just(CASE), reason=st.just("changed-plans"), by=actors),
    st.builds(Stop, case_id=st.just(CASE), reason=st.just("no-supplement"), by=actors),
    st.builds(Close, case_id=st.just(CASE), by=actors),
    st.builds(Reopen, case_id=st.just(CASE), reason=st.just("result-wrong"), due=st.none(), by=actors),
    st.builds(Rate, case_id=st.just(CASE), stars=st.integers(1, 5), by=actors),
    st.builds(
        Extend, case_id=st.just(CASE), reason=st.just("bad-weather"), by=actors, catalogue=st.just(SHIPPED),
        appointment=st.integers(-2, 2).map(lambda hours: DUE + hours * HOUR),
        at=st.integers(-2, 2).map(lambda hours: DUE + hours * HOUR),
    ),
)  # fmt: skip


@for_all(st.lists(commands, max_size=30))
def test_the_same_command_of_the_same_actor_again_says_nothing(some: list[Command]) -> None:
    """And what is said follows from what was said before, as corrections see it."""
    past: list[Said] = []
    for command in some:
        try:
            facts = case.decide(command, case.fold(past))
        except Refused:
            continue
        for fact in facts:
            said = Said(fact, command.by.id, f"case-{CASE}@{len(past) + 1}")
            assert follows(case.fold(past), said)
            past.append(said)
        assert list(case.decide(command, case.fold(past))) == []


@for_all(st.lists(st.sampled_from((RECEIVED, ASKED, BROUGHT, EXTENDED, CLOSED, REOPENED,
                                   CustomerRated(case_id=CASE, stars=1), None)), max_size=20))  # fmt: skip
def test_any_facts_fold(facts: list[Fact]) -> None:
    case.fold(Said(fact, "anybody", f"case-{CASE}@{number}") for number, fact in enumerate(facts, 1))
