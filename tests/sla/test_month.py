"""Signing the record of a period, and restating it: given facts, when a command, then facts."""

import json
from dataclasses import replace
from datetime import date
from hashlib import sha256

import pytest

from events.commands.testing import Scenario
from events.contracts import read, write
from events.contracts.sla import Difference, MonthRestated, MonthSealed
from sla.counting.periods import Period
from sla.counting.periods import month as month_of
from sla.seals.seal import Command, Restate, Seal, Sealed, State, Totals, Unsealed, month

JULY = month_of(2017, 7)
LEADER = "staff-22-01"
TOTALS = Totals(
    received=8, carried_over=1, ahead=2, on_time=2, overdue=2, open_in_time=2, open_overdue=1, undetermined=1,
    incomplete=0,
)  # fmt: skip
SEAL = Seal(
    period=JULY, by=LEADER, today=date(2017, 8, 1), classifier="A@1", totals=TOTALS, hash="5f1d0a",
    kept=f"seals/{JULY.id}", broken=(), others=(month_of(2017, 6),),
)  # fmt: skip
SEALED = MonthSealed(
    since="2017-07-01", until="2017-08-01", classifier="A@1", received=8, carried_over=1, ahead=2, on_time=2,
    overdue=2, open_in_time=2, open_overdue=1, undetermined=1, incomplete=0, hash="5f1d0a",
    kept="seals/2017-07-01-2017-08-01",
)  # fmt: skip
DIFFERENCE = Difference(kind="counter", line="PAC-193", column="on-time", was=2, now=1)
RESTATE = Restate(
    period=JULY, differences=(DIFFERENCE,), cases=("000.00.02.H49-170710-0001",),
    because="route-000.00.02.H49-170710-0001@3", hash="77aa", kept=f"seals/{JULY.id}/restatements/1",
)  # fmt: skip
RESTATED = MonthRestated(
    since="2017-07-01", until="2017-08-01", number=1, sealed="month-2017-07-01-2017-08-01@1",
    differences=(DIFFERENCE,), cases=("000.00.02.H49-170710-0001",), because="route-000.00.02.H49-170710-0001@3",
    hash="77aa", kept="seals/2017-07-01-2017-08-01/restatements/1", differences_in_all=1, cases_in_all=1,
    cases_hash=sha256(b"000.00.02.H49-170710-0001").hexdigest(),
)  # fmt: skip


def july() -> Scenario[Command, State]:
    return Scenario(month, JULY.id, by=LEADER)


def test_a_period_that_is_over_is_sealed() -> None:
    """On the first of August, July is over."""
    july().when(SEAL).then(SEALED)


def test_a_period_is_not_sealed_on_its_last_day() -> None:
    """The 31st still runs."""
    july().when(replace(SEAL, today=date(2017, 7, 31))).then_refused("period-not-over")


@pytest.mark.parametrize("other", [replace(SEAL, by="staff-22-02"), replace(SEAL, hash="77aa")])
def test_a_period_is_sealed_once(other: Seal) -> None:
    """By another leader, or by the same with other figures: what is signed stands."""
    july().given(SEALED).when(other).then_refused("period-sealed")


def test_the_same_seal_of_the_same_leader_says_nothing_more() -> None:
    """The law of every decider; over HTTP a second request is told that the period is sealed."""
    july().given(SEALED).when(SEAL).then_nothing()


@pytest.mark.parametrize(
    ("since", "until", "overlaps"),
    [
        (date(2017, 6, 15), date(2017, 7, 15), True),  # its second half
        (date(2017, 7, 10), date(2017, 7, 12), True),  # inside
        (date(2017, 1, 1), date(2018, 1, 1), True),  # around
        (date(2017, 7, 31), date(2017, 8, 31), True),  # one day
        (date(2017, 6, 1), date(2017, 7, 1), False),  # it ends where July begins
        (date(2017, 8, 1), date(2017, 9, 1), False),  # it begins where July ends
    ],
)
def test_sealed_periods_do_not_overlap(since: date, until: date, overlaps: bool) -> None:
    """No day is signed twice."""
    scenario = july().when(replace(SEAL, others=(Period(since, until),)))
    if overlaps:
        scenario.then_refused("period-overlaps")
    else:
        scenario.then(SEALED)


def test_a_record_that_does_not_add_up_is_not_signed() -> None:
    """The refusal says which identity is broken."""
    broken = "PAC-193: open = in time + overdue does not hold"
    refused = july().when(replace(SEAL, broken=(broken,))).then_refused("figures-do-not-add-up")
    assert broken in refused.detail


def test_a_late_fact_restates_a_sealed_period() -> None:
    """With what was and is, the dossiers, and why."""
    july().given(SEALED).when(RESTATE).then(RESTATED)


def test_a_restatement_of_very_many_dossiers_fits_into_a_message() -> None:
    """A swap may change every dossier of a month: the first are named, all are counted, and the digest is of all."""
    cases = tuple(f"000.00.22.H49-170710-{number:07d}" for number in range(100_000))
    figures = tuple(
        Difference(kind="last-held-by", line=f"DEPARTMENT-{number:013d}", column="766-pending-late", was=10**9, now=0)
        for number in range(20_000)
    )
    (said,) = month.decide(replace(RESTATE, cases=cases, differences=figures), Sealed("month-1@1", SEALED, "x", "y"))
    assert len(write(said)) < 1 << 18
    assert (said.cases, said.differences) == (cases[:1000], figures[:1000])
    assert (said.cases_in_all, said.differences_in_all) == (100_000, 20_000)
    assert said.cases_hash == sha256("\n".join(cases).encode()).hexdigest()


def test_a_restatement_said_before_there_were_bounds_still_reads() -> None:
    """Without the counts all cases and differences are in it."""
    known = {name: one for name, one in json.loads(write(RESTATED)).items() if "_in_all" not in name}
    del known["cases_hash"]
    for trusted in (True, False):
        said = read("MonthRestated", 1, json.dumps(known).encode(), trusted=trusted)
        assert (said.cases, said.cases_in_all) == (RESTATED.cases, None)


def test_each_restatement_is_said_once_and_counted() -> None:
    """The same again says nothing; another one is number two; back to the sealed figures is one more."""
    july().given(SEALED, RESTATED).when(RESTATE).then_nothing()
    second = replace(RESTATED, number=2, hash="99bb")
    july().given(SEALED, RESTATED).when(replace(RESTATE, hash="99bb")).then(second)
    back = replace(RESTATED, number=2, hash="5f1d0a")
    july().given(SEALED, RESTATED).when(replace(RESTATE, hash="5f1d0a")).then(back)


def test_nothing_is_restated_without_a_difference_or_a_seal() -> None:
    """It hears, so it refuses nothing."""
    july().given(SEALED).when(replace(RESTATE, differences=())).then_nothing()
    july().when(RESTATE).then_nothing()


def test_the_state_never_breaks_on_what_it_does_not_expect() -> None:
    """A restatement before its seal, and a second seal, change nothing."""
    assert july().given(RESTATED).decider.fold(july().given(RESTATED).past) == Unsealed()
    state = july().decider.fold(july().given(SEALED, SEALED).past)
    assert isinstance(state, Sealed)
    assert state.seal == f"month-{JULY.id}@1"
