"""What the record's columns, kinds and words are called, in Vietnamese and English. Every output prints from here."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sla.annex import Cause
from sla.figures import Column, Cut
from sla.texts import Text


class Heading(NamedTuple):
    """A column of the record: what is added up in it, and its number in template II.06a where it has one."""

    text: Text
    columns: tuple[Column, ...]
    number: int | None = None
    """3 to 13; the template's columns 1 and 2 are the row's number and what it is about."""


HEADINGS: Final[tuple[Heading, ...]] = (
    Heading(Text("Tiếp nhận: tổng số", "Received: total"), ("received", "carried over"), 3),
    Heading(Text("Tiếp nhận trực tuyến", "Received online"), ("received online",), 4),
    Heading(Text("Tiếp nhận trực tiếp, bưu chính", "Received directly or by post"), ("received direct",), 5),
    Heading(Text("Từ kỳ trước", "From the previous period"), ("carried over",), 6),
    Heading(Text("Đã giải quyết: tổng số", "Solved: total"), ("solved",), 7),
    Heading(Text("Trước hạn", "Ahead of time"), ("ahead",), 8),
    Heading(Text("Đúng hạn", "On time"), ("on time",), 9),
    Heading(Text("Quá hạn", "Overdue"), ("overdue",), 10),
    Heading(Text("Đang giải quyết: tổng số", "Open: total"), ("open",), 11),
    Heading(Text("Trong hạn", "In time"), ("open in time",), 12),
    Heading(Text("Đang quá hạn", "Open and overdue"), ("open overdue",), 13),
    Heading(Text("Chờ bổ sung hoặc chờ bên khác", "Waiting for somebody else"), ("waiting",)),
    Heading(Text("Quá hạn có xin lỗi", "Overdue with apology"), ("with apology",)),
    Heading(Text("Quá hạn không xin lỗi", "Overdue without apology"), ("without apology",)),
    Heading(Text("Không có kết quả (trong cột 9)", "Without result (within column 9)"), ("without result",)),
    Heading(Text("Từ chối", "Refused"), ("refused",)),
    Heading(Text("Khách hàng rút", "Withdrawn"), ("withdrawn",)),
    Heading(Text("Dừng xử lý", "Stopped"), ("stopped",)),
    Heading(Text("Chưa xác định hạn", "Undetermined"), ("undetermined",)),
    Heading(Text("Thiếu dữ liệu", "Incomplete"), ("incomplete",)),
    Heading(Text("Đúng hạn theo 766", "On time by Decision 766"), ("766 on time",)),
    Heading(Text("Trễ hạn theo 766", "Late by Decision 766"), ("766 late",)),
    Heading(Text("Đang trễ theo 766", "Pending late by Decision 766"), ("766 pending late",)),
)

KINDS: Final[Mapping[Cut, Text]] = {
    "organisation": Text("Cơ quan, tổ chức", "Organisations"),
    "counter": Text("Trung tâm Hành chính công", "Counters"),
    "department": Text("Phòng, Điện lực (lượt xử lý)", "Departments (stays)"),
    "team": Text("Đội công tác (lượt xử lý)", "Teams (stays)"),
    "agency": Text("Cơ quan phối hợp (lượt lấy ý kiến)", "Agencies (referrals)"),
    "service": Text("Dịch vụ", "Services"),
    "field": Text("Lĩnh vực", "Fields"),
    "channel": Text("Hình thức tiếp nhận", "Channels"),
    "district": Text("Địa bàn", "Districts"),
}

CAUSES: Final[Mapping[Cause, Text]] = {
    "staff": Text("Do cán bộ, đơn vị xử lý chậm", "Staff: a unit overran its step"),
    "other-agency": Text("Do cơ quan phối hợp", "Another agency"),
    "customer": Text("Do khách hàng", "The customer"),
    "mechanism": Text("Do cơ chế, quy trình", "The mechanism: steps longer than the promise"),
}

WORDS: Final[Mapping[str, Text]] = {
    "LV": Text("Hạ áp", "Low voltage"),
    "MV": Text("Trung áp", "Medium voltage"),
    "CONTRACT": Text("Dịch vụ hợp đồng", "Contract services"),
    "other": Text("Ngoài danh mục", "Not in the catalogue"),
    "counter": Text("Trực tiếp", "At the counter"),
    "online": Text("Trực tuyến", "Online"),
    "post": Text("Bưu chính", "By post"),
    "zalo": Text("Zalo", "Zalo"),
    "hotline": Text("Tổng đài", "Hotline"),
}
