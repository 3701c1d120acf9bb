"""Rows of a table: the events that each says by a mapping, always the same ones, or why it says none."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from exported import ANSWER, RECEIVED, whole

from events.errors import OnedoorError
from events.gateway.rules import Name
from onedoor.importing import mapping
from onedoor.importing.rows import RowRefused, Rows, Told, refused

HEADER = "Số,Việc,Lúc,Kênh,Ngày,Hẹn"
CASE = {"column": "Số", "pattern": r"SXD/(\d{6})/(\d+)", "code": "000.00.30.H49-{1}-{2:4}"}
PROMISE = {
    "calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "working_days": {"column": "Ngày", "number": True},
    "due": {"column": "Hẹn", "format": "%d/%m/%Y %H:%M"},
}  # fmt: skip
CHANNEL = {"column": "Kênh", "values": {"Trực tiếp": "counter", "Qua mạng": "online"}}
GAPS = [{"document": "x", "wrong": "missing"}]
MAPPING = whole(
    case=CASE, time={"column": "Lúc", "format": "%d/%m/%Y %H:%M"}, ignore=["In phiếu"],
    facts=[
        {**RECEIVED, "data": {**RECEIVED["data"], "channel": CHANNEL, "promise": PROMISE}},
        {"activity": "Yêu cầu", "fact": "SupplementRequested", "data": {"gaps": GAPS}},
        ANSWER,
    ],
)  # fmt: skip


def read(folder: Path, lines: Sequence[str], by: Any = MAPPING, header: str = HEADER, encoding: str = "utf-8") -> Rows:
    path = folder / "table.csv"
    path.write_bytes("\n".join([header, *lines, ""]).encode(encoding))
    rows = Rows(path, mapping.of("m.yaml", by))
    rows.look()
    return rows


def told(folder: Path, *lines: str, **more: Any) -> list[Told | RowRefused]:
    rows = read(folder, lines, **more)
    return [one for row, cells in rows.rows() for one in rows.told(row, cells)]


def events(found: Sequence[Told | RowRefused]) -> list[Any]:
    assert all(isinstance(one, Told) for one in found), found
    return [one.event for one in found if isinstance(one, Told)]


def wrong(found: Sequence[Told | RowRefused]) -> list[tuple[int, str, str]]:
    return [(one.row, one.where, one.rule) for one in found if isinstance(one, RowRefused)]


RECEIPT = "SXD/170710/17,Tiếp nhận,10/07/2017 09:00,Qua mạng,3,"


def test_a_row_is_an_event(tmp_path: Path) -> None:
    (event,) = events(told(tmp_path, RECEIPT))
    assert {name: event[name] for name in ("specversion", "source", "subject", "type", "time")} == {
        "specversion": "1.0", "source": "urn:test", "subject": "000.00.30.H49-170710-0017",
        "type": "onedoor.ApplicationReceived.v1", "time": "2017-07-10T02:00:00+00:00",
    }  # fmt: skip
    assert event["data"] == {
        **RECEIVED["data"], "case_id": "000.00.30.H49-170710-0017", "channel": "online",
        "promise": {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "working_days": 3},
    }  # fmt: skip


def test_a_time_in_the_data_has_its_format_too_and_without_any_cell_there_is_no_promise(tmp_path: Path) -> None:
    due, none = events(
        told(tmp_path, RECEIPT.replace("3,", ",14/07/2017 09:00"), RECEIPT.replace("3,", ",").replace("17,T", "18,T"))
    )
    assert due["data"]["promise"]["due"] == "2017-07-14T02:00:00+00:00"
    assert "promise" not in none["data"]


@pytest.mark.parametrize(("zone", "at"), [("+07:00", "02:00"), ("-02:30", "11:30"), ("UTC", "09:00")])
def test_a_time_without_offset_is_one_of_the_zone(tmp_path: Path, zone: str, at: str) -> None:
    (event,) = events(told(tmp_path, RECEIPT, by={**MAPPING, "zone": zone}))
    assert event["time"] == f"2017-07-10T{at}:00+00:00"


def test_a_row_has_the_same_id_wherever_it_stands_and_another_row_another(tmp_path: Path) -> None:
    other = RECEIPT.replace("/17,", "/18,")
    one, two = events(told(tmp_path, RECEIPT, other))
    three, four, five = events(told(tmp_path, other, RECEIPT.replace("09:00", "09:01"), RECEIPT))
    assert (one["id"], two["id"]) == (five["id"], three["id"])
    assert len({one["id"], two["id"], four["id"]}) == 3
    by_row = events(told(tmp_path, RECEIPT.replace("09:00", "09:01"), by={**MAPPING, "id": ["Việc"]}))
    assert by_row[0]["id"] == events(told(tmp_path, RECEIPT, by={**MAPPING, "id": ["Việc"]}))[0]["id"]


def test_an_answer_names_a_question_before_it_wherever_that_stands(tmp_path: Path) -> None:
    lines = [f"SXD/170710/17,{what},{at},,," for what, at in (
        ("Bổ sung", "12/07/2017 09:00"), ("Yêu cầu", "13/07/2017 09:00"), ("Yêu cầu", "11/07/2017 09:00"),
    )]  # fmt: skip
    found = events(told(tmp_path, *lines, "SXD/170710/18,Yêu cầu,11/07/2017 10:00,,,"))
    assert found[0]["data"]["answers"] == f"{Name('urn:test', found[2]['id']).stream}@1"


def test_what_is_ignored_says_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, "SXD/170710/17,In phiếu,,,,", "") == []


def test_a_letter_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    """The table has each Vietnamese letter in parts, in the code page of old systems, behind semicolons."""
    apart = unicodedata.normalize("NFD", f"{HEADER}\n{RECEIPT}").replace(",", ";")
    path = tmp_path / "table.csv"
    path.write_text(apart, encoding="utf-16")
    by = {**MAPPING, "table": {"delimiter": ";", "encoding": "utf-16"}}
    rows = Rows(path, mapping.of("m.yaml", by))
    rows.look()
    again = [one for row, cells in rows.rows() for one in rows.told(row, cells)]
    assert events(again) == events(told(tmp_path, RECEIPT))


def test_a_row_that_says_nothing_sensible_is_refused_by_its_column(tmp_path: Path) -> None:
    found = told(
        tmp_path, "SXD/170710/17,Nghỉ,10/07/2017 09:00,,,", RECEIPT.replace("Qua mạng", "Fax"),
        RECEIPT.replace("SXD/", "QN/"), RECEIPT.replace("09:00", "9 giờ"), RECEIPT.replace(",3,", ",ba,"),
        "SXD/170710/17,Bổ sung,12/07/2017 09:00,,,", "SXD/170710/17,Tiếp nhận", RECEIPT.replace("SXD/170710/17", ""),
        RECEIPT.replace("10/07/2017 09:00", ""),
    )  # fmt: skip
    assert wrong(found) == [
        (2, "Việc", "unknown-activity"), (3, "Kênh", "unknown-value"), (4, "Số", "no-match"), (5, "Lúc", "no-time"),
        (6, "Ngày", "no-number"), (7, "Lúc", "answers-nothing"), (8, "the row", "cells-missing"), (9, "Số", "no-case"),
        (10, "Lúc", "no-time"),
    ]  # fmt: skip
    assert all(isinstance(one, RowRefused) and one.detail and one.way_out for one in found)


def test_a_row_may_tell_a_whole_dossier(tmp_path: Path) -> None:
    """Without a column of activities each fact has a time of its own; an empty one has not happened."""
    by = whole(
        activity=None, time=None, case={"column": "Số"},
        facts=[
            {**RECEIVED, "activity": None, "time": {"column": "Nhận"}},
            {"fact": "CaseClosed", "time": {"column": "Trả"}},
        ],
    )  # fmt: skip
    one = "000.00.30.H49-170710-0001"
    found = events(
        told(tmp_path, f"{one},2017-07-10T09:00,2017-07-12T09:00:00Z", f"{one[:-1]}2,2017-07-10T09:00,", by=by,
             header="Số,Nhận,Trả")
    )  # fmt: skip
    assert [(event["type"], event["time"]) for event in found] == [
        ("onedoor.ApplicationReceived.v1", "2017-07-10T02:00:00+00:00"),
        ("onedoor.CaseClosed.v1", "2017-07-12T09:00:00+00:00"),
        ("onedoor.ApplicationReceived.v1", "2017-07-10T02:00:00+00:00"),
    ]
    received, closed = by["facts"]
    mixed = {**by, "time": received["time"], "facts": [{**received, "time": None}, closed]}
    assert (
        events(told(tmp_path, f"{one},2017-07-10T09:00,2017-07-12T09:00:00Z", by=mixed, header="Số,Nhận,Trả"))
        == (found[:2])
    )
    at_once = {**by, "facts": [{**one, "time": {"column": "Nhận"}} for one in by["facts"]]}
    same = events(told(tmp_path, f"{one},2017-07-10T09:00", by=at_once, header="Số,Nhận"))
    assert len({event["id"] for event in same}) == 2


@pytest.mark.parametrize(
    ("header", "encoding", "sentence"),
    [
        (HEADER.replace("Kênh", "Kenh"), "utf-8", "the mapping's facts.0.data.channel.column: table.csv has no column"),
        (f"{HEADER},Số", "utf-8", "the mapping's case.column: table.csv has several columns 'Số'"),
        (HEADER, "utf-16", "table.csv: .* `table` of the mapping says its encoding"),
    ],
)
def test_a_table_that_is_not_the_mappings_is_refused(tmp_path: Path, header: str, encoding: str, sentence: str) -> None:
    with pytest.raises(OnedoorError, match=f"^{sentence}"):
        read(tmp_path, [], header=header, encoding=encoding)


def test_what_the_gateway_refuses_is_told_by_the_column_it_came_from(tmp_path: Path) -> None:
    (one,) = told(tmp_path, RECEIPT)
    assert isinstance(one, Told)
    problem = {"type": "urn:onedoor:problem:invalid-data", "field": "data.channel", "detail": "d", "way_out": "w"}
    assert refused(one, problem) == RowRefused(2, "000.00.30.H49-170710-0017", "Kênh", "invalid-data", "d", "w")
    assert refused(one, {**problem, "field": "data.sector"}).where == "data.sector"


def asked(folder: Path, *lines: str) -> tuple[dict[int, int], list[Told | RowRefused]]:
    """Which row answers which row, of one dossier; and what was told."""
    found = told(folder, *[f"SXD/170710/17,{line}" for line in lines], by={**MAPPING, "id": ["Việc", "Lúc", "Hẹn"]})
    rows = {f"{Name('urn:test', one.event['id']).stream}@1": one.row for one in found if isinstance(one, Told)}
    answers = {one.row: rows[one.event["data"]["answers"]] for one in found if isinstance(one, Told) and one.answers}
    return answers, found


ASKS, ANSWERS = "Yêu cầu,{:02}/07/2017 09:00,,,{}", "Bổ sung,{:02}/07/2017 09:00,,,{}"


def test_an_answer_takes_the_oldest_open_question_and_each_question_is_answered_once(tmp_path: Path) -> None:
    lines = [ANSWERS.format(14, ""), ASKS.format(11, ""), ASKS.format(12, ""), ANSWERS.format(13, "")]
    answers, found = asked(tmp_path, *lines, ANSWERS.format(15, ""))
    assert answers == {5: 3, 2: 4}
    assert wrong(found) == [(6, "Lúc", "answers-nothing")]


def test_a_row_that_stands_twice_asks_and_answers_once(tmp_path: Path) -> None:
    lines = [ASKS.format(11, ""), ASKS.format(11, ""), ANSWERS.format(12, ""), ANSWERS.format(12, "")]
    answers, found = asked(tmp_path, *lines)
    assert len({one.event["data"]["answers"] for one in found if isinstance(one, Told) and one.answers}) == 1
    assert list(answers) == [4, 5]


WITH_GAPS = {
    **MAPPING,
    "facts": [
        RECEIVED,
        {
            "activity": "Yêu cầu",
            "fact": "SupplementRequested",
            "data": {"gaps": [{"document": "x", "wrong": {"column": "Kênh", "values": {"thiếu": "missing"}}}]},
        },
        ANSWER,
    ],
}


@pytest.mark.parametrize(
    ("first", "second", "answers"),
    [
        ("Yêu cầu,10/07/2017 09:00,?,,", "Yêu cầu,12/07/2017 09:00,thiếu,,", {5: 4}),  # row 2 is answered by row 3
        ("Yêu cầu,,thiếu,,", "Yêu cầu,12/07/2017 09:00,thiếu,,", {}),  # nobody knows which of both it answers
    ],
)
def test_an_answer_to_a_question_whose_row_is_refused_is_refused_with_its_number(
    tmp_path: Path, first: str, second: str, answers: dict[int, int]
) -> None:
    lines = [first, "Bổ sung,11/07/2017 09:00,,,", second, "Bổ sung,13/07/2017 09:00,,,"]
    found = told(tmp_path, *[f"SXD/170710/17,{line}" for line in lines], by=WITH_GAPS)
    refusals = [one for one in found if isinstance(one, RowRefused) and one.rule == "question-refused"]
    assert [(one.row, one.where) for one in refusals] == [(row, "Lúc") for row in (3, 5) if row not in answers]
    assert all("row 2" in one.detail and "row 2" in one.way_out for one in refusals)
    assert [one.row for one in found if isinstance(one, Told) and one.answers] == list(answers)


def test_an_answer_that_is_refused_still_answers_its_question(tmp_path: Path) -> None:
    """The next answer is not moved onto it."""
    answer = {**ANSWER, "data": {"area": {"column": "Kênh", "number": True}}}
    by = {**WITH_GAPS, "facts": [*WITH_GAPS["facts"][:2], answer]}
    lines = ["Yêu cầu,10/07/2017 09:00,thiếu,,", "Bổ sung,11/07/2017 09:00,?,,", "Yêu cầu,12/07/2017 09:00,thiếu,,",
             "Bổ sung,13/07/2017 09:00,3,,"]  # fmt: skip
    found = told(tmp_path, *[f"SXD/170710/17,{line}" for line in lines], by=by)
    assert wrong(found) == [(3, "Kênh", "no-number")]
    assert [one.answers for one in found if isinstance(one, Told)][2] == events(found[2:3])[0]["id"]


def test_a_question_is_refused_with_its_row_whatever_else_of_that_row_is_wrong(tmp_path: Path) -> None:
    """A row that tells a whole dossier answers nothing, so what it asks is not said either."""
    facts = [
        {"fact": "SupplementRequested", "data": {"gaps": GAPS}, "time": {"column": "Hỏi"}},
        {**ANSWER, "activity": None, "time": {"column": "Đáp"}},
    ]
    by = whole(activity=None, time=None, facts=facts)
    rows = ["1,2017-07-12T09:00,2017-07-10T09:00", "1,,2017-07-13T09:00"]
    found = told(tmp_path, *rows, by=by, header="Số,Hỏi,Đáp")
    assert wrong(found) == [(2, "Đáp", "answers-nothing"), (3, "Đáp", "question-refused")]


def test_a_question_that_stands_in_a_good_row_too_is_answered(tmp_path: Path) -> None:
    lines = ["Yêu cầu,10/07/2017 09:00,?,,", "Yêu cầu,10/07/2017 09:00,thiếu,,", "Bổ sung,11/07/2017 09:00,,,"]
    found = told(tmp_path, *[f"SXD/170710/17,{line}" for line in lines], by=WITH_GAPS)
    assert wrong(found) == [(2, "Kênh", "unknown-value")]
