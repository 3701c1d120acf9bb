"""HTTP: cases, the stream, the ticker's clock. The record, seals, rules and rebuilds have files of their own.

`/public/*` needs no token.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict
from sse_starlette import EventSourceResponse, ServerSentEvent

from deadlines.inforce import InForce
from deadlines.instants import local_date
from events.actor import Actor
from events.clock import now as wall
from events.contracts.terms import CaseId, Instant, UnitCode
from events.errors import Conflict, NotFound
from events.http.app import answers, says
from events.http.auth import Allowed
from events.http.event_stream import Events, Resumed, event_stream
from events.http.parameters import StorableText
from events.service.runtime import Parts
from sla.answers.cases import Case, Cases, Explained, Facts, Overdue, Time
from sla.evidence import api as evidence_api
from sla.explain.case_history import told
from sla.explain.explain import Explanation, explain
from sla.explain.page import page as page_of
from sla.judging.case_rules import with_published
from sla.judging.judge import judge
from sla.live import inbox_reader, queries
from sla.live.change_feed import Hub
from sla.live.ticker import tick
from sla.live.watermarks import CLOCK, KEEP, passed
from sla.rebuild import api as rebuild_api
from sla.reports import as_of as as_of_day
from sla.reports.api import Day, portal_routes, record_routes
from sla.rule_changes import api as rule_api
from sla.seals import api as seal_api

AS_OF_AT_ONCE = 2  # such an answer may judge every case: the others wait, and the live judge keeps its connections
WEB = Path(__file__).parent / "web"
log = structlog.get_logger("sla.api")


class Clock(BaseModel):
    """What time it is, for a deployment that takes its time from the caller."""

    model_config = ConfigDict(extra="forbid")
    now: Instant


Reads = Annotated[Actor, Depends(Allowed("read"))]


def routes(parts: Parts, in_force: InForce, hub: Hub) -> APIRouter:
    """The SLA service's routes."""
    router = APIRouter()
    pool = parts.pool

    async def current() -> datetime:
        if not parts.settings.log_clock:
            return wall()
        return await passed(pool, log_clock=True) or wall()

    judging_then = asyncio.Semaphore(AS_OF_AT_ONCE)

    @asynccontextmanager
    async def known(day: datetime | date) -> AsyncIterator[as_of_day.AsOf]:
        async with (
            judging_then,
            as_of_day.as_of(pool, in_force, as_of_day.end_of(day), log_clock=parts.settings.log_clock) as then,
        ):
            yield then

    @router.get("/cases", **answers(Cases))
    async def many(
        _: Reads, after: StorableText = "", limit: Annotated[int, Query(ge=1, le=5000)] = 1000, as_of: Day = None
    ) -> dict[str, Any]:
        """Every case with its cycles, by case id; `next` is the `after` of the next page."""
        if as_of is not None:
            async with known(as_of) as then:
                page, following = await then.cases(after, limit)
            return {"cases": page, "next": following} | then.mark
        page, following = await queries.cases(pool, after, limit)
        return {"cases": page, "next": following}

    @router.get("/cases/{case_id}", **answers(Case))
    async def one(case_id: CaseId, _: Reads, as_of: Day = None) -> dict[str, Any]:
        """One case: its cycles, stays, referrals, and the units that its delay is charged to."""
        if as_of is not None:
            async with known(as_of) as then:
                judgement = await then.case(case_id)
            if judgement is None or not judgement.cycles:
                raise _unknown_then(case_id, then)
            return queries.shown_case(judgement) | then.mark
        found = await queries.case(pool, case_id)
        if found is None:
            raise NotFound("no-such-dossier", f"no receipt of {case_id} was heard", field="case_id")
        return found

    async def explained(case_id: str, as_of: datetime | date | None) -> tuple[Explanation, dict[str, Any]]:
        """The explanation now, or as of a day, and the mark that such an answer bears."""
        if as_of is not None:
            async with known(as_of) as then:
                judgement = await then.explained(case_id, await current())
            if judgement is None:
                raise _unknown_then(case_id, then)
            return explain(judgement, then.rules), then.mark
        rules = with_published(in_force.catalogue, in_force.facts, await queries.applied(pool))
        facts = await queries.facts(pool, case_id)
        if not facts:
            raise NotFound("no-such-dossier", f"nothing was heard of {case_id}", field="case_id")
        hole = await queries.is_parked(pool, case_id)
        return explain(judge(facts, rules, await current(), incomplete=hole), rules), {}

    @router.get("/cases/{case_id}/explain", **answers(Explained))
    async def why(case_id: CaseId, _: Reads, as_of: Day = None) -> Any:
        """The ledger of a case, line by line with the events behind it, and why it is late, in two languages."""
        explanation, mark = await explained(case_id, as_of)
        return _named(explanation) | mark

    @router.get("/cases/{case_id}/explain/print", response_class=HTMLResponse)
    async def why_on_paper(case_id: CaseId, _: Reads, as_of: Day = None) -> HTMLResponse:
        """The same as a page for paper, with the time of each clock as a picture."""
        return HTMLResponse(page_of((await explained(case_id, as_of))[0]))

    @router.get("/cases/{case_id}/facts", **answers(Facts))
    async def facts(case_id: CaseId, _: Reads, as_of: Day = None) -> Response:
        """Every fact of a case as a CloudEvent, in the judge's order, with what was voided or corrected since.

        Facts of other services as heard here, whatever their type, and what this service said of the case.
        `incomplete`: a fact is set aside. With `as_of` only what had been recorded by then, corrections too.
        """
        if as_of is not None:
            async with known(as_of) as then:
                said = await inbox_reader.said(then.connection, then.day, case_id)
                if not said:
                    raise _unknown_then(case_id, then)
                mark = then.mark
        else:
            async with pool.acquire() as connection:
                said, mark = await inbox_reader.said(connection, inbox_reader.EVER, case_id), {}
            if not said:
                raise NotFound("no-such-dossier", f"nothing was heard of {case_id}", field="case_id")
        body = {"case_id": case_id, "incomplete": await queries.is_parked(pool, case_id), "facts": told(said)} | mark
        return Response(msgspec.json.encode(body), media_type="application/json")

    @router.get("/overdue", **answers(Overdue))
    async def overdue(
        _: Reads, unit: UnitCode | None = None, limit: Annotated[int, Query(ge=1, le=5000)] = 500, as_of: Day = None
    ) -> dict[str, Any]:
        """Open dossiers past their due instant right now, the longest overdue first."""
        if as_of is not None:
            async with known(as_of) as then:
                return {"now": then.day, "overdue": await then.overdue(unit, limit)} | then.mark
        instant = await current()
        return {"now": instant, "overdue": await queries.overdue(pool, instant, unit, limit)}

    async def follow(after: int | None, public: bool) -> Events:
        async for change in hub.follow(after):
            data = "{}" if public else change.status.decode()
            yield ServerSentEvent(data=data, event="case", id=str(change.position))

    @router.get("/stream", **says("text/event-stream"))
    async def stream(request: Request, _: Reads, after: Resumed) -> EventSourceResponse:
        """Server-sent events: the status of every case that changes. Resumes after Last-Event-ID, or `after`.

        The last one is `expired`, when the token or session has run out.
        """
        return event_stream(request, follow(after, False))

    @router.get("/public/stream", **says("text/event-stream"))
    async def public_stream(request: Request, after: Resumed) -> EventSourceResponse:
        """Server-sent events that say only that some case changed: a board reads its figures again."""
        return event_stream(request, follow(after, True))

    @router.post("/clock", **answers(Time))
    async def clock(body: Clock, _: Annotated[Actor, Depends(Allowed("set-clock"))]) -> Time:
        """Say what time it is, when every follower has caught up: the watermark up to which the ticker speaks."""
        if not parts.settings.log_clock:
            raise Conflict("clock-is-the-walls", "this deployment reads the wall clock", way_out="nothing to do")
        await pool.execute(KEEP, CLOCK, body.now)
        return {"now": body.now, "said": await tick(parts, body.now)}

    router.include_router(rebuild_api.routes(parts))
    router.include_router(rule_api.routes(parts, in_force, current))
    router.include_router(evidence_api.routes(parts, in_force))

    @router.get("/", include_in_schema=False)
    async def page(month: str | None = None) -> Response:
        """The live page of a month; without one, of the newest month in which a dossier was received."""
        if month is None and (newest := await queries.last_receipt(pool)):
            return RedirectResponse(f"/?month={local_date(newest):%Y-%m}")
        return FileResponse(WEB / "index.html", media_type="text/html")

    @router.get("/web/{name}", include_in_schema=False)
    async def asset(name: str) -> FileResponse:
        if name not in {"page.js", "page.css"}:
            raise NotFound("no-such-file", f"there is no {name}")
        return FileResponse(WEB / name)

    router.include_router(record_routes(parts, in_force.catalogue, current, known))
    router.include_router(seal_api.routes(parts, in_force.catalogue))
    router.include_router(portal_routes(pool, in_force.catalogue))
    return router


def _unknown_then(case_id: str, then: as_of_day.AsOf) -> NotFound:
    return NotFound("no-such-dossier", f"no receipt of {case_id} was known on {then.day.isoformat()}", field="case_id")


def _named(value: Any) -> Any:
    """Rows and lines as objects with named fields: a tuple's place says nothing to a reader of JSON."""
    if hasattr(value, "_asdict"):
        return {name: _named(part) for name, part in value._asdict().items()}
    if is_dataclass(value):
        return {one.name: _named(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple | list):
        return [_named(part) for part in value]
    return value
