"""The door itself, on real parts: counters over HTTP, units and customers over Zalo's webhook."""

import asyncio
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from contracts.given import eventually
from serving import Serving

from deadlines.load import load
from events.clock import now
from events.contracts.intake import StaffReplied

APPLICANT = {"name": "Nguyễn Thị Thử", "phone": "0203123456", "address": "Số 1 phố Thử"}
CLERK: Any = {"role": "receptionist", "unit": "PAC-193"}
LEADER: Any = {"role": "leader", "unit": "PC-QN"}
UNIT, CUSTOMER = "DL-193", "someone-on-zalo"


def application(**more: Any) -> dict[str, Any]:
    documents = ["request-form", "identity", "land-use-right"]
    body = {"counter": "PAC-193", "service": "LV-RES-URBAN@2017-07-01", "district": "DL-193", "documents": documents}
    return {**body, "applicant": APPLICANT, **more}


async def receive(door: Serving, **more: Any) -> str:
    answer = await door.post("/applications", application(**more), **CLERK)
    assert answer.status == 201, answer.body
    return str(answer.body["case_id"])


async def write(door: Serving, msg_id: str, sender: str, text: str, mac: str | None = None) -> tuple[int, Any]:
    raw = json.dumps(
        {"app_id": "app_id", "event_name": "user_send_text", "timestamp": "1", "sender": {"id": sender},
         "message": {"msg_id": msg_id, "text": text}}
    ).encode()  # fmt: skip
    mac = mac or hashlib.sha256(b"app_id" + raw + b"1" + b"oa_secret").hexdigest()
    async with door.http.post(
        f"{door.url}/zalo/webhook", data=raw, headers={"X-ZEvent-Signature": f"mac={mac}"}
    ) as answer:
        body = await answer.json(content_type=None)
        return answer.status, body.get("sorted")


async def quarantined(door: Serving) -> list[str]:
    answer = await door.get("/zalo/quarantine", role="operator", unit="onedoor")
    return sorted(row["reason"] for row in answer.body)


async def test_a_dossier_is_received_once_per_key(door: Serving) -> None:
    first = await door.post("/applications", application(), Idempotency_Key="k1", **CLERK)
    again = await door.post("/applications", application(), Idempotency_Key="k1", **CLERK)
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    spelt = dict(reversed(application(submission=None, at=None).items()))
    again = await door.post("/applications", spelt, Idempotency_Key="k1", **CLERK)
    assert (again.status, again.body) == (201, first.body)
    other = await door.post("/applications", application(channel="post"), Idempotency_Key="k1", **CLERK)
    assert (other.status, other.body["title"]) == (409, "idempotency key reused")
    person = await door.get(f"/applications/{first.body['case_id']}/person", **CLERK)
    assert person.body["name"] == APPLICANT["name"]


async def test_receptions_at_once_have_codes_of_their_own(door: Serving) -> None:
    codes = await asyncio.gather(*(receive(door) for _ in range(20)))
    assert len(set(codes)) == 20


async def test_the_date_in_a_code_is_the_counters_not_that_of_utc(door: Serving) -> None:
    """Just before and just after midnight in Quang Ninh; in UTC both are the day before."""
    codes = []
    for at in ("2018-03-05T16:59:59Z", "2018-03-05T17:00:00Z"):
        answer = await door.post("/applications", application(at=at), **CLERK)
        codes.append(answer.body["case_id"])
    assert codes == ["000.00.02.H49-180305-0001", "000.00.02.H49-180306-0001"]


async def test_a_refused_reception_may_come_again_with_its_key_on_another_day(door: Serving) -> None:
    """The number that was drawn on the first day is not a number of the second."""
    yesterday = (now() - timedelta(days=1)).isoformat()
    taken = await receive(door)
    incomplete = await door.post(
        "/applications", application(documents=[], at=yesterday), Idempotency_Key="k2", **CLERK
    )
    assert (incomplete.status, incomplete.body["title"]) == (422, "incomplete dossier")
    complete = await door.post("/applications", application(), Idempotency_Key="k2", **CLERK)
    assert complete.status == 201
    assert complete.body["case_id"] != taken


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"service": "LV-RES-URBAN@1999-01-01"}, "service"),
    ({"district": "PCQN-KD"}, "district"),
    ({"district": "NOWHERE"}, "district"),
    ({"documents": ["identity"]}, "documents"),
    ({"applicant": None}, "applicant"),
    ({"applicant": {**APPLICANT, "phone": "call me"}}, "applicant.phone"),
    ({"unheard": 1}, "unheard"),
    ({"at": "2017-07-10T09:00:00"}, "at"),
]


