"""Events of which a table says only the day: a receipt at its opening, an act at its closing, none before what precedes
it."""

import csv
from collections.abc import Sequence
from datetime import datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from exported import RECEIVED, whole
from oracle.judging import RULES

from deadlines.load import load
from events.contracts.catalogue import read
from events.gateway.rules import Accepted, Name
from events.gateway.sequence_check import course
from events.gateway.sequence_step import step
from events.store.envelope import Cause, RecordedEvent
from local.places import CHECKOUT
from onedoor.importing import mapping
from onedoor.importing.rows import Rows, Told
from onedoor.screen import VIETNAM
from sla.judging.judge import judge

PAC = load(CHECKOUT / "deploy" / "catalogue").calendar("VN-PAC@2017.1")  # 07:00 to 11:30 and 13:30 to 17:00
ONE, TWO = "000.00.30.H49-170710-0001", "000.00.30.H49-170710-0002"
EXACT = {"column": "Lúc", "format": "%d/%m/%Y %H:%M"}
DAY = {"column": "Ngày", "format": "%d/%m/%Y", "day": True}
GAPS = [{"document": "x", "wrong": "missing"}]


def fact(fact: str, **data: Any) -> list[dict[str, Any]]:
    """The fact under two activities: one of which the instant is known, one of which the day."""
    return [
        {"activity": fact, "fact": fact, "data": data, "time": EXACT},
        {"activity": f"{fact} day", "fact": fact, "data": data, "time": DAY},
    ]


MAPPING = whole(
    time=None,
    calendar="VN-PAC@2017.1",
    facts=[
        *fact("ApplicationReceived", **RECEIVED["data"]),
        *fact("DossierForwarded", from_unit="SXD", to_unit="SXD-QLN", step="appraise"),
        *fact("SupplementRequested", gaps=GAPS),
        *({**one, "answers": "SupplementRequested"} for one in fact("SupplementReceived")),
        *fact("DossierReturned", from_unit="SXD-QLN", by="software"),
        *fact("CaseClosed"),
        *fact("CaseReopened", reason="x"),
        *fact("CustomerRated", stars=5),
    ],
)


def told(
    folder: Path, *lines: tuple[str, str], by: Any = MAPPING, case: str = ONE, marks: Sequence[str] = ()
) -> list[Told]:
    path = folder / "table.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Số", "Việc", "Lúc", "Ngày", "Lần"])
        for (what, at), mark in zip(lines, marks or [""] * len(lines), strict=True):
            writer.writerow([case, what, *(("", at) if what.endswith(" day") else (at, "")), mark])
        writer.writerow([TWO, "CaseClosed", "12/07/2017 21:00", "", ""])
    rows = Rows(path, mapping.of("m.yaml", by), PAC)
    rows.look()
    found = [one for row, cells in rows.rows() for one in rows.told(row, cells)]
    assert all(isinstance(one, Told) for one in found), found
    return [one for one in found if isinstance(one, Told) and one.case == case]


def clocks(folder: Path, *lines: tuple[str, str], **more: Any) -> list[str]:
    """Day and time of day of each, in the order of the rows."""
    found = told(folder, *lines, **more)
    return [f"{datetime.fromisoformat(one.event['time']).astimezone(VIETNAM):%d %H:%M:%S}" for one in found]


def test_a_receipt_lies_at_the_opening_and_an_act_at_the_closing(tmp_path: Path) -> None:
    lines = [
        ("ApplicationReceived day", "10/07/2017"),
        ("DossierForwarded day", "10/07/2017"),
        ("DossierReturned day", "12/07/2017"),
        ("CaseClosed", "13/07/2017 08:15"),
    ]
    assert clocks(tmp_path, *lines) == ["10 07:00:00", "10 17:00:00", "12 17:00:00", "13 08:15:00"]
    assert [one.day for one in told(tmp_path, *lines)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("received", "returned"), [("12/07/2017 16:40", "12 17:00:00"), ("12/07/2017 17:30", "12 17:30:00")]
)
def test_a_release_is_not_before_its_receipt(tmp_path: Path, received: str, returned: str) -> None:
    lines = [("DossierReturned day", "12/07/2017"), ("ApplicationReceived", received)]
    assert clocks(tmp_path, *lines)[0] == returned


