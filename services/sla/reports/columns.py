"""The record's columns in the order of print, with what they are called. Every output prints from here."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sla.counting.line import Column
from sla.i18n.labels import KINDS, MADE, MEASURES, SETTLED
from sla.i18n.texts import Text


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

COLUMN_NAMES: Final[Mapping[Column, Text]] = {
    **{heading.columns[0]: heading.text for heading in HEADINGS if len(heading.columns) == 1},
    "received": Text("Tiếp nhận trong kỳ", "Received in the period"),
}
"""Each column by itself; only "received" is printed together with another."""


def figure_of(kind: str, column: str) -> Text:
    """What a figure is called by its kind and column, as restatements name it; the codes where nobody knows better."""
    of = next((table[kind] for table in _KINDS if kind in table), Text(kind, kind))
    what = next((table[column] for table in _COLUMNS if column in table), Text(column, column))
    return Text(f"{of.vi}: {what.vi}", f"{of.en}: {what.en}")


_KINDS: Final[tuple[Mapping[Any, Text], ...]] = (KINDS, SETTLED)
_COLUMNS: Final[tuple[Mapping[Any, Text], ...]] = (COLUMN_NAMES, MADE, MEASURES)
