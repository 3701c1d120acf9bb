"""The record's files: texts stay texts, numbers stay numbers."""

import csv
import io
import zipfile

from sla.i18n.texts import Text
from sla.reports.exports import as_csv, as_xlsx
from sla.reports.sheets import Cell, Sheet, Table

NAME = Text("Đơn vị", "Unit")
SHEET = Sheet("units", NAME, (Table(NAME, (NAME, NAME), ((Cell("=1+1"), Cell(7)), (Cell("Hạ Long"), Cell(None))), 1),))


def test_a_text_that_looks_like_a_formula_is_a_text_in_csv() -> None:
    """A spreadsheet must not run what stands in a name; the mark lets Excel read Vietnamese."""
    body = as_csv(SHEET)
    assert body.startswith("\ufeff".encode())
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert rows[2:] == [["Unit", "'=1+1", "7"], ["Unit", "Hạ Long", ""]]


def test_a_text_that_looks_like_a_formula_is_a_text_in_a_workbook() -> None:
    """And a number is a number, so that sums can be made of it."""
    with zipfile.ZipFile(io.BytesIO(as_xlsx((SHEET,), "x"))) as book:
        page = book.read("xl/worksheets/sheet1.xml").decode()
        assert "=1+1" in book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in page
    assert "<v>7</v>" in page
