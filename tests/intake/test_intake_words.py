"""What people write over Zalo and what is written to them."""

import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlines.catalogue import Catalogue
from deadlines.entries import CatalogueFile
from deadlines.load import load
from events.contracts.intake import ApplicationReceived, CaseClosed
from events.contracts.routing import DossierForwarded, DossierRecalled
from events.contracts.terms import Limit
from intake.zalo.words import LONGEST, REPEATED, Application, Reply, compose, understand

CASE = "000.00.02.H49-170710-0001"
CATALOGUE = load(Path(__file__).parents[2] / "deploy" / "catalogue")
FORWARDED = DossierForwarded(
    case_id=CASE, from_unit="PAC-193", to_unit="DL-193", step="assign", limit=Limit(amount=4, unit="working_hours")
)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (f"NHAN {CASE}", "NHAN"),
        (f"  nhan   {CASE.lower()} \n", "NHAN"),
        (f"Nhận {CASE}", "NHAN"),
        (unicodedata.normalize("NFD", f"NHẬN {CASE}"), "NHAN"),
        (f"xong {CASE}", "XONG"),
    ],
)
def test_a_unit_answers_with_a_word_and_a_code(text: str, word: Any) -> None:
    assert understand(text) == Reply(word=word, case_id=CASE)


@pytest.mark.parametrize("text", ["", "NHAN", CASE, f"NHAN {CASE} XONG", f"DONE {CASE}", "XONG 12345", f"{CASE} NHAN",
                                  f"XONG {CASE}, cảm ơn", "đã nhận hồ sơ"])  # fmt: skip
def test_anything_else_is_not_understood(text: str) -> None:
    assert understand(text) is None


@pytest.mark.parametrize("prefix", ["DK", "ĐK", "đk", unicodedata.normalize("NFD", "ĐK")])
def test_a_customer_applies_with_service_and_district(prefix: str) -> None:
    assert understand(f"{prefix} lv-res-urban 193 Nhà tôi ở phố\nLê Lợi") == Application(
        service="LV-RES-URBAN", district="193", words="Nhà tôi ở phố\nLê Lợi"
    )
    assert understand(f"{prefix} LV-RES-URBAN 193") == Application(service="LV-RES-URBAN", district="193", words="")


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    understand(text)


def test_a_unit_is_told_code_step_limit_and_how_to_answer() -> None:
    text = compose(FORWARDED, CATALOGUE, repeated=False)
    for part in (CASE, "assign", "4 giờ làm việc", f"NHAN {CASE}", f"XONG {CASE}", CATALOGUE.unit("DL-193").name.vi):
        assert part in text


def test_what_a_unit_is_told_to_write_is_understood() -> None:
    text = compose(FORWARDED, CATALOGUE, repeated=False)
    for word in ("NHAN", "XONG"):
        assert understand(text[text.index(f"{word} {CASE}") :][: len(f"{word} {CASE}")]) is not None


def test_a_recalled_dossier_asks_to_stop() -> None:
    recalled = DossierRecalled(case_id=CASE, from_unit="DL-193", because=f"case-{CASE}@2")
    assert "dừng" in compose(recalled, CATALOGUE, repeated=False)


def test_a_customer_gets_code_and_appointment_in_local_time() -> None:
    received = ApplicationReceived(
        case_id=CASE, counter="PAC-193", organisation="PC-QN", sector="electricity", district="DL-193",
        channel="zalo", applicant_ref="p-zalo-1", appointment=datetime(2017, 7, 13, 10, tzinfo=UTC),
    )  # fmt: skip
    text = compose(received, CATALOGUE, repeated=False)
    assert "17 giờ 00, ngày 13/07/2017" in text
    assert CASE in text
    assert "p-zalo-1" not in text


def test_a_possible_repeat_is_marked() -> None:
    assert compose(FORWARDED, CATALOGUE, repeated=True).startswith(REPEATED)


def named(name: str) -> Catalogue:
    """A catalogue with one unit of this name."""
    unit = {"code": "DL-193", "kind": "department", "name": {"vi": name, "en": "x"}, "from": "2017-01-01",
            "basis": "a test"}  # fmt: skip
    return Catalogue({"test.yaml": CatalogueFile.of("test.yaml", {"units": [unit]})})


def test_length_is_measured_after_nfc() -> None:
    """A decomposed name has up to three times the characters; the message must not be cut for that."""
    decomposed = unicodedata.normalize("NFD", "ệ" * 1500)
    assert len(decomposed) > LONGEST
    text = compose(FORWARDED, named(decomposed), repeated=True)
    assert unicodedata.is_normalized("NFC", text)
    assert text.endswith("with the code.")


def test_a_message_is_no_longer_than_zalo_takes() -> None:
    assert len(compose(FORWARDED, named("ệ" * 3000), repeated=True)) == LONGEST


def test_nobody_is_told_of_anything_else() -> None:
    with pytest.raises(ValueError, match="CaseClosed"):
        compose(CaseClosed(case_id=CASE), CATALOGUE, repeated=False)
