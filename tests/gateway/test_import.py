"""`onedoor import` through the real gateway: every row once, whatever happens on the way, and up to the SLA record."""

import asyncio
import csv
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from contracts.given import eventually
from gateway.at_work import became
from gateway.told import enter
from serving import Serving, serving

from events.gateway.emitters import Emitter
from intake.app import service
from local.places import import_paths
from sla.app import service as judging

SOURCE = "urn:test:tnmt"
LAND = Emitter(
    code="TNMT", source=SOURCE, name="test", dossiers=("000.00.31.H49",), units=("TNMT", "TNMT-*"), late_days=36600,
    per_minute=1_000_000,
    facts=("ApplicationReceived", "DossierForwarded", "SupplementRequested", "SupplementReceived", "DossierReturned",
           "ApplicationWithdrawn", "CaseClosed"),
)  # fmt: skip

# The table of a land office's own program, as it exports it; nothing in it is called as onedoor calls it.
HEADER = ("Biên nhận", "Công việc", "Lúc", "Phòng", "Hẹn trả", "Nơi nộp", "Người làm")
MAPPING = """
source: urn:test:tnmt
table: {delimiter: ";"}
case: {column: Biên nhận, pattern: 'BN(\\d{6})\\.(\\d+)', code: "000.00.31.H49-{1}-{2:4}"}
time: {column: Lúc, format: "%d/%m/%Y %H:%M"}
activity: Công việc
ignore: [In phiếu hẹn]
facts:
  - activity: Nhận hồ sơ
    fact: ApplicationReceived
    data:
      counter: TNMT
      organisation: TNMT
      sector: land
      district: TNMT
      channel: {column: Nơi nộp, values: {Tại quầy: counter, Qua mạng: online}}
      promise: {calendar: "VN-PAC@2017.1", clock_policy: PAUSE, due: {column: Hẹn trả, format: "%d/%m/%Y %H:%M"}}
  - activity: Chuyển phòng
    fact: DossierForwarded
    data: {from_unit: TNMT, to_unit: {column: Phòng, values: {Đo đạc: TNMT-DD, Đăng ký: TNMT-DK}}, step: appraise}
  - activity: Đòi giấy tờ
    fact: SupplementRequested
    data: {gaps: [{document: land-paper, wrong: missing}]}
  - activity: Nộp giấy tờ
    fact: SupplementReceived
    answers: SupplementRequested
  - activity: Có kết quả
    fact: DossierReturned
    data: {from_unit: {column: Phòng, values: {Đo đạc: TNMT-DD, Đăng ký: TNMT-DK}}, by: software}
  - activity: Rút hồ sơ
    fact: ApplicationWithdrawn
    data: {reason: customer-request}
  - activity: Trả kết quả
    fact: CaseClosed
"""
Line = tuple[str, ...]


def local(at: datetime) -> str:
    return f"{at:%d/%m/%Y %H:%M}"


def table(dossiers: int, seed: int) -> list[Line]:
    """Dossiers of July 2017 as the land office's people dealt with them; some have no appointment, some no end."""
    chance = Random(seed)
    lines: list[Line] = []
    for number in range(1, dossiers + 1):
        begun = datetime(2017, 7, chance.choice((3, 4, 5, 6, 7)), 9, chance.randrange(60))  # noqa: DTZ001
        code = f"BN{begun:%y%m%d}.{number}"
        room, where = chance.choice(("Đo đạc", "Đăng ký")), chance.choice(("Tại quầy", "Qua mạng"))
        due = begun + timedelta(days=chance.choice((5, 6, 7)))
        ended = due + timedelta(days=chance.choice((-2, -1, 0, 0, 1, 4)), minutes=-30)
        appointed = chance.random() < 0.85

        def line(what: str, at: datetime, room: str = "", due: str = "", where: str = "", code: str = code) -> None:
            lines.append((code, what, local(at), room, due, where, "Nguyễn Văn A"))

        line("Nhận hồ sơ", begun, due=local(due) if appointed else "", where=where)
        line("In phiếu hẹn", begun)
        if chance.random() < 0.1:
            line("Rút hồ sơ", begun + timedelta(hours=3))
            continue
        line("Chuyển phòng", begun + timedelta(hours=1), room)
        if ended.date() < due.date() and chance.random() < 0.5:
            line("Đòi giấy tờ", begun + timedelta(hours=2))
            line("Nộp giấy tờ", begun + timedelta(hours=25))
        if chance.random() < 0.9:
            line("Có kết quả", ended, room)
            line("Trả kết quả", ended + timedelta(hours=1))
    return lines


def written(folder: Path, lines: Sequence[Line]) -> Path:
    path = folder / "bien-nhan.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADER)
        writer.writerows(lines)
    (folder / "bien-nhan.yaml").write_text(MAPPING)
    return path


def words(path: Path, door: Serving, *more: str) -> list[str]:
    return [
        "import", str(path), "--mapping", str(path.with_suffix(".yaml")), "--client", "emitter.TNMT",
        "--door", door.url, "--issuer", door.issuer.url, "--json", *more,
    ]  # fmt: skip


async def onedoor(*words: str) -> tuple[int, str]:
    """Run the command in a process of its own; its exit code and what it printed."""
    process = await start(*words)
    out, err = await process.communicate()
    assert process.returncode is not None
    assert process.returncode not in (1, 2), err.decode()
    return process.returncode, out.decode()


async def start(*words: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "ONEDOOR_CLIENT_SECRET": "unused", "PYTHONPATH": ":".join(import_paths())}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onedoor", *words, env=environment, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def imported(path: Path, door: Serving, *more: str) -> tuple[int, Any]:
    """Exit code and report."""
    code, printed = await onedoor(*words(path, door, *more))
    return code, json.loads(printed)


def counts(report: Any) -> tuple[int, int, int, int]:
    return report["accepted"], report["repeated"], report["refused"], report["silent"]


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
    assert not path.with_name("bien-nhan.csv.position").exists()


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
    position = path.with_name("bien-nhan.csv.position")
    process = await start(*words(path, door, "--refused", str(listed)))
    await eventually(position.exists)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    done = json.loads(position.read_text())
    assert 0 < done["row"] < len(lines)
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
