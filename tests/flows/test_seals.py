"""A month is signed; what was done in it and entered only afterwards is restated beside it, through all services."""

from typing import Any

import pytest
from contracts.given import eventually
from flows.dossier import receive
from flows.house import House, when

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
NOVEMBER = {"from": "2018-11-01", "to": "2018-12-01"}
SEAL = "/record/seals/2018-11-01-2018-12-01"


async def test_a_withdrawal_entered_late_restates_the_signed_month(house: House) -> None:
    """Open overdue when November was signed; withdrawn on the 8th, as the counter enters in December."""
    it = await receive(house, "2018-11-05 09:00", "PAC-201", "TERMINATION@2017-07-01")
    assert await it.counted("PAC-201", "2018-11-01", "2018-12-01") >= {"received", "open"}
    refused = await house.ask("sla", "/record/seals", NOVEMBER, who="officer.DL-193", at="2018-12-03 08:00")
    assert refused.status == 403
    signed = await house.do("sla", "/record/seals", NOVEMBER, who="leader.PC-QN", at="2018-12-03 08:00")
    twice = await house.ask("sla", "/record/seals", NOVEMBER, who="leader.PC-QN", at="2018-12-03 08:01")
    assert (twice.status, twice.body["title"]) == (409, "period sealed")

    body = {"reason": "changed-plans", "at": when("2018-11-08 09:00").isoformat()}
    path = f"/applications/{it.code}/withdrawal"
    await house.do("intake", path, body, who="receptionist.PAC-201", at="2018-12-04 09:00")

    async def restated() -> Any:
        return (await house.get("sla", SEAL))["restatements"]

    (restatement,) = await eventually(restated)
    assert restatement["because"] == (await it.said("case"))[-1].id
    shown = await house.get("sla", SEAL)
    assert shown["hash"] == signed["hash"]
    line = next(line for line in shown["record"]["lines"] if line["unit"] == "PAC-201")
    assert (line["figures"]["open overdue"], line["figures"]["withdrawn"]) == (1, 0)
    now = await house.get("sla", f"{SEAL}/restatements/1")
    line = next(line for line in now["lines"] if line["unit"] == "PAC-201")
    assert (line["figures"]["open overdue"], line["figures"]["withdrawn"]) == (0, 1)
    said = [fact.type for fact in await house.facts("month") if fact.id.startswith("month-2018-11")]
    assert said == ["MonthSealed", "MonthRestated"]
