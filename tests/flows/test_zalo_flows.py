"""Over Zalo: an application, what nobody can be made responsible for, the same message twice, a forged one."""

import json

import pytest
from flows.dossier import ACCOUNTS, applicant, papers, receive
from flows.house import LV, House, told, when

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]


async def waiting(house: House, counter: str) -> list[str]:
    """The submissions in a counter's list."""
    path = f"/submissions?counter={counter}"
    found = await house.ask("intake", path, method="GET", who=f"receptionist.{counter}")
    return [one["submission_id"] for one in found.body]


async def test_an_application_over_zalo_waits_until_it_is_received(house: House) -> None:
    """In the counter's list first; received once, with a receipt back over Zalo; a second receipt is refused."""
    person, account = applicant(house), "880070000001"
    house.typed.add(account)
    text = f"DK LV-RES-URBAN 203 {person['name']}, {person['phone']}, {person['address']}"
    assert await house.say(account, text, "2017-07-09 19:00", "flow-dk-1") == "application"
    assert await waiting(house, "PAC-203") == ["zalo-flow-dk-1"]
    (submitted,) = await house.facts("submission")
    assert (submitted.type, submitted.data["counter"]) == ("ApplicationSubmitted", "PAC-203")

    body = {
        "counter": "PAC-203", "service": LV, "district": "DL-203", "channel": "zalo", "documents": papers(LV),
        "submission": "zalo-flow-dk-1",
    }  # fmt: skip
    it = await receive(house, "2017-07-10 08:00", "PAC-203", body=body)
    assert await waiting(house, "PAC-203") == []
    assert [to for to, template in await it.messages() if template == "received"] == ["p-zalo-flow-dk-1"]
    sent = [one for one in (await house.sent())["messages"] if one["user_id"] == account]
    assert [it.code in one["text"] for one in sent] == [True]

    again = await house.ask("intake", "/applications", body, who="receptionist.PAC-203", at="2017-07-10 08:30")
    assert (again.status, again.body["title"], again.body["field"]) == (409, "submission received", "submission")
    cycle = await it.cycle()
    assert (cycle["channel"], told(cycle["due_at"])) == ("zalo", "2017-07-13 17:00")


async def test_another_counter_does_not_receive_it(house: House) -> None:
    """A submission belongs to the counter that the customer chose."""
    account, text = "880070000002", "DK LV-RES-URBAN 204 Bùi Thị Oanh (mẫu), 00007000002"
    house.typed.update((account, "Bùi Thị Oanh (mẫu)", "00007000002"))
    assert await house.say(account, text, "2017-07-09 19:05", "flow-dk-2") == "application"
    body = {"counter": "PAC-203", "service": LV, "district": "DL-203", "documents": papers(LV)}
    body |= {"submission": "zalo-flow-dk-2"}
    refused = await house.ask("intake", "/applications", body, who="receptionist.PAC-203", at="2017-07-10 08:00")
    assert (refused.status, refused.body["field"]) == (422, "submission")
    assert await waiting(house, "PAC-204") == ["zalo-flow-dk-2"]


@pytest.mark.parametrize(
    ("sender", "text", "reason"),
    [
        ("880070000003", "Tôi là Hoàng Thu Lan (mẫu), bao giờ có điện?", "unknown-sender"),
        (ACCOUNTS["DL-193"], "Anh Dũng ơi hồ sơ nhà bà Yến (mẫu) xong chưa", "not-understood"),
        ("880070000004", "NHAN 000.00.02.H49-170710-0001", "unknown-sender"),
        (ACCOUNTS["DL-193"], "XONG 000.00.02.H49-170710-9999", "unknown-dossier"),
        ("880070000005", "DK LV-RES-LUNAR 193 Vũ Hữu Sơn (mẫu), đường Mẫu 7", "unknown-service-or-district"),
    ],
)
async def test_what_nobody_is_responsible_for_is_quarantined(house: House, sender: str, text: str, reason: str) -> None:
    """Kept for a person to look at, shown to operators, and no fact."""
    before = len(await house.facts("message", "submission"))
    assert await house.say(sender, text, "2017-07-11 20:00") == "quarantined"
    shown = [one for one in await house.get("intake", "/zalo/quarantine") if one["body"] == text]
    assert [one["reason"] for one in shown] == [reason]
    assert len(await house.facts("message", "submission")) == before


async def test_the_same_message_again_changes_nothing(house: House) -> None:
    """The webhook is repeated until it is answered; a message id counts once."""
    it = await receive(house, "2017-07-10 10:10", "PAC-205")
    text = f"XONG {it.code}"
    sorted_as = [await house.say(ACCOUNTS["DL-205"], text, "2017-07-10 11:00", "flow-twice") for _ in range(3)]
    assert sorted_as == ["reply", "repeat", "repeat"]
    assert await it.types("route") == ["DossierForwarded", "StepCompleted", "DossierForwarded"]
    assert len(await it.messages()) == 2


async def test_a_repeated_word_changes_nothing(house: House) -> None:
    """XONG again in a new message, from a unit that has handed the dossier on: said, and without effect."""
    it = await receive(house, "2017-07-10 10:20", "PAC-205")
    for time in ("2017-07-10 11:00", "2017-07-10 11:01"):
        assert await it.zalo("DL-205", "XONG", time) == "reply"
    assert await it.types("route") == ["DossierForwarded", "StepCompleted", "DossierForwarded"]


async def test_a_forged_webhook_is_turned_away_without_effect(house: House) -> None:
    """The mac does not fit the body: 401, and nothing is kept."""
    it = await receive(house, "2017-07-10 10:30", "PAC-205")
    event = {
        "app_id": "onedoor-local", "event_name": "user_send_text", "timestamp": "1499659200000",
        "sender": {"id": ACCOUNTS["DL-205"]}, "recipient": {"id": "4900000000"},
        "message": {"text": f"XONG {it.code}", "msg_id": "flow-forged"},
    }  # fmt: skip
    for mac in ("mac=" + 64 * "0", "nonsense", ""):
        refused = await house.ask(
            "intake", "/zalo/webhook", raw=json.dumps(event).encode(), who=None, at="2017-07-10 11:00",
            X_ZEvent_Signature=mac,
        )  # fmt: skip
        assert (refused.status, refused.media_type) == (401, "application/problem+json")
    await house.settled()
    assert await it.types("route") == ["DossierForwarded"]
    assert "flow-forged" not in json.dumps(await house.get("intake", "/zalo/quarantine"))
    # The same message, rightly signed, is a first one.
    sorted_as = await house.doors.say(
        ACCOUNTS["DL-205"], f"XONG {it.code}", now=when("2017-07-10 11:00"), message="flow-forged"
    )
    assert sorted_as == "reply"
    await house.settled()