def test_a_day_that_is_not_worked_is_the_whole_day(tmp_path: Path) -> None:
    lines = [("ApplicationReceived day", "15/07/2017"), ("DossierReturned day", "16/07/2017")]
    assert clocks(tmp_path, *lines) == ["15 00:00:00", "16 23:59:59"]


def test_an_act_lies_beside_what_is_known_of_its_day_as_the_life_of_a_dossier_has_it(tmp_path: Path) -> None:
    """Not before what precedes it, not behind an end; what can come later moves nothing."""
    late = [
        ("DossierForwarded", "12/07/2017 18:00"),
        ("DossierReturned day", "12/07/2017"),
        ("CustomerRated", "12/07/2017 20:00"),
    ]
    assert clocks(tmp_path, *late)[1] == "12 18:00:00"
    early = [("DossierForwarded day", "12/07/2017"), ("DossierReturned", "12/07/2017 15:00")]
    assert clocks(tmp_path, *early)[0] == "12 15:00:00"
    again = [*early, ("CaseReopened", "12/07/2017 15:30")]
    assert clocks(tmp_path, *again)[0] == "12 17:00:00"
    dawn = [("ApplicationReceived day", "12/07/2017"), ("DossierForwarded", "12/07/2017 06:30")]
    assert clocks(tmp_path, *dawn)[0] == "12 06:30:00"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (("SupplementRequested day", "11/07/2017"), ("SupplementReceived day", "11/07/2017")),
        (("SupplementRequested day", "11/07/2017"), ("SupplementReceived", "11/07/2017 15:00")),
        (("SupplementRequested", "11/07/2017 17:40"), ("SupplementReceived day", "11/07/2017")),
    ],
)
def test_an_answer_of_the_day_finds_its_question(
    tmp_path: Path, asked: tuple[str, str], answered: tuple[str, str]
) -> None:
    found = told(tmp_path, answered, asked, ("SupplementRequested day", "12/07/2017"))
    question = found[1].event
    assert found[0].event["data"]["answers"] == f"{Name('urn:test', question['id']).stream}@1"
    if found[0].day:
        assert found[0].event["time"] >= question["time"]


@pytest.mark.parametrize("second", ["12/07/2017", "11/07/2017"])
def test_of_two_questions_of_days_each_is_answered_once(tmp_path: Path, second: str) -> None:
    """The second was asked on the day of the first answer, or both on one day."""
    rows = [
        ("SupplementRequested day", "11/07/2017"),
        ("SupplementReceived day", "12/07/2017"),
        ("SupplementRequested day", second),
        ("SupplementReceived day", "13/07/2017"),
    ]
    found = told(tmp_path, *rows, by={**MAPPING, "id": ["Việc", "Ngày", "Lần"]}, marks=("a", "", "b", ""))
    one, answer, other, later = (dict(act.event, answers=act.answers) for act in found)
    assert {answer["answers"], later["answers"]} == {one["id"], other["id"]}
    if second == "12/07/2017":
        assert answer["answers"] == one["id"]


def test_a_question_that_was_surely_before_the_answer_comes_before_one_of_its_day(tmp_path: Path) -> None:
    rows = [
        ("SupplementRequested day", "12/07/2017"),
        ("SupplementRequested", "12/07/2017 10:00"),
        ("SupplementReceived", "12/07/2017 11:00"),
    ]
    found = told(tmp_path, *rows)
    assert found[2].answers == found[1].event["id"]


