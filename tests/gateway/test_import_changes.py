"""The next export of a table says something else: what has changed is told, and corrected by those who may."""

import json
from pathlib import Path
from typing import Any

from gateway.land_office import LAND, Line, counts, imported, onedoor, words, written
from gateway.told import enter
from serving import Serving

from events.gateway.rules import Name

CODE, CASE = "BN170703.1", "000.00.31.H49-170703-0001"
RECEIPT = (CODE, "Nhận hồ sơ", "03/07/2017 09:00", "", "10/07/2017 09:00", "Tại quầy", "")
FORWARDED = (CODE, "Chuyển phòng", "03/07/2017 10:00", "Đo đạc", "", "", "")
ASKED = (CODE, "Đòi giấy tờ", "04/07/2017 09:00", "", "", "", "")
ANSWERED = (CODE, "Nộp giấy tờ", "05/07/2017 09:00", "", "", "", "")
RETURNED = (CODE, "Có kết quả", "07/07/2017 10:00", "Đo đạc", "", "", "")
CLOSED = (CODE, "Trả kết quả", "07/07/2017 11:00", "", "", "", "")
FIRST = [RECEIPT, FORWARDED, ASKED, ANSWERED, RETURNED]
CORRECT = ("--correct", "--leader", "leader-tnmt-01", "--reason", "wrong-time")


def at(line: Line, time: str) -> Line:
    return (*line[:2], time, *line[3:])


def only(report: Any, *names: str) -> dict[str, Any]:
    return {name: report[name] for name in names}


async def said(door: Serving, kind: str) -> list[Any]:
    """The data of every event of a kind that the gateway has taken in, in their order."""
    rows = await door.running.parts.pool.fetch("select data from events where type = $1 order by position", kind)
    return [json.loads(row["data"]) for row in rows]


async def sent(door: Serving) -> int:
    return int(await door.running.parts.pool.fetchval("select count(*) from sent"))


async def test_what_has_changed_is_told_with_before_and_after_and_what_is_new_is_sent(
    door: Serving, folder: Path, entered: Path
) -> None:
    """Equal rows cancel out, in any order; a row that is no longer there is told too."""
    enter(entered, LAND)
    assert (await imported(written(folder, FIRST), door))[0] == 0
    later = at(RETURNED, "10/07/2017 10:00")
    path = written(folder, [CLOSED, later, ASKED, ANSWERED, RECEIPT, RECEIPT])
    for again in (0, 1):
        code, report = await imported(path, door)
        assert code == 4
        assert counts(report) == (1 - again, 4 + again, 0, 0)
        assert only(report, "new", "changed", "corrected", "gone") == {
            "new": 1 - again, "changed": 1, "corrected": 0, "gone": 1,
        }  # fmt: skip
        (change,) = report["changes"]
        assert only(change, "row", "case", "activity", "fact") == {
            "row": 3, "case": CASE, "activity": "Có kết quả", "fact": "DossierReturned",
        }  # fmt: skip
        assert (change["before"], change["after"]) == (
            {"time": "2017-07-07T03:00:00+00:00"}, {"time": "2017-07-10T03:00:00+00:00"},
        )  # fmt: skip
        assert [one["activity"] for one in report["gone_examples"]] == ["Chuyển phòng"]
    assert await sent(door) == 6
    assert len(await said(door, "DossierReturned")) == 1
    printed = await onedoor(*[word for word in words(path, door) if word != "--json"])
    assert "changed, not sent  row 3  000.00.31.H49-170703-0001  DossierReturned Có kết quả" in printed[1]
    assert "time: 2017-07-07T03:00:00+00:00 → 2017-07-10T03:00:00+00:00" in printed[1]


async def test_the_next_table_may_have_another_name(door: Serving, folder: Path, entered: Path) -> None:
    enter(entered, LAND)
    path = written(folder, FIRST)
    await imported(path, door)
    august = written(folder, [RECEIPT, at(FORWARDED, "03/07/2017 11:00"), *FIRST[2:]]).rename(folder / "08.csv")
    said_so = words(august, door)
    said_so[said_so.index("--mapping") + 1] = str(path.with_suffix(".yaml"))
    code, printed = await onedoor(*said_so)
    assert (code, json.loads(printed)["changed"]) == (4, 1)


async def test_a_table_that_lacks_whole_dossiers_is_told_and_no_trouble(
    door: Serving, folder: Path, entered: Path
) -> None:
    """An export of one month has none of the others."""
    enter(entered, LAND)
    await imported(written(folder, FIRST), door)
    code, report = await imported(written(folder, [("BN170803.2", *RECEIPT[1:])]), door)
    assert (code, report["new"], report["changed"], report["gone"]) == (0, 1, 0, 5)


