"""How two records of one period differ in what the period settles, figure by figure; what a case counts in. Pure."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from sla.counting.line import Cut, Item
from sla.counting.record import Record
from sla.reports.document import COLUMNS, Document


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is not what it was, and the dossiers that make the difference."""

    kind: str
    line: str
    column: str
    was: int
    now: int
    cases: tuple[str, ...]


def changes(was: Document, now: Document) -> tuple[Change, ...]:
    """How two read documents of one period differ, figure by figure, in the figures' own order.

    Only what is settled with the period is compared: columns, the sums behind averages and delay, who made what was
    released late and why, and the time in each step. Marks that customers give later, and the delay so far of what is
    still open, go on changing and are no restatement.
    """
    before, after = dict(_lines(was)), dict(_lines(now))
    keys = [*before, *(key for key in after if key not in before)]
    lines = (change for key in keys for change in _changes(key, before.get(key, {}), after.get(key, {})))
    return (*lines, *_settled_changes(settled(was), settled(now)))


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


Settled = dict[tuple[str, str, str], tuple[int, Collection[tuple[Any, ...]] | None]]


def settled(told: Document) -> Settled:
    """By kind, line and column a figure that no line of the record holds, and what it is made of (None: not kept)."""
    made: dict[tuple[str, str, str], set[tuple[Any, ...]]] = {}
    for late in told["annex"]:
        if late["released"] is not None:
            item = late["case_id"], late["cycle"]
            made.setdefault(("cause", late["cause"], "dossiers"), set()).add(item)
            made.setdefault(("last held by", late["unit"], "dossiers"), set()).add(item)
            for held in late["holders"]:
                made.setdefault(("delay", held["unit"], "dossiers"), set()).add(item)
                made.setdefault(("delay", held["unit"], "seconds"), set()).add((*item, held["seconds"]))
    found: Settled = {
        key: (sum(item[-1] for item in items) if key[2] == "seconds" else len(items), items)
        for key, items in made.items()
    }
    for dwell in told["dwell"]:
        items = {tuple(item) for item in dwell["items"]} if "items" in dwell else None
        for column in ("stays", "p50", "p90", "longest"):
            found["dwell", f"{dwell['unit']}/{dwell['step']}", column] = dwell[column], items
    return found


def _settled_changes(was: Settled, now: Settled) -> Iterator[Change]:
    for key in dict.fromkeys((*was, *now)):
        (before, made_before), (after, made_after) = was.get(key, (0, ())), now.get(key, (0, ()))
        known = made_before is not None and made_after is not None
        differing = set(made_before or ()) ^ set(made_after or ()) if known else set()
        # A percentile that stands is the same figure, whatever moved above and below it.
        if before != after or (differing and key[0] != "dwell"):
            cases = sorted({item[0] for item in differing})
            yield Change(kind=key[0], line=key[1], column=key[2], was=before, now=after, cases=tuple(cases))


def _items(line: Mapping[str, Any], column: str) -> set[Item]:
    return {Item(*item) for item in line.get("items", {}).get(column, ())}


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
            whose = [tuple(held) for held in late.holders]
            parts[late.item.case_id].append(
                ("", late.unit, "delay", late.item.cycle, "", late.delay_seconds, late.cause, whose)
            )
    for stay in found.stayed:
        parts.setdefault(stay.item.case_id, []).append((stay.unit, stay.step, "dwell", *stay.item, stay.seconds))
    return {
        case: hashlib.sha256(msgspec.json.encode(sorted(own, key=repr))).hexdigest()[:16] for case, own in parts.items()
    }
