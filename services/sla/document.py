"""The record as one document of plain values: what JSON, CSV, XLSX, the printed page and a seal all show. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

import msgspec

from deadlines.catalogue import Catalogue
from events.contracts.terms import UnitKind
from sla.annex import Late
from sla.figures import CYCLES, Column, Cut, Item, Line, Share
from sla.headings import CAUSES, HEADINGS, WORDS
from sla.record import CLASSIFIER, Record
from sla.texts import Text

COLUMNS: Final[tuple[Column, ...]] = get_args(Column)
TEMPLATE: Final = "II.06a/VPCP/KSTT"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A remedial action of the period before, and the same unit's overdue of solved now."""

    unit: str
    why: str
    before: Share
    after: Share


def document(
    found: Record, catalogue: Catalogue, *, items: bool, public: bool = False, effects: Iterable[Effect] = ()
) -> Document:
    """A record as plain values. With `items` every figure is followed by what it counts.

    `public` leaves out whatever names a dossier. Shares are between 0 and 1, lengths in seconds, averages in days,
    instants ISO texts in UTC: it is the same whether it was counted just now or read back from where it was kept.
    """
    name = namer(catalogue)
    small: dict[str, int] = {one.name: one.small for one in catalogue.indicators.values()}
    told: Document = {
        "from": found.period.since,
        "to": found.period.until,
        "template": TEMPLATE,
        "classifier": CLASSIFIER,
        "lines": [_line(line, name, small, items=items) for line in found.lines],
        "cuts": [_line(line, name, small, items=items) for line in found.cuts],
        "delays": [{**delay._asdict(), "name": name("unit", delay.unit)} for delay in found.delays],
        "dwell": [{**dwell._asdict(), "name": name("unit", dwell.unit)} for dwell in found.dwells],
        "effects": [
            {"unit": one.unit, "name": name("unit", one.unit), "why": one.why,
             "before": _share(one.before, 1), "after": _share(one.after, 1)}
            for one in effects
        ],
        "broken": found.broken(),
    }  # fmt: skip
    if not public:
        told["annex"] = [_late(one) for one in found.annex]
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
        "template": {
            str(heading.number): sum(figures[column] for column in heading.columns)
            for heading in HEADINGS if heading.number is not None
        },
        "on_time_share": line.on_time_share,
        "mv": averages._asdict() if averages else None,
        "ratings": line.ratings._asdict() if line.ratings else None,
    }  # fmt: skip
    if line.kind in CYCLES:
        shown["indicators"] = {
            "classifier": "C@1",
            "on_time": _share(line.on_time_766, small.get("on-time-share", 1)),
            "overdue": _share(line.overdue_766, small.get("overdue-share", 1)),
        }
        shown["sums"] = {"delay seconds": line.delay_seconds, **line.mv_sums}
    if items:
        shown["items"] = {column: line.items(column) for column in COLUMNS if figures[column]}
    return shown


def _share(share: Share, small: int) -> dict[str, Any]:
    """A share with its denominator; marked small where the denominator is below what makes it worth comparing."""
    return {"part": share.part, "of": share.whole, "share": share.quotient, "small": share.whole < small}


def _late(one: Late) -> dict[str, Any]:
    return {
        "case_id": one.item.case_id,
        "cycle": one.item.cycle,
        "counter": one.counter,
        "organisation": one.organisation,
        "service": one.service,
        "due": one.due_at,
        "released": one.released_at,
        "delay_seconds": one.delay_seconds,
        "cause": one.cause,
        "cause_text": CAUSES[one.cause]._asdict(),
        "subjective": one.subjective,
        "apology": one.apology,
        "unit": one.unit,
        "holders": [held._asdict() for held in one.holders],
        "explain": explained_at(one.item.case_id),
    }


def explained_at(case_id: str) -> str:
    """Where a dossier opens to its events."""
    return f"/cases/{case_id}/explain"


