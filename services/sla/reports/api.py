"""HTTP: the record in every form, its seals and what became of them, remedial actions, a dossier for the portal.

Every form is made from one document, so that they cannot disagree.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from deadlines.calendar import FIRST, LAST
from deadlines.catalogue import Catalogue
from deadlines.entries import Service
from deadlines.errors import UnknownId
from deadlines.instants import local_date
from events.actor import Actor
from events.contracts.terms import CaseId, Date, Instant, Reference, Word
from events.errors import NotFound, Refused
from events.http.app import Asked, answers, asked, reply, says
from events.http.auth import Allowed
from events.http.parameters import StorableText
from events.service.runtime import Parts
from sla.answers.record import Items, Portal, PracticeDocument, PublicRecord, RecordDocument
from sla.answers.seals import Remedies, Seal, Seals, SealSaid
from sla.counting.annex import Late
from sla.counting.line import Column, Made
from sla.counting.periods import Period, ending_in, month
from sla.counting.practice import Practice
from sla.counting.record import Record
from sla.i18n.labels import ACTS, SETTLED, STEPS, WHYS, reason_of
from sla.i18n.texts import Text
from sla.live import queries
from sla.reports import portal
from sla.reports.as_of import AsOf, end_of
from sla.reports.cache import KEPT, Totals
from sla.reports.columns import figure_of
from sla.reports.document import Document, Effect, Opening, addressed, annex_line, document, named, namer, opened
from sla.reports.exports import as_csv, as_xlsx
from sla.reports.page import items_page, page
from sla.reports.sheets import SheetName, sheets, title
from sla.seals import remedial_store, seal_store

ITEMS = "/record/items"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Month = Annotated[str, Query(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="the month in which the period ends")]
# An instant with its offset, or a local date: what was known at the end of that day.
Day = Annotated[Instant | Date | None, Query()]
LONGEST_PUBLIC = timedelta(days=366)  # anybody may ask, and every dossier of the period is counted
WRITTEN = 2 * KEPT  # answers kept: each period for staff and for everybody
Reads = Annotated[Actor, Depends(Allowed("read"))]
Frame = Annotated[Asked, Depends(asked)]


class Sealing(BaseModel):
    """The local dates [from, to) to be signed."""

    model_config = ConfigDict(extra="forbid")
    since: Date = Field(alias="from")
    to: Date


class Closing(BaseModel):
    """What was done, in a word, and where it is written down."""

    model_config = ConfigDict(extra="forbid")
    outcome: Word
    evidence: Reference


class Written(NamedTuple):
    """A record as it was last sent, and what it was written from."""

    found: Record
    services: Mapping[str, Service]
    effects: Sequence[Effect]
    annex: Mapping[Late, msgspec.Raw]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """Which number of a record is asked for."""

    kind: Opening
    line: str
    columns: tuple[Column | Made, ...]
    step: str | None
    as_page: bool


def asked_number(
    kind: Opening,
    line: StorableText,
    column: Annotated[list[Column | Made] | None, Query()] = None,
    step: Word | None = None,
    accept: Annotated[str, Header()] = "",
) -> Number:
    """A figure by its line and columns; a dwell by its unit and step. A browser that follows a link gets a page."""
    if not column and kind not in ("delays", "dwell"):
        raise Refused("no-column", "a line has many figures", field="column", way_out="name one or more of its columns")
    return Number(kind=kind, line=line, columns=tuple(column or ()), step=step, as_page="text/html" in accept)


AskedNumber = Annotated[Number, Depends(asked_number)]


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
        return _dates(begin, to or (month(begin.year, begin.month).until if covered else begin)).on(today)

    Asks = Annotated[Period, Depends(asked_period)]

    async def figures(period: Period, *, public: bool = False) -> bytes:
        """The same without the dossiers of each figure, as JSON; written anew when anything in it has changed.

        Most of it is the annex, of which a few lines change: the others are taken as they were written before.
        """
        found = await totals.record(period)
        effects = await remedial_store.effects(pool, found)
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
            return await queries.the_record(pool, period, kinds), {}
        async with known(day) as then:
            today = min(local_date(end_of(day)), local_date(await current()))
            return await then.the_record(period.on(today), kinds), then.mark

    async def shown(period: Period) -> Document:
        """The document with everything that its sheets show."""
        found = await queries.the_record(pool, period, kinds)
        it = document(found, catalogue, items=True, effects=await remedial_store.effects(pool, found))
        return addressed(it, ITEMS, **_asked(period))

    @router.get("/record", **answers(RecordDocument))
    async def full_record(_: Reads, period: Asks, items: bool = False, as_of: Day = None) -> Response:
        """The record of [from, to), local dates; with `items`, the dossiers behind every figure."""
        if as_of is None:
            return _json(await shown(period)) if items else _plain(await figures(period))
        found, mark = await recorded(period, as_of)
        return _json(addressed(document(found, catalogue, items=items), ITEMS, **_asked(period, as_of)) | mark)

    @router.get("/public/record", **answers(PublicRecord))
    async def public_record(period: Asks) -> Response:
        """The record's figures, for everybody, of a year at most; without dates, of the month that it is now."""
        if period.until - period.since > LONGEST_PUBLIC:
            raise Refused(
                "period-too-long", f"the public record is of {LONGEST_PUBLIC.days} days at most", field="to",
                way_out="ask for a year or less",
            )  # fmt: skip
        body = await figures(period, public=True)
        return _plain(body[:-1] + b',"now":' + msgspec.json.encode(await current()) + b"}")

    @router.get("/record/practice", **answers(PracticeDocument))
    async def how(_: Reads, period: Asks) -> Response:
        """How the record of [from, to) came about: what stopped, moved or ended promises, by unit and dossier."""
        lines = [_practice(one, name(one.kind, one.unit)) for one in await queries.the_practice(pool, period, kinds)]
        acts = {act: text._asdict() for act, text in ACTS.items()}
        return _json({"from": period.since, "to": period.until, "acts": acts, "lines": lines})

    @router.get("/record/items", **answers(Items, page=True))
    async def counted(_: Reads, period: Asks, number: AskedNumber, as_of: Day = None) -> Response:
        """What one number counts: dossiers, each with the address at which it opens to its events.

        Columns of one line; `kind` "delays" or "dwell" asks for all that a unit (and its step) is charged with or took.
        """
        found, mark = await recorded(period, as_of)
        return _opened(document(_of_line(found, number.line), catalogue, items=True), number, mark)

    @router.get("/record.csv", **says("text/csv"))
    async def csv(_: Reads, period: Asks, sheet: SheetName = "units") -> Response:
        """One sheet of the record as CSV: units, cuts, annex, delays, dwell, effects or dossiers."""
        found = {one.name: one for one in sheets(await shown(period))}[sheet]
        return _file(as_csv(found), f"record-{period.id}-{sheet}.csv", "text/csv; charset=utf-8")

    @router.get("/record.xlsx", **says(XLSX))
    async def xlsx(_: Reads, period: Asks) -> Response:
        """The record as a workbook, every dossier in its last sheet."""
        it = await shown(period)
        body = await asyncio.to_thread(as_xlsx, sheets(it), title(it).vi)
        return _file(body, f"record-{period.id}.xlsx", XLSX)

    @router.get("/record/print", response_class=HTMLResponse)
    async def printable(_: Reads, period: Asks) -> HTMLResponse:
        """The record as a page for paper."""
        it = await shown(period)
        return HTMLResponse(page(it, sheets(it)))

    @router.post("/record/seals", **answers(SealSaid, 201))
    async def seal(body: Sealing, frame: Frame, actor: Annotated[Actor, Depends(Allowed("seal"))]) -> Response:
        """Sign the record of a period for the whole province. Once; what comes late is restated beside it."""
        period = _dates(body.since, body.to)
        effects = await remedial_store.effects(pool, await queries.the_record(pool, period, kinds))
        answer = await seal_store.seal(pool, catalogue, period, effects, frame, actor)
        parts.bell.ring("events")
        return reply(answer, 201)

    @router.get("/record/seals", **answers(Seals))
    async def seals(_: Reads) -> Response:
        """Every sealed period."""
        return _json({"seals": await seal_store.every(pool)})

    @router.get("/record/seals/{seal}", **answers(Seal))
    async def sealed(seal: StorableText, _: Reads) -> Response:
        """A record as it was signed, with what was restated of it since; its numbers open at `/items` below it."""
        found = await seal_store.one(pool, seal)
        for difference in (one for restated in found["restatements"] for one in restated["differences"]):
            difference["name"] = figure_of(difference["kind"], difference["column"])._asdict()
        return _json({**found, "opens": f"/record/seals/{seal}/items?"})

    @router.get("/record/seals/{seal}/items", **answers(Items, page=True))
    async def sealed_items(seal: StorableText, _: Reads, number: AskedNumber) -> Response:
        """What one number of the signed record counts, whatever was restated since."""
        return _opened((await seal_store.one(pool, seal))["record"], number)

    @router.get("/record/seals/{seal}/print", response_class=HTMLResponse)
    async def sealed_print(seal: StorableText, _: Reads) -> HTMLResponse:
        """The signed record as a page for paper."""
        it = addressed((await seal_store.one(pool, seal))["record"], f"/record/seals/{seal}/items")
        return HTMLResponse(page(it, sheets(it)))

    @router.get("/record/seals/{seal}/restatements/{number}", **answers(RecordDocument))
    async def restatement(seal: StorableText, number: Annotated[int, Field(ge=1, lt=1 << 31)], _: Reads) -> Response:
        """The whole record of a sealed period as it was restated; its numbers open at `/items` below it."""
        it = await seal_store.restatement(pool, seal, number)
        return _json(addressed(it, f"/record/seals/{seal}/restatements/{number}/items"))

    @router.get("/record/seals/{seal}/restatements/{restated}/items", **answers(Items, page=True))
    async def restated_items(
        seal: StorableText, restated: Annotated[int, Field(ge=1, lt=1 << 31)], _: Reads, number: AskedNumber
    ) -> Response:
        """What one number of a restated record counts."""
        return _opened(await seal_store.restatement(pool, seal, restated), number)

    @router.get("/remedies", **answers(Remedies))
    async def remedies(_: Reads, state: Literal["open", "closed"] | None = None) -> Response:
        """Units that passed a threshold in a sealed period, what is due of them, and what was done."""
        still_open = None if state is None else state == "open"
        found = await remedial_store.every(pool, still_open=still_open)
        for one in found:
            one["why_name"] = named(WHYS, one["why"])
            one["outcome_name"] = reason_of(catalogue, one["outcome"])._asdict() if one["outcome"] else None
        return _json({"remedies": found})

    @router.post("/remedies/{remedy}/closing")
    async def close_remedy(
        remedy: StorableText, body: Closing, frame: Frame, actor: Annotated[Actor, Depends(Allowed("close-remedy"))]
    ) -> Response:
        """Close a remedial action with what was done and where it is written down."""
        answer = await remedial_store.close(pool, catalogue, remedy, body.outcome, body.evidence, frame, actor)
        parts.bell.ring("events")
        return reply(answer)

    @router.get("/cases/{case_id}/portal", **answers(Portal))
    async def for_portal(case_id: CaseId, _: Reads) -> Response:
        """A dossier by the field names of the national portal, as far as nothing personal is in them."""
        cycles = (await queries.cycles(pool, [case_id])).get(case_id)
        if cycles is None:
            raise NotFound("no-such-dossier", f"no receipt of {case_id} was heard", field="case_id")
        service = catalogue.services.get(cycles[-1].service or "")
        return _json(portal.case(cycles, service.name.vi if service else None))

    return router


