"""The record as one document of plain values: what JSON, CSV, XLSX, the printed page and a seal all show. Pure."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, get_args
from urllib.parse import urlencode

import msgspec

from deadlines.catalogue import Catalogue
from events.contracts.terms import UnitKind
from sla.counting.annex import Late
from sla.counting.line import CYCLES, Column, Item, Line, Made, Opening, Share
from sla.counting.record import CLASSIFIER, Record
from sla.i18n.labels import CAUSES, STEPS, WHYS, WORDS
from sla.i18n.texts import Text
from sla.reports.columns import HEADINGS

COLUMNS: Final[tuple[Column, ...]] = get_args(Column)
TEMPLATE: Final = "II.06a/VPCP/KSTT"
_NUMBERED: Final = [(str(heading.number), heading.columns) for heading in HEADINGS if heading.number is not None]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A remedial action of the period before (`seal`), and the same unit's overdue of solved now."""

    unit: str
    kind: UnitKind
    seal: str
    why: str
    before: Share
    after: Share


def document(
    found: Record, catalogue: Catalogue, *, items: bool, annex: bool = True, effects: Iterable[Effect] = ()
) -> Document:
    """A record as plain values. With `items` every figure is followed by what it counts.

    `seen` is the local date by which what is open was told late, in a period that is not over.
    Without items and `annex` nothing names a dossier. Shares are between 0 and 1, lengths in seconds, averages in days,
    instants ISO texts in UTC: it is the same whether it was counted just now or read back from where it was kept.
    """
    name = namer(catalogue)
    charged, stayed = (_charged(found), _stayed(found)) if items else ({}, {})
    small: dict[str, int] = {one.name: one.small for one in catalogue.indicators.values()}
    told: Document = {
        "from": found.period.since,
        "to": found.period.until,
        "template": TEMPLATE,
        "classifier": CLASSIFIER,
        "lines": [_line(line, name, small, items=items) for line in found.lines],
        "cuts": [_line(line, name, small, items=items) for line in found.cuts],
        "delays": [
            {**delay._asdict(), "name": name("unit", delay.unit)}
            | ({"items": charged.get(delay.unit, [])} if items else {})
            for delay in found.delays
        ],
        "dwell": [
            {**dwell._asdict(), "name": name("unit", dwell.unit), "step_name": named(STEPS, dwell.step)}
            | ({"items": stayed.get((dwell.unit, dwell.step), [])} if items else {})
            for dwell in found.dwells
        ],
        "effects": [
            {"unit": one.unit, "kind": one.kind, "name": name("unit", one.unit), "why": one.why,
             "why_name": named(WHYS, one.why), "seal": one.seal,
             "before": _share(one.before, 1), "after": _share(one.after, 1)}
            for one in effects
        ],
        "broken": found.broken(),
    }  # fmt: skip
    if found.period.seen:
        told["seen"] = found.period.seen
    if annex:
        told["annex"] = [annex_line(one, name) for one in found.annex]
    plain: Document = msgspec.to_builtins(told)
    return plain


def _line(line: Line, name: Callable[[str, str], Mapping[str, str]], small: Mapping[str, int], *, items: bool) -> Any:
    averages = line.mv_averages
    figures = {column: line.count(column) for column in COLUMNS}
    shown: dict[str, Any] = {
        "unit": line.unit,
        "kind": line.kind,
        "name": name(line.kind, line.unit),
        "figures": figures,
        "template": {number: sum([figures[column] for column in columns]) for number, columns in _NUMBERED},
        "on_time_share": line.on_time_share,
        "mv": averages._asdict() if averages else None,
        "ratings": line.ratings._asdict() if line.ratings else None,
    }  # fmt: skip
    if line.kind in CYCLES:
        shown["indicators"] = {
            "classifier": "C@2",
            "on_time": _share(line.on_time_766, small.get("on-time-share", 1)),
            "overdue": _share(line.overdue_766, small.get("overdue-share", 1)),
        }
        shown["sums"] = {"delay seconds": line.delay_seconds, **line.mv_sums}
    if items:
        shown["items"] = {column: line.items(column) for column in COLUMNS if figures[column]}
        shown["made_of"] = line.made_of()
    return shown


Timed = tuple[str, int, str, int]


def _charged(found: Record) -> dict[str, list[Timed]]:
    """By unit the dossiers released overdue that it is charged with: case, cycle, no part, its seconds."""
    made: dict[str, list[Timed]] = {}
    for one in found.annex:
        for held in one.holders if one.released_at is not None else ():
            made.setdefault(held.unit, []).append((*one.item, held.seconds))
    return made


def _stayed(found: Record) -> dict[tuple[str, str], list[Timed]]:
    """By unit and step the stays that a dwell is of: case, cycle, stay, its seconds."""
    made: dict[tuple[str, str], list[Timed]] = {}
    for one in found.stayed:
        made.setdefault((one.unit, one.step), []).append((*one.item, one.seconds))
    return made


def _share(share: Share, small: int) -> dict[str, Any]:
    """A share with its denominator; marked small where the denominator is below what makes it worth comparing."""
    return {"part": share.part, "of": share.whole, "share": share.quotient, "small": share.whole < small}


