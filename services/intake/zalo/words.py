"""What is written to people over Zalo, and what they write back. Vietnamese first, English second. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from deadlines.catalogue import Catalogue
from deadlines.instants import OFFSET, instant_of, second_of
from events.contracts.intake import ApplicationReceived
from events.contracts.routing import DossierForwarded, DossierRecalled
from events.contracts.terms import CASE_ID

LONGEST = 2000  # characters of an advice message, after NFC (Zalo OA, v3.0/oa/message/cs)
REPEATED = "(Tin có thể lặp lại / may be a repeat) "

_REPLY = re.compile(r"^\s*(NHAN|NHẬN|XONG)\s+(\S+)\s*$", re.IGNORECASE)
_APPLY = re.compile(r"^\s*(?:DK|ĐK)\s+([A-Z0-9-]+)\s+(\d{2,3})\b\s*(.*)$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """NHAN <code> or XONG <code> from a unit's account."""

    word: Literal["NHAN", "XONG"]
    case_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """DK <service> <district> <the customer's own words>. The words are personal and stay at the door."""

    service: str
    district: str
    words: str


def understand(text: str) -> Reply | Application | None:
    """What a message asks for; None when it is none of the forms that we agreed on."""
    text = unicodedata.normalize("NFC", text)
    if reply := _REPLY.match(text):
        code = reply[2].upper()
        if re.match(CASE_ID, code):
            return Reply(word="XONG" if reply[1].upper() == "XONG" else "NHAN", case_id=code)
    if applied := _APPLY.match(text):
        return Application(service=applied[1].upper(), district=applied[2], words=applied[3].strip())
    return None


def compose(about: object, catalogue: Catalogue, *, repeated: bool) -> str:
    """The text about an event, NFC and within Zalo's length. Raises ValueError for an event nobody is told of."""
    match about:
        case DossierForwarded() as it:
            text = (
                f"Hồ sơ {it.case_id}: đề nghị {_name(catalogue, it.to_unit)} thực hiện bước “{it.step}”"
                f"{_limit(it)}. Trả lời: NHAN {it.case_id} khi nhận, XONG {it.case_id} khi hoàn thành.\n"
                f"Dossier {it.case_id}: step “{it.step}” is yours. Reply NHAN or XONG with the code."
            )
        case DossierRecalled() as it:
            text = (
                f"Hồ sơ {it.case_id} đã dừng, đề nghị không thực hiện tiếp.\n"
                f"Dossier {it.case_id} has ended; please stop working on it."
            )
        case ApplicationReceived() as it:
            promised = f" Hẹn trả kết quả: {_local(it.appointment)}." if it.appointment else ""
            text = (
                f"Hồ sơ của quý khách đã được tiếp nhận, mã số {it.case_id}.{promised}\n"
                f"Your application was received; its code is {it.case_id}."
            )
        case _:
            raise ValueError(f"nobody is told of {type(about).__name__}")
    return unicodedata.normalize("NFC", (REPEATED if repeated else "") + text)[:LONGEST]


def _name(catalogue: Catalogue, unit: str) -> str:
    return catalogue.unit(unit).name.vi if catalogue.has_unit(unit) else unit


def _limit(forwarded: DossierForwarded) -> str:
    if forwarded.limit is None:
        return ""
    words = {"working_days": "ngày làm việc", "working_hours": "giờ làm việc", "working_minutes": "phút làm việc"}
    return f" trong {forwarded.limit.amount} {words[forwarded.limit.unit]}"


def _local(instant: datetime) -> str:
    local = instant_of(second_of(instant) + OFFSET)
    return f"{local:%H giờ %M, ngày %d/%m/%Y}"
