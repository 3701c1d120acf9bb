"""A small mapping of an exported table, for the tests of `onedoor import`."""

from typing import Any

RECEIVED: dict[str, Any] = {
    "activity": "Tiếp nhận",
    "fact": "ApplicationReceived",
    "data": {
        "counter": "SXD",
        "organisation": "SXD",
        "sector": "construction",
        "district": "SXD",
        "channel": "counter",
    },
}
ANSWER: dict[str, Any] = {"activity": "Bổ sung", "fact": "SupplementReceived", "answers": "SupplementRequested"}


def whole(**more: Any) -> dict[str, Any]:
    return {
        "source": "urn:test", "case": {"column": "Số"}, "time": {"column": "Lúc"}, "activity": "Việc",
        "facts": [RECEIVED], **more,
    }  # fmt: skip
