"""One definition, many outputs: each says of every dossier what the judge's row says. A new output joins this table."""

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import msgspec
import pytest
from fastapi import FastAPI
from judged_year import PERIOD, Key, World, by_766
from oracle.judging import RULES

from deadlines.inforce import InForce
from events.service.runtime import Parts
from events.settings import Settings
from events.subscriptions.wakeup import Wakeup
from sla.api import routes
from sla.evidence.proofs import dossier_document
from sla.explain import page as explain_page
from sla.explain.explain import explain
from sla.judging.judge import Judgement
from sla.judging.rows import CycleRow, shown
from sla.live.change_feed import change_of
from sla.live.projector import status
from sla.reports import portal
from sla.reports.columns import HEADINGS
from sla.reports.document import Document, opened, read, written
from sla.reports.exports import as_csv, as_xlsx
from sla.reports.page import page
from sla.reports.sheets import Sheet, title

Said = dict[Key, Any]
# The column that says what became of a dossier, the most telling first.
TELLING = ("incomplete", "undetermined", "refused", "withdrawn", "stopped", "ahead", "on time", "overdue",
           "open overdue", "open in time")  # fmt: skip
BY_766 = ("766 on time", "766 late", "766 pending late")
COLUMN_OF = {heading.text.vi: heading.columns[0] for heading in HEADINGS if len(heading.columns) == 1}


# -- what the rows say ---------------------------------------------------------------------------


def by_date(row: CycleRow) -> str:
    if not row.determined:
        return "undetermined"
    if row.ended_at is None:
        return "open overdue" if row.due_at is not None and row.due_at < PERIOD.overdue_before else "open in time"
    return row.class_a.replace("-", " ") if row.class_a else row.outcome


def overdue(row: CycleRow) -> str | None:
    return word if (word := by_date(row)) in ("overdue", "open overdue") else None


def classes(row: CycleRow) -> tuple[Any, ...]:
    return (row.class_a, row.class_b, row.class_c, row.outcome)


def for_portal(row: CycleRow) -> tuple[Any, ...]:
    """Whether it is over, with a result, and whether before its due instant."""
    kept = None if row.ended_at is None or row.due_at is None else row.ended_at <= row.due_at
    return (row.ended_at is None, row.released_at is not None, kept)


# -- what each output says -----------------------------------------------------------------------


def counted(columns: Iterable[tuple[Key, str]], words: tuple[str, ...]) -> Said:
    """Per dossier the most telling of the columns that count it."""
    found: dict[Key, set[str]] = {}
    for key, column in columns:
        found.setdefault(key, set()).add(column)
    return {key: next(w for w in words if w in own) for key, own in found.items() if own & set(words)}


def of_document(told: Mapping[str, Any], words: tuple[str, ...]) -> Said:
    items = [
        ((case_id, cycle), column)
        for line in told["lines"]
        if line["kind"] == "organisation"
        for column, own in line["items"].items()
        for case_id, cycle, _ in own
    ]
    return counted(items, words)


def of_rows(rows: list[list[str]], words: tuple[str, ...]) -> Said:
    """A table of dossiers whose first row is its headings, with a 1 where a column counts the dossier."""
    columns = [COLUMN_OF.get(heading.split("\n")[0]) for heading in rows[0]]
    marks = [
        ((row[0], int(row[1])), column)
        for row in rows[1:]
        for column, value in zip(columns, row, strict=False)
        if column and value == "1"
    ]
    return counted(marks, words)


def csv_rows(sheet: Sheet) -> list[list[str]]:
    vi, _, *rows = csv.reader(io.StringIO(as_csv(sheet).decode("utf-8-sig")))
    return [row[1:] for row in (vi, *rows)]


