"""The record as a plain page for paper and screen: Vietnamese first, English second, no script. Pure."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from sla.i18n.paper import sheet_of_paper, two
from sla.i18n.texts import Text
from sla.reports.document import Document
from sla.reports.sheets import Cell, Sheet, Table, days_of, title

FOOT = Text(
    "(*) Mẫu số nhỏ: chưa đủ để so sánh. Ô trống: không có hoặc không tính được. Cột theo mẫu II.06a/VPCP/KSTT.",
    "(*) Small denominator: too few to compare. Empty: none, or not available. Columns of template II.06a/VPCP/KSTT.",
)
SAID = ' class="said"'
BROKEN = Text("Số liệu không khớp", "The figures do not add up")


def page(told: Document, sheets: tuple[Sheet, ...]) -> str:
    """The whole page. Every dossier is left to the other outputs: a figure links to the ones that it counts."""
    body = "".join(_section(sheet) for sheet in sheets if sheet.name != "dossiers")
    broken = "".join(f"<p role='alert'>{two(BROKEN)} {escape(sentence)}</p>" for sentence in told["broken"])
    return sheet_of_paper(title(told), f"{broken}{body}<footer><p>{two(FOOT)}</p></footer>\n")


def items_page(opened: Mapping[str, Any]) -> str:
    """What one number counts, for people: a dossier per row, each with its way to what happened to it."""
    names = ", ".join(name["vi"] for name in opened["names"]), ", ".join(name["en"] for name in opened["names"])
    headings = (Text("Mã hồ sơ", "Dossier"), Text("Lần", "Cycle"), Text("Lượt", "Stay or referral"),
                Text("Giây làm việc", "Working seconds"))  # fmt: skip
    rows = tuple(
        (Cell(one["case_id"], f"{one['explain']}/print"), Cell(one["cycle"]), Cell(one["part"] or None),
         Cell(one.get("seconds")))
        for one in opened["items"]
    )  # fmt: skip
    days = days_of(opened)
    name = Text(f"{opened['line']}: {names[0]} {days.vi}", f"{opened['line']}: {names[1]} {days.en}")
    many = Text(f"Số hồ sơ, lượt: {len(rows)}", f"Dossiers, stays or referrals: {len(rows)}")
    return sheet_of_paper(name, _table(Table(many, headings, rows, 1)))


def _section(sheet: Sheet) -> str:
    tables = "".join(_table(table) for table in sheet.tables if table.rows)
    return f"<section>\n<h2>{two(sheet.title)}</h2>\n{tables}</section>\n"


def _table(table: Table) -> str:
    texts = {number for row in table.rows for number, cell in enumerate(row) if isinstance(cell.value, str)}
    head = "".join(
        f'<th scope="col"{SAID if number in texts else ""}>{two(heading)}</th>'
        for number, heading in enumerate(table.headings)
    )
    rows = "\n".join(f"<tr>{''.join(_cells(row, table.names))}</tr>" for row in table.rows)
    return (
        f'<div class="scroll" tabindex="0"><table>\n<caption>{two(table.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>\n"
    )


def _cells(row: tuple[Cell, ...], names: int) -> Iterator[str]:
    for number, cell in enumerate(row):
        text = "" if cell.value is None else escape(str(cell.value))
        if cell.link:
            text = f'<a href="{escape(cell.link)}">{text}</a>'
        yield (
            f'<th scope="row">{text}</th>'
            if number < names
            else f"<td{SAID if isinstance(cell.value, str) else ''}>{text}</td>"
        )
