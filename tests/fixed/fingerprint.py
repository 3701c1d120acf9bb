"""The hash of a case as a rebuild's certificate has it, without a database. Pure.

`case_hashes` (services/sla/migrations/0001_sla.sql) hashes each row's jsonb text with `hashtextextended` and combines
the hashes of a case by XOR; a certificate adds up the cases. Here the same is done in Python.
"""

import json
import struct
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from sla.judging.judge import Judgement
from sla.live.row_store import FIELDS, rows_of

SEEDS: Final = {table: seed for seed, table in enumerate(FIELDS, 1)}
_ALL: Final = 0xFFFFFFFF
_blocks: Final = struct.Struct("<3I").iter_unpack


class Row(NamedTuple):
    """A judged row: its table, and its jsonb text as Postgres writes it."""

    table: str
    text: str

    @property
    def hash(self) -> int:
        return hash_extended(self.text.encode(), SEEDS[self.table])


def rows(judgement: Judgement) -> list[Row]:
    """The rows of a case, table by table."""
    return [Row(table, _text[table](row)) for table, own in rows_of([judgement]).items() for row in own]


def case_hash(own: Iterable[Row]) -> int:
    """A bigint, as `case_hashes` gives it; 0 for a case without rows, which that does not list."""
    found = 0
    for row in own:
        found ^= row.hash
    return found


def folded(hashes: Iterable[int]) -> str:
    """The hash over all cases as a certificate spells it."""
    return f"{sum(hashes) % (2**63 - 1):016x}"


def hash_extended(key: bytes, seed: int) -> int:
    """PostgreSQL's `hash_bytes_extended` (src/common/hashfn.c, Bob Jenkins' lookup3) as a signed bigint."""
    a = b = c = (0x9E3779B9 + len(key) + 3923095) & _ALL
    if seed:
        a, b, c = _mixed((a + (seed >> 32)) & _ALL, (b + seed) & _ALL, c)
    whole = len(key) // 12 * 12
    for x, y, z in _blocks(key[:whole]):
        # The steps of _mixed, written out: a call for every twelve bytes doubles the time.
        b += y
        c = (c + z) & _ALL
        a = ((a + x - c) ^ (c << 4 | c >> 28)) & _ALL
        c = (c + b) & _ALL
        b = ((b - a) ^ (a << 6 | a >> 26)) & _ALL
        a = (a + c) & _ALL
        c = ((c - b) ^ (b << 8 | b >> 24)) & _ALL
        b = (b + a) & _ALL
        a = ((a - c) ^ (c << 16 | c >> 16)) & _ALL
        c = (c + b) & _ALL
        b = ((b - a) ^ (a << 19 | a >> 13)) & _ALL
        a = (a + c) & _ALL
        c = ((c - b) ^ (b << 4 | b >> 28)) & _ALL
        b = (b + a) & _ALL
    x, y, z = struct.unpack("<3I", key[whole:].ljust(12, b"\0"))
    high, low = _final((a + x) & _ALL, (b + y) & _ALL, (c + (z << 8)) & _ALL)
    found = high << 32 | low
    return found - 2**64 if found >= 2**63 else found


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    for rotation in (4, 6, 8, 16, 19, 4):
        a = ((a - c) ^ _turned(c, rotation)) & _ALL
        c = (c + b) & _ALL
        a, b, c = b, c, a  # the next step works on the next of the three
    return a, b, c


def _final(a: int, b: int, c: int) -> tuple[int, int]:
    for rotation in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _turned(b, rotation)) & _ALL
        a, b, c = b, c, a
    return a, b


def _turned(word: int, by: int) -> int:
    return (word << by | word >> (32 - by)) & _ALL


def _writer(fields: tuple[str, ...]) -> Callable[[tuple[Any, ...]], str]:
    """jsonb has its keys in the order of their lengths and then of their bytes."""
    order = sorted(range(len(fields)), key=lambda at: (len(fields[at]), fields[at]))
    names = [(f'"{fields[at]}": ', at) for at in order]
    return lambda row: "{" + ", ".join([name + _value(row[at]) for name, at in names]) + "}"


def _value(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case datetime():
            return f'"{_instant(value)}"'
        case tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            raise TypeError(f"no column of the judged tables holds a {type(value).__name__}: {value!r}")


def _instant(instant: datetime) -> str:
    text = instant.isoformat()
    if not instant.microsecond:
        return text
    return text[:26].rstrip("0") + text[26:]  # Postgres leaves trailing zeros out


_text: Final = {table: _writer(fields) for table, fields in FIELDS.items()}