def namer(catalogue: Catalogue) -> Callable[[str, str], Mapping[str, str]]:
    units = {unit.code: unit.name for unit in catalogue.units()}

    def name(kind: str, key: str) -> Mapping[str, str]:
        if kind == "service" and key in catalogue.services:
            return catalogue.services[key].name.model_dump()
        if kind in ("field", "channel", "service"):
            return WORDS.get(key, Text(key, key))._asdict()
        return units[key].model_dump() if key in units else {"vi": key, "en": key}

    return name


# -- what a seal keeps, and how two of them differ -------------------------------------------------


def written(told: Document) -> bytes:
    """The document byte for byte, as it is kept and sent."""
    return msgspec.json.encode(told)


def fingerprint(kept: bytes) -> str:
    """SHA-256 of a kept document."""
    return hashlib.sha256(kept).hexdigest()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is not what it was, and the dossiers that make the difference."""

    kind: Cut
    line: str
    column: str
    was: int
    now: int
    cases: tuple[str, ...]


def changes(was: Document, now: Document) -> tuple[Change, ...]:
    """How two read documents of one period differ, figure by figure, in the figures' own order.

    Only what is settled with the period is compared: columns, and the sums behind averages and delay. Marks that
    customers give later, and the delay so far of what is still open, go on changing and are no restatement.
    """
    before, after = dict(_lines(was)), dict(_lines(now))
    keys = [*before, *(key for key in after if key not in before)]
    return tuple(change for key in keys for change in _changes(key, before.get(key, {}), after.get(key, {})))


def _lines(told: Document) -> Iterator[tuple[tuple[Cut, str], Mapping[str, Any]]]:
    for line in (*told["lines"], *told["cuts"]):
        yield (line["kind"], line["unit"]), line


def _changes(key: tuple[Cut, str], was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    touched: set[str] = set()
    for column in COLUMNS:
        then, stands = (_items(line, column) for line in (was, now))
        if then != stands:
            cases = sorted({item[0] for item in then ^ stands})
            touched.update(cases)
            yield Change(kind=key[0], line=key[1], column=column, was=len(then), now=len(stands), cases=tuple(cases))
    sums_then, sums_now = was.get("sums", {}), now.get("sums", {})
    for column in dict.fromkeys((*sums_then, *sums_now)):
        then, stands = sums_then.get(column, 0), sums_now.get(column, 0)
        if then != stands:
            yield Change(kind=key[0], line=key[1], column=column, was=then, now=stands, cases=tuple(sorted(touched)))


def _items(line: Mapping[str, Any], column: str) -> set[Item]:
    return {Item(*item) for item in line.get("items", {}).get(column, ())}


def read(kept: bytes) -> Document:
    """A kept document as it was written."""
    told: Document = msgspec.json.decode(kept)
    return told


def overdue_of(told: Document) -> Iterator[tuple[UnitKind, str, Share]]:
    """Kind, unit and overdue of solved with a result, of every unit's line."""
    for line in told["lines"]:
        figures = line["figures"]
        yield line["kind"], line["unit"], Share(figures["overdue"], figures["solved"] - figures["without result"])


def digests(found: Record) -> dict[str, str]:
    """By case: a digest of everything that it counts in, line by line. Equal digests cannot change a figure.

    A record of some cases alone gives these cases the digests that the record of all gives them.
    """
    parts: dict[str, list[tuple[Any, ...]]] = {}
    for line in (*found.lines, *found.cuts):
        for column, items in line.figures.items():
            for item in items:
                parts.setdefault(item.case_id, []).append((line.kind, line.unit, column, item.cycle, item.part))
        for row in line.mv:
            lengths = (row.utility_seconds, row.customer_seconds, row.agency_seconds, str(row.received_at))
            parts[row.case_id].append((line.kind, line.unit, "mv", row.cycle, "", *lengths, str(row.released_at)))
    for late in found.annex:
        if late.released_at is not None:
            parts[late.item.case_id].append(("", "", "delay", late.item.cycle, "", late.delay_seconds))
    return {
        case: hashlib.sha256(msgspec.json.encode(sorted(own, key=repr))).hexdigest()[:16] for case, own in parts.items()
    }
