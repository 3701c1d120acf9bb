"""After all flows: nothing that anybody typed in about a person is on a topic or in a log line."""

import json

import pytest
from flows.dossier import receive
from flows.house import House

from events.contracts.channels import SERVICES

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]


def spellings(text: str) -> set[bytes]:
    """A text as it would stand in a record or a log: plain, or escaped by JSON or by Python."""
    plain, escaped = text.encode(), json.dumps(text)[1:-1].encode()
    return {plain, escaped, escaped.replace(b"\\u", b"\\\\u"), repr(plain)[2:-1].encode()}


async def test_nothing_personal_left_the_door(house: House) -> None:
    """Names, telephone numbers, addresses, identity numbers, notes, Zalo accounts and texts: none is found."""
    it = await receive(house, "2017-07-26 09:00")
    person = await house.ask("intake", f"/applications/{it.code}/person", method="GET", who="receptionist.PAC-193")
    assert person.body["name"] in house.typed  # what is looked for is what the door keeps
    written = [
        (f"{one.topic}@{one.offset}", b"%s %s" % (one.key or b"", one.value)) for one in await house.every_record()
    ]
    logs = house.logs()
    assert {f"{service}.log" for service in SERVICES} <= set(logs)
    written += [(name, text.encode()) for name, text in logs.items()]
    assert it.code in str(written)
    found = [
        (where, text) for text in house.typed for spelling in spellings(text) for where, bytes in written
        if spelling in bytes
    ]  # fmt: skip
    assert found == []


async def test_nothing_went_wrong_in_the_logs(house: House) -> None:
    """From when a service listens (a fresh broker may still be electing), no error but those that tests provoked."""
    provoked = {"parked", "rebuild failed"}
    for service in SERVICES:
        lines = [json.loads(line) for line in house.logs()[f"{service}.log"].splitlines() if line.startswith("{")]
        begun = next(number for number, line in enumerate(lines) if line.get("event") == "listening")
        wrong = [line for line in lines[begun:] if line.get("level") in ("error", "critical")]
        assert [line for line in wrong if line.get("event") not in provoked] == []
