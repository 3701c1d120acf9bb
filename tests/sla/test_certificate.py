"""What a rebuild vouches for, as it is signed, and as people read it."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import sla
from events.signing import Signed, digest, public, sign, vouched
from sla.rebuild import certificate_data
from sla.rebuild.certificate import Certificate, Difference, Rows, partitions, signed, told

CASE = "000.00.14.H49-170710-0001"
CERTIFICATE = Certificate(
    generation=4, asked_by="staff-qn-07", made_at=datetime(2017, 10, 10, tzinfo=UTC), code="c0de" * 16, rules={},
    published=0, partitions=partitions({("intake.events", 3): 7}, {("intake.events", 3): 7}), records=7, unreadable=0,
    cases=1, folded=Rows(rows=5, hash="00ff"), holes=(), holes_accepted=None, dismissed=(), stuck={},
    differences_accepted=True,
)  # fmt: skip
DIFFERENCE = Difference(
    case_id=CASE, heard=f"case-{CASE}@2", before=({"by_date": "overdue"},), after=({"by_date": "ahead"},)
)


@pytest.mark.parametrize("differences", [(), (DIFFERENCE,), (DIFFERENCE, DIFFERENCE)])
def test_the_list_beside_it_is_the_one_whose_digest_is_signed(differences: tuple[Difference, ...]) -> None:
    key = Ed25519PrivateKey.generate()
    made = signed(CERTIFICATE, key, differences)
    document = msgspec.json.decode(made.certificate, type=Signed)
    beside = msgspec.json.decode(made.differences)
    assert vouched(document, public(key))
    assert document.document["differences"] == {"count": len(differences), "digest": digest(beside)}
    assert digest([*beside, {}]) != digest(beside)
    lines = list(told(document.document, msgspec.convert(beside, list[Difference])))
    assert f"{len(differences)} dossiers differ from the live ones" + "; accepted" * bool(differences) in lines
    assert sum(line.startswith(f"  {CASE}, last heard") for line in lines) == len(differences)


def test_one_that_was_made_when_the_list_stood_within_is_still_vouched_for_and_told() -> None:
    key = Ed25519PrivateKey.generate()
    old = sign(CERTIFICATE.document() | {"differences": [msgspec.to_builtins(DIFFERENCE)]}, key)
    assert vouched(old, public(key))
    within = msgspec.convert(old.document, Certificate).differences
    assert within == (DIFFERENCE,)
    assert "1 dossiers differ from the live ones; accepted" in list(told(old.document, within))


def test_the_code_that_is_vouched_for_is_the_same_where_it_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = certificate_data.code()
    written = tmp_path / "judge.py"
    written.write_text("")
    monkeypatch.setattr(sla, "__path__", [str(tmp_path), *sla.__path__])
    assert certificate_data.code() == plain
    monkeypatch.setattr(sla, "__file__", str(written))
    assert certificate_data.code() != plain
