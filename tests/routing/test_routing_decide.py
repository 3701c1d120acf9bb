"""The way of a dossier: given what was said of it, when somebody acts or something is heard, then facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from on_the_way import (
    ACKNOWLEDGED,
    ASSIGNED,
    CASE,
    CLERK,
    CLOSED,
    CLOSING,
    COLLEAGUE,
    INSTALLING,
    LEADER,
    LV,
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
)

from events.commands.decider import Said
from events.contracts.routing import (
    CustomerActionCompleted,
    DossierAcknowledged,
    DossierEscalated,
    DossierForwarded,
    DossierRecalled,
    DossierReturned,
    StepCompleted,
)
from events.contracts.terms import Limit
from events.errors import Conflict, Forbidden, NotFound
from routing.decide import Acknowledge, CompleteCustomerAction, CompleteStep, Forward, Return
from routing.onward import Begin, BeginAgain, Escalate, NoteDone, NoteReceived, NoteWorkDone, Recall

NINE = datetime(2017, 7, 10, 2, tzinfo=UTC)

# -- the plan ---------------------------------------------------------------------------------------------------------


def test_a_received_dossier_goes_from_the_counter_to_the_first_unit() -> None:
    dossier().when(Begin(case_id=CASE, counter="PAC-193", plan=LV)).then(
        DossierForwarded(
            case_id=CASE,
            from_unit="PAC-193",
            to_unit="DL-193",
            step="assign",
            limit=Limit(amount=4, unit="working_hours"),
            acknowledge_within=Limit(amount=2, unit="working_hours"),
            process="LV",
            district="DL-193",
        )
    )


def test_a_dossier_on_its_way_does_not_begin_again() -> None:
    dossier().given(ASSIGNED).when(Begin(case_id=CASE, counter="PAC-193", plan=LV)).then_nothing()
    dossier().given(ASSIGNED).when(BeginAgain(case_id=CASE)).then_nothing()


def test_the_hand_over_to_a_team_asks_for_its_work() -> None:
    dossier().given(ASSIGNED).when(NoteDone(case_id=CASE, unit="DL-193")).then(done(0), INSTALLING)
    assert INSTALLING.work == "install"


def test_after_the_last_step_the_dossier_is_back_by_the_way_that_the_unit_answered() -> None:
    closing = dossier(OFFICER).given(ASSIGNED, done(0), INSTALLING, done(1), CLOSING)
    closing.when(NoteDone(case_id=CASE, unit="DL-193")).then(
        done(2), DossierReturned(case_id=CASE, from_unit="DL-193", by="zalo")
    )
    closing.when(CompleteStep(case_id=CASE, by=OFFICER)).then(
        done(2), DossierReturned(case_id=CASE, from_unit="DL-193", by="software")
    )


def test_the_customers_gap_is_asked_for_before_the_step_that_waits_for_it() -> None:
    past = (forwarded(0, "PAC-193", MV), done(0, MV), forwarded(1, "PCQN-KD", MV), done(1, MV))
    agreeing = dossier().given(*past, forwarded(2, "KS-22", MV))
    agreeing.when(NoteDone(case_id=CASE, unit="PCQN-KT")).then(done(2, MV), OWN_WORKS)


def test_the_second_phase_follows_the_customers_own_works() -> None:
    past = (forwarded(0, "PAC-193", MV), done(0, MV), forwarded(1, "PCQN-KD", MV), done(1, MV))
    waiting = dossier(CLERK).given(*past, forwarded(2, "KS-22", MV), done(2, MV), OWN_WORKS)
    waiting.when(CompleteCustomerAction(case_id=CASE, answers=None, by=CLERK)).then(
        CustomerActionCompleted(case_id=CASE, answers=f"{ROUTE}@7"), forwarded(3, "PCQN-KT", MV)
    )


def test_a_unit_that_writes_xong_while_the_customer_builds_changes_nothing() -> None:
    past = (forwarded(0, "PAC-193", MV), done(0, MV), forwarded(1, "PCQN-KD", MV), done(1, MV))
    waiting = dossier().given(*past, forwarded(2, "KS-22", MV), done(2, MV), OWN_WORKS)
    waiting.when(NoteDone(case_id=CASE, unit="PCQN-KT")).then_nothing()


def test_what_the_customer_has_done_before_is_not_asked_for_again() -> None:
    built = CustomerActionCompleted(case_id=CASE, answers=f"{ROUTE}@2")
    past = (forwarded(0, "PAC-193", MV), OWN_WORKS, built, done(0, MV), forwarded(2, "PCQN-KD", MV))
    # The next step is the same unit's: only a completion that names its step can be told from the next one.
    agreed = CompleteStep(case_id=CASE, step="agreement", by=TECHNICIAN)
    dossier(TECHNICIAN).given(*past).when(agreed).then(done(2, MV), forwarded(3, "PCQN-KT", MV))


def test_a_dossier_whose_process_is_gone_waits_for_a_hand() -> None:
    lost = DossierForwarded(case_id=CASE, from_unit="PAC-193", to_unit="DL-193", step="bygone")
    dossier().given(lost).when(NoteDone(case_id=CASE, unit="DL-193")).then(
        StepCompleted(case_id=CASE, unit="DL-193", step="bygone")
    )
    dossier(OFFICER).given(lost).when(Return(case_id=CASE, by=OFFICER)).then(
        StepCompleted(case_id=CASE, unit="DL-193", step="bygone"),
        DossierReturned(case_id=CASE, from_unit="DL-193", by="software"),
    )


# -- nhận -------------------------------------------------------------------------------------------------------------


def test_the_unit_in_charge_acknowledges_in_the_software_or_over_zalo() -> None:
    dossier(OFFICER).given(ASSIGNED).when(Acknowledge(case_id=CASE, by=OFFICER)).then(ACKNOWLEDGED)
    dossier().given(ASSIGNED).when(NoteReceived(case_id=CASE, unit="DL-193")).then(ACKNOWLEDGED)


def test_nhan_of_a_unit_that_is_not_in_charge_has_no_effect() -> None:
    dossier().given(ASSIGNED).when(NoteReceived(case_id=CASE, unit="TC-193")).then_nothing()
    dossier().given(ASSIGNED, ACKNOWLEDGED).when(NoteReceived(case_id=CASE, unit="DL-193")).then_nothing()


def test_each_unit_acknowledges_for_itself() -> None:
    went_on = dossier(TEAM).given(ASSIGNED, ACKNOWLEDGED, done(0), INSTALLING)
    theirs = DossierAcknowledged(case_id=CASE, unit="TC-193", step="install")
    went_on.when(Acknowledge(case_id=CASE, by=TEAM)).then(theirs)
    went_on.when(NoteReceived(case_id=CASE, unit="TC-193")).then(theirs)


def test_an_acknowledgement_by_another_after_the_first_is_refused() -> None:
    known = dossier(OFFICER).given(ASSIGNED, ACKNOWLEDGED)
    known.when(Acknowledge(case_id=CASE, by=OFFICER)).then_nothing()
    for other in (COLLEAGUE, TEAM):
        refused = known.when(Acknowledge(case_id=CASE, by=other)).then_refused("already-acknowledged")
        assert isinstance(refused, Conflict)


def test_another_unit_cannot_acknowledge_first() -> None:
    refused = dossier().given(ASSIGNED).when(Acknowledge(case_id=CASE, by=TEAM)).then_refused("wrong-unit")
    assert isinstance(refused, Forbidden)
    assert refused.field == "case_id"


def test_a_repeated_acknowledgement_is_nothing_even_when_the_dossier_went_on() -> None:
    gone = dossier(OFFICER).given(ASSIGNED, ACKNOWLEDGED, done(0), INSTALLING)
    gone.when(Acknowledge(case_id=CASE, by=OFFICER)).then_nothing()
    gone.when(CompleteStep(case_id=CASE, by=OFFICER)).then_nothing()


def test_a_dossier_that_nobody_knows_is_not_found() -> None:
    for command in (Acknowledge(case_id=CASE, by=OFFICER), refer(), Return(case_id=CASE, by=OFFICER)):
        assert isinstance(dossier().when(command).then_refused("no-such-dossier"), NotFound)


# -- xong -------------------------------------------------------------------------------------------------------------


def test_xong_of_a_unit_that_is_not_in_charge_has_no_effect() -> None:
    dossier().given(ASSIGNED).when(NoteDone(case_id=CASE, unit="TC-193")).then_nothing()


def test_a_step_is_completed_by_the_unit_in_charge_only() -> None:
    refused = dossier().given(ASSIGNED).when(CompleteStep(case_id=CASE, by=TEAM)).then_refused("wrong-unit")
    assert "DL-193" in str(refused.way_out)


def test_a_named_step_must_be_the_one_at_hand() -> None:
    closing = dossier(OFFICER).given(ASSIGNED, done(0), INSTALLING, done(1), CLOSING)
    closing.when(CompleteStep(case_id=CASE, step="assign", by=OFFICER)).then_nothing()  # done before, by the same
    closing.when(CompleteStep(case_id=CASE, step="assign", by=COLLEAGUE)).then_refused("another-step")


def test_work_handed_over_completes_the_teams_step() -> None:
    installing = dossier().given(ASSIGNED, done(0), INSTALLING)
    installing.when(NoteWorkDone(case_id=CASE, work_order=f"wo-{CASE}-3")).then(done(1), CLOSING)


def test_work_of_another_order_has_no_effect() -> None:
    installing = dossier().given(ASSIGNED, done(0), INSTALLING)
    installing.when(NoteWorkDone(case_id=CASE, work_order=f"wo-{CASE}-1")).then_nothing()


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_a_leader_forwards_by_hand_and_the_plan_brings_the_limits() -> None:
    other_team = Forward(case_id=CASE, to_unit="TC-194", to_team=True, step="install", by=LEADER)
    dossier(LEADER).given(ASSIGNED).when(other_team).then(
        DossierForwarded(
            case_id=CASE,
            from_unit="DL-193",
            to_unit="TC-194",
            step="install",
            limit=LV.legs[1].limit,
            acknowledge_within=LV.legs[1].acknowledge_within,
            work="install",
        )
    )


def test_a_step_outside_the_plan_stands_in_for_the_one_it_left() -> None:
    check = Forward(case_id=CASE, to_unit="PCQN-KT", to_team=False, step="legal-check", by=OFFICER)
    checking = DossierForwarded(case_id=CASE, from_unit="DL-193", to_unit="PCQN-KT", step="legal-check")
    dossier(OFFICER).given(ASSIGNED).when(check).then(checking)
    dossier().given(ASSIGNED, checking).when(NoteDone(case_id=CASE, unit="PCQN-KT")).then(
        StepCompleted(case_id=CASE, unit="PCQN-KT", step="legal-check"), forwarded(1, "PCQN-KT")
    )


def test_a_forward_needs_the_unit_in_charge_and_another_place() -> None:
    dossier().given(ASSIGNED).when(Forward(case_id=CASE, to_unit="PCQN-KT", to_team=False, by=TECHNICIAN)).then_refused(
        "wrong-unit"
    )
    dossier().given(ASSIGNED).when(Forward(case_id=CASE, to_unit="DL-193", to_team=False, by=OFFICER)).then_refused(
        "already-there"
    )


def test_nobody_returns_a_dossier_early() -> None:
    dossier().given(ASSIGNED).when(Return(case_id=CASE, by=OFFICER)).then_refused("steps-remain")
    waiting = dossier().given(ASSIGNED, done(0), INSTALLING, done(1), CLOSING, TRENCH)
    assert "UBND-193" in str(waiting.when(Return(case_id=CASE, by=OFFICER)).then_refused("still-waiting").way_out)


def test_the_last_unit_returns_the_dossier_itself() -> None:
    closing = dossier(OFFICER).given(ASSIGNED, done(0), INSTALLING, done(1), CLOSING)
    back = DossierReturned(case_id=CASE, from_unit="DL-193", by="software")
    closing.when(Return(case_id=CASE, by=OFFICER)).then(done(2), back)
    closing.when(Return(case_id=CASE, by=TEAM)).then_refused("wrong-unit")
    closing.given(done(2), back).when(Return(case_id=CASE, by=COLLEAGUE)).then_refused("route-ended")


# -- the end, and again -----------------------------------------------------------------------------------------------


def test_a_case_that_ends_at_the_counter_is_called_back() -> None:
    recall = Recall(case_id=CASE, because=CLOSED)
    dossier().given(ASSIGNED).when(recall).then(DossierRecalled(case_id=CASE, from_unit="DL-193", because=CLOSED))


def test_nothing_is_called_back_that_is_not_on_its_way() -> None:
    recall = Recall(case_id=CASE, because=CLOSED)
    dossier().when(recall).then_nothing()
    back = DossierReturned(case_id=CASE, from_unit="DL-193", by="zalo")
    dossier().given(ASSIGNED, back).when(recall).then_nothing()


def test_a_reopened_case_starts_the_process_again() -> None:
    recalled = DossierRecalled(case_id=CASE, from_unit="DL-193", because=CLOSED)
    again = dossier().given(ASSIGNED, TRENCH, recalled)
    again.when(BeginAgain(case_id=CASE)).then(ASSIGNED)
    again.given(ASSIGNED).when(NoteDone(case_id=CASE, unit="DL-193")).then(done(0), INSTALLING)  # nobody is waited for


def test_a_missed_deadline_goes_to_the_unit_in_charge_once() -> None:
    missed = Escalate(case_id=CASE, cycle=1, due=NINE, because=f"promise-{CASE}@1")
    escalated = DossierEscalated(case_id=CASE, unit="DL-193", because=f"promise-{CASE}@1")
    dossier().given(ASSIGNED).when(missed).then(escalated)
    dossier().given(ASSIGNED, escalated, done(0), INSTALLING).when(missed).then_nothing()
    dossier().when(missed).then_nothing()


def test_a_step_of_the_escalation_goes_to_its_unit() -> None:
    """Beside what the unit in charge was told of the miss itself."""
    told = DossierEscalated(case_id=CASE, unit="DL-193", because=f"promise-{CASE}@1")
    step = Escalate(case_id=CASE, cycle=1, due=NINE, because=f"promise-{CASE}@2", to="PC-QN")
    higher = DossierEscalated(case_id=CASE, unit="PC-QN", because=f"promise-{CASE}@2")
    dossier().given(ASSIGNED, told).when(step).then(higher)
    dossier().when(step).then_nothing()


def test_a_reopening_that_was_void_does_not_silence_the_next_one() -> None:
    """We count it and the judge does not: our third cycle is its second, and was due after it began."""
    recalled = DossierRecalled(case_id=CASE, from_unit="DL-193", because=CLOSED)
    third = [ASSIGNED, recalled, ASSIGNED, recalled, ASSIGNED]
    past = [Said(fact, "policy", f"{ROUTE}@{number}", NINE) for number, fact in enumerate(third, 1)]
    missed = Escalate(case_id=CASE, cycle=2, due=NINE + timedelta(days=3), because=f"promise-{CASE}@4")
    scenario = dossier()
    scenario.past = past
    scenario.when(missed).then(DossierEscalated(case_id=CASE, unit="DL-193", because=f"promise-{CASE}@4"))
    scenario.when(replace(missed, due=NINE)).then_nothing()


def test_a_missed_deadline_of_an_earlier_cycle_has_no_effect() -> None:
    recalled = DossierRecalled(case_id=CASE, from_unit="DL-193", because=CLOSED)
    again = dossier().given(ASSIGNED, recalled, ASSIGNED)
    again.when(Escalate(case_id=CASE, cycle=1, due=NINE, because=f"promise-{CASE}@1")).then_nothing()
