"""The record's document as tables of cells, once for every output that is a table: CSV, XLSX, the page. Pure.

A cell that is a figure knows the address at which it opens to its dossiers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from deadlines.instants import DAY, OFFSET, local_date, second_of
from sla.i18n.labels import KINDS
from sla.i18n.texts import Text
from sla.reports.columns import HEADINGS
from sla.reports.document import Document, explained_at, opens_at

Value = str | int | float | None
SheetName = Literal["units", "cuts", "annex", "delays", "dwell", "effects", "dossiers"]


class Cell(NamedTuple):
    """A value and where it opens to what it is made of."""

    value: Value
    link: str | None = None


class Table(NamedTuple):
    """One table: its caption, a heading per column, and rows whose first `names` cells say what the row is about."""

    caption: Text
    headings: tuple[Text, ...]
    rows: tuple[tuple[Cell, ...], ...]
    names: int


class Sheet(NamedTuple):
    """Tables that belong together: one sheet of a workbook, one CSV, one section of the page."""

    name: SheetName
    title: Text
    tables: tuple[Table, ...]


def sheets(told: Document) -> tuple[Sheet, ...]:
    """All sheets of a record that was counted with its items and that knows its addresses."""
    return (
        Sheet("units", Text("Kết quả theo đơn vị", "By unit"), tuple(_figures(told, told["lines"]))),
        Sheet("cuts", Text("Kết quả theo tiêu chí", "By service, field, channel, district"),
              tuple(_figures(told, told["cuts"]))),
        Sheet("annex", Text("Phụ lục hồ sơ quá hạn", "Overdue annex"), (_annex(told),)),
        Sheet("delays", Text("Thời gian chậm theo đơn vị", "Delay by unit"), (_delays(told),)),
        Sheet("dwell", Text("Thời gian xử lý theo bước", "Time in each step"), (_dwell(told),)),
        Sheet("effects", Text("Kết quả chấn chỉnh", "Effect of remedial actions"), (_effects(told),)),
        Sheet("dossiers", Text("Từng hồ sơ", "Every dossier"), (_dossiers(told),)),
    )  # fmt: skip


def title(told: Document) -> Text:
    """What the record is called, with its first and last day."""
    days = days_of(told)
    return Text(f"Tình hình, kết quả giải quyết hồ sơ {days.vi}", f"How dossiers were handled {days.en}")


def days_of(told: Mapping[str, Any]) -> Text:
    """From the first to the last day of a period; of one that is not over, up to which."""
    first, last = date.fromisoformat(told["from"]), date.fromisoformat(told["to"]) - timedelta(days=1)
    said = Text(f"từ {first:%d/%m/%Y} đến {last:%d/%m/%Y}", f"from {first} to {last}")
    if "seen" not in told:
        return said
    seen = date.fromisoformat(told["seen"])
    return Text(f"{said.vi}, tính đến ngày {seen:%d/%m/%Y}", f"{said.en}, as of {seen}")


# What a share or an average is called, how it is read from a line, and the name under which MADE_OF opens it.
_SHARES: Sequence[tuple[Text, Callable[[Mapping[str, Any]], Value], str]] = (
    (Text("Tỷ lệ đúng hạn", "On-time share"), lambda line: _rounded(line["on_time_share"]), "on_time_share"),
    (Text("Tỷ lệ đúng hạn theo 766", "On-time share by Decision 766"), lambda line: _share(line, "on_time"), "on_time"),
    (Text("Tỷ lệ quá hạn theo 766", "Overdue share by Decision 766"), lambda line: _share(line, "overdue"), "overdue"),
    (Text("Trung áp: số hồ sơ", "MV: dossiers"), lambda line: _mv(line, "cases"), "mv"),
    (Text("Trung áp: ngày của điện lực", "MV: days of the company"), lambda line: _mv(line, "utility_days"), "mv"),
    (Text("Trung áp: ngày của khách hàng", "MV: days of the customer"), lambda line: _mv(line, "customer_days"), "mv"),
    (Text("Trung áp: ngày của cơ quan khác", "MV: days of agencies"), lambda line: _mv(line, "agency_days"), "mv"),
    (Text("Trung áp: ngày lịch", "MV: elapsed days"), lambda line: _mv(line, "elapsed_days"), "mv"),
    (Text("Số lượt đánh giá", "Marks"), lambda line: _ratings(line, "marks"), "ratings"),
    (Text("Điểm đánh giá trung bình", "Mean mark"), lambda line: _ratings(line, "mean"), "ratings"),
)


def _share(line: Mapping[str, Any], name: str) -> Value:
    share = line.get("indicators", {}).get(name)
    if share is None or share["share"] is None:
        return None
    quotient = _rounded(share["share"])
    return f"{quotient} (*)" if share["small"] else quotient


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _mv(line: Mapping[str, Any], name: str) -> Value:
    return round(line["mv"][name], 2) if line["mv"] else None


def _ratings(line: Mapping[str, Any], name: str) -> Value:
    return round(line["ratings"][name], 2) if line["ratings"] else None


def _figures(told: Document, lines: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    for kind, caption in KINDS.items():
        own = [line for line in lines if line["kind"] == kind]
        if not own:
            continue
        headings = [Text(f"({heading.number}) {heading.text.vi}", f"({heading.number}) {heading.text.en}")
                    if heading.number else heading.text for heading in HEADINGS]  # fmt: skip
        yield Table(
            caption,
            (Text("Mã", "Code"), caption, *headings, *(text for text, _, _ in _SHARES)),
            tuple(_figure_row(line) for line in own),
            2,
        )


def _figure_row(line: Mapping[str, Any]) -> tuple[Cell, ...]:
    cells = [Cell(line["unit"]), Cell(line["name"]["vi"])]
    for heading in HEADINGS:
        figure = sum(line["figures"][column] for column in heading.columns)
        link = f"{line['opens']}&{urlencode([('column', column) for column in heading.columns])}"
        cells.append(Cell(figure, link if figure else None))
    return (*cells, *(_opening(of(line), line["opens_to"][name]) for _, of, name in _SHARES))


def _opening(value: Value, link: str) -> Cell:
    return Cell(value, link if value is not None else None)


def _annex(told: Document) -> Table:
    headings = (
        Text("Mã hồ sơ", "Dossier"), Text("Lần", "Cycle"), Text("Nơi tiếp nhận", "Counter"),
        Text("Dịch vụ", "Service"), Text("Hẹn trả", "Due"), Text("Có kết quả", "Released"),
        Text("Chậm (giây làm việc)", "Delay (working seconds)"), Text("Nguyên nhân", "Cause"),
        Text("Chủ quan", "Subjective"), Text("Đã xin lỗi", "Apology"), Text("Đơn vị giữ sau cùng", "Last held by"),
        Text("Đơn vị làm chậm (giây)", "Made late by (seconds)"),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(one["case_id"], f"{one['explain']}/print"), Cell(one["cycle"]), Cell(_coded(one, "counter")),
            Cell(_coded(one, "service")), Cell(local(one["due"])), Cell(local(one["released"])),
            Cell(one["delay_seconds"]), Cell(one["cause_text"]["vi"]), Cell("x" if one["subjective"] else None),
            Cell("x" if one["apology"] else None), Cell(_coded(one, "unit")),
            Cell(", ".join(f"{_coded(held, 'unit')}: {held['seconds']}" for held in one["holders"])),
        )
        for one in told["annex"]
    )  # fmt: skip
    return Table(Text("Hồ sơ quá hạn", "Overdue dossiers"), headings, rows, 1)


def _delays(told: Document) -> Table:
    headings = (Text("Mã", "Code"), Text("Đơn vị", "Unit"), Text("Số hồ sơ", "Dossiers"),
                Text("Chậm (giây làm việc)", "Delay (working seconds)"))  # fmt: skip
    rows = tuple(
        (Cell(one["unit"]), Cell(one["name"]["vi"]), Cell(one["dossiers"], one["opens"]),
         Cell(one["seconds"], one["opens"]))
        for one in told["delays"]
    )  # fmt: skip
    return Table(Text("Thời gian chậm theo đơn vị", "Delay by unit"), headings, rows, 2)


def _dwell(told: Document) -> Table:
    headings = (
        Text("Mã", "Code"), Text("Đơn vị", "Unit"), Text("Bước", "Step"), Text("Số lượt", "Stays"),
        Text("Trung vị (giây)", "p50 (seconds)"), Text("90% (giây)", "p90 (seconds)"),
        Text("Lâu nhất (giây)", "Longest (seconds)"),
    )  # fmt: skip
    rows = tuple(
        (Cell(one["unit"]), Cell(one["name"]["vi"]), Cell(_named(one, "step")),
         *(Cell(one[name], one["opens"]) for name in ("stays", "p50", "p90", "longest")))
        for one in told["dwell"]
    )  # fmt: skip
    return Table(Text("Thời gian xử lý theo bước", "Time in each step"), headings, rows, 3)


def _effects(told: Document) -> Table:
    """Units that had to put something right after the period before: overdue of solved, then and now."""
    headings = (
        Text("Mã", "Code"), Text("Đơn vị", "Unit"), Text("Lý do", "Why"),
        Text("Kỳ trước: quá hạn", "Before: overdue"), Text("Kỳ trước: đã giải quyết", "Before: solved"),
        Text("Kỳ này: quá hạn", "Now: overdue"), Text("Kỳ này: đã giải quyết", "Now: solved"),
    )  # fmt: skip
    rows = tuple(
        (Cell(one["unit"]), Cell(one["name"]["vi"]), Cell(_named(one, "why")),
         *(Cell(number, link) for number, link in zip(_shares_of(one), _openings(told, one), strict=True)))
        for one in told["effects"]
    )  # fmt: skip
    return Table(Text("Kết quả chấn chỉnh", "Effect of remedial actions"), headings, rows, 3)


def _named(one: Mapping[str, Any], what: str) -> str:
    """A code's name; the code itself in records that were sealed before they held the name."""
    name: Mapping[str, str] = one.get(f"{what}_name", {"vi": one[what]})
    return name["vi"]


