"""HTTP: the record in every form, a dossier for the portal.

Every form is made from one document, so that they cannot disagree.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import HTMLResponse

from deadlines.calendar import FIRST, LAST
from deadlines.catalogue import Catalogue
from deadlines.entries import Service
from deadlines.errors import UnknownId
from deadlines.instants import local_date
from events.contracts.terms import CaseId, Date, Instant, Word
from events.errors import NotFound, Refused
from events.http.app import answers, says
from events.service.runtime import Parts
from events.store.database import Pool
from sla.answers.record import Items, Portal, PracticeDocument, PublicRecord, RecordDocument
from sla.counting.annex import Late
from sla.counting.periods import Period, ending_in, month
from sla.counting.practice import Practice
from sla.counting.record import Record
from sla.i18n.labels import ACTS
from sla.live import queries
from sla.reports import portal, record_queries
from sla.reports.as_of import AsOf, end_of
from sla.reports.cache import KEPT, Totals
from sla.reports.document import Document, Effect, addressed, annex_line, document, namer
from sla.reports.exports import as_csv, as_xlsx
from sla.reports.http import (
    AskedNumber,
    Reads,
    encoded_response,
    file_response,
    json_response,
    number_response,
    period_of,
)
from sla.reports.page import page
from sla.reports.sheets import SheetName, sheets, title

ITEMS = "/record/items"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Month = Annotated[str, Query(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="the month in which the period ends")]
# An instant with its offset, or a local date: what was known at the end of that day.
Day = Annotated[Instant | Date | None, Query()]
LONGEST_PUBLIC = timedelta(days=366)  # anybody may ask, and every dossier of the period is counted
WRITTEN = 2 * KEPT  # answers kept: each period for staff and for everybody


class Written(NamedTuple):
    """A record as it was last sent, and what it was written from."""

    found: Record
    services: Mapping[str, Service]
    effects: Sequence[Effect]
    annex: Mapping[Late, msgspec.Raw]
    body: bytes


def record_routes(
    parts: Parts,
    catalogue: Catalogue,
    current: Callable[[], Awaitable[datetime]],
    known: Callable[[datetime | date], AbstractAsyncContextManager[AsOf]],
) -> APIRouter:
    """The routes of the record. `current` is what time it is in this deployment, `known` what was known on a day."""
    router = APIRouter(tags=["record"])
    pool = parts.pool
    kinds = {unit.code: unit.kind for unit in catalogue.units()}
    name = namer(catalogue)
    totals = Totals(pool, kinds)
    written: dict[tuple[Period, bool], Written] = {}

    async def asked_period(
        since: Annotated[Date | None, Query(alias="from")] = None,
        to: Date | None = None,
        period: Annotated[Word | None, Query(description="a named kind of period, instead of dates")] = None,
        ending: Month | None = None,
    ) -> Period:
        """[from, to), or a named kind of period and the month it ends in; nothing at all is the month that it is."""
        today = local_date(await current())
        if period is not None or ending is not None:
            return _named(catalogue, period or "calendar-month", ending or f"{today:%Y-%m}").on(today)
        begin = since or today.replace(day=1)
        covered = FIRST <= begin <= LAST  # beyond, a month may have no end
        return period_of(begin, to or (month(begin.year, begin.month).until if covered else begin)).on(today)

    Asks = Annotated[Period, Depends(asked_period)]

    async def figures(period: Period, *, public: bool = False) -> bytes:
        """The same without the dossiers of each figure, as JSON; written anew when anything in it has changed.

        Most of it is the annex, of which a few lines change: the others are taken as they were written before.
        """
        found = await totals.record(period)
        effects = await record_queries.effects(pool, found)
        was = written.get((period, public))
        if was and was.found is found and was.services is catalogue.services and was.effects == effects:
            return was.body
        it = document(found, catalogue, items=False, annex=False, effects=effects)
        annex: dict[Late, msgspec.Raw] = {}
        if not public:
            ready = was.annex if was and was.services is catalogue.services else {}
            annex = {one: ready.get(one) or as_written(one) for one in found.annex}
            it = addressed(it | {"annex": [*annex.values()]}, ITEMS, **_asked(period))
        body = msgspec.json.encode(it)
        if len(written) >= WRITTEN:
            written.clear()
        written[period, public] = Written(found, catalogue.services, effects, annex, body)
        return body

    def as_written(one: Late) -> msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(annex_line(one, name)))

    async def recorded(period: Period, day: datetime | date | None) -> tuple[Record, dict[str, Any]]:
        """The record now, or as of a day, and the mark that such an answer bears."""
        if day is None:
            return await record_queries.the_record(pool, period, kinds), {}
        async with known(day) as then:
            today = min(local_date(end_of(day)), local_date(await current()))
            return await then.the_record(period.on(today), kinds), then.mark

    async def shown(period: Period) -> Document:
        """The document with everything that its sheets show."""
        found = await record_queries.the_record(pool, period, kinds)
        it = document(found, catalogue, items=True, effects=await record_queries.effects(pool, found))
        return addressed(it, ITEMS, **_asked(period))

    @router.get("/record", **answers(RecordDocument))
    async def full_record(_: Reads, period: Asks, items: bool = False, as_of: Day = None) -> Response:
        """The record of [from, to), local dates; with `items`, the dossiers behind every figure."""
        if as_of is None:
            return json_response(await shown(period)) if items else encoded_response(await figures(period))
        found, mark = await recorded(period, as_of)
        return json_response(addressed(document(found, catalogue, items=items), ITEMS, **_asked(period, as_of)) | mark)

    @router.get("/public/record", **answers(PublicRecord))
    async def public_record(period: Asks) -> Response:
        """The record's figures, for everybody, of a year at most; without dates, of the month that it is now."""
        if period.until - period.since > LONGEST_PUBLIC:
            raise Refused(
                "period-too-long", f"the public record is of {LONGEST_PUBLIC.days} days at most", field="to",
                way_out="ask for a year or less",
            )  # fmt: skip
        body = await figures(period, public=True)
        return encoded_response(body[:-1] + b',"now":' + msgspec.json.encode(await current()) + b"}")

    @router.get("/record/practice", **answers(PracticeDocument))
    async def how(_: Reads, period: Asks) -> Response:
        """How the record of [from, to) came about: what stopped, moved or ended promises, by unit and dossier."""
        lines = [
            _practice(one, name(one.kind, one.unit)) for one in await record_queries.the_practice(pool, period, kinds)
        ]
        acts = {act: text._asdict() for act, text in ACTS.items()}
        return json_response({"from": period.since, "to": period.until, "acts": acts, "lines": lines})

    @router.get("/record/items", **answers(Items, page=True))
    async def counted(_: Reads, period: Asks, number: AskedNumber, as_of: Day = None) -> Response:
        """What one number counts: dossiers, each with the address at which it opens to its events.

        Columns of one line; `kind` "delays" or "dwell" asks for all that a unit (and its step) is charged with or took.
        """
        found, mark = await recorded(period, as_of)
        return number_response(document(_of_line(found, number.line), catalogue, items=True), number, mark)

    @router.get("/record.csv", **says("text/csv"))
    async def csv(_: Reads, period: Asks, sheet: SheetName = "units") -> Response:
        """One sheet of the record as CSV: units, cuts, annex, delays, dwell, effects or dossiers."""
        found = {one.name: one for one in sheets(await shown(period))}[sheet]
        return file_response(as_csv(found), f"record-{period.id}-{sheet}.csv", "text/csv; charset=utf-8")

    @router.get("/record.xlsx", **says(XLSX))
    async def xlsx(_: Reads, period: Asks) -> Response:
        """The record as a workbook, every dossier in its last sheet."""
        it = await shown(period)
        body = await asyncio.to_thread(as_xlsx, sheets(it), title(it).vi)
        return file_response(body, f"record-{period.id}.xlsx", XLSX)

    @router.get("/record/print", response_class=HTMLResponse)
    async def printable(_: Reads, period: Asks) -> HTMLResponse:
        """The record as a page for paper."""
        it = await shown(period)
        return HTMLResponse(page(it, sheets(it)))

    return router


