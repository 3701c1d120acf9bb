"""The record as a plain page for paper and screen: Vietnamese first, English second, no script. Pure."""

from collections.abc import Iterator
from html import escape

from sla.document import Document
from sla.headings import Text
from sla.sheets import Cell, Sheet, Table, title

STYLE = """
body { font: 11pt/1.4 "Times New Roman", serif; margin: 1.5rem auto; max-width: 78rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
small { font-weight: normal; opacity: .8; display: block; font-size: .8em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0; }
caption { text-align: start; font-weight: bold; }
th, td { border: 1px solid; padding: .2rem .4rem; text-align: end; vertical-align: top; }
tbody th, thead th:first-child { text-align: start; }
thead { display: table-header-group; } tr { break-inside: avoid; }
a { color: inherit; }
@media (prefers-color-scheme: dark) { html { color-scheme: dark; } }
@media print {
  @page { size: A3 landscape; margin: 1cm; }
  body { margin: 0; max-width: none; font-size: 8pt; } .scroll { overflow: visible; } a { text-decoration: none; }
}
"""
FOOT = Text(
    "(*) Mẫu số nhỏ: chưa đủ để so sánh. Ô trống: không có hoặc không tính được. Cột theo mẫu II.06a/VPCP/KSTT.",
    "(*) Small denominator: too few to compare. Empty: none, or not available. Columns of template II.06a/VPCP/KSTT.",
)
BROKEN = Text("Số liệu không khớp", "The figures do not add up")


def page(told: Document, sheets: tuple[Sheet, ...]) -> str:
    """The whole page. Every dossier is left to the other outputs: a figure links to the ones that it counts."""
    body = "".join(_section(sheet) for sheet in sheets if sheet.name != "dossiers")
    broken = "".join(f"<p role='alert'>{_two(BROKEN)} {escape(sentence)}</p>" for sentence in told["broken"])
    return (
        f'<!doctype html>\n<html lang="vi">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title(told).vi)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_two(title(told))}</h1>\n{broken}{body}<footer><p>{_two(FOOT)}</p></footer>\n</body>\n</html>\n"
    )


def _section(sheet: Sheet) -> str:
    tables = "".join(_table(table) for table in sheet.tables if table.rows)
    return f"<section>\n<h2>{_two(sheet.title)}</h2>\n{tables}</section>\n"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_two(heading)}</th>' for heading in table.headings)
    rows = "\n".join(f"<tr>{''.join(_cells(row, table.names))}</tr>" for row in table.rows)
    return (
        f'<div class="scroll" tabindex="0"><table>\n<caption>{_two(table.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>\n"
    )


def _cells(row: tuple[Cell, ...], names: int) -> Iterator[str]:
    for number, cell in enumerate(row):
        text = "" if cell.value is None else escape(str(cell.value))
        if cell.link:
            text = f'<a href="{escape(cell.link)}">{text}</a>'
        yield f'<th scope="row">{text}</th>' if number < names else f"<td>{text}</td>"


def _two(text: Text) -> str:
    return f'{escape(text.vi)} <small lang="en">{escape(text.en)}</small>'
