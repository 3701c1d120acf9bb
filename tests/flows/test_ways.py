"""The usual ways of a dossier: straight through, a contract, medium voltage in two phases, reopened and rated."""

import pytest
from flows.dossier import iso, receive
from flows.house import House, told

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]


async def test_low_voltage_goes_straight_through_half_by_zalo(house: House) -> None:
    """NHAN and XONG over Zalo, the team and the last step in the software; released two days before due."""
    it = await receive(house, "2017-07-10 09:00")
    assert told(it.receipt["appointment"]) == "2017-07-13 17:00"
    assert await it.zalo("DL-193", "NHAN", "2017-07-10 09:30") == "reply"
    assert await it.zalo("DL-193", "XONG", "2017-07-10 10:30") == "reply"
    await it.team("visit", "2017-07-10 14:00", starts=iso("2017-07-11 08:00"), ends=iso("2017-07-11 08:30"))
    await it.installed("2017-07-11 08:00", "2017-07-11 10:00")
    await it.unit("DL-193", "acknowledgement", "2017-07-11 10:30")
    await it.released("2017-07-11 11:00")
    await it.at_counter("close", "2017-07-12 14:00")

    cycle = await it.cycle()
    assert (cycle["by_date"], cycle["by_session"], cycle["outcome"]) == ("ahead", "ahead", "released")
    assert (told(cycle["due_at"]), told(cycle["released_at"])) == ("2017-07-13 17:00", "2017-07-11 11:00")
    assert told(cycle["closed_at"]) == "2017-07-12 14:00"
    assert (cycle["utility_seconds"], cycle["customer_seconds"], cycle["agency_seconds"]) == (4 * 3600, 0, 0)
    assert cycle["not_counted_seconds"] == 22 * 3600
    stays = (await it.judged())["stays"]
    assert [stay["unit"] for stay in stays] == ["PAC-193", "DL-193", "TC-193", "DL-193"]
    explained = await it.explained()
    assert explained["verdict"]["en"] == "Ahead of time: released 11/07/2017 11:00, due 13/07/2017 17:00"
    assert explained["why_overdue"] == []

    assert await it.types("case") == ["ApplicationReceived", "CaseClosed"]
    assert await it.types("message-in") == []
    assert await it.types("route") == [
        "DossierForwarded", "DossierAcknowledged", "StepCompleted", "DossierForwarded", "StepCompleted",
        "DossierForwarded", "DossierAcknowledged", "StepCompleted", "DossierReturned",
    ]  # fmt: skip
    assert await it.types("workorder") == ["WorkOrderIssued", "VisitScheduled", "WorkStarted", "WorkCompleted"]
    assert await it.types("promise") == ["VerdictReached"]
    assert await it.messages() == [("DL-193", "forwarded"), ("TC-193", "forwarded"), ("DL-193", "forwarded")]
    assert await it.counted("PAC-193", "2017-07-01", "2017-08-01") == {"received", "solved", "ahead"}
    assert await it.counted("TC-193", "2017-07-01", "2017-08-01") >= {"received", "solved"}


async def test_a_contract_needs_one_department(house: House) -> None:
    """Released in the afternoon of the last day: on time by date and by session."""
    it = await receive(house, "2017-07-10 10:00", "PAC-194", "CONTRACT-CHANGE@2017-07-01")
    await it.unit("DL-194", "acknowledgement", "2017-07-10 11:00")
    await it.released("2017-07-13 14:00")
    cycle = await it.cycle()
    assert (cycle["by_date"], cycle["by_session"]) == ("on-time", "on-time")
    assert await it.types("route") == ["DossierForwarded", "DossierAcknowledged", "StepCompleted", "DossierReturned"]
    assert await it.orders() == []
    (draft,) = [stay for stay in (await it.judged())["stays"] if stay["unit"] == "DL-194"]
    assert draft["by_date"] == "overdue"  # its own twelve hours were over on Wednesday
    assert await it.counted("DL-194", "2017-07-01", "2017-08-01") >= {"solved", "overdue"}
    assert await it.counted("PAC-194", "2017-07-01", "2017-08-01") == {"received", "solved", "on time"}


