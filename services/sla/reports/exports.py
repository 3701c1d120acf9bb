"""The sheets of the record as files: CSV for other programs, XLSX for people who count again."""

import csv
import io

import xlsxwriter

from sla.reports.sheets import Cell, Sheet, Table


def as_csv(sheet: Sheet) -> bytes:
    """One sheet as CSV in UTF-8 with a mark, so that Excel reads its Vietnamese; tables follow each other.

    The first column says which table a row belongs to. A text that a spreadsheet would take for a formula gets a
    leading apostrophe.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for table in sheet.tables:
        writer.writerow(["", *(heading.vi for heading in table.headings)])
        writer.writerow(["", *(heading.en for heading in table.headings)])
        for row in table.rows:
            writer.writerow([table.caption.en, *(_plain(cell) for cell in row)])
    return out.getvalue().encode("utf-8-sig")


def _plain(cell: Cell) -> str | int | float:
    value = "" if cell.value is None else cell.value
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value


def as_xlsx(sheets: tuple[Sheet, ...], title: str) -> bytes:
    """A workbook with one sheet per sheet; numbers are numbers, so that sums can be made of them."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": title})
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"bold": True, "text_wrap": True, "top": 1})
        for sheet in sheets:
            page = book.add_worksheet(sheet.title.vi[:31])
            page.set_column(0, 0, 28)
            page.set_landscape()
            at = 0
            for table in sheet.tables:
                page.write(at, 0, f"{table.caption.vi} / {table.caption.en}", bold)
                for column, heading in enumerate(table.headings):
                    page.write(at + 1, column, f"{heading.vi}\n{heading.en}", wrapped)
                at = _rows(page, table, at + 2) + 1
    return out.getvalue()


def _rows(page: xlsxwriter.worksheet.Worksheet, table: Table, at: int) -> int:
    for row in table.rows:
        for column, cell in enumerate(row):
            if isinstance(cell.value, str):
                page.write_string(at, column, cell.value)
            elif cell.value is not None:
                page.write_number(at, column, cell.value)
        at += 1
    return at
