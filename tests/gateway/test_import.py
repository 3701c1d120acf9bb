"""`onedoor import` through the real gateway: every row once, whatever happens on the way, and up to the SLA record."""

import csv
import json
import signal
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from random import Random

from contracts.given import eventually
from gateway.at_work import became, fresh
from gateway.land_office import (
    LAND,
    LEFT,
    SENDING,
    SOURCE,
    counts,
    imported,
    kept,
    onedoor,
    start,
    state,
    table,
    words,
    written,
)
from gateway.told import EVERYTHING, enter
from serving import Serving, serving

from events.gateway.cloudevent import BATCH, STRUCTURED
from intake.app import service
from sla.app import service as judging


async def test_every_row_is_said_once_however_often_it_is_imported(door: Serving, folder: Path, entered: Path) -> None:
    """The next export has more rows, in another order: what was said is a repeat."""
    enter(entered, LAND)
    lines = table(40, seed=1)
    facts = sum(line[1] != "In phiếu hẹn" for line in lines)
    path = written(folder, lines[: len(lines) // 2])
    code, first = await imported(path, door)
    assert code == 0
    Random(1).shuffle(lines)
    code, second = await imported(written(folder, lines), door)
    assert (code, second["repeated"], second["refused"]) == (0, first["accepted"], 0)
    assert first["accepted"] + second["accepted"] == facts
    assert (await door.running.parts.pool.fetchval("select count(*) from sent")) == facts
    assert (second["new"], second["changed"], second["gone"]) == (second["accepted"], 0, 0)
    assert kept(path, "select count(*) from event") == 0
    assert state(path).stat().st_mode & 0o077 == 0


async def test_refused_rows_are_listed_with_row_column_rule_and_way_out(
    door: Serving, folder: Path, entered: Path
) -> None:
    """Those that the mapping does not know, and those that the gateway refuses; the rest is taken in."""
    enter(entered, LAND.model_copy(update={"units": ("TNMT", "TNMT-DD")}))
    receipt = ("BN170703.1", "Nhận hồ sơ", "03/07/2017 09:00", "", "", "Tại quầy", "")
    way = ("BN170703.1", "Chuyển phòng", "03/07/2017 10:00", "Đăng ký", "", "", "")
    lines = [
        receipt, way, (*way[:2], "03/07/2017 11:00", "Đo đạc", *way[4:]), (*receipt[:5], "Fax", ""),
        ("x", *receipt[1:]),
        (*receipt[:2], "hôm qua", *receipt[3:]), ("BN170703.1", "Nộp giấy tờ", "04/07/2017 09:00", "", "", "", ""),
        (*receipt[:5], "Qua mạng", ""),
    ]  # fmt: skip
    path = written(folder, lines)
    expected = [
        ("3", "Phòng", "unit-not-yours"), ("5", "Nơi nộp", "unknown-value"), ("6", "Biên nhận", "no-match"),
        ("7", "Lúc", "no-time"), ("8", "Lúc", "answers-nothing"), ("9", "id", "id-reused"),
    ]  # fmt: skip
    code, report = await imported(path, door, "--refused", str(folder / "refused.csv"))
    assert (code, counts(report)) == (5, (2, 0, 6, 0))
    with (folder / "refused.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert sorted((one["row"], one["where"], one["rule"]) for one in listed) == expected
    assert all(one["detail"] and one["way_out"] for one in listed)
    code, again = await imported(path, door, "--refused", str(folder / "refused.ndjson"))
    assert (code, counts(again)) == (5, (0, 2, 6, 0))
    read = [json.loads(line) for line in (folder / "refused.ndjson").read_text().splitlines()]
    assert sorted((str(one["row"]), one["where"], one["rule"]) for one in read) == expected
    assert {one["examples"][0]["rule"]: one["count"] for one in again["reasons"]} == Counter(
        rule for _, _, rule in expected
    )


async def test_an_import_that_was_killed_goes_on_where_it_was(door: Serving, folder: Path, entered: Path) -> None:
    """Killed behind some batch: what was done is not sent again, every row is said, and none is listed twice."""
    enter(entered, LAND)
    wrong = ("x", "Nhận hồ sơ", "03/07/2017 09:00", "", "", "Tại quầy", "")
    lines = [wrong, *table(600, seed=2), wrong]
    facts = sum(line[1] != "In phiếu hẹn" for line in lines) - 2
    path, listed = written(folder, lines), folder / "refused.csv"
    process = await start(*words(path, door, "--refused", str(listed)))
    await eventually(lambda: kept(path, SENDING) > 0)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    done = kept(path, SENDING)
    assert done > 0 < kept(path, LEFT)
    code, report = await imported(path, door, "--refused", str(listed))
    assert (code, report["rows"], report["refused"]) == (5, len(lines), 2)
    assert report["accepted"] + report["repeated"] == facts
    assert report["repeated"] <= 200
    assert await door.running.parts.pool.fetchval("select count(*) from sent") == facts
    with listed.open(newline="") as file:
        assert [one["row"] for one in csv.DictReader(file)] == ["2", str(len(lines) + 1)]


async def test_a_dry_run_prints_what_conform_reads_and_sends_nothing(
    door: Serving, folder: Path, entered: Path
) -> None:
    enter(entered, LAND)
    lines = table(5, seed=3)
    path = written(folder, lines)
    code, printed = await onedoor(*words(path, door, "--dry-run"))
    events = [json.loads(line) for line in printed.splitlines()]
    assert (code, len(events)) == (0, sum(line[1] != "In phiếu hẹn" for line in lines))
    recorded = folder / "events.ndjson"
    recorded.write_text(printed)
    _, told = await onedoor("conform", str(recorded), "--emitters", str(entered), "--json")
    assert json.loads(told)["refused"] == 0
    assert (await became(door, events[0]["id"], source=SOURCE, unit="TNMT"))[0] == 404


def counted(path: Path) -> dict[str, int]:
    """What the record of July must say, straight from the file: by the dates of the appointment and of the result.

    As the record has it, a dossier without an appointment is undetermined and nothing else, and one that ended without
    a result in its time is solved on time.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    begun = {row["Biên nhận"]: row for row in rows if row["Công việc"] == "Nhận hồ sơ"}
    ended = {row["Biên nhận"]: row["Lúc"] for row in rows if row["Công việc"] == "Có kết quả"}
    withdrawn = {row["Biên nhận"] for row in rows if row["Công việc"] == "Rút hồ sơ"}
    figures: Counter[str] = Counter()
    for code, row in begun.items():
        if not row["Hẹn trả"]:
            figures["undetermined"] += 1
            continue
        figures.update(["received", "received online" if row["Nơi nộp"] == "Qua mạng" else "received direct"])
        if code in withdrawn:
            figures.update(["withdrawn", "without result", "solved", "on time"])
        elif code not in ended:
            figures.update(["open"])
        else:
            day, of = (datetime.strptime(at, "%d/%m/%Y %H:%M").date() for at in (ended[code], row["Hẹn trả"]))  # noqa: DTZ007
            figures.update(["solved", "ahead" if day < of else "on time" if day == of else "overdue"])
    return figures


async def test_a_table_of_another_system_reaches_the_record_as_counted_on_the_table(
    database: Mapping[str, str], kafka: str, topic_prefix: str, folder: Path, entered: Path
) -> None:
    """Its rows in no order, and some of them twice."""
    enter(entered, LAND)
    lines = table(120, seed=4)
    lines += lines[::7]
    Random(4).shuffle(lines)
    path = written(folder, lines)
    expected = counted(path)
    async with serving(service, database["intake"], kafka, topic_prefix) as door:
        code, report = await imported(path, door)
        assert (code, report["refused"]) == (0, 0)
        async with serving(judging, database["sla"], kafka, topic_prefix) as sla:

            async def judged() -> bool:
                heard = await sla.running.parts.pool.fetchval("select count(*) from inbox")
                standings = (await sla.get("/followers", role="operator", unit="onedoor")).body["followers"]
                return bool(heard == report["accepted"] and not any(one["behind_events"] for one in standings))

            await eventually(judged, within=60)
            lines_of = (await sla.get("/record?from=2017-07-01&to=2017-08-01")).body["lines"]
    (line,) = [one for one in lines_of if (one["unit"], one["kind"]) == ("TNMT", "organisation")]
    assert len(expected) == 11
    assert {name: line["figures"][name] for name in expected} == expected


async def test_a_table_with_a_mark_a_bad_quote_and_a_long_cell_loses_two_rows(
    door: Serving, folder: Path, entered: Path
) -> None:
    """As spreadsheets save it, under the very encoding that the page shows."""
    enter(entered, LAND)
    receipts = [(f"BN170703.{n}", "Nhận hồ sơ", "03/07/2017 09:00", "", "", "Tại quầy", "") for n in range(1, 6)]
    receipts[3] = (*receipts[3][:6], "x" * 131_073)
    path = written(folder, receipts)
    mapping = path.with_suffix(".yaml")
    mapping.write_text(mapping.read_text().replace('delimiter: ";"', 'delimiter: ";", encoding: utf-8'))
    path.write_bytes(path.read_bytes().replace(b"BN170703.2;", b'"BN"170703.2;'))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    code, report = await imported(path, door)
    assert (code, counts(report)) == (5, (3, 0, 2, 0))
    (reason,) = report["reasons"]
    assert [one["row"] for one in reason["examples"]] == [3, 5]


async def test_the_gateway_tells_what_is_left_of_the_quota(door: Serving, entered: Path) -> None:
    """An import keeps its pace by it; of a single event as of a batch."""
    enter(entered, EVERYTHING.model_copy(update={"per_minute": 600}))
    headers = {"Authorization": f"Bearer {door.issuer.sign(role='emitter', unit='SXD', member='01')}"}
    batch, one = [fresh(f"q-{number}").structured for number in range(200)], fresh("q-200").structured
    for body, kind, left in ((batch, BATCH, range(400, 599)), (one, STRUCTURED, range(399, 600))):
        sent = {**headers, "Content-Type": kind}
        async with door.http.post(f"{door.url}/events", data=json.dumps(body), headers=sent) as answer:
            assert answer.headers["RateLimit-Policy"] == '"events";q=600;w=60'
            assert int(answer.headers["RateLimit"].removeprefix('"events";r=')) in left


async def test_a_refusal_of_one_event_tells_what_is_left_of_the_quota(door: Serving, entered: Path) -> None:
    """Whatever its status, and when nothing is left."""
    enter(entered, EVERYTHING.model_copy(update={"per_minute": 5}))
    headers = {"Authorization": f"Bearer {door.issuer.sign(role='emitter', unit='SXD', member='01')}"}
    first, conflict, wrong = fresh("q-1", stars=5), fresh("q-1", stars=1), fresh("q-2", stars=9)
    anothers = fresh("q-3", case_id="000.00.31.H49-170710-0001")
    sent: list[tuple[object, str]] = [
        (first.structured, STRUCTURED),
        (conflict.structured, STRUCTURED),
        (wrong.structured, STRUCTURED),
    ]
    sent += [(anothers.structured, STRUCTURED), ({}, "text/plain"), ([first.structured] * 5, BATCH)]
    statuses = []
    for body, kind in sent:
        about = {**headers, "Content-Type": kind}
        async with door.http.post(f"{door.url}/events", data=json.dumps(body), headers=about) as answer:
            statuses.append(answer.status)
            assert answer.headers["RateLimit-Policy"] == '"events";q=5;w=60'
            assert answer.headers["RateLimit"].startswith('"events";r=')
    assert statuses == [201, 409, 422, 403, 415, 429]
