"""What the field asks of itself when it hears where a dossier goes."""

from datetime import UTC, datetime

import pytest

from events.contracts.catalogue import Fact
from events.contracts.field import WorkOrderIssued
from events.contracts.routing import (
    DossierAcknowledged,
    DossierForwarded,
    DossierRecalled,
    DossierReturned,
    StepCompleted,
)
from events.store.envelope import Cause, RecordedEvent
from field.decide import Cancel, Heard, Issue
from field.policy import follow_dossiers

CASE = "000.00.02.H49-170710-0001"
NINE = datetime(2017, 7, 10, 2, tzinfo=UTC)
ID = f"route-{CASE}@3"


def asked_for(fact: Fact) -> list[Heard]:
    heard = RecordedEvent(
        stream=f"route-{CASE}", version=3, subject=CASE, type="", schema=1, fact=fact, data=b"", hash=b"",
        cause=Cause(correlation="c", causation="c", actor="staff-193-01"), at=NINE, recorded_at=NINE,
    )  # fmt: skip
    reaction = follow_dossiers(heard)
    assert all(id == CASE for id, _ in reaction)
    return [command for _, command in reaction]


def forwarded(work: str | None) -> DossierForwarded:
    return DossierForwarded(case_id=CASE, from_unit="DL-193", to_unit="TC-193", step="install", work=work)


def test_a_hand_over_with_work_issues_an_order_named_after_it() -> None:
    order = WorkOrderIssued(case_id=CASE, work_order=f"wo-{CASE}-3", team="TC-193", work="install", because=ID)
    assert asked_for(forwarded("install")) == [Issue(order=order)]


@pytest.mark.parametrize(
    ("fact", "goes_on"),
    [
        (forwarded(None), True),
        (StepCompleted(case_id=CASE, unit="TC-193", step="install"), True),
        (DossierReturned(case_id=CASE, from_unit="DL-193", by="zalo"), False),
        (DossierRecalled(case_id=CASE, from_unit="TC-193", because=f"case-{CASE}@2"), False),
    ],
)
def test_what_ends_a_units_charge_cancels_its_order(fact: Fact, goes_on: bool) -> None:
    assert asked_for(fact) == [Cancel(because=ID, goes_on=goes_on)]


@pytest.mark.parametrize("fact", [DossierAcknowledged(case_id=CASE, unit="TC-193", step="install"), None])
def test_anything_else_moves_nobody(fact: Fact | None) -> None:
    assert asked_for(fact) == []
