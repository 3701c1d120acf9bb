"""HTTP: cases, the record, the stream, the ticker's clock, rebuilds. `/public/*` gives aggregates without a token."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import structlog
from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent

from deadlines.instants import date_of, day_of, second_of
from events.actor import Actor
from events.auth import Allowed
from events.clock import now as wall
from events.contracts.terms import CaseId, Instant, UnitCode
from events.errors import Conflict, NotFound, Refused
from events.runtime import Parts
from sla import generations, queries
from sla.changes import Hub
from sla.explain import explain
from sla.judge import Rules, judge
from sla.practice import Practice
from sla.record import Column, Line, Period, Record
from sla.ticker import KEEP, tick

WEB = Path(__file__).parent / "web"
CLOCK = "clock"  # the watermark's name where the caller says what time it is
NOW = "select watermark from watermarks where service = 'clock'"
log = structlog.get_logger("sla.api")


class Clock(BaseModel):
    """What time it is, for a deployment that takes its time from the caller."""

    model_config = ConfigDict(extra="forbid")
    now: Instant


class Rebuild(BaseModel):
    """Swap even if the rows differ from the live ones; the differences are published."""

    model_config = ConfigDict(extra="forbid")
    accept_differences: bool = False


Reads = Annotated[Actor, Depends(Allowed("read"))]
Operates = Annotated[Actor, Depends(Allowed("operate"))]


def routes(parts: Parts, rules: Rules, hub: Hub) -> APIRouter:
    """The SLA service's routes."""
    router = APIRouter()
    pool, catalogue = parts.pool, rules.catalogue
    kinds = {unit.code: unit.kind for unit in catalogue.units()}
    names = {unit.code: unit.name for unit in catalogue.units()}
    builders: set[asyncio.Task[None]] = set()

    async def current() -> datetime:
        if not parts.settings.log_clock:
            return wall()
        told: datetime | None = await pool.fetchval(NOW)
        return told or wall()

    @router.get("/cases")
    async def many(_: Reads, after: str = "", limit: Annotated[int, Query(ge=1, le=5000)] = 1000) -> dict[str, Any]:
        """Every case with its cycles, by case id; `next` is the `after` of the next page."""
        page, following = await queries.cases(pool, after, limit)
        return {"cases": page, "next": following}

    @router.get("/cases/{case_id}")
    async def one(case_id: CaseId, _: Reads) -> dict[str, Any]:
        """One case: its cycles, stays, referrals, and the units that its delay is charged to."""
        found = await queries.case(pool, case_id)
        if found is None:
            raise NotFound("no-such-dossier", f"no receipt of {case_id} was heard", field="case_id")
        return found

    @router.get("/cases/{case_id}/explain")
    async def why(case_id: CaseId, _: Reads) -> Any:
        """The ledger of a case, line by line with the events behind it, and why it is late, in two languages."""
        facts = await queries.facts(pool, case_id)
        if not facts:
            raise NotFound("no-such-dossier", f"nothing was heard of {case_id}", field="case_id")
        hole = await queries.is_parked(pool, case_id)
        return _named(explain(judge(facts, rules, await current(), incomplete=hole), rules))

    @router.get("/overdue")
    async def overdue(
        _: Reads, unit: UnitCode | None = None, limit: Annotated[int, Query(ge=1, le=5000)] = 500
    ) -> dict[str, Any]:
        """Open dossiers past their due instant right now, the longest overdue first."""
        instant = await current()
        return {"now": instant, "overdue": await queries.overdue(pool, instant, unit, limit)}

    @router.get("/record")
    async def full_record(
        _: Reads, since: Annotated[date, Query(alias="from")], to: date, items: bool = False
    ) -> dict[str, Any]:
        """The record of [from, to), local dates; with `items`, the dossiers behind every figure."""
        return _record(await queries.the_record(pool, _period(since, to), kinds), names, items=items)

    @router.get("/record/practice")
    async def how(_: Reads, since: Annotated[date, Query(alias="from")], to: date) -> dict[str, Any]:
        """How the record of [from, to) came about: what stopped, moved or ended promises, by unit and dossier."""
        period = _period(since, to)
        lines = [_practice(one, names) for one in await queries.the_practice(pool, period, kinds)]
        return {"from": since, "to": to, "lines": lines}

    @router.get("/public/record")
    async def public_record(
        since: Annotated[date | None, Query(alias="from")] = None, to: date | None = None
    ) -> dict[str, Any]:
        """The record's figures, for everybody; without dates, of the month that it is now."""
        instant = await current()
        today = date_of(day_of(second_of(instant)))
        begin = since or today.replace(day=1)
        end = to or date(begin.year + begin.month // 12, begin.month % 12 + 1, 1)
        shown = _record(await queries.the_record(pool, _period(begin, end), kinds), names, items=False)
        return shown | {"now": instant}

    async def follow(after: int | None, public: bool) -> AsyncIterator[ServerSentEvent]:
        async for change in hub.follow(after):
            data = "{}" if public else change.status.decode()
            yield ServerSentEvent(data=data, event="case", id=str(change.position))

    @router.get("/stream")
    async def stream(
        _: Reads, after: int | None = None, last_event_id: Annotated[int | None, Header()] = None
    ) -> EventSourceResponse:
        """Server-sent events: the status of every case that changes. Resumes after Last-Event-ID, or `after`."""
        return EventSourceResponse(follow(last_event_id if last_event_id is not None else after, False), ping=15)

    @router.get("/public/stream")
    async def public_stream(
        after: int | None = None, last_event_id: Annotated[int | None, Header()] = None
    ) -> EventSourceResponse:
        """Server-sent events that say only that some case changed: a board reads its figures again."""
        return EventSourceResponse(follow(last_event_id if last_event_id is not None else after, True), ping=15)

    @router.post("/clock")
    async def clock(body: Clock, _: Annotated[Actor, Depends(Allowed("set-clock"))]) -> dict[str, Any]:
        """Say what time it is, when every follower has caught up: the watermark up to which the ticker speaks."""
        if not parts.settings.log_clock:
            raise Conflict("clock-is-the-walls", "this deployment reads the wall clock", way_out="nothing to do")
        await pool.execute(KEEP, CLOCK, body.now)
        return {"now": body.now, "said": await tick(parts, body.now)}

    @router.post("/rebuilds", status_code=202)
    async def rebuild(body: Rebuild, actor: Operates) -> dict[str, Any]:
        """Fold the whole log again beside the live tables, compare, and swap. One at a time."""
        generation = await generations.begin(pool)
        arguments = [sys.executable, "-m", "sla.rebuild", str(generation), "--actor", actor.id]
        if body.accept_differences:
            arguments.append("--accept")
        process = await asyncio.create_subprocess_exec(*arguments, env=_environment(parts))

        async def ended() -> None:
            status = await process.wait()
            parts.bell.ring()
            log.info("rebuild ended", generation=generation, status=status)

        task = asyncio.create_task(ended())
        builders.add(task)
        task.add_done_callback(builders.discard)
        return {"run": generation}

    @router.get("/rebuilds")
    async def runs(_: Operates) -> Any:
        """Every generation there was, with how its rebuild went."""
        return await queries.generations(pool)

    @router.get("/rebuilds/{run}")
    async def run(run: Annotated[int, Field(ge=1)], _: Operates) -> Any:
        """How a rebuild goes: its phase, records folded, cases judged, and what the comparison found."""
        found = await queries.generation(pool, run)
        if found is None:
            raise NotFound("no-such-run", f"there was no run {run}", field="run")
        state = {"building": "running", "failed": "failed"}.get(found["state"], "done")
        return found | {"run": run, "state": state, "swapped": found["state"] in ("live", "retired")}

    @router.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        """The live page."""
        return FileResponse(WEB / "index.html", media_type="text/html")

    @router.get("/web/{name}", include_in_schema=False)
    async def asset(name: str) -> FileResponse:
        if name not in {"page.js", "page.css"}:
            raise NotFound("no-such-file", f"there is no {name}")
        return FileResponse(WEB / name)

    return router


def _period(since: date, until: date) -> Period:
    if since >= until:
        raise Refused("empty-period", f"{since} is not before {until}", field="to", way_out="`to` is the day after")
    return Period(since, until)


def _record(found: Record, names: Any, *, items: bool) -> dict[str, Any]:
    def line(one: Line) -> dict[str, Any]:
        columns: tuple[Column, ...] = COLUMNS
        shown: dict[str, Any] = {
            "unit": one.unit,
            "kind": one.kind,
            "name": _name(names, one.unit),
            "figures": {column: one.count(column) for column in columns},
            "on_time_share": one.on_time_share,
            "mv": one.mv_averages._asdict() if one.mv_averages else None,
            "ratings": one.ratings._asdict() if one.ratings else None,
        }
        if items:
            shown["items"] = {column: one.items(column) for column in columns if one.count(column)}
        return shown

    return {
        "from": found.period.since,
        "to": found.period.until,
        "lines": [line(one) for one in found.lines],
        "broken": found.broken(),
    }


def _practice(one: Practice, names: Any) -> dict[str, Any]:
    return {
        "unit": one.unit,
        "kind": one.kind,
        "name": _name(names, one.unit),
        "figures": {act: len(cases) for act, cases in one.acts.items()},
        "items": {act: cases for act, cases in one.acts.items() if cases},
        "paused_share": one.paused_share,
        "paused_seconds": one.paused_seconds,
        "working_seconds": one.working_seconds,
        "ended": one.ended,
    }


def _name(names: Any, unit: str) -> Any:
    return names[unit].model_dump() if unit in names else {"vi": unit, "en": unit}


COLUMNS: tuple[Column, ...] = get_args(Column)


def _named(value: Any) -> Any:
    """Rows and lines as objects with named fields: a tuple's place says nothing to a reader of JSON."""
    if hasattr(value, "_asdict"):
        return {name: _named(part) for name, part in value._asdict().items()}
    if is_dataclass(value):
        return {one.name: _named(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple | list):
        return [_named(part) for part in value]
    return value


def _environment(parts: Parts) -> dict[str, str]:
    return {**os.environ, **parts.settings.environment()}
