"""What an import tells: counts, why rows were refused, what has changed, and of which events only the day is known."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from events.errors import OnedoorError
from events.text_safety import printable
from onedoor.importing.progress import State
from onedoor.importing.rows import RowRefused

SHOWN: Final = 3  # examples of each reason
CHANGES: Final = 20  # shown to a person; programs get all
CHANGED: Final = """
select row, case_id, activity, kind, before, body, outcome, row in (select row from refusal) as refused from event
where change = 'changed' order by row, number
"""
NO_MORE: Final = "select case_id, activity, kind, body from sent where gone > 0 order by gone desc, case_id, id limit ?"
DAYS: Final = """
select kind, activity, count(*) as count from event where day group by kind, activity order by min(number)
"""
ONLY_DAYS: Final = "select row, case_id from event where day and kind = ? and activity = ? order by row limit ?"
NEWLY_GONE: Final = "sent where gone = 2 and case_id in (select case_id from event)"  # of dossiers in the table
OUTCOMES: Final = "select coalesce(sum(outcome = 'accepted'), 0), coalesce(sum(outcome = 'duplicate'), 0) from event"


def report(state: State) -> dict[str, Any]:
    """What a program is told."""
    reading = state.db.execute("select * from reading").fetchone()
    accepted, repeated = state.db.execute(OUTCOMES).fetchone()
    changes = [_change(row) for row in state.db.execute(CHANGED)]
    return {
        "rows": reading["rows"],
        "accepted": accepted,
        "repeated": reading["repeated"] + repeated,
        "refused": state.count("refusal"),
        "silent": reading["silent"],
        "new": state.count("event where change = 'new'"),
        "changed": len(changes),
        "corrected": sum(one["corrected"] for one in changes),
        "taken_back": sum(one["taken_back"] for one in changes),
        "gone": state.count("sent where gone > 0"),
        "newly_gone": state.count(NEWLY_GONE),
        "changes": changes,
        "gone_examples": [
            {"case": case, "activity": activity, "fact": kind, "time": json.loads(body)["time"]}
            for case, activity, kind, body in state.db.execute(NO_MORE, (CHANGES,))
        ],
        "only_days": [
            {
                "fact": row["kind"],
                "activity": row["activity"],
                "count": row["count"],
                "examples": [
                    {"row": number, "case": case}
                    for number, case in state.db.execute(ONLY_DAYS, (row["kind"], row["activity"], SHOWN))
                ],
            }
            for row in state.db.execute(DAYS).fetchall()
        ],
        "reasons": _reasons(state),
    }


def _reasons(state: State) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in state.refused():
        reason = found.setdefault((one.rule, one.where), {"count": 0, "examples": []})
        reason["count"] += 1
        if len(reason["examples"]) < SHOWN:
            reason["examples"].append(one._asdict())
    return sorted(found.values(), key=lambda reason: -reason["count"])


def _change(row: Any) -> dict[str, Any]:
    """The fields that differ, before and after."""
    before, after = _flat(json.loads(row["before"])), _flat(json.loads(row["body"]))
    differ = [name for name in before | after if before.get(name) != after.get(name)]
    return {
        "row": row["row"],
        "case": row["case_id"],
        "activity": row["activity"],
        "fact": row["kind"],
        "before": {name: before.get(name) for name in differ},
        "after": {name: after.get(name) for name in differ},
        "corrected": row["outcome"] in ("accepted", "duplicate"),
        "taken_back": row["outcome"] == "refused",  # and not said anew
        "refused": bool(row["refused"]),
    }


def _flat(event: Mapping[str, Any]) -> dict[str, Any]:
    """Time and data of an event, by the paths of its fields."""
    flat: dict[str, Any] = {"time": event["time"]}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict | list):
            for name, one in value.items() if isinstance(value, dict) else enumerate(value):
                walk(one, f"{path}.{name}")
        else:
            flat[path] = value

    walk(event["data"], "data")
    return flat


def write_refused(path: Path, state: State) -> None:
    """The list of refused rows, in the order of the table."""
    try:
        with path.open("w", newline="") as file:
            if path.suffix == ".csv":
                writer = csv.writer(file)
                writer.writerow(RowRefused._fields)
                writer.writerows(state.refused())
            else:
                file.writelines(json.dumps(one._asdict(), ensure_ascii=False) + "\n" for one in state.refused())
    except OSError as broken:
        raise OnedoorError(f"--refused: {path}: {broken.strerror}") from broken


def show(console: Console, name: str, told: Mapping[str, Any]) -> None:
    """The report for a person."""
    console.print(
        f"{printable(name)}: {told['rows']:,} rows: {told['accepted']:,} events accepted, {told['repeated']:,} "
        f"repeats, {told['refused']:,} refused; {told['silent']:,} rows say nothing",
        highlight=False,
    )
    taken_back = f", {told['taken_back']:,} taken back and refused" * bool(told["taken_back"])
    console.print(
        f"Since the table before: {told['new']:,} new, {told['changed']:,} changed ({told['corrected']:,} corrected"
        f"{taken_back}), {told['gone']:,} gone",
        highlight=False,
    )
    _show_changes(console, told)
    for one in told["only_days"]:
        rows = ", ".join(f"row {row['row']} {row['case']}" for row in one["examples"])
        console.print(Text(f"\n{_act(one)}  of {one['count']:,} only the day is known", style="bold yellow"))
        console.print(Text(f"    {printable(rows)}{' …' * (one['count'] > len(one['examples']))}", style="dim"))
    for reason in told["reasons"]:
        first = reason["examples"][0]
        head = f"\n{first['rule']}  {printable(first['where'])}  {reason['count']:,} refused"
        console.print(Text(head, style="bold red"))
        for row in reason["examples"]:
            console.print(
                Text(f"    row {row['row']}  {printable(row['case'])}  {printable(row['detail'])}", style="dim")
            )
        console.print(Text(f"  → {printable(first['way_out'])}"))


def _show_changes(console: Console, told: Mapping[str, Any]) -> None:
    for one in told["changes"][:CHANGES]:
        what = "corrected" if one["corrected"] else "taken back and refused" if one["taken_back"] else "not sent"
        console.print(
            Text(f"\nchanged, {what}  row {one['row']}  {printable(one['case'])}  {_act(one)}", style="bold yellow")
        )
        for field in one["before"]:
            before, after = (printable(str(one[side][field])) for side in ("before", "after"))
            console.print(Text(f"    {field}: {before} → {after}", style="dim"))
    if (more := len(told["changes"]) - CHANGES) > 0:
        console.print(Text(f"    … {more:,} more; --json lists all of them", style="dim"))
    if told["taken_back"]:
        console.print(
            Text("  → what was taken back no longer stands: mend it in the table and import that; it is then new")
        )
    if not all(one["corrected"] or one["refused"] for one in told["changes"]):
        console.print(Text("  → --correct --leader … --reason … takes back what changed and says it anew"))
    for one in told["gone_examples"][:SHOWN]:
        console.print(Text(f"\ngone  {printable(one['case'])}  {_act(one)}  {one['time']}", style="bold yellow"))
    if told["gone"]:
        console.print(Text("  → it stands as it was said; what never happened is taken back with FactVoided"))


def _act(one: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (one["fact"], printable(one["activity"]))))