def _dates(since: date, until: date) -> Period:
    if since < FIRST or until > LAST:
        raise Refused(
            "beyond-calendar", f"calendars cover {FIRST} to {LAST}", field="to" if FIRST <= since <= LAST else "from",
            way_out="ask for a period within these years",
        )  # fmt: skip
    if since >= until:
        raise Refused("empty-period", f"{since} is not before {until}", field="to", way_out="`to` is the day after")
    return Period(since, until)


def _asked(period: Period, as_of: datetime | date | None = None) -> dict[str, str]:
    """The query that asks for the same record again."""
    dates = {"from": str(period.since), "to": str(period.until)}
    return dates if as_of is None else dates | {"as_of": as_of.isoformat()}


def _of_line(found: Record, unit: str) -> Record:
    """As much of a record as one line's numbers need: the lists of all others would only be sorted."""
    lines, cuts = (tuple(line for line in own if line.unit == unit) for own in (found.lines, found.cuts))
    return replace(found, lines=lines, cuts=cuts)


def _opened(told: Document, number: Number, mark: Mapping[str, Any] | None = None) -> Response:
    found = {
        "from": told["from"], "to": told["to"], "kind": number.kind, "line": number.line,
        "names": [name._asdict() for name in _names(number)],
        "items": opened(told, number.kind, number.line, number.columns, number.step), **(mark or {}),
    }  # fmt: skip
    answer = HTMLResponse(items_page(found)) if number.as_page else _json(found)
    answer.headers["Vary"] = "Accept"
    return answer


def _names(number: Number) -> list[Text]:
    """What the asked number is called; a dwell by its step."""
    if number.columns:
        return [figure_of(number.kind, column) for column in number.columns]
    step = STEPS.get(number.step or "")
    return [SETTLED["delay" if number.kind == "delays" else "dwell"], *([step] if step else [])]


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
    _dates(date(max(int(ending[:4]), 1), int(ending[5:]), 1), LAST)
    return ending_in(first_day, int(ending[:4]), int(ending[5:]))


def _json(value: Any) -> Response:
    return _plain(msgspec.json.encode(value))


def _plain(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _file(body: bytes, name: str, media_type: str) -> Response:
    return Response(body, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
