"""What a serialiser is free to change changes no hash; everything else does."""

import json
from hashlib import sha256
from typing import Any

import pytest

from events.canonical_json import hash_of_body

BODY = {
    "at": "2017-07-10T09:00:00+07:00",
    "stars": 3,
    "gaps": [{"document": "drawing", "wrong": "missing"}],
    "by": "aé",
}
SAME = [
    json.dumps(BODY, indent=2),
    json.dumps(dict(reversed(BODY.items())), ensure_ascii=False),
    json.dumps(BODY | {"at": "2017-07-10T02:00:00.000Z", "note": None}),
    json.dumps(BODY).replace("3", "3.0").replace("drawing", "\\u0064rawing"),
    json.dumps(BODY | {"at": "2017-07-10t02:00:00.0000009z"}),
]
OTHERS: list[Any] = [
    BODY | {"at": "2017-07-10T09:00:00.000001+07:00"}, BODY | {"at": "2017-07-10T09:00:00Z"}, BODY | {"stars": 4},
    BODY | {"stars": "3"}, BODY | {"stars": True}, BODY | {"gaps": []}, BODY | {"by": "ae"}, BODY | {"more": 0}, [BODY],
]  # fmt: skip


@pytest.mark.parametrize("body", SAME)
def test_one_value_has_one_hash_however_it_is_spelt(body: str) -> None:
    assert hash_of_body(body.encode()) == hash_of_body(json.dumps(BODY).encode())


def test_different_values_have_different_hashes() -> None:
    assert len({hash_of_body(json.dumps(one).encode()) for one in [BODY, *OTHERS]}) == len(OTHERS) + 1


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[1e999]", b"NaN", b'"\\ud800"', b"[" * 9000])
def test_what_is_no_json_is_compared_by_its_bytes(body: bytes) -> None:
    assert hash_of_body(body) == sha256(body).digest()
