"""`onedoor what-if`: which dossiers would be due, late or judged otherwise under other rules."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deadlines.entries import CatalogueFile
from deadlines.load import load_file
from events.errors import OnedoorError
from local.places import home
from onedoor.client import session
from onedoor.screen import local_time, wide
from onedoor.verbs.watch import At, watch

SHOWN = 50  # dossiers in the table; --json has them all
KINDS: Mapping[str, str] = {
    "due_moved": "hạn thay đổi · due dates moved",
    "verdicts_changed": "kết luận thay đổi · verdicts changed",
    "newly_overdue": "thêm quá hạn · newly overdue",
    "no_longer_overdue": "hết quá hạn · no longer overdue",
}


class Policy(StrEnum):
    """Which version a dossier is judged by, or which clock policy."""

    PAUSE = "PAUSE"
    RESTART = "RESTART"
    PINNED = "pinned"
    AS_REVISED = "as-revised"


def what_if(
    calendar: Annotated[
        Path | None, typer.Option(help="A file with calendar versions, in the schema of deploy/catalogue.")
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="A file with service versions (and calendars), in the same schema.")
    ] = None,
    policy: Annotated[
        list[Policy] | None,
        typer.Option(
            help="pinned: by the versions that receipts name; as-revised: by the newest of the same name "
            "(with a file: of the names in it, and the default); PAUSE or RESTART: that clock policy for all."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with every dossier, for programs.")] = False,
) -> None:
    """Judge every dossier under other rules and print what would change; nothing is changed.

    A change is a new version (VN-PAC@2017.2), never an edit: a version that exists is refused unless it is the
    same. The run is recorded; its counts are what publishing the same rules would carry.

    \b
    onedoor what-if --calendar swap-day.yaml                       a decision of the Government, before it is published
    onedoor what-if --catalogue services-2018.yaml                 other limits
    onedoor what-if --policy RESTART                               count anew after every supplement
    onedoor what-if --policy as-revised --policy PAUSE             the newest versions, and only pauses
    onedoor what-if --calendar swap-day.yaml --json | jq .impact
    """
    supposed = _supposed(calendar, catalogue, policy or [])
    found = asyncio.run(_run(supposed, Console(stderr=True)))
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        show(wide(), found)


def _supposed(calendar: Path | None, catalogue: Path | None, policies: Sequence[Policy]) -> dict[str, Any]:
    """What is asked. Raises OnedoorError naming file and field: a broken file does not reach the service."""
    versions = [one for one in policies if one in (Policy.PINNED, Policy.AS_REVISED)]
    clocks = [one for one in policies if one in (Policy.PAUSE, Policy.RESTART)]
    if len(set(versions)) > 1 or len(set(clocks)) > 1:
        raise OnedoorError("--policy: pinned or as-revised, PAUSE or RESTART; not both of one kind")
    files = [load_file(path) for path in (calendar, catalogue) if path is not None]
    if not files and not policies:
        raise OnedoorError(
            "what if what? Give --calendar, --catalogue or --policy; `onedoor what-if --help` has examples"
        )
    asked: dict[str, Any] = {"calendars": [], "services": []}
    for path, file in zip([path for path in (calendar, catalogue) if path is not None], files, strict=True):
        if other := file.model_fields_set - {"calendars", "services"}:
            raise OnedoorError(f"{path.name}: {', '.join(sorted(other))}: a what-if takes calendars and services only")
        asked = {name: [*entries, *_told(file, name)] for name, entries in asked.items()}
    if files and not (asked["calendars"] or asked["services"]):
        raise OnedoorError("there is no calendar and no service in what was given")
    return asked | {"policy": versions[0] if versions else None, "clock_policy": clocks[0] if clocks else None}


def _told(file: CatalogueFile, name: str) -> list[Any]:
    return list(file.model_dump(mode="json", by_alias=True, include={name})[name])


async def _run(supposed: Mapping[str, Any], console: Console) -> Any:
    async with session(home()) as client:
        run = (await client.post("sla", "/what-if", supposed))["run"]
        how = await watch(f"what-if {run}", "dossiers", lambda: client.get("sla", f"/what-if/{run}"), _at, console)
        if how["state"] == "failed":
            raise OnedoorError(f"what-if {run} failed: {how['error']}")
        return await client.get("sla", f"/what-if/{run}", dossiers="true")


def _at(run: Mapping[str, Any]) -> At:
    return At(run["judged"], run["cases"], run["cases_per_second"], run["seconds_left"])


def show(console: Console, found: Mapping[str, Any]) -> None:
    """The difference for a person: the counts, by unit, and the dossiers."""
    impact, supposed = found["impact"], found["supposed"]
    policies = [word for word in (supposed["policy"], supposed["clock_policy"]) if word]
    versions = [one["id"] for one in (*supposed["calendars"], *supposed["services"])]
    console.print(f"Giả định · Supposed: {', '.join([*versions, *policies])}", style="bold", highlight=False)
    console.print(
        f"{impact['cases']:,} hồ sơ · dossiers, {found['seconds']:.1f} s; tại · at {local_time(found['now'])}",
        highlight=False,
    )
    units = Table(box=None, header_style="bold", pad_edge=False)
    units.add_column("đơn vị · unit")
    for name in KINDS.values():
        units.add_column(name, justify="right")
    for line in impact["units"]:
        units.add_row(line["unit"], *(f"{line[kind]:,}" for kind in KINDS))
    units.add_row("tất cả · all", *(f"{impact[kind]:,}" for kind in KINDS), style="bold")
    console.print(units)
    dossiers = found.get("dossiers", [])
    if not dossiers:
        console.print("Không có hồ sơ nào thay đổi · No dossier changes", highlight=False)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("hồ sơ · dossier", "đơn vị · unit", "hạn · due", "hạn mới · new due", "kết luận · verdict", ""):
        table.add_column(name, no_wrap=True)
    for one in dossiers[:SHOWN]:
        table.add_row(
            _code(one), one["unit"],
            local_time(one["due"]), local_time(one["new_due"]), _verdict(one), _lateness(one),
        )  # fmt: skip
    console.print(table)
    if len(dossiers) > SHOWN:
        console.print(f"… {len(dossiers) - SHOWN:,} hồ sơ nữa · more: --json", highlight=False)


def _code(one: Mapping[str, Any]) -> str:
    """The dossier; after a reopening with the number of its cycle."""
    return str(one["case_id"]) if one["cycle"] == 1 else f"{one['case_id']}/{one['cycle']}"


def _verdict(one: Mapping[str, Any]) -> str:
    if one["by_date"] == one["new_by_date"]:
        return one["by_date"] or ""
    return f"{one['by_date']} → {one['new_by_date']}"


def _lateness(one: Mapping[str, Any]) -> str:
    if one["late"] == one["new_late"]:
        return ""
    return KINDS["newly_overdue" if one["new_late"] else "no_longer_overdue"]
