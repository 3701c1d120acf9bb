"""How a record came about: extensions, pauses, refusals, early closings and corrections, by unit and dossier."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.judging import RULES
from oracle.telling import Story, local, promise, stories

from sla.counting.periods import Period, month
from sla.counting.practice import ACTS, Practice, practice
from sla.judging.judge import judge

KINDS = {unit.code: unit.kind for unit in RULES.catalogue.units()}
JULY, AUGUST = month(2017, 7), month(2017, 8)


def counted(period: Period, *told: Story) -> dict[str, Practice]:
    judged = [judge(one.facts, RULES) for one in told]
    lines = practice(
        period, KINDS, [row for one in judged for row in one.cycles], [row for one in judged for row in one.stays]
    )
    return {line.unit: line for line in lines}


def story(number: int) -> Story:
    told = Story(f"000.00.02.H49-170710-{number:04d}")
    told.received(local(7, 10, 9), promise())
    return told


def acts(line: Practice) -> dict[str, int]:
    return {act: len(cases) for act, cases in line.acts.items() if cases}


def test_each_act_counts_for_the_door_and_for_whoever_had_the_dossier() -> None:
    """A team blames the customer, the department asks for their works, the counter for papers; a leader apologises."""
    told = story(1)
    told.supplement(local(7, 10, 10))
    told.forwarded(local(7, 11, 9), "DL-193")
    told.works(local(7, 11, 10))
    told.forwarded(local(7, 12, 9), "TC-193", by="DL-193")
    told.obstructed(local(7, 12, 10), "customer")
    told.obstructed(local(7, 12, 11), "utility")
    told.extended(local(7, 12, 14), local(7, 20, 17))
    found = counted(JULY, told)
    assert (
        acts(found["PAC-193"])
        == acts(found["PC-QN"])
        == dict.fromkeys(("supplement", "action", "obstacle", "extension"), 1)
    )
    assert acts(found["DL-193"]) == {"action": 1}
    assert acts(found["TC-193"]) == {"obstacle": 1, "extension": 1}
    assert found["PC-QN"].acts["extension"] == [told.case_id]


def test_refusals_early_closings_and_corrections_open_to_their_dossiers() -> None:
    """Closed without a return is not closed after one; a correction counts when what it is about happened."""
    refused, early, proper = story(1), story(2), story(3)
    refused.refused(local(7, 12, 9))
    early.closed(local(7, 12, 9))
    back = proper.returned(local(7, 12, 9))
    proper.closed(local(7, 13, 9))
    proper.corrected(local(8, 5, 9), back, "at", local(7, 12, 10))
    line = counted(JULY, refused, early, proper)["PAC-193"]
    assert {act: cases for act, cases in line.acts.items() if cases} == {
        "refusal": [refused.case_id], "early closing": [early.case_id], "correction": [proper.case_id],
    }  # fmt: skip
    assert line.ended == [refused.case_id, early.case_id, proper.case_id]
    assert counted(AUGUST, refused, early, proper) == {}


def test_the_paused_share_is_of_what_ended_in_the_period() -> None:
    """Eight hours of the customer's among the working time from the day after receipt to release."""
    told, running = story(1), story(2)
    told.forwarded(local(7, 11, 7), "DL-193")
    asked = told.works(local(7, 11, 7))
    told.worked(local(7, 12, 7), asked)
    told.returned(local(7, 13, 17), "DL-193")
    running.works(local(7, 11, 7))
    found = counted(JULY, told, running)
    assert found["PAC-193"].paused_share == found["DL-193"].paused_share == 1 / 3
    assert (found["PC-QN"].paused_seconds, found["PC-QN"].working_seconds) == (8 * 3600, 24 * 3600)
    (only,) = [counted(JULY, running)["PC-QN"]]
    assert (only.paused_share, only.ended) == (None, [])


def test_what_was_voided_was_never_done() -> None:
    """It stands among the corrections instead."""
    told = story(1)
    asked = told.supplement(local(7, 11, 10))
    told.voided(local(7, 12, 10), asked)
    assert acts(counted(JULY, told)["PAC-193"]) == {"correction": 1}


@settings(max_examples=100, deadline=None)
@given(st.lists(stories(), max_size=4), st.integers(0, 60))
def test_a_cut_period_counts_every_act_once(told: list[Story], days: int) -> None:
    """Two periods that touch have together what the whole has, for every unit."""
    cut = date.fromordinal(date(2017, 7, 1).toordinal() + days * 3)
    whole = counted(Period(date(2017, 1, 1), date(2019, 1, 1)), *told)
    halves = [counted(Period(*ends), *told) for ends in ((date(2017, 1, 1), cut), (cut, date(2019, 1, 1)))]
    for unit, line in whole.items():
        parts = [half[unit] for half in halves if unit in half]
        for act in ACTS:
            assert sorted(line.acts[act]) == sorted(case for part in parts for case in part.acts[act])
        assert line.paused_seconds == sum(part.paused_seconds for part in parts)
        assert sorted(line.ended) == sorted(case for part in parts for case in part.ended)
    assert {unit for half in halves for unit in half} <= whole.keys()