def _coded(one: Mapping[str, Any], what: str) -> str | None:
    """A code with its name; the code alone in records that were sealed before they held the name."""
    name: Mapping[str, str] | None = one.get(f"{what}_name")
    return f"{name['vi']} ({one[what]})" if name else one[what]


def _shares_of(effect: Mapping[str, Any]) -> list[int]:
    return [effect[when][number] for when in ("before", "after") for number in ("part", "of")]


def _openings(told: Document, effect: Mapping[str, Any]) -> list[str | None]:
    """Where the numbers of an effect open: those before in the sealed record that the action was opened by."""
    if "seal" not in effect:  # in records that were sealed before they said it
        return [None] * 4
    return [
        opens_at(opens, effect["kind"], effect["unit"], columns)
        for opens in (f"/record/seals/{effect['seal']}/items?", told["opens"])
        for columns in (("overdue",), ("with result",))
    ]


def _dossiers(told: Document) -> Table:
    """A row per dossier of the record, with a 1 in every column that counts it: each column adds up to its figure."""
    counted: dict[tuple[str, int], set[str]] = {}
    for line in told["lines"]:
        if line["kind"] == "organisation":
            for column, items in line.get("items", {}).items():
                for case_id, cycle, _ in items:
                    counted.setdefault((case_id, cycle), set()).add(column)
    headings = (Text("Mã hồ sơ", "Dossier"), Text("Lần", "Cycle"), *(heading.text for heading in HEADINGS))
    rows = tuple(
        (Cell(case_id, f"{explained_at(case_id)}/print"), Cell(cycle),
         *(Cell(1 if columns & set(heading.columns) else None) for heading in HEADINGS))
        for (case_id, cycle), columns in sorted(counted.items())
    )  # fmt: skip
    return Table(Text("Từng hồ sơ", "Every dossier"), headings, rows, 2)


def local(instant: str | None) -> str | None:
    """An instant as a clock on a counter's wall tells it: 2017-07-13 17:00:00."""
    if instant is None:
        return None
    at = datetime.fromisoformat(instant)
    seconds = (second_of(at) + OFFSET) % DAY
    return f"{local_date(at)} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
