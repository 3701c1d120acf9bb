"""What papers and counters bring: supplements, refusal, withdrawal, stop, an apology, a promise that is broken."""

import pytest
from flows.dossier import Dossier, iso, on_site, receive
from flows.house import House, told

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
GAPS = [{"document": "identity", "wrong": "unreadable"}]


async def test_a_supplement_pauses_the_promise(house: House) -> None:
    """Tuesday 10:00 to Wednesday 15:00 are eleven working hours: Thursday 17:00 becomes Monday 10:00."""
    it = await receive(house, "2017-07-10 09:00", "PAC-196")
    await it.at_counter("supplement-request", "2017-07-11 10:00", gaps=GAPS)
    paused = await it.cycle()
    assert (paused["due_at"], paused["holder"]) == (None, "customer")
    await it.at_counter("supplement", "2017-07-12 15:00")
    assert told((await it.cycle())["due_at"]) == "2017-07-17 10:00"
    await it.assigned("2017-07-13 09:00")
    await it.installed("2017-07-13 10:00", "2017-07-14 09:00")
    await it.released("2017-07-17 09:00")
    cycle = await it.cycle()
    assert (cycle["by_date"], cycle["by_session"], cycle["supplements"]) == ("on-time", "on-time", 1)
    assert cycle["customer_seconds"] == 11 * 3600
    lines = [line for line in (await it.explained())["lines"] if line["clock"] == "customer"]
    asked = next(fact for fact in await it.said("case") if fact.type == "SupplementRequested")
    assert {line["because"] for line in lines} == {asked.id}
    assert lines[0]["text"]["en"] == "Waiting for the customer: the supplement that was asked for"


async def test_a_later_version_of_a_service_counts_anew_after_a_supplement(house: House) -> None:
    """RESTART: three working days from Wednesday on; the version of the year before is no longer in force."""
    it = await receive(house, "2018-07-02 09:00", "PAC-196", "METER-CHECK@2018-06-21")
    assert told(it.receipt["appointment"]) == "2018-07-05 17:00"
    await it.at_counter(
        "supplement-request", "2018-07-03 10:00", gaps=[{"document": "request-form", "wrong": "missing"}]
    )
    await it.at_counter("supplement", "2018-07-04 15:00")
    cycle = await it.cycle()
    assert (told(cycle["due_at"]), cycle["revision"]) == ("2018-07-09 17:00", 2)
    await it.assigned("2018-07-05 09:00")
    await it.installed("2018-07-05 10:00", "2018-07-05 15:00")
    await it.released("2018-07-06 17:30")  # late by the first count, ahead by the second
    assert (await it.cycle())["by_date"] == "ahead"


async def test_a_second_supplement_needs_a_leader(house: House) -> None:
    """The receptionist is refused with the rule and the way out; the leader's request counts."""
    it = await receive(house, "2017-07-10 09:10", "PAC-196")
    await it.at_counter("supplement-request", "2017-07-10 10:00", gaps=GAPS)
    await it.at_counter("supplement", "2017-07-10 11:00")
    path, body = f"/applications/{it.code}/supplement-request", {"gaps": GAPS}
    refused = await house.ask("intake", path, body, who="receptionist.PAC-196", at="2017-07-11 08:00")
    assert (refused.status, refused.body["title"]) == (403, "second supplement needs leader")
    assert "leader" in refused.body["way_out"]
    await it.leader("supplement-request", "2017-07-11 08:00", gaps=GAPS)
    (_, second) = [fact for fact in await it.said("case") if fact.type == "SupplementRequested"]
    assert second.data["approved_by"] == "staff-PC-QN-01"
    assert (await it.cycle())["supplements"] == 2


async def ended(it: Dossier, how: str) -> None:
    """Each ending by who may say it."""
    match how:
        case "refused":
            await it.at_counter("refusal", "2017-07-11 15:00", reason="outside-area")
        case "withdrawn":
            await it.at_counter("withdrawal", "2017-07-11 15:00", reason="changed-plans")
        case "stopped":
            await it.leader("stop", "2017-07-11 15:00", reason="works-abandoned")


@pytest.mark.parametrize(
    ("how", "fact"),
    [("refused", "ApplicationRefused"), ("withdrawn", "ApplicationWithdrawn"), ("stopped", "ProcessingStopped")],
)
async def test_an_end_without_result_calls_the_dossier_back(house: House, how: str, fact: str) -> None:
    """Routing recalls it, the team's order is cancelled, the team is told; no ratio counts it."""
    it = await on_site(house, "2017-07-10 09:20", "2017-07-10 11:00", "PAC-198")
    await ended(it, how)
    assert (await it.types("case"))[-1] == fact
    recalled = (await it.said("route"))[-1]
    assert (recalled.type, recalled.data["from_unit"]) == ("DossierRecalled", "TC-198")
    assert await it.types("workorder") == ["WorkOrderIssued", "WorkOrderCancelled"]
    assert (await it.messages())[-1] == ("TC-198", "recalled")
    cycle = await it.cycle()
    assert (cycle["outcome"], cycle["by_date"], cycle["released_at"]) == (how, None, None)
    assert await it.types("promise") == []
    columns = await it.counted("PAC-198", "2017-07-01", "2017-08-01")
    assert columns == {"received", "solved", "on time", "without result", how}
    assert (await house.line("PAC-198", "2017-07-01", "2017-08-01"))["on_time_share"] is None


