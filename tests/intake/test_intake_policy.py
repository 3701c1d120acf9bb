"""Whom the door tells what."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.commands.decider import Said
from events.commands.testing import Scenario
from events.contracts.catalogue import Fact
from events.contracts.intake import (
    ApplicationReceived,
    MessageDelivered,
    MessageFailed,
    MessageInDoubt,
    MessagePrepared,
)
from events.contracts.routing import DossierForwarded, DossierRecalled, DossierReturned
from events.store.envelope import Cause, RecordedEvent
from intake.policy import tell_customers, tell_units
from intake.zalo.message import Command, Doubt, Prepare, Settle, State, message

CASE = "000.00.02.H49-170710-0001"
NINE = datetime(2017, 7, 10, 2, tzinfo=UTC)
ID = f"route-{CASE}@1"


def heard(fact: Fact) -> RecordedEvent:
    return RecordedEvent(
        stream=f"route-{CASE}", version=1, subject=CASE, type="", schema=1, fact=fact, data=b"", hash=b"",
        cause=Cause(correlation="c", causation="c", actor="staff-193-01"), at=NINE, recorded_at=NINE,
    )  # fmt: skip


def received(channel: str, person: str | None = "p-zalo-1") -> ApplicationReceived:
    return ApplicationReceived(
        case_id=CASE, counter="PAC-193", organisation="PC-QN", sector="electricity", district="DL-193",
        channel=channel, applicant_ref=person,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "to", "template"),
    [
        (DossierForwarded(case_id=CASE, from_unit="PAC-193", to_unit="DL-193", step="assign"), "DL-193", "forwarded"),
        (DossierRecalled(case_id=CASE, from_unit="TC-193", because=f"case-{CASE}@2"), "TC-193", "recalled"),
    ],
)
def test_a_unit_is_told_what_came_to_it_and_what_was_called_back(fact: Fact, to: str, template: str) -> None:
    [(stream, prepare)] = tell_units(heard(fact))
    assert prepare.message == MessagePrepared(
        message_id=f"{ID}/{template}", case_id=CASE, to=to, template=template, about=ID
    )
    assert stream == prepare.message.message_id


def test_a_returned_dossier_is_no_message() -> None:
    assert tell_units(heard(DossierReturned(case_id=CASE, from_unit="DL-193", by="zalo"))) == []


def test_only_a_customer_who_came_over_zalo_is_told_there() -> None:
    [(_, prepare)] = tell_customers(heard(received("zalo")))
    assert prepare.message.to == "p-zalo-1"
    assert tell_customers(heard(received("counter"))) == []
    assert tell_customers(heard(received("zalo", None))) == []


# -- one message ------------------------------------------------------------------------------------------------------

M = f"{ID}/forwarded"
PREPARED = MessagePrepared(message_id=M, case_id=CASE, to="DL-193", template="forwarded", about=ID)
DELIVERED = MessageDelivered(message_id=M, case_id=CASE, provider_id="z1")
FAILED = MessageFailed(message_id=M, case_id=CASE, code=-213, action="other-channel")
DOUBT = MessageInDoubt(message_id=M, case_id=CASE)


def a_message() -> Scenario[Command, State]:
    return Scenario(message, M)


def test_an_intent_is_said_once() -> None:
    a_message().when(Prepare(message=PREPARED)).then(PREPARED)
    a_message().given(PREPARED, DELIVERED).when(Prepare(message=PREPARED)).then_nothing()


@pytest.mark.parametrize("outcome", [DELIVERED, FAILED])
def test_the_first_answer_of_the_provider_counts(outcome: MessageDelivered | MessageFailed) -> None:
    a_message().given(PREPARED).when(Settle(outcome=outcome)).then(outcome)
    a_message().given(PREPARED, DELIVERED).when(Settle(outcome=outcome)).then_nothing()
    a_message().when(Settle(outcome=outcome)).then_nothing()


def test_each_doubtful_call_is_said_once() -> None:
    a_message().given(PREPARED).when(Doubt(doubt=DOUBT, times=1)).then(DOUBT)
    a_message().given(PREPARED, DOUBT).when(Doubt(doubt=DOUBT, times=1)).then_nothing()
    a_message().given(PREPARED, DELIVERED).when(Doubt(doubt=DOUBT, times=2)).then_nothing()


commands = st.sampled_from(
    (Prepare(message=PREPARED), Settle(outcome=DELIVERED), Settle(outcome=FAILED), Doubt(doubt=DOUBT, times=1),
     Doubt(doubt=DOUBT, times=2))
)  # fmt: skip


@given(st.lists(commands, max_size=12))
def test_a_message_has_one_intent_and_one_end(some: list[Command]) -> None:
    past: list[Said] = []
    for command in some:
        for fact in message.decide(command, message.fold(past)):
            past.append(Said(fact, "policy", f"message-{M}@{len(past) + 1}"))
    kinds = [type(said.fact) for said in past]
    assert kinds.count(MessagePrepared) <= 1
    assert sum(kind in (MessageDelivered, MessageFailed) for kind in kinds) <= 1
