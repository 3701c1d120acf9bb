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
    """Equal rows cancel out, in any order; a row that is no longer there is told too. The file has another name."""
    enter(entered, LAND)
    assert (await imported(written(folder, FIRST), door))[0] == 0
    later = at(RETURNED, "10/07/2017 10:00")
    path = written(folder, [CLOSED, later, ASKED, ANSWERED, RECEIPT, RECEIPT]).rename(folder / "08.csv")
    code, report = await imported(path, door)
    assert (code, counts(report)) == (4, (1, 4, 0, 0))
    assert only(report, "new", "changed", "corrected", "gone") == {"new": 1, "changed": 1, "corrected": 0, "gone": 1}
    (change,) = report["changes"]
    assert only(change, "row", "case", "activity", "fact") == {
        "row": 3,
        "case": CASE,
        "activity": "Có kết quả",
        "fact": "DossierReturned",
    }
    assert (change["before"], change["after"]) == (
        {"time": "2017-07-07T03:00:00+00:00"},
        {"time": "2017-07-10T03:00:00+00:00"},
    )
    assert [one["activity"] for one in report["gone_examples"]] == ["Chuyển phòng"]
    code, printed = await onedoor(*[word for word in words(path, door) if word != "--json"])
    assert code == 4
    assert "Since the table before: 0 new, 1 changed (0 corrected), 1 gone" in printed
    assert "changed, not sent  row 3  000.00.31.H49-170703-0001  DossierReturned Có kết quả" in printed
    assert "time: 2017-07-07T03:00:00+00:00 → 2017-07-10T03:00:00+00:00" in printed
    assert await sent(door) == 6
    assert len(await said(door, "DossierReturned")) == 1


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