def portal_routes(pool: Pool, catalogue: Catalogue) -> APIRouter:
    """The route of a dossier for the national portal."""
    router = APIRouter(tags=["record"])

    @router.get("/cases/{case_id}/portal", **answers(Portal))
    async def for_portal(case_id: CaseId, _: Reads) -> Response:
        """A dossier by the field names of the national portal, as far as nothing personal is in them."""
        cycles = (await queries.cycles(pool, [case_id])).get(case_id)
        if cycles is None:
            raise NotFound("no-such-dossier", f"no receipt of {case_id} was heard", field="case_id")
        service = catalogue.services.get(cycles[-1].service or "")
        return json_response(portal.case(cycles, service.name.vi if service else None))

    return router


def _asked(period: Period, as_of: datetime | date | None = None) -> dict[str, str]:
    """The query that asks for the same record again."""
    dates = {"from": str(period.since), "to": str(period.until)}
    return dates if as_of is None else dates | {"as_of": as_of.isoformat()}


def _of_line(found: Record, unit: str) -> Record:
    """As much of a record as one line's numbers need: the lists of all others would only be sorted."""
    lines, cuts = (tuple(line for line in own if line.unit == unit) for own in (found.lines, found.cuts))
    return replace(found, lines=lines, cuts=cuts)


def _practice(one: Practice, name: Mapping[str, str]) -> dict[str, Any]:
    return {
        "unit": one.unit,
        "kind": one.kind,
        "name": name,
        "figures": {act: len(cases) for act, cases in one.acts.items()},
        "items": {act: cases for act, cases in one.acts.items() if cases},
        "paused_share": one.paused_share,
        "paused_seconds": one.paused_seconds,
        "working_seconds": one.working_seconds,
        "ended": one.ended,
    }


def _named(catalogue: Catalogue, name: str, ending: str) -> Period:
    try:
        first_day = catalogue.period(name).first_day
    except UnknownId as unknown:
        raise Refused(
            "unknown-period", str(unknown), field="period", way_out=f"one of: {', '.join(sorted(catalogue.periods))}"
        ) from unknown
    period_of(date(max(int(ending[:4]), 1), int(ending[5:]), 1), LAST)
    return ending_in(first_day, int(ending[:4]), int(ending[5:]))
