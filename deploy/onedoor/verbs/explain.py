"""`onedoor explain`: why a dossier stands where it stands, line by line, as it is known now or was on a day."""

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from local.places import home
from onedoor.client import session
from onedoor.screen import local_time, wide

CLOCKS: Mapping[str, str] = {
    "utility": "điện lực · company",
    "customer": "khách hàng · customer",
    "agency": "cơ quan · agency",
    "not counted": "không tính · not counted",
}


def explain(
    case: Annotated[str, typer.Argument(help="The dossier's code, as on its receipt.")],
    as_of: Annotated[
        str | None, typer.Option(help="As known at the end of a day (2017-07-20), or at an instant with its offset.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Print the ledger of a dossier: who held it from when to when, whose time ran, and the sums down to due.

    With --as-of only what had been recorded by then counts, under the rules published by then. "Provisional" means
    that something recorded by then may still be on its way.

    \b
    onedoor explain 000.00.02.H49-170710-0001
    onedoor explain 000.00.02.H49-170710-0001 --as-of 2017-07-20
    onedoor explain 000.00.02.H49-170710-0001 --as-of 2017-07-20T09:00:00+07:00
    onedoor explain 000.00.02.H49-170710-0001 --json | jq '.cycles[].to_due'
    """
    told = asyncio.run(_ask(case, as_of))
    if as_json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        show(wide(), told)


async def _ask(case: str, as_of: str | None) -> Any:
    async with session(home()) as client:
        query = {"as_of": as_of} if as_of else {}
        return await client.get("sla", f"/cases/{case}/explain", **query)


def show(console: Console, told: Mapping[str, Any]) -> None:
    """The explanation for a person: Vietnamese first, English second."""
    console.print(f"Hồ sơ · Dossier {told['case_id']}", style="bold", highlight=False)
    if "as_of" in told:
        final = "đã chốt · final" if told["final"] else "tạm tính · provisional"
        console.print(f"Theo dữ liệu đến · As known on {local_time(told['as_of'])} ({final})", highlight=False)
    for cycle in told["cycles"]:
        _show_cycle(console, cycle)
    for finding, text in told["findings"]:
        console.print(f"! {text['vi']} · {text['en']} ({finding['event']})", style="yellow", highlight=False)


def _show_cycle(console: Console, cycle: Mapping[str, Any]) -> None:
    row, verdict = cycle["row"], cycle["verdict"]
    console.print(f"\nLần · Cycle {row['cycle']}: {verdict['vi']}\n  {verdict['en']}", highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("từ · from", "đến · to"):
        table.add_column(name, no_wrap=True)
    table.add_column("phút · min", justify="right")
    table.add_column("ai giữ · holder", no_wrap=True)
    table.add_column("vì sao · why")
    table.add_column("sự kiện · event", style="dim", overflow="fold")
    for line in cycle["lines"]:
        why = f"{line['text']['vi']}\n{line['text']['en']}"
        minutes = f"{line['minutes']:,}" if line["clock"] != "not counted" else f"({line['minutes']:,})"
        style = "red" if line["after_due"] and line["clock"] == "utility" else None
        table.add_row(
            local_time(line["start"]), local_time(line["end"]), minutes, line["holder"], why, line["because"],
            style=style,
        )  # fmt: skip
    console.print(table)
    console.print(_sums(cycle))
    for held in cycle["why_overdue"]:
        console.print(f"→ {held['text']['vi']}\n  {held['text']['en']}", highlight=False)


def _sums(cycle: Mapping[str, Any]) -> Table:
    """Minutes by clock, before due and after it; they add up to the elapsed time."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("cộng, phút · sums, min")
    for name in ("đến hạn · to due", "sau hạn · after due", "cộng · together"):
        table.add_column(name, justify="right")
    before, after = cycle["to_due"], cycle["after_due"]
    lines = [(CLOCKS[clock.replace("_", " ")], before[clock], after[clock]) for clock in before]
    for name, first, second in [*lines, ("tổng · total", sum(before.values()), sum(after.values()))]:
        table.add_row(name, f"{first // 60:,}", f"{second // 60:,}", f"{(first + second) // 60:,}")
    return table
