"""Reading a table: a mark, a bad quote, a cell that is too long and a byte that is no letter cost one row at most."""

from pathlib import Path
from typing import Any

import pytest
from exported import RECEIVED, whole

from events.errors import OnedoorError
from onedoor.importing import mapping
from onedoor.importing.rows import RowRefused, Rows

HEADER = "Số,Việc,Lúc,Kênh"
CASE = "000.00.30.H49-170710-00{}"
LONGEST = 131_072  # characters that Python's csv takes in one cell


def line(number: int, channel: str = "online") -> str:
    return f"{CASE.format(number)},Tiếp nhận,2017-07-10T09:00:00+07:00,{channel}"


def read(folder: Path, content: str | bytes, **table: str) -> Rows:
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    by = whole(facts=[{**RECEIVED, "data": {**RECEIVED["data"], "channel": {"column": "Kênh"}}}], table=table)
    rows = Rows(path, mapping.of("m.yaml", by))
    rows.look()
    return rows


def told(rows: Rows) -> tuple[list[str], list[tuple[int, str, str]]]:
    """The dossiers that were read, and row, rule and detail of what was not."""
    cases: list[str] = []
    refused: list[tuple[int, str, str]] = []
    for row, cells in rows.rows():
        for one in rows.told(row, cells):
            if isinstance(one, RowRefused):
                refused.append((one.row, one.rule, one.detail))
            else:
                cases.append(one.case[-2:])
    return cases, refused


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff\ufeff"])
def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path, encoding: str, mark: str) -> None:
    """Even before a name in quotes."""
    content = f'{mark}"Số",{HEADER.partition(",")[2]}\n{line(11)}\n'
    written = "utf-8" if encoding.startswith("utf-8") else encoding
    assert told(read(tmp_path, content.encode(written), encoding=encoding)) == (["11"], [])


@pytest.mark.parametrize("unseen", ["\ufeff", "\u200b", "\u00a0", "\u202f"])
def test_a_message_about_a_name_shows_what_cannot_be_seen(tmp_path: Path, unseen: str) -> None:
    header = HEADER.replace("Kênh", f"Kê{unseen}nh")
    with pytest.raises(OnedoorError) as error:
        read(tmp_path, f"{header}\n{line(11)}\n")
    assert f"\\u{ord(unseen):04x}" in str(error.value)
    assert unseen not in str(error.value)
    assert "Số, Việc, Lúc" in str(error.value)  # what can be seen is as it is


@pytest.mark.parametrize(
    "broken",
    [
        line(12, '"on"line'),
        line(12, '"online'),
        line(12, "x" * (LONGEST + 1)),
        line(12, '"' + "x\n" * LONGEST + '"'),
        line(12, '"on\nline"x'),
    ],
    ids=["behind a quote", "never closed", "too long", "too long on many lines", "on two lines"],
)
def test_a_row_that_cannot_be_read_is_refused_by_its_number_and_the_others_are_taken(
    tmp_path: Path, broken: str
) -> None:
    rows = read(tmp_path, "\n".join([HEADER, line(11), broken, line(13), line(14), ""]))
    cases, refused = told(rows)
    assert cases == ["11", "13", "14"]
    lines = range(3, 4 + broken.count("\n"))
    assert [(row, rule) for row, rule, _ in refused] == [(number, "unreadable-row") for number in lines]
    assert all(f"line {row} of the file" in detail for row, _, detail in refused)
    assert all("quote that opens in line 3" in detail for row, _, detail in refused if row > 3)
    assert rows.count == 3 + len(lines)


def test_each_line_that_is_lost_behind_a_quote_is_counted(tmp_path: Path) -> None:
    """None of them is hidden in the row of the first."""
    bad = [line(12, '"online'), *[f"{CASE.format(13)},Tiếp nhận"] * 2000]
    rows = read(tmp_path, "\n".join([HEADER, *bad, ""]))
    cases, refused = told(rows)
    assert (cases, len(refused), rows.count) == ([], 2001, 2001)
    assert [row for row, _, _ in refused] == list(range(2, 2003))


def test_a_quote_that_is_closed_rows_later_takes_no_row_with_it(tmp_path: Path) -> None:
    """The reader runs on to the next quote; the lines that it ran over are rows of their own."""
    lines = [HEADER, line(11), line(12, '"online'), line(13), line(14, '"online"'), line(15), line(16, "'"), ""]
    cases, refused = told(read(tmp_path, "\n".join(lines)))
    assert cases == ["11", "13", "14", "15", "16"]
    assert [(row, rule) for row, rule, _ in refused] == [(3, "unreadable-row")]


def test_a_cell_may_have_several_lines_and_be_as_long_as_it_may(tmp_path: Path) -> None:
    longest = "x" * LONGEST
    assert told(read(tmp_path, "\n".join([HEADER, line(11, '"a\n\nb"'), "", line(12, longest), ""])))[0] == ["11", "12"]


def test_every_bad_row_is_told_by_itself(tmp_path: Path) -> None:
    bad = [line(number, '"on"line') for number in (12, 13)]
    short = "SXD,Tiếp nhận"
    cases, refused = told(read(tmp_path, "\n".join([HEADER, line(11), *bad, short, line(14), ""])))
    assert cases == ["11", "14"]
    assert [(row, rule) for row, rule, _ in refused] == [
        (3, "unreadable-row"),
        (4, "unreadable-row"),
        (5, "cells-missing"),
    ]


def test_a_byte_that_is_no_letter_costs_its_row_alone(tmp_path: Path) -> None:
    rows = [one.encode() for one in (HEADER, line(11), line(12), line(13), "")]
    rows[2] = rows[2].replace(b"online", b"on\xd0line")
    cases, refused = told(read(tmp_path, b"\n".join(rows)))
    assert cases == ["11", "13"]
    ((row, rule, detail),) = refused
    assert (row, rule) == (3, "unreadable-row")
    assert "0xd0" in detail


def test_a_whole_table_in_another_encoding_is_told_by_its_header(tmp_path: Path) -> None:
    content: Any = "\n".join([HEADER, line(11), ""]).encode("utf-16")
    with pytest.raises(OnedoorError, match=r"table\.csv: .* `table` of the mapping says its encoding"):
        read(tmp_path, content)
