"""What other systems say over HTTP is judged and shown like our own: by dossier, by organisation, for an agency."""

import json
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from flows.dossier import receive
from flows.house import House, told, when

from events.gateway.cloudevent import BATCH, STRUCTURED
from events.gateway.rules import Name

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
SXD, UBND = "urn:quangninh:so-xay-dung:mot-cua", "urn:quangninh:ubnd-ha-long:giay-phep"
NOW = "2017-07-20 09:00"
THREE_DAYS = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "working_days": 3}


def event(id: str, kind: str, at: str, data: dict[str, Any], source: str = SXD) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": id, "source": source, "type": f"onedoor.{kind}.v1", "time": when(at).isoformat(),
        "data": data,
    }  # fmt: skip


def dossier(case_id: str, *, promise: dict[str, Any] | None = THREE_DAYS) -> list[dict[str, Any]]:
    """A dossier of the Department of Construction: received, handed on, a supplement of two days, and released."""
    receipt = {"counter": "SXD", "organisation": "SXD", "sector": "construction", "district": "SXD"}
    gaps = [{"document": "drawing", "wrong": "missing"}]
    facts: Sequence[tuple[str, str, dict[str, Any]]] = (
        ("ApplicationReceived", "2017-07-10 09:00", {**receipt, "channel": "counter", "promise": promise}),
        ("DossierForwarded", "2017-07-10 10:00", {"from_unit": "SXD", "to_unit": "SXD-QLN", "step": "appraise"}),
        ("SupplementRequested", "2017-07-11 10:00", {"gaps": gaps}),
        ("SupplementReceived", "2017-07-12 15:00", {"answers": f"{Name(SXD, f'{case_id}-3').stream}@1"}),
        ("DossierReturned", "2017-07-14 10:00", {"from_unit": "SXD-QLN", "by": "software"}),
        ("CaseClosed", "2017-07-15 09:00", {}),
    )
    return [
        event(f"{case_id}-{number}", kind, at, {"case_id": case_id, **data})
        for number, (kind, at, data) in enumerate(facts, start=1)
    ]


async def say(house: House, events: list[dict[str, Any]], who: str = "emitter.SXD") -> list[str]:
    reply = await house.ask("intake", "/events", events, who=who, at=NOW, Content_Type=BATCH)
    assert reply.status == 207, reply.body
    return [one["result"] for one in reply.body]


async def cycle(house: House, case_id: str) -> Any:
    (found,) = (await house.get("sla", f"/cases/{case_id}"))["cycles"]
    return found


async def test_a_dossier_of_another_system_is_judged_and_counted(house: House) -> None:
    """In any order and some of it twice: three working days, moved by the customer's, and released ahead of them."""
    case_id = "000.00.30.H49-170710-0001"
    events = dossier(case_id)
    whole = events + events[2:4]
    Random(7).shuffle(whole)
    results = await say(house, whole[:3]) + await say(house, whole[3:])
    assert sorted(results) == ["accepted"] * 6 + ["duplicate"] * 2
    it = await cycle(house, case_id)
    assert (it["organisation"], it["counter"], it["by_date"]) == ("SXD", "SXD", "ahead")
    assert (told(it["received_at"]), told(it["released_at"])) == ("2017-07-10 09:00", "2017-07-14 10:00")
    assert told(it["due_at"]) == "2017-07-17 10:00"
    line = await house.line("SXD", "2017-07-01", "2017-08-01")
    assert (line["figures"]["received"], line["figures"]["ahead"]) == (1, 1)
    assert (await house.line("SXD-QLN", "2017-07-01", "2017-08-01"))["kind"] == "department"
    said = await house.facts("foreign", subject=case_id)
    assert sorted(fact.id for fact in said) == sorted(f"{Name(SXD, one['id']).stream}@1" for one in events)
    assert {fact.actor for fact in said} == {"system-SXD"}


