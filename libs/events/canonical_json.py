"""One spelling of JSON: what a serialiser is free to change is gone, so that equal values have equal hashes. Pure."""

import hashlib
from typing import Any, Final

import msgspec

from events.instants import EXAMPLE, parse_instant

SHORTEST: Final = len(EXAMPLE.replace("+07:00", "Z"))
BROKEN: Final = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)
"""What reading JSON of others, and writing it again, may raise; a UnicodeDecodeError is a ValueError."""


def plain(value: Any) -> Any:
    """3.0 is 3, an instant is in UTC, and a field that is null is as if it were left out."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, str):
        return _in_utc(value) if len(value) >= SHORTEST and value[10] in "Tt" else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def hash_of(value: Any) -> bytes:
    """SHA-256 of a JSON value, whatever the order of its keys. Raises one of BROKEN."""
    return hashlib.sha256(msgspec.json.encode(plain(value), order="sorted")).digest()


def hash_of_body(body: bytes) -> bytes:
    """The same of a body; of one that is no JSON that of its bytes."""
    try:
        return hash_of(msgspec.json.decode(body))
    except BROKEN:
        return hashlib.sha256(body).digest()


def _in_utc(text: str) -> str:
    try:
        return parse_instant(text).isoformat()
    except ValueError:
        return text