async def test_what_has_changed_is_taken_back_and_said_anew(door: Serving, folder: Path, entered: Path) -> None:
    """And what answers it with it; afterwards the table is as it was sent."""
    enter(entered, LAND.model_copy(update={"facts": (*LAND.facts, "FactVoided")}))
    await imported(written(folder, FIRST), door)
    (first,) = await said(door, "SupplementReceived")
    second = [RECEIPT, FORWARDED, at(ASKED, "04/07/2017 10:00"), ANSWERED, RETURNED]
    code, report = await imported(written(folder, second), door, *CORRECT)
    assert (code, report["changed"], report["corrected"], report["refused"]) == (0, 2, 2, 0)
    assert [one["fact"] for one in report["changes"]] == ["SupplementRequested", "SupplementReceived"]
    voids = await said(door, "FactVoided")
    assert {one["kind"] for one in voids} == {"SupplementRequested", "SupplementReceived"}
    assert {(one["leader"], one["reason"]) for one in voids} == {("leader-tnmt-01", "wrong-time")}
    assert first["answers"] in {one["voids"] for one in voids}
    stands = [one for one in await said(door, "SupplementReceived") if one["answers"] != first["answers"]]
    assert len(stands) == 1
    rows = await door.running.parts.pool.fetch("select stream from events where type = 'SupplementRequested'")
    assert stands[0]["answers"] in {f"{row['stream']}@1" for row in rows}
    code, again = await imported(written(folder, second), door)
    assert (code, counts(again), again["changed"]) == (0, (0, 5, 0, 0), 0)


async def test_what_was_taken_back_may_be_said_again(door: Serving, folder: Path, entered: Path) -> None:
    """The table goes to and fro, and once without another time: each form has an id of its own."""
    enter(entered, LAND.model_copy(update={"facts": (*LAND.facts, "FactVoided")}))
    other = at(RETURNED, "10/07/2017 10:00")
    online = (*RECEIPT[:5], "Qua mạng", "")
    tables: list[list[Line]] = [
        [RECEIPT, RETURNED],
        [RECEIPT, other],
        [RECEIPT, RETURNED],
        [RECEIPT, other],
        [online, other],
    ]
    await imported(written(folder, tables[0]), door)
    for lines in tables[1:]:
        code, report = await imported(written(folder, lines), door, *CORRECT)
        assert (code, report["changed"], report["corrected"]) == (0, 1, 1)
    code, again = await imported(written(folder, tables[-1]), door)
    assert (code, counts(again)) == (0, (0, 2, 0, 0))
    voided = {one["voids"] for one in await said(door, "FactVoided")}
    assert len(voided) == 4
    rows = await door.running.parts.pool.fetch("select stream, type, at from events where stream like 'foreign-%'")
    stands = [(row["type"], f"{row['at']:%d %H}") for row in rows if f"{row['stream']}@1" not in voided]
    assert sorted(one for one in stands if one[0] != "FactVoided") == [
        ("ApplicationReceived", "03 02"), ("DossierReturned", "10 03"),
    ]  # fmt: skip


async def test_who_may_not_take_back_sends_nothing_of_what_has_changed(
    door: Serving, folder: Path, entered: Path
) -> None:
    enter(entered, LAND)
    await imported(written(folder, FIRST), door)
    path = written(folder, [RECEIPT, at(FORWARDED, "03/07/2017 11:00"), at(RETURNED, "10/07/2017 10:00"), CLOSED])
    code, report = await imported(path, door, *CORRECT)
    assert (code, counts(report)) == (5, (1, 1, 1, 0))
    assert (report["changed"], report["corrected"]) == (2, 0)
    assert report["reasons"][0]["examples"][0]["rule"] == "fact-not-yours"
    assert await said(door, "FactVoided") == []
    assert len(await said(door, "DossierForwarded")) == len(await said(door, "DossierReturned")) == 1


async def test_a_dry_run_shows_what_a_correction_would_send(door: Serving, folder: Path, entered: Path) -> None:
    enter(entered, LAND)
    await imported(written(folder, FIRST), door)
    path = written(folder, [*FIRST[:-1], at(RETURNED, "10/07/2017 10:00")])
    before = path.with_name("bien-nhan.onedoor-state").read_bytes()
    code, printed = await onedoor(*words(path, door, "--dry-run", *CORRECT))
    events = [json.loads(line) for line in printed.splitlines()]
    kinds = [event["type"].split(".")[1] for event in events]
    assert (code, kinds[0], kinds[-1], len(kinds)) == (4, "FactVoided", "DossierReturned", 6)
    returned = [event for event in events if event["type"].startswith("onedoor.DossierReturned")]
    assert f"{Name(LAND.source, returned[0]['id']).stream}@1" != events[0]["data"]["voids"]
    assert await sent(door) == 5
    assert path.with_name("bien-nhan.onedoor-state").read_bytes() == before
