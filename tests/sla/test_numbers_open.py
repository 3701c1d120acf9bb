"""Every number of the record opens to the dossiers that it is counted from; counted again, they give the number."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from judged_year import DATES, World, by_766

from sla.counting.annex import nearest_rank
from sla.judging.rows import CycleRow
from sla.reports.document import opened


def followed(world: World, link: str | None) -> Sequence[Mapping[str, Any]]:
    """What the address of a number lists."""
    assert link is not None
    asked = parse_qs(urlsplit(link).query)
    assert {name: asked.pop(name) for name in DATES} == {name: [text] for name, text in DATES.items()}
    (kind,), (line,), (step,) = asked["kind"], asked["line"], asked.get("step", [None])
    found = opened(world.told, kind, line, asked.get("column", []), step)  # type: ignore[arg-type]
    assert all(one["explain"] == f"/cases/{one['case_id']}/explain" for one in found)
    return found


def share(rows: list[CycleRow], counts: Callable[[CycleRow], bool]) -> float:
    return round(sum(counts(row) for row in rows) / len(rows), 4)


def days(rows: list[CycleRow], clock: Callable[[CycleRow], int]) -> float:
    return round(sum(clock(row) for row in rows) / 8 / 3600 / len(rows), 2)


def elapsed(rows: list[CycleRow]) -> float:
    lengths = [row.released_at - row.received_at for row in rows if row.released_at]
    return round(sum(lengths, timedelta()) / timedelta(days=1) / len(rows), 2)


# What a share or an average must be when it is counted again from the rows of the dossiers that it opens to.
AGAIN: dict[str, Callable[[list[CycleRow]], Any]] = {
    "On-time share": lambda rows: share(rows, lambda row: row.class_a != "overdue"),
    "On-time share by Decision 766": lambda rows: share(rows, lambda row: row.class_c != "overdue"),
    "Overdue share by Decision 766": lambda rows: share(
        rows, lambda row: by_766(row) in ("766 late", "766 pending late")
    ),
    "MV: dossiers": len,
    "MV: days of the company": lambda rows: days(rows, lambda row: row.utility_seconds),
    "MV: days of the customer": lambda rows: days(rows, lambda row: row.customer_seconds),
    "MV: days of agencies": lambda rows: days(rows, lambda row: row.agency_seconds),
    "MV: elapsed days": elapsed,
    "Marks": len,
    "Mean mark": lambda rows: round(sum(row.stars or 0 for row in rows) / len(rows), 2),
}


def value_of(text: Any) -> Any:
    """A cell's value without the mark of a small denominator."""
    return float(text.removesuffix(" (*)")) if isinstance(text, str) else text


@pytest.mark.parametrize("name", ["units", "cuts"])
def test_every_number_of_a_line_opens_to_what_it_is_counted_from(world: World, name: str) -> None:
    """Columns to as many as they say; shares and averages to dossiers whose rows give the same number again."""
    again, stays = Counter[str](), {"department", "team", "agency"}
    for table in world.sheets[name].tables:
        for row in table.rows:
            for heading, cell in list(zip(table.headings, row, strict=True))[2:]:
                if cell.link is None:
                    assert cell.value in (0, None)
                    continue
                found = followed(world, cell.link)
                if heading.en not in AGAIN:
                    assert cell.value == len(found) > 0
                elif parse_qs(urlsplit(cell.link).query)["kind"][0] not in stays:
                    rows = [world.rows[one["case_id"], one["cycle"]] for one in found]
                    assert value_of(cell.value) == pytest.approx(AGAIN[heading.en](rows), abs=1e-4)
                    again[heading.en] += 1
    assert again.keys() == AGAIN.keys()


def test_delays_and_time_in_each_step_open_to_their_dossiers(world: World) -> None:
    """The seconds of each are the judge's, and together they give the number again."""
    charges = {(one.case_id, one.cycle, one.unit): one.seconds for j in world.judgements for one in j.charges}
    stays = [one for judged in world.judgements for one in judged.stays]
    lengths = {(one.case_id, one.cycle, str(one.stay)): one.utility_seconds for one in stays}
    (delay,), (dwell,) = world.sheets["delays"].tables, world.sheets["dwell"].tables
    assert delay.rows
    assert dwell.rows
    for unit, _, dossiers, seconds in delay.rows:
        assert dossiers.link == seconds.link is not None
        found = followed(world, dossiers.link)
        assert all(one["seconds"] == charges[one["case_id"], one["cycle"], str(unit.value)] for one in found)
        assert (len(found), sum(one["seconds"] for one in found)) == (dossiers.value, seconds.value)
    for row in dwell.rows:
        (link,) = {cell.link for cell in row[3:]}
        assert link is not None
        found = followed(world, link)
        assert all(one["seconds"] == lengths[one["case_id"], one["cycle"], one["part"]] for one in found)
        took = sorted(one["seconds"] for one in found)
        shown = [len(took), nearest_rank(took, 50), nearest_rank(took, 90), took[-1]]
        assert [cell.value for cell in row[3:]] == shown


def test_every_number_of_the_document_says_where_it_opens(world: World) -> None:
    """As JSON: a line's figures by their names, its shares and averages by an address of their own."""
    for line in (*world.told["lines"], *world.told["cuts"]):
        for column, figure in line["figures"].items():
            assert len(followed(world, f"{line['opens']}&column={column.replace(' ', '+')}")) == figure
        assert len(followed(world, line["opens_to"]["ratings"])) == (line["ratings"] or {"marks": 0})["marks"]
        assert len(followed(world, line["opens_to"]["mv"])) == (line["mv"] or {"cases": 0})["cases"]
        for name, told in line.get("indicators", {}).items():
            assert name == "classifier" or len(followed(world, line["opens_to"][name])) == told["of"]
    assert "opens" in world.told
