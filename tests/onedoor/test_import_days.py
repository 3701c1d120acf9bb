"""`onedoor import --dry-run` of a table that knows only the days of what was done."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from exported import RECEIVED, whole
from typer.testing import CliRunner, Result

from events.contracts.ranks import RANKS
from onedoor.__main__ import app

CASE = "000.00.30.H49-170710-000{}"
PROMISE = {"calendar": "VN-PAC@2017.1", "clock_policy": "PAUSE", "working_days": 3}
DAY = {"column": "Ngày", "format": "%d/%m/%Y", "day": True}
RECEIPT = {"fact": "ApplicationReceived", "data": {**RECEIVED["data"], "promise": PROMISE}}
MAPPING = whole(
    source="urn:quangninh:so-xay-dung:mot-cua",
    calendar="VN-PAC@2017.1",
    time=DAY,
    facts=[
        {**RECEIPT, "activity": "Nhận", "time": {"column": "Lúc", "format": "%d/%m/%Y %H:%M"}},
        {**RECEIPT, "activity": "Nhận ngày"},
        {
            "activity": "Chuyển",
            "fact": "DossierForwarded",
            "data": {"from_unit": "SXD", "to_unit": "SXD-QLN", "step": "appraise"},
        },
        {"activity": "Có kết quả", "fact": "DossierReturned", "data": {"from_unit": "SXD-QLN", "by": "software"}},
        {"activity": "Trả", "fact": "CaseClosed"},
    ],
)


def dry_run(folder: Path, lines: Sequence[str], calendar: str = "VN-PAC@2017.1") -> Result:
    (folder / "days.csv").write_text("\n".join(["Số,Việc,Lúc,Ngày", *lines, ""]))
    (folder / "days.yaml").write_text(yaml.dump({**MAPPING, "calendar": calendar}))
    return CliRunner().invoke(
        app, ["import", str(folder / "days.csv"), "--mapping", str(folder / "days.yaml"), "--dry-run"]
    )


def lines_of(case: str, receipt: str) -> list[str]:
    return [
        f"{case},Có kết quả,,12/07/2017",
        f"{case},Trả,,12/07/2017",
        f"{case},{receipt}",
        f"{case},Chuyển,,12/07/2017",
    ]


def test_a_dossier_of_one_day_is_received_passed_on_released_and_closed(tmp_path: Path) -> None:
    """Whether its receipt is a day too, or late in that day, or after its closing: each follows what it can follow."""
    receipts = ["Nhận ngày,,12/07/2017", "Nhận,12/07/2017 16:40,", "Nhận,12/07/2017 17:30,"]
    result = dry_run(tmp_path, [row for n, one in enumerate(receipts, 1) for row in lines_of(CASE.format(n), one)])
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    for number in range(1, len(receipts) + 1):
        kinds = [kind for _, _, kind in sorted(_placed(one) for one in events if one["subject"] == CASE.format(number))]
        assert kinds == ["ApplicationReceived", "DossierForwarded", "DossierReturned", "CaseClosed"]


def _placed(event: Any) -> tuple[str, int, str]:
    """Its place in the order of a dossier: the instant, and what can follow what."""
    kind = event["type"].split(".")[1]
    return event["time"], RANKS[kind], kind


def test_the_report_names_the_events_of_which_only_the_day_is_known(tmp_path: Path) -> None:
    told = dry_run(tmp_path, lines_of(CASE.format(1), "Nhận,12/07/2017 16:40,")).stderr
    assert "DossierReturned Có kết quả  of 1 only the day is known" in told
    assert "CaseClosed Trả  of 1 only the day is known" in told
    assert f"row 2 {CASE.format(1)}" in told
    assert "ApplicationReceived" not in told


@pytest.mark.parametrize("calendar", ["VN-PAC@1999", "VN"])
def test_a_calendar_that_is_not_there_is_named(tmp_path: Path, calendar: str) -> None:
    result = dry_run(tmp_path, [], calendar)
    assert result.exit_code == 1
    assert str(result.exception) == f"days.yaml: calendar: there is no {calendar}; one of VN-PAC@2017.1"
