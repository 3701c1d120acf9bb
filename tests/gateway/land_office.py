"""A land office that can only export, and `onedoor import` in a process of its own with what it exports."""

import asyncio
import csv
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from serving import Serving

from events.gateway.emitters import Emitter
from local.places import import_paths

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
        "import", str(path), "--mapping", str(path.with_name("bien-nhan.yaml")), "--client", "emitter.TNMT",
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


def state(path: Path) -> Path:
    """What an import of this table keeps beside it."""
    return path.with_name("bien-nhan.onedoor-state")


def kept(path: Path, query: str) -> int:
    """A number out of that file, 0 as long as there is none; an import may be at work on it."""
    if state(path).exists():
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(state(path))) as db:
            return int(db.execute(query).fetchone()[0])
    return 0


SENDING = "select count(*) from event where outcome is not null"
LEFT = "select count(*) from event where outcome is null"
