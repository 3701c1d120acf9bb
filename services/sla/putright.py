"""A correction in words, Vietnamese and English: what was put right, from what to what, why and by whom."""

import re
from datetime import datetime
from typing import Final

from deadlines.catalogue import Catalogue
from sla.rows import Amendment
from sla.texts import Text, local, reason_of

INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def correction(one: Amendment, catalogue: Catalogue) -> Text:
    """The line of a correction in a case's explanation; it names the correcting event and what it is about."""
    why = reason_of(catalogue, one.reason)
    fact = _FACTS.get(one.fact, Text(one.fact, one.fact))
    by = Text(f"{one.leader}, {why.vi} ({one.event})", f"{one.leader}, {why.en} ({one.event})")
    if one.kind == "voided":
        return Text(f"Hủy sự kiện “{fact.vi}” ({one.about}): {by.vi}", f"Voided: {fact.en} ({one.about}), by {by.en}")
    field = _FIELDS.get(one.field, Text(one.field, one.field))
    was, now = _value(one.was), _value(one.now)
    if one.kind == "reclassified":
        return Text(f"Xác định lại thủ tục: từ {was.vi} thành {now.vi}: {by.vi}",
                    f"Reclassified: from {was.en} to {now.en}, by {by.en}")  # fmt: skip
    return Text(
        f"Sửa {field.vi} của “{fact.vi}” ({one.about}): từ {was.vi} thành {now.vi}: {by.vi}",
        f"Corrected: {field.en} of {fact.en} ({one.about}), from {was.en} to {now.en}, by {by.en}",
    )


def _value(text: str) -> Text:
    """A value as people read it: instants by the clock on the wall, nothing as such."""
    if not text:
        return Text("(không có)", "(none)")
    if INSTANT.match(text):
        told = local(datetime.fromisoformat(text))
        return Text(told, told)
    return Text(text, text)


_FIELDS: Final = {
    "at": Text("thời điểm", "time"),
    "answers": Text("yêu cầu được trả lời", "the request that is answered"),
    "appointment": Text("ngày hẹn", "appointment"),
    "to_unit": Text("đơn vị nhận", "receiving unit"),
    "from_unit": Text("đơn vị giao", "handing unit"),
    "unit": Text("đơn vị", "unit"),
    "fault": Text("bên chịu trách nhiệm", "whose fault it is"),
    "agency": Text("cơ quan", "agency"),
    "reason": Text("lý do", "reason"),
    "stars": Text("điểm đánh giá", "mark"),
}
_FACTS: Final = {
    "ApplicationReceived": Text("Tiếp nhận hồ sơ", "receipt"),
    "SupplementRequested": Text("Yêu cầu bổ sung", "request for a supplement"),
    "SupplementReceived": Text("Nhận bổ sung", "supplement received"),
    "ApplicationRefused": Text("Từ chối", "refusal"),
    "ApplicationWithdrawn": Text("Khách hàng rút hồ sơ", "withdrawal"),
    "ProcessingStopped": Text("Dừng xử lý", "stop"),
    "DeadlineExtended": Text("Xin lỗi và hẹn lại", "apology and new appointment"),
    "CaseClosed": Text("Trả kết quả cho khách hàng", "result handed to the customer"),
    "CaseReopened": Text("Mở lại hồ sơ", "reopening"),
    "CustomerRated": Text("Khách hàng đánh giá", "customer's mark"),
    "StaffReplied": Text("Đơn vị trả lời qua Zalo", "unit's answer over Zalo"),
    "DossierForwarded": Text("Giao hồ sơ", "hand-over"),
    "DossierAcknowledged": Text("Nhận hồ sơ", "acknowledgement"),
    "StepCompleted": Text("Hoàn thành bước", "step completed"),
    "CustomerActionRequested": Text("Yêu cầu khách hàng thực hiện", "request to the customer"),
    "CustomerActionCompleted": Text("Khách hàng đã thực hiện", "customer's part done"),
    "AgencyReferred": Text("Lấy ý kiến cơ quan", "referral to an agency"),
    "AgencyReplied": Text("Cơ quan trả lời", "agency's reply"),
    "DossierReturned": Text("Trả hồ sơ về quầy", "return to the counter"),
    "DossierRecalled": Text("Thu hồi hồ sơ", "recall"),
    "WorkOrderIssued": Text("Giao việc tại hiện trường", "work order"),
    "WorkStarted": Text("Bắt đầu thi công", "start of work"),
    "WorkObstructed": Text("Vướng mắc tại hiện trường", "obstacle on site"),
    "WorkResumed": Text("Tiếp tục thi công", "resumption of work"),
    "WorkCompleted": Text("Hoàn thành thi công", "work completed"),
    "WorkOrderCancelled": Text("Hủy việc tại hiện trường", "work order cancelled"),
}