async def test_a_late_dossier_with_an_apology_is_overdue_all_the_same(house: House) -> None:
    """The appointment moves, the class keeps the due of the receipt; the record shows the apology."""
    it = await on_site(house, "2017-09-11 09:00", "2017-09-11 11:00", "PAC-199")
    await it.leader("extension", "2017-09-13 16:00", appointment=iso("2017-09-19 17:00"), reason="bad-weather")
    assert told((await it.cycle())["appointment"]) == "2017-09-19 17:00"
    await house.clock("2017-09-15 00:00")
    await it.installed("2017-09-15 08:00", "2017-09-15 15:00")
    await it.released("2017-09-18 09:00")
    cycle = await it.cycle()
    assert (told(cycle["due_at"]), cycle["by_date"]) == ("2017-09-14 17:00", "overdue")
    assert cycle["delay_seconds"] == 10 * 3600
    assert await it.counted("PAC-199", "2017-09-01", "2017-10-01") == {"received", "solved", "overdue", "with apology"}
    missed = [fact for fact in await it.said("promise") if fact.type == "DeadlineMissed"]
    assert [told(fact.data["due"]) for fact in missed] == ["2017-09-14 17:00"]


async def test_an_apology_comes_before_the_promise_as_pauses_have_moved_it(house: House) -> None:
    """An agency had the dossier from Tuesday 10:00 to Wednesday 15:00: Monday 10:00, and Friday is early enough."""
    it = await receive(house, "2017-07-10 09:50", "PAC-199")
    await it.unit("DL-199", "referral", "2017-07-11 10:00", agency="UBND-199", matter="road-trench")
    await it.unit("DL-199", "agency-reply", "2017-07-12 15:00", agency="UBND-199", outcome="agreed")
    await it.leader("extension", "2017-07-14 16:00", appointment=iso("2017-07-19 17:00"), reason="bad-weather")
    cycle = await it.cycle()
    assert (told(cycle["due_at"]), told(cycle["appointment"])) == ("2017-07-17 10:00", "2017-07-19 17:00")


async def test_a_broken_promise_is_said_once_and_escalated(house: House) -> None:
    """Warned, missed once however often the clock is moved, on the list while it is open, overdue at the end.

    The team that has it runs out of its own twelve hours before; nobody is escalated to for that.
    """
    it = await on_site(house, "2017-09-18 09:00", "2017-09-18 11:00", "PAC-200")
    await house.clock("2017-09-21 17:00")  # the very instant of due
    assert not await it.is_overdue_now()
    for time in ("2017-09-22 00:00", "2017-09-22 00:00", "2017-09-23 00:00"):
        await house.clock(time)
    assert await it.is_overdue_now()
    said = await it.said("promise")
    limits = [fact for fact in said if fact.type.startswith("Limit")]
    promised = [fact for fact in said if fact not in limits]
    words = [[fact.data.get("threshold", fact.type) for fact in facts] for facts in (promised, limits)]
    assert words[0] == ["half", "one-day", "four-fifths", "DeadlineMissed"]
    assert words[1] == ["one-day", "half", "four-fifths", "LimitMissed"]
    assert {fact.data["unit"] for fact in limits} == {"TC-200"}
    (escalated,) = [fact for fact in await it.said("route") if fact.type == "DossierEscalated"]
    assert (escalated.data["unit"], escalated.data["because"]) == ("TC-200", promised[-1].id)

    await it.installed("2017-09-22 08:00", "2017-09-25 09:00")
    await it.released("2017-09-25 10:00")
    assert not await it.is_overdue_now()
    cycle = await it.cycle()
    # Friday's eight hours and three of Monday are the delay; the team overran its own twelve hours most.
    assert (cycle["by_date"], cycle["delay_seconds"]) == ("overdue", 11 * 3600)
    charges = {one["unit"]: one["seconds"] for one in (await it.judged())["charges"]}
    assert sum(charges.values()) == cycle["delay_seconds"]
    assert charges["TC-200"] > charges.get("DL-200", 0)
    why = (await it.explained())["why_overdue"]
    assert (why[0]["unit"], why[0]["charged"]) == ("TC-200", charges["TC-200"])
    verdict = (await it.said("promise"))[-1]
    assert (verdict.type, verdict.data["by_date"]) == ("VerdictReached", "overdue")
    columns = await it.counted("PAC-200", "2017-09-01", "2017-10-01")
    assert columns == {"received", "solved", "overdue", "without apology"}
    await house.clock("2017-09-26 00:00")
    assert len(await it.said("promise")) == len(said) + 1