async def test_a_wrong_request_names_its_field(door: Serving) -> None:
    for changed, field in WRONG:
        answer = await door.post("/applications", application(**changed), **CLERK)
        assert (answer.status, answer.body["field"]) == (422, field)
        assert answer.body["way_out"]


async def test_a_time_has_to_be_between_receipt_and_now(door: Serving) -> None:
    case_id = await receive(door)
    for told, rule in (
        (now() + timedelta(hours=1), "time in future"),
        (now() - timedelta(days=9), "time before receipt"),
    ):
        answer = await door.post(f"/applications/{case_id}/close", {"at": told.isoformat()}, **CLERK)
        assert (answer.status, answer.body["title"], answer.body["field"]) == (422, rule, "at")
    later = {"counter": "PAC-193", "topic": "prices", "at": (now() + timedelta(hours=1)).isoformat()}
    assert (await door.post("/advice", later, **CLERK)).status == 422


async def test_advice_is_counted_once_per_key_and_person(door: Serving) -> None:
    body = {"counter": "PAC-193", "topic": "prices"}
    answers = [
        await door.post("/advice", body, member=member, Idempotency_Key="same", **CLERK)
        for member in ("01", "01", "02")
    ]
    assert [one.status for one in answers] == [201, 201, 201]
    assert answers[0].body == answers[1].body
    assert answers[0].body["stream"] != answers[2].body["stream"]


async def test_a_counter_acts_on_its_own_dossiers(door: Serving) -> None:
    case_id = await receive(door)
    other = await door.post(f"/applications/{case_id}/close", role="receptionist", unit="PAC-194")
    assert (other.status, other.body["title"]) == (403, "wrong unit")
    assert (await door.post(f"/applications/{case_id}/close", **CLERK)).status == 200
    reopened = await door.post(f"/applications/{case_id}/reopening", {"reason": "result-wrong"}, **LEADER)
    assert reopened.status == 200


async def test_units_answer_over_zalo_and_each_message_counts_once(door: Serving) -> None:
    case_id = await receive(door)
    sender = _account(UNIT)
    assert await write(door, "m1", sender, f"nhận {case_id}") == (200, "reply")
    assert await write(door, "m1", sender, f"nhận {case_id}") == (200, "repeat")
    [said] = await door.past("message-in-m1")
    assert said.fact == StaffReplied(case_id=case_id, unit=UNIT, word="NHAN")
    assert (await write(door, "m2", sender, f"XONG {case_id}", mac="00"))[0] == 401
    assert await door.past("message-in-m2") == []


async def test_what_nobody_answers_for_is_quarantined(door: Serving) -> None:
    case_id = await receive(door)
    sent = [
        await write(door, "q1", "a-stranger", f"XONG {case_id}"),
        await write(door, "q2", _account(UNIT), "XONG 000.00.02.H49-170710-9999"),
        await write(door, "q3", _account(UNIT), "xin chào"),
        await write(door, "q4", "a-stranger", "DK LV-RES-URBAN 999"),
    ]
    assert sent == [(200, "quarantined")] * 4
    expected = ["not-understood", "unknown-dossier", "unknown-sender", "unknown-service-or-district"]
    assert await quarantined(door) == expected


async def test_a_customers_application_waits_until_its_counter_receives_it(door: Serving) -> None:
    assert await write(door, "a1", CUSTOMER, "ĐK LV-RES-URBAN 193 nhà mới, gọi 0203999999") == (200, "application")

    async def waiting() -> list[Any]:
        rows: list[Any] = (await door.get("/submissions?counter=PAC-193", **CLERK)).body
        return rows

    [row] = await eventually(waiting)
    sent: Any = {"applicant": None, "submission": row["submission_id"], "channel": "zalo"}
    elsewhere: Any = {"role": "receptionist", "unit": "PAC-194"}
    stolen = await door.post("/applications", application(**sent, counter="PAC-194"), **elsewhere)
    assert (stolen.status, stolen.body["title"]) == (422, "another counters submission")
    first = await door.post("/applications", application(**sent), Idempotency_Key="s1", **CLERK)
    assert first.status == 201

    async def taken_in() -> bool:
        return not await waiting()

    await eventually(taken_in)
    again = await door.post("/applications", application(**sent), Idempotency_Key="s1", **CLERK)
    assert (again.status, again.body) == (201, first.body)
    twice = await door.post("/applications", application(**sent), member="02", **CLERK)
    assert (twice.status, twice.body["title"]) == (409, "submission received")


def _account(unit: str) -> str:
    found = load(Path(__file__).parents[2] / "deploy" / "catalogue").unit(unit).zalo
    assert found is not None
    return found
