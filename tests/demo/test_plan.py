"""The plan of the demo: its proportions come out, no branch is missing, people keep their hours, a seed is a plan."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from deadlines.catalogue import Catalogue
from deadlines.load import load
from local.demo import proportions as share
from local.demo.hands import DOORS_A_DAY
from local.demo.people import MARK
from local.demo.plan import Generator, plan
from local.demo.script import VIETNAM, Dossier, Plan, local_day

SEED = 2017
ALL_TRAITS = {
    *share.ARRIVALS, *share.ENDINGS, *share.PAPERS, *share.SITE, "asks-agency", "asks-two-agencies", "agency-late",
}  # fmt: skip
ALL_ACTIONS = {
    "receive", "DK", "acknowledgement", "step-completion", "NHAN", "XONG", "forward", "referral", "agency-reply",
    "customer-action-completion", "visit", "visit-missed", "start", "obstacle", "resumption", "completion",
    "supplement-request", "supplement", "refusal", "withdrawal", "stop", "extension", "close", "rating", "reopening",
}  # fmt: skip


@cache
def catalogue() -> Catalogue:
    return load(Path(__file__).parents[2] / "deploy" / "catalogue")


@cache
def quarter(cases: int = share.CASES, seed: int = SEED) -> Plan:
    return plan(seed, cases, catalogue())


def traits(of: Plan) -> Counter[str]:
    return Counter(trait for dossier in of.dossiers for trait in dossier.traits)


def received(dossier: Dossier) -> datetime:
    return next(one.at for one in dossier.actions if one.does == "receive" and not one.refused)


@pytest.mark.parametrize("cases", [50, 300])
def test_one_seed_makes_one_plan(cases: int) -> None:
    assert plan(7, cases, catalogue()) == plan(7, cases, catalogue())
    assert plan(7, cases, catalogue()) != plan(8, cases, catalogue())


@pytest.mark.parametrize("cases", [50, 300, 3187])
def test_every_dossier_is_received_once_in_the_period_of_the_article(cases: int) -> None:
    of = quarter(cases)
    assert len(of.dossiers) == cases
    assert len({dossier.counter for dossier in of.dossiers}) == 15
    for dossier in of.dossiers:
        assert date(2017, 7, 10) <= local_day(received(dossier)) <= date(2017, 10, 10)


@pytest.mark.parametrize("seed", [1, 7, 2017, 99])
def test_every_branch_is_there_with_fifty_dossiers(seed: int) -> None:
    of = quarter(50, seed)
    assert traits(of).keys() >= ALL_TRAITS
    assert {action.does for dossier in of.dossiers for action in dossier.actions} >= ALL_ACTIONS
    assert {action.does for action in of.errands} == {"advice", "stray"}
    assert {dossier.service.partition("@")[0] for dossier in of.dossiers} == set(share.SERVICES)
    resubmitted = [action for dossier in of.dossiers for action in dossier.actions if "previous_case" in action.body]
    assert resubmitted


def test_the_shares_come_out_at_full_size() -> None:
    of = quarter()
    counted = traits(of)
    for share_of in (share.ARRIVALS, share.ENDINGS, share.PAPERS, share.SITE):
        for trait, part in share_of.items():
            assert counted[trait] == pytest.approx(part * share.CASES, abs=1)
    services = Counter(dossier.service.partition("@")[0] for dossier in of.dossiers)
    for service, weight in share.SERVICES.items():  # what is applied for again may be another service than was dealt
        assert services[service] == pytest.approx(weight / 100 * share.CASES, abs=12)


def test_more_than_99_in_100_are_in_time_by_the_generators_design() -> None:
    late = [dossier for dossier in quarter().dossiers if dossier.traits & {"late", "late-with-apology"}]
    assert 0 < len(late) < share.CASES / 100


def test_medium_voltage_finished_by_september_averages_the_articles_days() -> None:
    generator = Generator(SEED, share.CASES, catalogue())
    days = generator.mv_days_taken()
    assert len(days) > 50
    assert sum(days) / len(days) == pytest.approx(share.MV_DAYS, abs=0.02)


@pytest.mark.parametrize("cases", [50, 3187])
def test_a_script_never_runs_backwards(cases: int) -> None:
    for dossier in quarter(cases).dossiers:
        assert all(one.at <= next.at for one, next in pairwise(dossier.actions)), dossier.traits


def test_officers_and_teams_work_in_hours_and_never_on_a_holiday() -> None:
    calendar = catalogue().calendar("VN-PAC@2017.1")
    for dossier in quarter().dossiers:
        for action in dossier.actions:
            local = action.at.astimezone(VIETNAM)
            if action.does in ("receive", "DK"):
                continue
            assert calendar.is_working_day(local.date()), action
            inside = time(7) <= local.time() <= time(11, 30) or time(13, 30) <= local.time() <= time(17)
            assert inside, action


def test_counters_receive_at_lunch_after_15_and_on_saturdays_but_never_on_a_holiday() -> None:
    calendar = catalogue().calendar("VN-PAC@2017.1")
    for dossier in quarter().dossiers:
        local = received(dossier).astimezone(VIETNAM)
        assert calendar.holiday(local.date()) is None
        assert (local.weekday() == 5) == ("on-saturday" in dossier.traits)
        assert local.weekday() != 6
        if "after-15" in dossier.traits:
            assert local.time() > time(15)
        if "at-lunch" in dossier.traits:
            assert time(11, 30) < local.time() < time(13, 30)


def test_nothing_happens_after_the_period_and_some_dossiers_stay_open() -> None:
    of = quarter()
    end = datetime(2017, 10, 11, tzinfo=VIETNAM)
    assert all(action.at < end for dossier in of.dossiers for action in dossier.actions)
    assert 50 < sum(dossier.actions[-1].does not in ("close", "rating", "refusal") for dossier in of.dossiers) < 600


def test_a_round_holds_each_dossier_once_and_a_day_has_few_rounds() -> None:
    of = quarter(300)
    played = []
    for day, rounds in sorted(of.rounds().items()):
        assert len(rounds) <= DOORS_A_DAY
        for segments in rounds:
            numbers = [segment.dossier.number for segment in segments]
            assert len(set(numbers)) == len(numbers)
            played += [(segment.dossier.number, action) for segment in segments for action in segment.actions]
            assert all(local_day(action.at) == day for segment in segments for action in segment.actions)
    for dossier in of.dossiers:
        assert [action for number, action in played if number == dossier.number] == dossier.actions


def test_the_people_are_obviously_made_up() -> None:
    applicants = [
        action.body["applicant"]
        for dossier in quarter(300).dossiers
        for action in dossier.actions
        if "applicant" in action.body
    ]
    assert len(applicants) > 250
    for applicant in applicants:
        assert MARK in applicant["name"]
        assert MARK in applicant["address"]
        assert applicant["phone"].startswith("0000")


def test_an_application_over_zalo_comes_before_its_reception() -> None:
    for dossier in quarter(300).dossiers:
        if "by-zalo" in dossier.traits:
            sent, taken = dossier.actions[:2]
            assert (sent.door, taken.body["submission"]) == ("zalo", "{submission}")
            assert timedelta(hours=6) < taken.at - sent.at < timedelta(days=3)
