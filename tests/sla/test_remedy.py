"""Remedial actions: which unit passes a threshold, and what opens and closes one."""

from dataclasses import replace
from datetime import date

import pytest
from oracle.judging import SHIPPED

from events.commands.testing import Scenario
from events.contracts.sla import RemedialActionClosed, RemedialActionOpened
from sla.counting.line import Share
from sla.counting.periods import month as month_of
from sla.seals.remedial_action import Close, Command, Open, State, id_of, remedy, wanted

JULY = month_of(2017, 7)
SEAL = "month-2017-07-01-2017-08-01@1"
OPEN = Open(
    unit="DL-193", kind="department", period=JULY, why="overdue-share", overdue=Share(2, 20), due=date(2017, 8, 15),
    because=SEAL,
)  # fmt: skip
OPENED = RemedialActionOpened(
    unit="DL-193", kind="department", since="2017-07-01", until="2017-08-01", why="overdue-share", solved=20,
    overdue=2, due="2017-08-15", because=SEAL,
)  # fmt: skip
CLOSE = Close(outcome="staff-added", evidence="evidence/report-7.pdf", by="staff-22-01")
CLOSED = RemedialActionClosed(
    unit="DL-193", since="2017-07-01", until="2017-08-01", outcome="staff-added", evidence="evidence/report-7.pdf"
)


def action() -> Scenario[Command, State]:
    return Scenario(remedy, id_of("DL-193", JULY), by="staff-22-01")


def test_a_threshold_opens_an_action_once() -> None:
    """Whatever else is found of the unit in the same period, and after it was closed."""
    action().when(OPEN).then(OPENED)
    action().given(OPENED).when(replace(OPEN, why="another")).then_nothing()
    action().given(OPENED, CLOSED).when(OPEN).then_nothing()


def test_a_leader_closes_it_once() -> None:
    """With a word and evidence; another word afterwards is refused."""
    action().given(OPENED).when(CLOSE).then(CLOSED)
    action().given(OPENED, CLOSED).when(CLOSE).then_nothing()
    action().given(OPENED, CLOSED).when(replace(CLOSE, outcome="not-justified")).then_refused("remedy-closed")


def test_what_was_never_opened_cannot_be_closed() -> None:
    """There is no such action."""
    action().when(CLOSE).then_refused("no-such-remedy")


@pytest.mark.parametrize(
    ("overdue", "asked"),
    [
        (Share(2, 20), True),  # ten percent of twenty
        (Share(1, 20), False),  # exactly five percent is not more than five percent
        (Share(19, 19), False),  # below the volume
        (Share(0, 0), False),
        (Share(6, 100), True),
    ],
)
def test_more_than_the_share_and_at_least_the_volume(overdue: Share, asked: bool) -> None:
    """Overdue > 5 % of what was solved with a result, of at least twenty; due ten working days after the seal."""
    found = list(wanted(JULY, [("department", "DL-193", overdue)], SHIPPED, date(2017, 8, 1), SEAL))
    assert found == ([replace(OPEN, overdue=overdue)] if asked else [])


def test_only_the_kinds_of_the_threshold_are_asked() -> None:
    """The company as a whole is not asked to remedy itself."""
    assert list(wanted(JULY, [("organisation", "PC-QN", Share(50, 60))], SHIPPED, date(2017, 8, 1), SEAL)) == []