def annex_line(one: Late, name: Callable[[str, str], Mapping[str, str]]) -> dict[str, Any]:
    """An overdue dossier as the annex, which comes last in a document, lists it."""
    return {
        "case_id": one.item.case_id,
        "cycle": one.item.cycle,
        "counter": one.counter,
        "counter_name": name("unit", one.counter),
        "organisation": one.organisation,
        "service": one.service,
        "service_name": name("service", one.service) if one.service else None,
        "due": one.due_at,
        "released": one.released_at,
        "delay_seconds": one.delay_seconds,
        "cause": one.cause,
        "cause_text": CAUSES[one.cause]._asdict(),
        "subjective": one.subjective,
        "apology": one.apology,
        "unit": one.unit,
        "unit_name": name("unit", one.unit),
        "holders": [{**held._asdict(), "unit_name": name("unit", held.unit)} for held in one.holders],
        "explain": explained_at(one.item.case_id),
    }


def explained_at(case_id: str) -> str:
    """Where a dossier opens to its events."""
    return f"/cases/{case_id}/explain"


def named(table: Mapping[str, Text], code: str) -> Mapping[str, str]:
    """What a code is called; itself where another version of the catalogue has more of them."""
    return table.get(code, Text(code, code))._asdict()


def namer(catalogue: Catalogue) -> Callable[[str, str], Mapping[str, str]]:
    units = {unit.code: unit.name for unit in catalogue.units()}

    def name(kind: str, key: str) -> Mapping[str, str]:
        if kind == "service" and key in catalogue.services:
            return catalogue.services[key].name.model_dump()
        if kind in ("field", "channel", "service"):
            return named(WORDS, key)
        return units[key].model_dump() if key in units else {"vi": key, "en": key}

    return name


# -- how a number opens to its dossiers ------------------------------------------------------------

MADE: Final[tuple[Made, ...]] = get_args(Made)
MADE_OF: Final[Mapping[str, tuple[Column | Made, ...]]] = {
    "on_time_share": ("with result",),
    "on_time": ("766 on time", "766 late"),
    "overdue": ("received", "carried over"),
    "mv": ("mv",),
    "ratings": ("rated",),
    "delay seconds": ("overdue",),
}
"""The columns that a line's shares, averages and sums open to: the dossiers that they are counted from."""


def addressed(told: Document, address: str, **query: str) -> Document:
    """The same document with `opens`, the address at which its numbers open to what they count.

    A line's, delay's or dwell's own `opens` has all that but the columns: `&column=` and the name of a figure is added.
    What no column counts (shares, averages, sums) has its whole address in `opens_to`.
    """
    opens = f"{address}?{urlencode(query)}" if query else f"{address}?"
    return {
        **told,
        "opens": opens,
        "lines": [_opening(opens, line) for line in told["lines"]],
        "cuts": [_opening(opens, line) for line in told["cuts"]],
        "delays": [{**one, "opens": opens_at(opens, "delays", one["unit"])} for one in told["delays"]],
        "dwell": [{**one, "opens": opens_at(opens, "dwell", one["unit"], step=one["step"])} for one in told["dwell"]],
    }


def _opening(opens: str, line: Mapping[str, Any]) -> Document:
    own = opens_at(opens, line["kind"], line["unit"])
    to = {name: opens_at(opens, line["kind"], line["unit"], columns) for name, columns in MADE_OF.items()}
    return {**line, "opens": own, "opens_to": to}


@lru_cache(maxsize=4096)  # a document has some 600, the same in each one of its period
def opens_at(opens: str, kind: str, line: str, columns: tuple[str, ...] = (), step: str | None = None) -> str:
    """The address at which one number of a document opens."""
    asked = [("kind", kind), ("line", line), *([("step", step)] if step else []), *(("column", one) for one in columns)]
    return f"{opens}{'' if opens.endswith('?') else '&'}{urlencode(asked)}"


def opened(
    told: Document, kind: Opening, unit: str, columns: Collection[str] = (), step: str | None = None
) -> list[dict[str, Any]]:
    """What one number of a document with items is made of, in order of case, each with where it opens to its events.

    A delay's or a dwell's come with the seconds of each.
    """
    found: set[tuple[Any, ...]] = set()
    if kind in ("delays", "dwell"):
        for one in told[kind]:
            if one["unit"] == unit and one.get("step") == step:
                found.update(tuple(item) for item in one.get("items", ()))
    else:
        for line in (*told["lines"], *told["cuts"]):
            if (line["kind"], line["unit"]) == (kind, unit):
                own = {**line.get("items", {}), **line.get("made_of", {})}
                found.update(tuple(item) for column in columns for item in own.get(column, ()))
    names = (*Item._fields, "seconds")
    return [{**dict(zip(names, item, strict=False)), "explain": explained_at(item[0])} for item in sorted(found)]


# -- what a seal keeps -----------------------------------------------------------------------------


def written(told: Document) -> bytes:
    """The document byte for byte, as it is kept and sent."""
    return msgspec.json.encode(told)


def fingerprint(kept: bytes) -> str:
    """SHA-256 of a kept document."""
    return hashlib.sha256(kept).hexdigest()


def read(kept: bytes) -> Document:
    """A kept document as it was written."""
    told: Document = msgspec.json.decode(kept)
    return told


def overdue_of(told: Document) -> Iterator[tuple[UnitKind, str, Share]]:
    """Kind, unit and overdue of solved with a result, of every unit's line."""
    for line in told["lines"]:
        figures = line["figures"]
        yield line["kind"], line["unit"], Share(figures["overdue"], figures["solved"] - figures["without result"])
