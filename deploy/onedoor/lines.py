"""A fact as one line for a person: when, what, who, which, its few fields. No line can do anything to a terminal."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
from rich.text import Text

from events.store.envelope import RecordedEvent
from events.text_safety import printable
from onedoor.screen import VIETNAM

LATE: Final = timedelta(seconds=1)  # from happening to being recorded; less is the way through the service
WIDEST: Final = len("RemedialActionOpened") + 2
SHOWN: Final = 120  # bytes of a record that cannot be read
REDUNDANT: Final = frozenset({"case_id"})  # the stream says it


def line(fact: RecordedEvent, marks: Mapping[str, Any] | None = None) -> Text:
    """`10/07/2017 08:00:00  ApplicationReceived  staff-193-02  case-…@1  counter=PAC-193`, in Quang Ninh's time.

    `marks` are what the SLA service says became of the fact: voided_by, corrected, idle.
    """
    marks = marks or {}
    voided = marks.get("voided_by")
    text = Text(no_wrap=True)
    text.append(f"{fact.at.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}  ")
    text.append(f"{printable(fact.type):{WIDEST}}", style="strike" if voided else "bold")
    text.append(f"{printable(fact.cause.actor)}  ", style="cyan")
    text.append(f"{printable(fact.id)}", style="dim")
    if fields := _fields(fact.data):
        text.append(f"  {fields}", style="strike" if voided else "")
    if fact.recorded_at - fact.at >= LATE:
        text.append(f"  [recorded {fact.recorded_at.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}]", style="yellow")
    if voided:
        text.append(f"  [VOIDED by {printable(voided)}]", style="bold red")
    for one in marks.get("corrected", ()):
        change = f"{one['field']}: {one['was'] or 'nothing'} → {one['now'] or 'nothing'}"
        text.append(f"  [CORRECTED {printable(change)} by {printable(one['by'])}]", style="bold red")
    if idle := marks.get("idle"):
        text.append(f"  [WITHOUT EFFECT: {printable(idle)}]", style="yellow")
    return text


def broken(place: str, value: bytes | None, why: str) -> Text:
    """A record that is no fact of ours: where it is, why it cannot be read, and how it begins."""
    body = value or b""
    more = f"… ({len(body):,} bytes)" if len(body) > SHOWN else ""
    return Text(f"{place}  CANNOT BE READ: {printable(why)}: {printable(ascii(body[:SHOWN])[2:-1])}{more}", style="red")


def _fields(data: bytes) -> str:
    """The data in short: `name=value`, without what is null or empty."""
    try:
        content = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):  # a type unknown here: nobody has looked at its data
        return f"data={printable(ascii(data[:SHOWN])[2:-1])}"
    if not isinstance(content, dict):
        return f"data={_short(content)}"
    told = (
        (name, value) for name, value in content.items() if name not in REDUNDANT and value not in (None, [], {}, "")
    )
    return " ".join(f"{printable(name)}={_short(value)}" for name, value in told)


def _short(value: Any) -> str:
    """A word as it is; a list by commas; the rest as JSON without spaces."""
    if isinstance(value, str):
        return value if value.isprintable() and " " not in value and value else compact(value)
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return ",".join(_short(one) for one in value)
    return compact(value)


def compact(value: Any) -> str:
    """JSON without spaces, in its own letters where all of them can be printed."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if text.isprintable() else json.dumps(value, separators=(",", ":"))
