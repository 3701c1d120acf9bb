"""A leader puts facts right: verdict, explanation, record and `sla.cases` follow, and each amendment is said once."""

import json
from typing import Any

import pytest
from flows.dossier import Dossier, iso, receive
from flows.house import House, told

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]

CONTRACT = "CONTRACT-CHANGE@2017-07-01"  # three working days, one department
RURAL = "LV-RES-RURAL@2017-07-01"  # five
LATER = "2017-08-01 09:00"


async def routing(it: Dossier, **body: Any) -> Any:
    """A leader corrects what routing said."""
    return await it.house.do("routing", f"/dossiers/{it.code}/corrections", body, who="leader.PC-QN", at=LATER)


async def last(it: Dossier, kind: str) -> str:
    """The id of the dossier's last fact of a kind."""
    return [fact.id for fact in await it.said("route") if fact.type == kind][-1]


async def amendments(it: Dossier) -> list[dict[str, Any]]:
    return [fact.data for fact in await it.said("promise") if fact.type == "VerdictAmended"]


async def status(it: Dossier) -> Any:
    """What `sla.cases` says last of the dossier."""
    topic = it.house.topic("sla.cases")
    records = [record for record in await it.house.every_record() if record.topic == topic]
    (cycle,) = json.loads([record.value for record in records if record.key.decode() == it.code][-1])["cycles"]
    return cycle


async def explained(it: Dossier) -> Any:
    return await it.house.get("sla", f"/cases/{it.code}/explain")


async def test_a_return_that_never_was(house: House) -> None:
    """Somebody pressed "returned" early; it is voided, the unit has the dossier again, and the real return is late."""
    it = await receive(house, "2017-07-10 10:00", "PAC-194", CONTRACT)
    await it.released("2017-07-12 14:00")
    assert (await it.cycle())["by_date"] == "ahead"
    returned = await last(it, "DossierReturned")
    await routing(it, fact=returned, reason="entered-wrongly")

    cycle = await it.cycle()
    assert (cycle["outcome"], cycle["by_date"], cycle["corrections"]) == ("open", None, 1)
    assert await status(it) == cycle
    at_unit = await house.get("routing", f"/dossiers/{it.code}")
    assert (at_unit["status"], at_unit["unit"]) == ("at-unit", "DL-194")
    assert (await house.get("intake", f"/applications/{it.code}"))["status"] == "open"
    waiting = await house.get("intake", "/applications?counter=PAC-194&to_hand_over=true&limit=500")
    assert it.code not in [row["case_id"] for row in waiting]
    (amended,) = await amendments(it)
    assert (amended["was_by_date"], amended["by_date"], amended["released"]) == ("ahead", None, None)
    assert amended["because"] == await last(it, "FactVoided")
    assert amended["late_seconds"] == 19 * 86400 + 19 * 3600  # from the 12th of July, 14:00

    await it.unit("DL-194", "return", "2017-08-01 10:00")
    assert (await it.cycle())["by_date"] == "overdue"
    ((amendment, text),) = (await explained(it))["corrections"]
    assert (amendment["kind"], amendment["about"], amendment["leader"]) == (
        "voided",
        returned,
        (await it.said("route"))[-2].actor,
    )
    assert text["vi"].startswith("Hủy sự kiện “Trả hồ sơ về quầy”")


async def test_a_return_that_was_written_down_late(house: House) -> None:
    """Back on the last day, entered on the next: on time after all; saying it twice changes nothing.

    Its step was completed with it, and is corrected first: a return does not come before what it follows from.
    """
    it = await receive(house, "2017-07-10 10:30", "PAC-194", CONTRACT)
    await it.released("2017-07-14 09:00")
    assert (await it.cycle())["by_date"] == "overdue"
    returned = await last(it, "DossierReturned")
    right = {"fact": returned, "field": "at", "value": iso("2017-07-13 16:00"), "reason": "entered-late"}
    completed = {**right, "fact": await last(it, "StepCompleted")}
    refused = await house.ask("routing", f"/dossiers/{it.code}/corrections", right, who="leader.PC-QN", at=LATER)
    assert (refused.status, refused.body["field"]) == (422, "value")
    assert completed["fact"] in refused.body["detail"]
    await routing(it, **completed)
    await routing(it, **right)
    assert (await routing(it, **right))["facts"] == []

    cycle = await it.cycle()
    assert (cycle["by_date"], told(cycle["released_at"]), cycle["corrections"]) == ("on-time", "2017-07-13 16:00", 2)
    assert await status(it) == cycle
    (amended,) = await amendments(it)
    assert (amended["was_by_date"], amended["by_date"]) == ("overdue", "on-time")
    _, (amendment, text) = (await explained(it))["corrections"]
    assert (amendment["event"], amendment["field"]) == (await last(it, "FactCorrected"), "at")
    assert "from 14/07/2017 09:00 to 13/07/2017 16:00" in text["en"]


async def test_a_dossier_of_another_service(house: House) -> None:
    """A household in the country was received as one in town: five days, counted from the receipt."""
    it = await receive(house, "2017-07-10 11:00", "PAC-194", CONTRACT)
    await it.released("2017-07-14 09:00")
    await it.leader("reclassification", LATER, service=RURAL, reason="service-mistaken")

    cycle = await it.cycle()
    assert (cycle["service"], told(cycle["due_at"]), cycle["by_date"]) == (RURAL, "2017-07-17 17:00", "ahead")
    assert (cycle["corrections"], cycle["revision"]) == (1, 2)
    assert await status(it) == cycle
    assert (await house.get("intake", f"/applications/{it.code}"))["service"] == RURAL
    (amended,) = await amendments(it)
    assert (amended["was_by_date"], amended["by_date"]) == ("overdue", "ahead")
    ((amendment, _),) = (await explained(it))["corrections"]
    assert (amendment["was"], amendment["now"]) == (CONTRACT, RURAL)
    lines = (await house.get("sla", "/record/practice?from=2017-07-01&to=2017-08-01"))["lines"]
    (counter,) = [line for line in lines if line["unit"] == "PAC-194"]
    assert it.code in counter["items"]["correction"]
    assert counter["figures"]["correction"] == len(counter["items"]["correction"])


async def test_a_refusal_that_never_was_brings_the_dossier_back_to_its_team(house: House) -> None:
    """The wrong dossier was refused: routing had called it back and the field cancelled the order; both are void."""
    it = await receive(house, "2017-07-10 09:15")
    await it.assigned("2017-07-10 10:00")
    await it.team("start", "2017-07-11 08:00")
    await it.at_counter("refusal", "2017-07-11 09:00", reason="outside-area")
    assert [order["status"] for order in await it.orders()] == ["cancelled"]
    refusal = (await it.said("case"))[-1].id
    await it.leader("corrections", "2017-07-11 10:00", fact=refusal, reason="wrong-dossier")

    assert [order["status"] for order in await it.orders()] == ["at-work"]
    assert (await it.types("route"))[-2:] == ["DossierRecalled", "FactVoided"]
    assert (await it.types("workorder"))[-2:] == ["WorkOrderCancelled", "FactVoided"]
    await it.team("completion", "2017-07-11 11:00", evidence=[{"reference": "evidence/1.jpg"}], handed_over=True)
    await it.released("2017-07-11 15:00")
    cycle = await it.cycle()
    # The recall and the cancelled order are void because the refusal is: one correction each.
    assert (cycle["outcome"], cycle["by_date"], cycle["corrections"]) == ("released", "ahead", 3)
    assert await it.types("promise") == ["VerdictReached"]