async def test_medium_voltage_has_two_phases_and_waits_between_them(house: House) -> None:
    """An agency is asked, the step is done before it answers, the hand-over waits; then the customer builds."""
    it = await receive(house, "2017-07-10 08:00", "PAC-22", "MV-CONNECT@2017-07-01", district="DL-193")
    await it.unit("PCQN-KD", "step-completion", "2017-07-10 10:00")
    await it.team("start", "2017-07-10 14:00")
    await it.team("completion", "2017-07-11 09:00", evidence=[{"reference": "survey/1.pdf"}], handed_over=True)
    await it.unit("PCQN-KT", "referral", "2017-07-11 14:00", agency="UBND-193", matter="road-trench")
    await it.unit("PCQN-KT", "step-completion", "2017-07-11 15:00")
    waiting = await house.get("routing", f"/dossiers/{it.code}")
    assert (waiting["status"], waiting["waiting"][0]["who"]) == ("waiting", "UBND-193")

    await it.unit("PCQN-KT", "agency-reply", "2017-07-13 09:00", agency="UBND-193", outcome="agreed")
    cycle = await it.cycle()
    assert (cycle["holder"], cycle["holder_clock"], cycle["due_at"]) == ("customer", "customer", None)
    assert told(cycle["waiting_since"]) == "2017-07-11 14:00"  # two pauses that touch are one
    await it.unit("PAC-22", "customer-action-completion", "2017-07-17 09:00")
    await it.unit("PCQN-KT", "step-completion", "2017-07-17 16:00")
    await it.team("start", "2017-07-18 08:00")
    await it.team("completion", "2017-07-19 10:00", evidence=[{"reference": "works/1.jpg"}], handed_over=True)
    await it.unit("PCQN-KD", "step-completion", "2017-07-19 16:00")

    cycle = await it.cycle()
    assert (cycle["field"], cycle["by_date"]) == ("MV", "ahead")
    # Seven working days end on Wednesday 19th, 17:00; the pause of 29 working hours moves that to Tuesday, 14:00.
    assert told(cycle["due_at"]) == "2017-07-25 14:00"
    hours = [cycle[f"{clock}_seconds"] / 3600 for clock in ("agency", "customer", "utility")]
    assert hours == [13, 16, 26]
    (referral,) = (await it.judged())["referrals"]
    assert (referral["agency"], referral["reply"], referral["by_date"]) == ("UBND-193", "agreed", "ahead")
    assert told(referral["due_at"]) == "2017-07-25 17:00"
    assert await it.types("route") == [
        "DossierForwarded", "StepCompleted", "DossierForwarded", "StepCompleted", "DossierForwarded",
        "AgencyReferred", "StepCompleted", "AgencyReplied", "CustomerActionRequested", "CustomerActionCompleted",
        "DossierForwarded", "StepCompleted", "DossierForwarded", "StepCompleted", "DossierForwarded", "StepCompleted",
        "DossierReturned",
    ]  # fmt: skip
    assert len(await it.orders()) == 2
    line = await house.line("PAC-22", "2017-07-01", "2017-08-01")
    assert line["mv"]["cases"] == 1
    assert line["mv"]["utility_days"] == pytest.approx(26 / 8)
    assert await it.counted("UBND-193", "2017-07-01", "2017-08-01") == {"received", "solved", "ahead"}


async def test_two_questions_to_agencies_join_when_both_have_answered(house: House) -> None:
    """The step was done before; the second answer, and no earlier one, lets the dossier go on."""
    it = await receive(house, "2017-07-10 08:30", "PAC-195")
    await it.unit("DL-195", "referral", "2017-07-11 08:00", agency="UBND-195", matter="road-trench")
    await it.unit("DL-195", "referral", "2017-07-11 08:30", agency="QN-SXD", matter="substation-position")
    await it.assigned("2017-07-11 09:00")
    await it.unit("DL-195", "agency-reply", "2017-07-12 09:00", agency="QN-SXD", outcome="no-objection")
    assert (await it.cycle())["holder"] == "UBND-195"
    assert (await it.types("route"))[-1] == "AgencyReplied"
    await it.unit("DL-195", "agency-reply", "2017-07-12 10:00", agency="UBND-195", outcome="agreed")
    assert (await it.types("route"))[-2:] == ["AgencyReplied", "DossierForwarded"]
    await it.installed("2017-07-12 14:00", "2017-07-12 16:00")
    await it.released("2017-07-13 08:00")
    cycle = await it.cycle()
    # Tuesday 08:00 to Wednesday 10:00 are ten working hours: Thursday 17:00 becomes Monday 09:00.
    assert told(cycle["due_at"]) == "2017-07-17 09:00"
    assert (cycle["by_date"], cycle["agency_seconds"]) == ("ahead", 10 * 3600)
    assert [one["by_date"] for one in (await it.judged())["referrals"]] == ["ahead", "ahead"]


async def test_a_reopened_dossier_runs_a_second_cycle(house: House) -> None:
    """The time between is nobody's; the second cycle has its own due, its own verdict and its own month."""
    it = await receive(house, "2017-07-24 09:00", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-25 10:00")
    await it.at_counter("close", "2017-07-25 14:00")
    await it.at_counter("rating", "2017-07-25 14:05", stars=2)
    await it.leader("reopening", "2017-08-01 08:00", reason="result-wrong")
    assert [cycle["outcome"] for cycle in (await it.judged())["cycles"]] == ["released", "open"]
    await it.released("2017-08-02 09:00")
    await it.at_counter("close", "2017-08-02 10:00")
    await it.at_counter("rating", "2017-08-02 10:05", stars=5)

    first, second = await it.cycle(1), await it.cycle(2)
    assert (first["by_date"], second["by_date"]) == ("ahead", "ahead")
    assert (told(second["received_at"]), told(second["due_at"])) == ("2017-08-01 08:00", "2017-08-04 17:00")
    assert (first["stars"], second["stars"]) == (2, 5)
    assert (first["revision"], second["revision"]) == (1, 2)
    assert [fact.data["cycle"] for fact in await it.said("promise")] == [1, 2]
    assert await it.types("promise") == ["VerdictReached", "VerdictReached"]
    assert await it.types("case") == [
        "ApplicationReceived", "CaseClosed", "CustomerRated", "CaseReopened", "CaseClosed", "CustomerRated",
    ]  # fmt: skip
    for month in (("2017-07-01", "2017-08-01"), ("2017-08-01", "2017-09-01")):
        assert await it.counted("PAC-194", *month) == {"received", "solved", "ahead"}
    assert (await house.line("PAC-194", "2017-08-01", "2017-09-01"))["ratings"] == {"marks": 1, "mean": 5.0}


async def test_advice_is_counted_and_no_dossier(house: House) -> None:
    """A question answered at a counter is one fact, whoever asks twice with one key."""
    body = {"counter": "PAC-207", "topic": "tariff"}
    before = len(await house.facts("advice"))
    for _ in range(2):
        await house.do("intake", "/advice", body, who="receptionist.PAC-207", at="2017-07-10 09:00", key="flow-advice")
    given = (await house.facts("advice"))[before:]
    assert [(fact.type, fact.data["counter"]) for fact in given] == [("AdviceGiven", "PAC-207")]
    assert await house.line("PAC-207", "2017-07-01", "2017-08-01") is None