async def test_what_is_missing_is_not_made_up(house: House) -> None:
    """Without a promise a dossier is undetermined; without a receipt it is there, and says so."""
    without = dossier("000.00.30.H49-170710-0002", promise=None)
    assert set(await say(house, without)) == {"accepted"}
    undetermined = await cycle(house, "000.00.30.H49-170710-0002")
    assert (undetermined["due_at"], undetermined["by_date"], undetermined["outcome"]) == (None, None, "released")
    counted = (await house.line("SXD", "2017-07-01", "2017-08-01"))["items"]
    assert [case_id for case_id, *_ in counted["undetermined"]] == ["000.00.30.H49-170710-0002"]

    case_id = "000.00.30.H49-170710-0003"
    late = dossier(case_id)
    assert set(await say(house, late[1:])) == {"accepted"}
    unknown = await house.ask("sla", f"/cases/{case_id}", method="GET")
    assert (unknown.status, unknown.body["detail"]) == (404, f"no receipt of {case_id} was heard")
    assert len((await house.get("sla", f"/cases/{case_id}/facts"))["facts"]) == 5
    assert (await status(house, case_id))["received"] is False
    assert await say(house, late[:1]) == ["accepted"]
    assert (await cycle(house, case_id))["by_date"] == "ahead"
    assert (await status(house, case_id))["received"] is True


async def status(house: House, case_id: str) -> Any:
    """What `sla.cases` says last of a dossier."""
    topic, key = house.topic("sla.cases"), case_id.encode()
    return json.loads([one.value for one in await house.every_record() if one.topic == topic and one.key == key][-1])


async def test_an_agency_answers_for_itself(house: House) -> None:
    """Its reply to a dossier of ours stops its clock; that of another agency is refused, and stops nothing."""
    it = await receive(house, "2017-07-10 08:00")
    await it.unit("DL-193", "referral", "2017-07-10 09:00", agency="UBND-193", matter="road-trench")
    reply = {"case_id": it.code, "agency": "UBND-193", "outcome": "agreed"}
    wrong = {**reply, "agency": "UBND-194"}
    anothers = event("r-1", "AgencyReplied", "2017-07-14 10:00", wrong, UBND)
    own = event("r-2", "AgencyReplied", "2017-07-14 11:00", reply, UBND)
    assert await say(house, [anothers, own], "emitter.UBND-193") == ["refused", "accepted"]
    (referral,) = (await house.get("sla", f"/cases/{it.code}"))["referrals"]
    assert (referral["agency"], told(referral["replied_at"])) == ("UBND-193", "2017-07-14 11:00")
    (refusal,) = [fact for fact in await house.facts("refusal") if fact.data["event"] == "r-1"]
    assert (refusal.subject, refusal.data["rule"], refusal.data["field"]) == (UBND, "unit-not-yours", "data.agency")


async def test_an_event_may_not_come_from_the_future(house: House) -> None:
    """The arrival's clock is the deployment's."""
    case_id = "000.00.30.H49-170710-0004"
    assert set(await say(house, dossier(case_id))) == {"accepted"}
    tomorrow = event("t-1", "CustomerRated", "2017-07-20 09:06", {"case_id": case_id, "stars": 5})
    reply = await house.ask("intake", "/events", tomorrow, who="emitter.SXD", at=NOW, Content_Type=STRUCTURED)
    assert (reply.status, reply.body["title"], reply.body["field"]) == (422, "time in future", "time")
    later = f"{when(NOW) + timedelta(minutes=1):%Y-%m-%d %H:%M}"
    again = await house.ask("intake", "/events", tomorrow, who="emitter.SXD", at=later, Content_Type=STRUCTURED)
    assert (again.status, again.body["result"]) == (201, "accepted")
    shown = await house.ask("intake", f"/events/{SXD}/t-1", method="GET", who="emitter.SXD")
    assert [one["rule"] for one in shown.body["refusals"]] == ["time-in-future"]
