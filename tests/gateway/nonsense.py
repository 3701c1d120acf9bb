"""What systems send that are wrong in every way: events that are nearly right, and bytes that are nothing.

Everything is drawn from one `Random`, so a seed is a whole storm of it again.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec
from gateway.told import EVERYTHING, KEY, OTHER, Event, golden, signed

from events.contracts.channels import OTHERS
from events.gateway.cloudevent import BATCH, STRUCTURED
from events.gateway.signed_record import SIGNATURE

Headers = list[tuple[str, bytes]]


def _deep(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


ODD: Sequence[Any] = (
    None, True, False, 0, -1, 2, 2**31, 2**53, 2**63, 2**64, 10**30, 10**4000, 1.5, -0.0, 1e308,
    float("nan"), float("inf"), "", " ", "\0", "a\0b", "\ud800", "x\udfff\ud800", "ồ sơ", "o\u0302\u0300", "\U0001f4a9",
    "\u202eabc", "\ufeff", "\x7f\x1b[0m", "x" * 300, "'; drop table sent; --", "%00", "a\nb", "null", "1", "PC-QN",
    "SXD", "000.00.30.H49-170710-0001", [], {}, [[]], [None], {"": ""}, {"\0": 1}, {"\ud800": "\ud800"}, {"a": "b"},
    ["a", 1, None, {"b": [2]}], _deep(5), _deep(60), "2017-07-10T09:00:00Z", "2017-07-10T09:00:00+24:00",
    "2017-02-30T00:00:00Z", "2016-12-31T23:59:60Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2017-07-10",
    "2017-07-10 09:00", "-1", "P1D", "1e999", "NaN", "1499825000",
)  # fmt: skip
RARE: Sequence[Any] = ("x" * 70_000, _deep(900), ["x"] * 5000, {f"k{number}": number for number in range(2000)})
NOTHING = (
    b"", b"\0", b"{}", b"[]", b"null", b"[[]]", b"{" * 3000, b"[" * 100_000, b"7" * 5000, b'"', b"\xff\xfe",
    b'{"a":' * 900,
)  # fmt: skip
TYPES = (
    "text/plain",
    "",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    ";",
    "ồ",
)


def odd(chance: Random) -> Any:
    drawn = chance.choice(RARE) if chance.random() < 0.02 else chance.choice(ODD)
    return dict(drawn) if isinstance(drawn, dict) else drawn  # what is wrong in two places is changed again


def said(chance: Random, id: str, now: datetime) -> dict[str, Any]:
    """An event: right, or wrong in one or two places."""
    kind = chance.choice(OTHERS)
    at = now - timedelta(seconds=chance.randrange(1, 86_400))
    whole = Event(kind, golden(kind), id=id, at=at).structured
    for _ in range(chance.choice((0, 0, 1, 1, 1, 2))):
        chance.choice(CHANGES)(chance, whole)
    return whole


def _field(chance: Random, whole: dict[str, Any]) -> None:
    data = whole.get("data")
    if isinstance(data, dict) and data:
        inside = data[name] if isinstance(data[name := chance.choice(list(data))], dict) else data
        if inside:
            inside[chance.choice(list(inside))] = odd(chance)


def _drop(chance: Random, whole: dict[str, Any]) -> None:
    there = chance.choice([one for one in (whole, whole.get("data")) if isinstance(one, dict) and one])
    del there[chance.choice(list(there))]


def _more(chance: Random, whole: dict[str, Any]) -> None:
    there = chance.choice([one for one in (whole, whole.get("data")) if isinstance(one, dict)])
    there[
        chance.choice(("their_number", "remark", "subject", "correlationid", "traceparent", "\0", "a b", "data_base64"))
    ] = odd(chance)


def _attribute(chance: Random, whole: dict[str, Any]) -> None:
    whole[chance.choice(("id", "source", "type", "time", "specversion", "subject", "datacontenttype", "data"))] = odd(
        chance
    )


def _dossier(chance: Random, whole: dict[str, Any]) -> None:
    if isinstance(whole.get("data"), dict):
        whole["data"]["case_id"] = chance.choice(
            ("000.00.31.H49-170710-0001", "000.00.02.H49-170710-0001", "000", "000.00.30.H49-")
        )


def _time(chance: Random, whole: dict[str, Any]) -> None:
    whole["time"] = chance.choice(("2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2017-07-10T09:00:00", 1499825000))


def _source(chance: Random, whole: dict[str, Any]) -> None:
    whole["source"] = chance.choice((OTHER.source, "urn:nobody", EVERYTHING.source + "/"))


CHANGES: Sequence[Callable[[Random, dict[str, Any]], None]] = (
    _field, _field, _field, _drop, _drop, _more, _attribute, _dossier, _time, _source
)  # fmt: skip


def spelt(chance: Random, value: Any) -> bytes:
    """A value as JSON, or as what somebody takes for JSON."""
    text = json.dumps(value, ensure_ascii=chance.random() < 0.5)
    match chance.randrange(24):
        case 0:
            text = text[: chance.randrange(len(text) + 1)]
        case 1:
            text = text.replace("{", f'{{"id": {json.dumps(chance.choice(("a", "b", None, 1)))}, ', 1)  # a name twice
        case 2:
            text = text.replace(":", chance.choice((": //\n", ":1e999,", ": NaN, ", ":")), 1)
        case 3:
            text += chance.choice((" ", "\n\n", "}", "\0", ",", text))
        case 4:
            return text.encode(chance.choice(("utf-16", "utf-8-sig", "utf-32")), "surrogatepass")
        case 5:
            whole = bytearray(text.encode(errors="surrogatepass"))
            whole[chance.randrange(len(whole))] = chance.randrange(256)
            return bytes(whole)
    return text.encode(errors="surrogatepass")


def noise(chance: Random) -> bytes:
    """Bytes that are nothing, or as good as nothing."""
    return chance.choice((*NOTHING, chance.randbytes(chance.randrange(400)), chance.randbytes(4)))


# -- over HTTP ---------------------------------------------------------------------------------------------------------


def request(chance: Random, id: str, now: datetime) -> tuple[Headers, bytes]:
    """Headers and body of a request with one event, in one of the modes or in none."""
    event = said(chance, id, now)
    kind = STRUCTURED if chance.random() < 0.8 else chance.choice((BATCH, *TYPES))
    match chance.randrange(10):
        case 0:
            return [("Content-Type", kind.encode())], noise(chance)
        case 1 | 2 | 3 | 4:
            data = event.pop("data", None)
            headers = [(f"ce-{_name(name)}", _line(chance, value)) for name, value in event.items()]
            kind = "application/json" if chance.random() < 0.8 else chance.choice(TYPES)
            return [*headers, ("Content-Type", kind.encode())], spelt(chance, data)
    return [("Content-Type", kind.encode())], spelt(chance, event)


def _name(name: str) -> str:
    return name if name.isascii() and name.isalnum() else "odd"


def _line(chance: Random, value: Any) -> bytes:
    """What a header holds: whatever is no control character."""
    text = value if isinstance(value, str) else json.dumps(value)
    told = text[:2000].encode(errors="surrogatepass")
    if chance.random() < 0.1:
        told = chance.choice((b"%00", b"%ff", b"%", b"%zz", b"\xff\xfe", b"%E1%BB%93", b"")) + told[:20]
    return bytes(one for one in told if one >= 32 and one != 127)


def batch(chance: Random, ids: Sequence[str], now: datetime) -> bytes:
    """A batch, each event right or wrong by itself; now and then it is no array at all."""
    parts = [spelt(chance, said(chance, id, now)) for id in ids]
    if chance.random() > 0.05:
        parts = [one if _is_json(one) else chance.choice((b"null", b"7", b"[]", b'""', b"{}")) for one in parts]
    return b"[" + b",".join(parts) + b"]"


def _is_json(part: bytes) -> bool:
    try:
        return len(msgspec.json.decode(b"[" + part + b"]", type=list[msgspec.Raw])) == 1
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


# -- on Kafka ----------------------------------------------------------------------------------------------------------


def record(chance: Random, id: str, now: datetime) -> tuple[Headers, bytes | None]:
    """Headers and value of a record: signed by its emitter, most of them."""
    event = said(chance, id, now)
    if chance.random() < 0.1:
        return [(chance.choice(("ce_specversion", "content-type", SIGNATURE, "", "ồ")), noise(chance))], (
            None if chance.random() < 0.2 else noise(chance)
        )
    if chance.random() < 0.5:
        data = event.pop("data", None)
        headers = {"content-type": b"application/json"}
        headers |= {f"ce_{name.encode(errors='replace').decode()}": _told(chance, one) for name, one in event.items()}
        value = spelt(chance, data)
    else:
        headers, value = {"content-type": STRUCTURED.encode()}, spelt(chance, event)
    letter = signed(headers, value, None if chance.random() < 0.05 else KEY)
    lines = list(letter.headers.items())
    match chance.randrange(30):
        case 0:
            lines.append(chance.choice(lines))  # one name twice
        case 1:
            lines.append(("ce_id", chance.choice((b"\xff", b"other", b"a\nce_b:2"))))
        case 2:
            lines.pop(chance.randrange(len(lines)))
        case 3:
            value += b" "
    return lines, value


def _told(chance: Random, value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return b"\xff" if chance.random() < 0.02 else text.encode(errors="surrogatepass")