def test_a_day_in_the_data_is_promised_until_its_closing(tmp_path: Path) -> None:
    promise = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "due": DAY}
    receipt = {**MAPPING["facts"][0], "data": {**RECEIVED["data"], "promise": promise}}
    path = tmp_path / "table.csv"
    path.write_text(f"Số,Việc,Lúc,Ngày\n{ONE},ApplicationReceived,10/07/2017 09:00,13/07/2017\n")
    rows = Rows(path, mapping.of("m.yaml", {**MAPPING, "facts": [receipt]}), PAC)
    rows.look()
    ((one,),) = [rows.told(row, cells) for row, cells in rows.rows()]
    assert isinstance(one, Told)
    assert not one.day
    assert one.event["data"]["promise"]["due"] == "2017-07-13T10:00:00+00:00"


def test_a_clock_that_stands_in_the_cell_of_a_day_says_nothing(tmp_path: Path) -> None:
    """Spreadsheets write a day as its midnight."""
    day = {"column": "Ngày", "format": "%d/%m/%Y %H:%M:%S", "day": True}
    by = {**MAPPING, "facts": [{**one, "time": day} for one in fact("DossierReturned", from_unit="S", by="software")]}
    by["facts"].append({"activity": "CaseClosed", "fact": "CaseClosed", "time": EXACT})
    assert clocks(tmp_path, ("DossierReturned day", "12/07/2017 00:00:00"), by=by) == ["12 17:00:00"]


# -- from the rows to the verdict ------------------------------------------------------------------------------

PROMISE = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "working_days": 3}
BY = {
    **MAPPING,
    "facts": [*fact("ApplicationReceived", **RECEIVED["data"], promise=PROMISE), *MAPPING["facts"][2:]],
}
ENDING = [
    ("DossierForwarded day", "12/07/2017"),
    ("DossierReturned day", "12/07/2017"),
    ("CaseClosed day", "12/07/2017"),
]
ASKED = [
    ("ApplicationReceived day", "10/07/2017"),
    ("SupplementRequested day", "10/07/2017"),
    ("SupplementReceived day", "11/07/2017"),
    ("SupplementRequested", "11/07/2017 17:40"),
    ("SupplementReceived day", "12/07/2017"),
]


def accepted(one: Told) -> Accepted:
    """The event as the gateway takes it."""
    event = one.event
    kind = event["type"].split(".")[1]
    data = msgspec.json.encode(event["data"])
    name, at = Name(event["source"], event["id"]), datetime.fromisoformat(event["time"])
    cause = Cause(correlation=name.id, causation=name.id, actor="system-SXD")
    return Accepted(name=name, fact=read(kind, 1, data, trusted=False), data=data, cause=cause, at=at)


def recorded(one: Accepted, case: str) -> RecordedEvent:
    return RecordedEvent(
        stream=one.name.stream,
        version=1,
        subject=case,
        type=type(one.fact).__name__,
        schema=1,
        fact=one.fact,
        data=one.data,
        cause=one.cause,
        at=one.at,
        recorded_at=one.at,
        hash=b"",
    )


@pytest.mark.parametrize(
    "begin",
    [
        [("ApplicationReceived", "12/07/2017 16:40")],
        [("ApplicationReceived", "12/07/2017 17:30")],
        [("ApplicationReceived day", "12/07/2017")],
        ASKED,
    ],
    ids=["in the hours", "behind the closing", "a day", "asked twice"],
)
def test_a_dossier_of_days_is_released_without_a_finding(tmp_path: Path, begin: list[tuple[str, str]]) -> None:
    for order in (ENDING, ENDING[::-1], *list(permutations(ENDING))[1:5]):
        found = [(one.case, accepted(one)) for one in told(tmp_path, *order, *begin, by=BY)]
        assert len(found) == len(begin) + 3
        assert course([step(one, number) for number, (_, one) in enumerate(found)]) == []
        judged = judge([recorded(one, case) for case, one in found], RULES)
        assert [cycle.outcome for cycle in judged.cycles] == ["released"]
        assert judged.findings == ()
