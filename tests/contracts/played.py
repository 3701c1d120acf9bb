"""A story that leaves something behind every route: what a generator of requests may name so that it exists."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.given import eventually
from flows.dossier import iso, on_site, receive
from flows.house import LV, House
from flows.test_other_systems import SXD, dossier, say

ANOTHERS = "000.00.30.H49-170710-0001"
JULY = {"from": "2017-07-01", "to": "2017-08-01"}
SEAL = "2017-07-01-2017-08-01"
TERMINATION = "TERMINATION@2017-07-01"
NOW = "2017-08-15 09:00"


async def play(house: House) -> Mapping[str, Sequence[Any]]:
    """By the name of a parameter or of a member of a body: values that exist after the story."""
    working = await on_site(house, "2017-07-04 09:00", "2017-07-04 10:00")
    released = await receive(house, "2017-07-03 08:00", "PAC-194", TERMINATION)
    await released.released("2017-07-05 16:00")
    late = await receive(house, "2017-07-05 09:00", "PAC-201", TERMINATION)
    asked = await receive(house, "2017-07-06 09:00", "PAC-193")
    gaps = [{"document": "identity", "wrong": "unreadable"}]
    await asked.at_counter("supplement-request", "2017-07-06 10:00", gaps=gaps)
    referred = await receive(house, "2017-07-06 11:00", "PAC-193")
    await referred.unit("DL-193", "referral", "2017-07-06 14:00", agency="QN-SGTVT", matter="road-trench")
    assert await say(house, dossier(ANOTHERS)) == ["accepted"] * 6
    await house.write("routing.events", referred.code, b"no JSON")
    user = "84912000111"
    await house.say(user, "DK LV-RES-URBAN 193 Nhà ở sau chợ", "2017-07-07 09:00")
    await house.say(user, "?", "2017-07-07 09:01")
    await house.clock("2017-08-01 08:00")
    await house.do("sla", "/record/seals", JULY, who="leader.PC-QN", at="2017-08-01 09:00")
    withdrawal = {"reason": "changed-plans", "at": iso("2017-07-20 09:00")}
    await house.do(
        "intake", f"/applications/{late.code}/withdrawal", withdrawal, who="receptionist.PAC-201", at="2017-08-02 09:00"
    )

    async def restated() -> Any:
        return (await house.get("sla", f"/record/seals/{SEAL}"))["restatements"]

    await eventually(restated)
    run = (await house.rebuilt())["run"]
    supposed = await house.do("sla", "/what-if", {"policy": "pinned"}, who="leader.PC-QN", at=NOW)
    (order,) = await working.orders()
    submissions = await house.ask("intake", "/submissions?counter=PAC-193", method="GET", who="receptionist.PAC-193")
    return {
        "case_id": [one.code for one in (working, released, late, asked, referred)] + [ANOTHERS],
        "case": [working.code, released.code],
        "work_order": [order["work_order"]],
        "seal": [SEAL], "number": [1], "restated": [1], "run": [run, supposed["run"]], "remedy": [f"PAC-201-{SEAL}"],
        "fact": [one.id for one in await late.said("case")],
        "submission": [one["submission_id"] for one in submissions.body],
        "source": [SXD], "id": [f"{ANOTHERS}-1", 1],
        "counter": ["PAC-193", "PAC-194"], "service": [LV, TERMINATION], "district": ["DL-193"],
        "unit": ["DL-193", "PAC-193"], "to_unit": ["TC-193"], "agency": ["QN-SGTVT", "UBND-193"], "team": ["TC-193"],
        "matter": ["road-trench"], "name": ["intake.dossiers", "routing.dossiers", "field.workorders", "sla.seals"],
        "month": ["2017-07"], "ending": ["2017-07"], "line": ["PAC-194", "DL-194"],
        "from": ["2017-07-01"], "to": ["2017-08-01"], "as_of": ["2017-07-10"], "period": ["calendar-month"],
        "kind": ["counter", "dwell"], "column": ["solved"], "step": ["reception"],
    }  # fmt: skip
