"""Cells as people of Viet Nam and their spreadsheets write them, read by the format that the mapping declares."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from exported import RECEIVED, whole

from onedoor.importing import mapping
from onedoor.importing.rows import RowRefused, Rows, Told
from onedoor.screen import VIETNAM

CASE = "000.00.30.H49-170710-0001"


def said(folder: Path, header: str, line: str, **more: Any) -> Told | RowRefused:
    path = folder / "table.csv"
    path.write_text(f"Số;Việc;{header}\n{CASE};Tiếp nhận;{line}\n")
    rows = Rows(path, mapping.of("m.yaml", whole(**{"table": {"delimiter": ";"}, **more})))
    rows.look()
    ((one,),) = [rows.told(row, cells) for row, cells in rows.rows()]
    return one


def at(folder: Path, text: str, **time: Any) -> datetime | str:
    """The instant of a cell, or the rule by which it was refused."""
    one = said(folder, "Lúc", text, time={"column": "Lúc", **time})
    return one.rule if isinstance(one, RowRefused) else datetime.fromisoformat(one.event["time"])


def number(folder: Path, text: str, how: Any) -> Any:
    data = {**RECEIVED["data"], "area": {"column": "Diện tích", "number": how}}
    one = said(folder, "Lúc;Diện tích", f"2017-07-10T09:00:00Z;{text}", facts=[{**RECEIVED, "data": data}])
    return one.rule if isinstance(one, RowRefused) else one.event["data"]["area"]


SA_CH = "%d/%m/%Y %I:%M:%S %p"


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("10/07/2017 9:05:00 SA", 9),
        ("10/07/2017 3:05:00 CH", 15),
        ("10/07/2017 12:05:00 SA", 0),
        ("10/07/2017 12:05:00 CH", 12),
        ("10/07/2017 3:05:00 ch", 15),
        ("10/07/2017 3:05:00\u202fCH", 15),
        ("10/07/2017 3:05:00 PM", 15),
        ("10/07/2017 9:05:00 am", 9),
    ],
)
def test_morning_and_afternoon_are_read_as_vietnamese_systems_write_them(tmp_path: Path, text: str, hour: int) -> None:
    assert at(tmp_path, text, format=SA_CH) == datetime(2017, 7, 10, hour, 5, tzinfo=VIETNAM)


def test_day_and_time_of_day_may_stand_in_two_columns(tmp_path: Path) -> None:
    time = {"column": ["Ngày", "Giờ"], "format": SA_CH}
    one = said(tmp_path, "Ngày;Giờ", "10/07/2017;3:00:00 CH", time=time)
    assert isinstance(one, Told)
    assert one.event["time"] == "2017-07-10T08:00:00+00:00"
    lacking = said(tmp_path, "Ngày;Giờ", "10/07/2017;", time=time)
    assert isinstance(lacking, RowRefused)
    assert (lacking.where, lacking.rule) == ("Ngày, Giờ", "no-time")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-07-10T23:59:59.9999999+07:00", datetime(2017, 7, 10, 16, 59, 59, 999999, UTC)),
        ("2017-07-10 09:00:00Z", datetime(2017, 7, 10, 9, tzinfo=UTC)),
        ("2017-07-10T09:00:00.5", datetime(2017, 7, 10, 2, 0, 0, 500000, UTC)),
        ("2017-07-10 09:00", datetime(2017, 7, 10, 2, tzinfo=UTC)),
        ("2017-07-10T09:00+07:00", datetime(2017, 7, 10, 2, tzinfo=UTC)),
        ("2017-07-10", "no-time"),
        ("20170710T090000Z", "no-time"),
        ("2017-W28-1T09:00:00Z", "no-time"),
        ("2017-07-10T24:00:00Z", "no-time"),
        ("2017-07-10T09:00:60Z", "no-time"),
        ("2017-02-30T09:00:00Z", "no-time"),
        ("٢٠١٧-07-10T09:00:00Z", "no-time"),
    ],
)
def test_without_a_format_an_instant_is_read_by_rfc_3339(tmp_path: Path, text: str, expected: Any) -> None:
    """Seconds and offset may be left out; a day alone is no instant."""
    assert at(tmp_path, text) == expected


def test_a_fraction_of_seven_digits_stays_in_its_second_by_a_format_too(tmp_path: Path) -> None:
    read = at(tmp_path, "10/07/2017 23:59:59.9999999", format="%d/%m/%Y %H:%M:%S.%f")
    assert read == datetime(2017, 7, 10, 16, 59, 59, 999999, UTC)


VN = {"decimal": ",", "thousands": "."}


@pytest.mark.parametrize(
    ("text", "how", "expected"),
    [
        ("3", True, 3),
        ("-3", True, -3),
        ("3.0", True, "no-number"),
        ("3,0", True, "no-number"),
        ("1_0", True, "no-number"),
        ("٣", True, "no-number"),
        ("9" * 5000, True, "no-number"),
        ("3,0", VN, 3),
        ("3", VN, 3),
        ("12,5", VN, 12.5),
        ("1.234", VN, 1234),
        ("1.234.567,25", VN, 1234567.25),
        ("1234567,5", VN, 1234567.5),
        ("-1.234,5", VN, -1234.5),
        (",5", VN, "no-number"),
        ("3,", VN, "no-number"),
        ("3.0", VN, "no-number"),
        ("12.34", VN, "no-number"),
        ("1.2345", VN, "no-number"),
        ("1,234.5", VN, "no-number"),
        ("3.0", {"decimal": "."}, 3),
        ("3.5", {"decimal": "."}, 3.5),
        ("1,234", {"decimal": "."}, "no-number"),
        ("1,234.5", {"decimal": ".", "thousands": ","}, 1234.5),
        ("3,0", {"decimal": ","}, 3),
        ("1 234,5", {"decimal": ",", "thousands": " "}, 1234.5),
        ("1\u00a0234,5", {"decimal": ",", "thousands": " "}, 1234.5),
        ("1\u202f234", {"decimal": ",", "thousands": " "}, 1234),
        ("9" * 400 + ",5", VN, "no-number"),
    ],
)
def test_a_number_is_read_as_it_is_declared(tmp_path: Path, text: str, how: Any, expected: Any) -> None:
    read = number(tmp_path, text, how)
    assert (read, type(read)) == (expected, type(expected))
