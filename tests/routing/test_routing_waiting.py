"""Whom a dossier waits for: asking, answering, and the hand-over that joins all answers."""

from on_the_way import (
    ASSIGNED,
    CASE,
    CLERK,
    COLLEAGUE,
    CORRIDOR,
    INSTALLING,
    MV,
    OFFICER,
    OWN_WORKS,
    ROUTE,
    TEAM,
    TECHNICIAN,
    TRENCH,
    done,
    dossier,
    forwarded,
    refer,
    replied,
    reply,
)

from events.actor import Actor
from events.contracts.routing import AgencyReferred, DossierForwarded
from routing.decide import CompleteCustomerAction, CompleteStep, RequestCustomerAction


def test_a_step_completed_while_an_agency_is_asked_stays_until_the_reply() -> None:
    dossier(OFFICER).given(ASSIGNED, TRENCH).when(CompleteStep(case_id=CASE, by=OFFICER)).then(done(0))
    dossier(OFFICER).given(ASSIGNED, TRENCH, done(0)).when(reply()).then(replied(TRENCH, 2), INSTALLING)


def test_parallel_referrals_join_when_all_have_replied() -> None:
    both = dossier(OFFICER).given(ASSIGNED, TRENCH, CORRIDOR, done(0))
    both.when(reply()).then(replied(TRENCH, 2))
    both.given(replied(TRENCH, 2)).when(reply(CORRIDOR)).then(replied(CORRIDOR, 3), INSTALLING)


def test_a_reply_before_the_step_is_complete_hands_nothing_over() -> None:
    dossier(OFFICER).given(ASSIGNED, TRENCH).when(reply()).then(replied(TRENCH, 2))


def test_the_customers_gap_is_still_asked_for_after_a_join() -> None:
    past = (forwarded(0, "PAC-193", MV), done(0, MV), forwarded(2, "PCQN-KD", MV), TRENCH, done(2, MV))
    joining = dossier(TECHNICIAN).given(*past)
    joining.when(reply(by=TECHNICIAN)).then(replied(TRENCH, 4), OWN_WORKS)


def test_a_reply_to_nothing_is_refused() -> None:
    dossier(OFFICER).given(ASSIGNED).when(reply()).then_refused("nothing-asked")
    dossier(OFFICER).given(ASSIGNED, TRENCH).when(reply(answers=f"{ROUTE}@7")).then_refused("nothing-asked")
    dossier(CLERK).given(ASSIGNED).when(CompleteCustomerAction(case_id=CASE, answers=None, by=CLERK)).then_refused(
        "nothing-asked"
    )


def test_a_reply_that_fits_two_referrals_must_name_one() -> None:
    second = AgencyReferred(case_id=CASE, agency="UBND-193", matter="corridor-overhead")
    both = dossier(OFFICER).given(ASSIGNED, TRENCH, second)
    refused = both.when(reply()).then_refused("which-question")
    assert f"{ROUTE}@2" in str(refused.way_out)
    both.when(reply(answers=f"{ROUTE}@3")).then(replied(second, 3))


def test_one_matter_is_put_to_an_agency_once() -> None:
    asked = dossier(OFFICER).given(ASSIGNED, TRENCH)
    asked.when(refer()).then_nothing()
    asked.when(refer(by=COLLEAGUE)).then_refused("already-asked")
    dossier(COLLEAGUE).given(ASSIGNED, TRENCH, replied(TRENCH, 2)).when(refer(by=COLLEAGUE)).then(TRENCH)


def test_the_unit_that_asked_may_record_the_reply_after_it_handed_on() -> None:
    on = DossierForwarded(case_id=CASE, from_unit="DL-193", to_unit="PCQN-KT", step="assign")
    for allowed in (OFFICER, TECHNICIAN):
        dossier(allowed).given(ASSIGNED, TRENCH, on).when(reply(by=allowed)).then(replied(TRENCH, 2))
    dossier().given(ASSIGNED, TRENCH, on).when(reply(by=TEAM)).then_refused("wrong-unit")


def test_only_the_receiving_counter_says_that_the_customer_has_done_it() -> None:
    other = Actor(id="staff-pac-02", roles=frozenset({"receptionist"}), unit="PAC-194")
    asked = dossier(OFFICER).given(ASSIGNED).given(OWN_WORKS)
    asked.when(CompleteCustomerAction(case_id=CASE, answers=None, by=other)).then_refused("wrong-unit")


def test_an_officer_asks_the_customer_once() -> None:
    ask = RequestCustomerAction(case_id=CASE, action="own-works", by=OFFICER)
    dossier(OFFICER).given(ASSIGNED).when(ask).then(OWN_WORKS)
    again = RequestCustomerAction(case_id=CASE, action="own-works", by=COLLEAGUE)
    dossier(OFFICER).given(ASSIGNED, OWN_WORKS).when(again).then_refused("already-asked")