def xlsx_rows(world: World, number: int) -> list[list[str]]:
    """A worksheet's cells as texts, read from the file's XML."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(as_xlsx(tuple(world.sheets.values()), "x"))) as book:
        texts = ["".join(one.itertext()) for one in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))]
        tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    rows: list[list[str]] = []
    for row in tree.iterfind(".//m:row", space):
        cells: dict[int, str] = {}
        for cell in row.iterfind("m:c", space):
            value = cell.findtext("m:v", "", space)
            letters = re.sub(r"\d", "", cell.get("r", ""))
            place = sum((ord(letter) - 64) * 26**power for power, letter in enumerate(reversed(letters)))
            cells[place - 1] = texts[int(value)] if cell.get("t") == "s" else value
        rows.append([cells.get(place, "") for place in range(max(cells, default=-1) + 1)])
    return rows


def printed(world: World) -> str:
    return page(world.told, tuple(world.sheets.values()))


def of_annex(world: World) -> Said:
    """The overdue dossiers of the printed page; one that is not released yet has no date in the column of release."""
    row = (
        r'<tr><th scope="row"><a href="/cases/(?P<link>[^"]+)/explain/print">(?P<case>[^<]+)</a></th>'
        r"<td>(?P<cycle>\d+)</td>"
        r"<td[^>]*>[^<]*</td><td[^>]*>[^<]*</td><td[^>]*>[^<]*</td><td[^>]*>(?P<released>[^<]*)</td>"
    )
    found = list(re.finditer(row, printed(world)))
    assert all(one["link"] == one["case"] for one in found)
    return {(one["case"], int(one["cycle"])): "overdue" if one["released"] else "open overdue" for one in found}


def of_status(body: bytes) -> Said:
    told = msgspec.json.decode(body)
    return {(told["case_id"], one["cycle"]): (one["by_date"], one["by_session"], one["by_766"], one["outcome"])
            for one in told["cycles"]}  # fmt: skip


def of_statuses(bodies: Iterable[bytes]) -> Said:
    return {key: word for body in bodies for key, word in of_status(body).items()}


def told(judgement: Judgement) -> bytes:
    return status(judgement.case_id, received=judgement.received, cycles=judgement.cycles)


def streamed(judgement: Judgement) -> bytes:
    row = {"position": 1, "subject": judgement.case_id, "data": told(judgement), "swap": None, "hole": False}
    return change_of(row).status


def of_shown(world: World) -> Said:
    rows = {key: shown(row._asdict()) for key, row in world.rows.items()}
    return {key: (one["by_date"], one["by_session"], one["by_766"], one["outcome"]) for key, one in rows.items()}


def of_evidence(world: World) -> Said:
    """What another agency is handed."""
    documents = [dossier_document(one.case_id, one.cycles, False, "") for one in world.judgements]
    return {
        (document["case_id"], one["cycle"]): (one["by_date"], one["by_session"], one["by_766"], one["outcome"])
        for document in documents
        for one in document["verdict"]
    }


def of_explanations(world: World) -> Said:
    cycles = [one for judgement in world.judgements for one in explain(judgement, RULES).cycles]
    return {(one.row.case_id, one.row.cycle): classes(one.row) for one in cycles}


ON_PAPER = {"Trước hạn": "ahead", "Đúng hạn": "on-time", "Quá hạn": "overdue"}


def class_on_paper(row: CycleRow) -> str | None:
    """What the heading of a judged cycle says; other headings are no verdict."""
    return None if row.incomplete or row.due_at is None or row.released_at is None else row.class_a


def of_paper(world: World) -> Said:
    said = {}
    for judgement in world.judgements:
        sections = explain_page.page(explain(judgement, RULES)).split("<section>")[1:]
        for cycle, section in enumerate(sections, 1):
            heading = re.search(r"<(?:h2|p)>(Trước hạn|Đúng hạn|Quá hạn):", section)
            if heading is not None:
                said[judgement.case_id, cycle] = ON_PAPER[heading[1]]
    return said


def of_portal(world: World) -> Said:
    said = {}
    for key, row in world.rows.items():
        fields = portal.fields(row, None)
        ended, due = fields["NgayKetThucXuLy"], fields["NgayHenTra"]
        kept = None if ended is None or due is None else ended <= due
        number = fields["TrangThaiHoSo"]
        assert fields["NgayTiepNhan"] == f"{row.received_at + timedelta(hours=7):%Y%m%d%H%M%S}"
        assert (ended is None) == (number in (2, 4, 5, 6))
        said[key] = (ended is None, number in (9, 10), kept)
    return said


def of_items(world: World) -> Said:
    return items_in(world.told)


def items_in(told: Document) -> Said:
    lines = [line for line in told["lines"] if line["kind"] == "counter"]
    return counted(
        (((one["case_id"], one["cycle"]), column) for line in lines for column in TELLING
         for one in opened(told, "counter", line["unit"], [column])), TELLING
    )  # fmt: skip


OUTPUTS: dict[str, tuple[Callable[[World], Said], Callable[[CycleRow], Any]]] = {
    "record as JSON": (lambda world: of_document(world.told, TELLING), by_date),
    "766 indicators": (lambda world: of_document(world.told, BY_766), by_766),
    "record as CSV": (lambda world: of_rows(csv_rows(world.sheets["dossiers"]), TELLING), by_date),
    "766 indicators in CSV": (lambda world: of_rows(csv_rows(world.sheets["dossiers"]), BY_766), by_766),
    "record as XLSX": (lambda world: of_rows(xlsx_rows(world, 7)[1:], TELLING), by_date),
    "printed annex": (of_annex, overdue),
    "items of a figure": (of_items, by_date),
    "items of a sealed figure": (lambda world: items_in(read(written(world.told))), by_date),
    "sealed record": (lambda world: of_document(read(written(world.told)), TELLING), by_date),
    "sla.cases": (lambda world: of_statuses(told(one) for one in world.judgements), classes),
    "stream": (lambda world: of_statuses(streamed(one) for one in world.judgements), classes),
    "cases": (of_shown, classes),
    "evidence": (of_evidence, classes),
    "explanation": (of_explanations, classes),
    "explanation on paper": (of_paper, class_on_paper),
    "portal": (of_portal, for_portal),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_output_says_of_every_dossier_what_its_row_says(world: World, name: str) -> None:
    """To the case: none missing, none too many, none with another verdict."""
    says, expected = OUTPUTS[name]
    wanted = {key: word for key, row in world.rows.items() if (word := expected(row)) is not None}
    assert says(world) == wanted


def test_the_world_holds_every_verdict(world: World) -> None:
    """So that the comparison above is about something."""
    words = Counter(by_date(row) for row in world.rows.values())
    assert set(words) == set(TELLING) - {"incomplete"}
    assert {by_766(row) for row in world.rows.values()} == {None, *BY_766}
    assert world.record.broken() == []


# -- figures -------------------------------------------------------------------------------------

Figures = dict[tuple[str, str], list[int]]


def in_document(world: World) -> Figures:
    lines = (*world.told["lines"], *world.told["cuts"])
    return {
        (line["kind"], line["unit"]): [sum(line["figures"][c] for c in heading.columns) for heading in HEADINGS]
        for line in lines
    }


def in_tables(rows: list[list[str]]) -> Figures:
    """The tables of units in a CSV or a worksheet: the caption, the unit, its name, and from there its figures."""
    kinds = dict(zip(("Organisations", "Counters", "Departments (stays)", "Teams (stays)", "Agencies (referrals)"),
                     ("organisation", "counter", "department", "team", "agency"), strict=True))  # fmt: skip
    found: Figures = {}
    for row in rows:
        if row and (kind := kinds.get(row[0])) and row[1] != "Code":
            found[kind, row[1]] = [int(value or 0) for value in row[3 : 3 + len(HEADINGS)]]
    return found


def in_csv(world: World) -> Figures:
    return in_tables(list(csv.reader(io.StringIO(as_csv(world.sheets["units"]).decode("utf-8-sig")))))


def in_xlsx(world: World) -> Figures:
    rows, caption = [], ""
    for row in xlsx_rows(world, 1):
        if len(row) == 1 and " / " in row[0]:
            caption = row[0].partition(" / ")[2]
        elif row and not row[0].startswith("Mã"):
            rows.append([caption, *row])
    return in_tables(rows)


def in_print(world: World) -> Figures:
    """From the links of the page: each names its line and its columns."""
    places: dict[tuple[str, ...], int] = {heading.columns: place for place, heading in enumerate(HEADINGS)}
    found: Figures = {}
    for link, figure in re.findall(r'<a href="(/record/items[^"]+)">(\d+)</a>', printed(world)):
        asked = parse_qs(urlsplit(unescape(link)).query)
        place = places.get(tuple(asked.get("column", ())))
        if place is not None:
            found.setdefault((asked["kind"][0], asked["line"][0]), [0] * len(HEADINGS))[place] = int(figure)
    return found


@pytest.mark.parametrize("output", [in_csv, in_xlsx, in_print])
def test_every_output_has_the_same_figures(world: World, output: Callable[[World], Figures]) -> None:
    """All lines that it shows, all columns; the page also the cuts."""
    expected = in_document(world)
    found = output(world)
    kinds = {kind for kind, _ in found}
    assert kinds >= {"organisation", "counter", "department", "team", "agency"}
    assert found == {key: figures for key, figures in expected.items() if key[0] in kinds}


def test_the_columns_of_the_template_are_added_up_from_the_figures(world: World) -> None:
    """3 = 4 + 5 + 6 = 7 + 11; 7 = 8 + 9 + 10; 11 = 12 + 13, in every line."""
    for line in (*world.told["lines"], *world.told["cuts"]):
        column = {int(number): figure for number, figure in line["template"].items()}
        assert sorted(column) == list(range(3, 14))
        assert column[3] == column[4] + column[5] + column[6] == column[7] + column[11]
        assert column[7] == column[8] + column[9] + column[10]
        assert column[11] == column[12] + column[13]


def test_a_printed_page_is_readable_by_itself(world: World) -> None:
    """Vietnamese with English beside it, headings with scope, a caption per table, rules for paper, no script."""
    text = printed(world)
    assert '<html lang="vi">' in text
    assert "@media print" in text
    assert "<script" not in text
    assert text.count("<table") == text.count("<caption") == text.count("<thead")
    assert title(world.told).en == "How dossiers were handled from 2017-07-01 to 2018-04-30"
    assert "broken" not in world.told or not world.told["broken"]


# -- an output added later -------------------------------------------------------------------------

SAYS = {
    "/cases": "cases", "/cases/{case_id}": "cases", "/cases/{case_id}/explain": "explanation",
    "/cases/{case_id}/explain/print": "explanation on paper",
    "/cases/{case_id}/portal": "portal", "/overdue": "cases", "/stream": "stream",
    "/record": "record as JSON", "/record/items": "items of a figure", "/record.csv": "record as CSV",
    "/record.xlsx": "record as XLSX", "/record/print": "printed annex", "/public/record": "record as JSON",
    "/record/seals/{seal}": "sealed record", "/record/seals/{seal}/print": "printed annex",
    "/record/seals/{seal}/restatements/{number}": "sealed record",
    "/record/seals/{seal}/items": "items of a sealed figure",
    "/record/seals/{seal}/restatements/{restated}/items": "items of a sealed figure",
    "/evidence/{case_id}": "evidence", "/evidence/dossiers": "evidence",
}  # fmt: skip
SHOWS_NO_VERDICT = {
    "/public/stream", "/rebuilds", "/rebuilds/{run}", "/record/seals", "/remedies", "/record/practice",
    # A certificate quotes stored rows of two generations side by side; it concludes nothing either.
    "/rebuilds/{run}/certificate", "/rebuilds/{run}/certificate/text", "/rebuilds/{run}/differences",
    "/rebuilds/{run}/progress",
    "/what-if", "/what-if/{run}",
    "/day-seals", "/evidence/rules", "/evidence/month",  # hashes, rules, and a list of codes
    "/cases/{case_id}/facts",  # what was said, verdicts among it; it concludes nothing
}  # fmt: skip


def test_every_route_that_shows_a_verdict_is_compared() -> None:
    """Whoever adds a route says which output of the table above it is, or adds one."""
    settings = Settings(kafka_bootstrap_servers="", database_url="", oidc_issuer="")
    parts = Parts(settings=settings, pool=None, bell=Wakeup(), producer=None)  # type: ignore[arg-type]
    app = FastAPI()
    app.include_router(routes(parts, InForce(RULES.catalogue, "events"), None))  # type: ignore[arg-type]
    paths = {path for path, methods in app.openapi()["paths"].items() if "get" in methods}
    assert paths == SAYS.keys() | SHOWS_NO_VERDICT
    assert set(SAYS.values()) <= OUTPUTS.keys()


def test_instants_are_local_on_paper(world: World) -> None:
    """What is due at 17:00 in Quang Ninh is not printed as 10:00."""
    rows = [[cell.value for cell in row] for row in world.sheets["annex"].tables[0].rows]
    for late, row in zip(world.told["annex"], rows, strict=True):
        due = datetime.fromisoformat(late["due"]) + timedelta(hours=7)
        assert row[4] == f"{due:%Y-%m-%d %H:%M:%S}"
