"""Zalo's webhook: the raw bytes are verified before anything else is done with them."""

import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from deadlines.load import load
from events.errors import Refused
from events.http.auth import Unauthenticated
from intake.zalo.client import ZaloSettings
from intake.zalo.webhook import Door

SETTINGS = ZaloSettings(
    api_url="", oauth_url="", app_id="app-1", app_secret="not this one", oa_secret="oa-secret", refresh_token=""
)
CATALOGUE = load(Path(__file__).parents[2] / "deploy" / "catalogue")
NO_POOL: Any = None  # verifying asks no database
DOOR = Door(NO_POOL, CATALOGUE, SETTINGS)
PAYLOAD = {
    "app_id": "app-1",
    "event_name": "user_send_text",
    "timestamp": "1499652000000",
    "sender": {"id": "4900002193"},
    "message": {"msg_id": "m1", "text": "NHẬN 000.00.02.H49-170710-0001"},
}


def signed(raw: bytes, secret: str = "oa-secret", timestamp: str = "1499652000000") -> str:
    return "mac=" + hashlib.sha256(b"app-1" + raw + timestamp.encode() + secret.encode()).hexdigest()


def test_the_mac_is_taken_over_the_bytes_as_they_came() -> None:
    """Escapes, spaces and the order of keys are the sender's; a body written again has another mac."""
    for raw in (
        json.dumps(PAYLOAD).encode(),
        json.dumps(PAYLOAD, ensure_ascii=False, indent=2).encode(),
        json.dumps(PAYLOAD, sort_keys=True, separators=(",", ":")).encode(),
        b"  " + json.dumps(PAYLOAD).encode() + b"\n",
    ):
        incoming = DOOR.verify(raw, signed(raw))
        assert incoming.message.msg_id == "m1"
        assert unicodedata.is_normalized("NFC", incoming.message.text)
    with pytest.raises(Unauthenticated):
        DOOR.verify(json.dumps(PAYLOAD, indent=2).encode(), signed(json.dumps(PAYLOAD).encode()))


def test_the_prefix_and_the_case_of_a_mac_do_not_matter() -> None:
    raw = json.dumps(PAYLOAD).encode()
    mac = signed(raw).removeprefix("mac=")
    for header in (mac, f"mac={mac.upper()}", f" mac = {mac} "):
        assert DOOR.verify(raw, header).app_id == "app-1"


@pytest.mark.parametrize("header", [None, "", "mac=", "mac=00", "mac=é", signed(b"{}"),
                                    signed(json.dumps(PAYLOAD).encode(), secret="not this one"),
                                    signed(json.dumps(PAYLOAD).encode(), timestamp="1")])  # fmt: skip
def test_any_other_mac_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        DOOR.verify(json.dumps(PAYLOAD).encode(), header)


@pytest.mark.parametrize(
    "zero", [{"message": {"msg_id": "m1\0", "text": "x"}}, {"message": {"text": "\0"}}, {"sender": {"id": "1\0"}}]
)
def test_a_message_that_no_column_can_hold_is_refused(zero: dict[str, Any]) -> None:
    """Signed or not: it would be told as a mistake of ours, and sent again for ever."""
    raw = json.dumps(PAYLOAD | zero).encode()
    with pytest.raises(Refused):
        DOOR.verify(raw, signed(raw))


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b'{"app_id": 1, "event_name": "x", "timestamp": "1"}',
                                 b'{"app_id": "a", "event_name": "x", "timestamp": "\xff"}'])  # fmt: skip
def test_what_is_no_event_of_zalos_is_refused(raw: bytes) -> None:
    with pytest.raises((Refused, Unauthenticated)):
        DOOR.verify(raw, signed(raw))
