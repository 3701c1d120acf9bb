"""HTTP in: request → command → handle; GET → queries. Rules live in decide.py, not here."""

from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from deadlines import named
from deadlines.catalogue import Catalogue
from deadlines.errors import UnknownId
from deadlines.instants import date_of, day_of, second_of
from events.actor import Actor
from events.commands.amend import as_corrected
from events.commands.correct import correcting
from events.commands.handle import IdempotencyKey, answered, handle
from events.contracts.field import WorkOrderIssued
from events.contracts.terms import CASE_ID, CaseId, Exhibit, Fault, Flag, Instant, UnitCode, Word
from events.errors import NotFound, Refused
from events.http import corrections
from events.http.app import Asked, answers, asked, at, reply
from events.http.auth import Allowed
from events.service.runtime import Parts
from field import queries
from field.answers import OrderRow, WorkOrder
from field.decide import Asked as Order
from field.decide import Complete, MissVisit, Obstruct, Resume, ScheduleVisit, Start, workorder
from field.state import case_of, follows

CORRECTIONS = correcting(workorder, follows, founds=lambda fact: isinstance(fact, WorkOrderIssued))
WorkOrderId = Annotated[str, Path(pattern=r"^wo-" + CASE_ID[1:-1] + r"-[1-9]\d*$", max_length=80)]


class Body(BaseModel):
    """Every command may say when it happened; unknown fields are refused rather than ignored."""

    model_config = ConfigDict(extra="forbid")
    at: Instant | None = None


class Visit(Body):
    starts: Instant
    ends: Instant


class Missed(Body):
    fault: Fault
    reason: Word


class Obstacle(Body):
    fault: Fault
    agency: UnitCode | None = None
    reason: Word


class Completion(Body):
    evidence: Annotated[tuple[Exhibit, ...], Field(max_length=50)]
    handed_over: Flag


def routes(parts: Parts, catalogue: Catalogue) -> APIRouter:
    """The field's routes."""
    router = APIRouter()
    pool = parts.pool
    Frame = Annotated[Asked, Depends(asked)]

    async def fits(work_order: str, order: Order, told: datetime, key: IdempotencyKey | None) -> None:
        """Refuse a told time before the order's last fact; a repeat, which records nothing, may tell any."""
        async with pool.acquire() as connection:
            if key is not None and await answered(connection, key) is not None:
                return
        state, past = await queries.orders(pool, work_order)
        own = (one for one in as_corrected(past) if queries.is_about(one, work_order))
        before = max(own, key=lambda one: one.at, default=None)
        if before is not None and told < before.at and workorder.decide(order, state):
            raise Refused(
                "time-before-last", f"{told.isoformat()} is before {before.type} ({before.id})",
                field="at", way_out=f"give a time from {before.at.isoformat()} on",
            )  # fmt: skip

    async def command(work_order: str, order: Order, body: Body, frame: Asked, actor: Actor) -> Response:
        """What all commands on an order share: a told time that fits, If-Match, the key."""
        key = frame.idempotency(actor)
        if body.at is not None:
            await fits(work_order, order, body.at, key)
        answer = await handle(
            pool, workorder, case_of(work_order), order, cause=frame.cause(actor), moment=at(frame.moment, body.at),
            key=key, seen=frame.seen,
        )  # fmt: skip
        parts.bell.ring("events")
        return reply(answer)

    @router.post("/workorders/{work_order}/visit")
    async def schedule_visit(
        work_order: WorkOrderId, body: Visit, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("schedule-visit"))],
    ) -> Any:  # fmt: skip
        """The team and the customer agreed on a time; a later agreement replaces it."""
        order = ScheduleVisit(
            work_order=work_order, starts=body.starts, ends=body.ends, at=body.at or frame.moment.now, by=actor
        )
        return await command(work_order, order, body, frame, actor)

    @router.post("/workorders/{work_order}/visit-missed")
    async def miss_visit(
        work_order: WorkOrderId, body: Missed, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("miss-visit"))],
    ) -> Any:  # fmt: skip
        """Nobody met on site, and by whose fault."""
        order = MissVisit(
            work_order=work_order, fault=body.fault, reason=named.reason(catalogue, "visit", body.reason),
            at=body.at or frame.moment.now, by=actor,
        )  # fmt: skip
        return await command(work_order, order, body, frame, actor)

    @router.post("/workorders/{work_order}/start")
    async def start(
        work_order: WorkOrderId, body: Body, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("start-work"))],
    ) -> Any:  # fmt: skip
        """The team begins on site."""
        return await command(work_order, Start(work_order=work_order, by=actor), body, frame, actor)

    @router.post("/workorders/{work_order}/obstacle")
    async def obstruct(
        work_order: WorkOrderId, body: Obstacle, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("obstruct-work"))],
    ) -> Any:  # fmt: skip
        """Work cannot go on; whose fault it is decides whose clock runs."""
        if body.agency is not None:
            _agency(catalogue, body.agency, body.at or frame.moment.now)
        order = Obstruct(
            work_order=work_order, fault=body.fault, agency=body.agency,
            reason=named.reason(catalogue, "obstacle", body.reason), by=actor,
        )  # fmt: skip
        return await command(work_order, order, body, frame, actor)

    @router.post("/workorders/{work_order}/resumption")
    async def resume(
        work_order: WorkOrderId, body: Body, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("resume-work"))],
    ) -> Any:  # fmt: skip
        """The obstacle is gone."""
        return await command(work_order, Resume(work_order=work_order, by=actor), body, frame, actor)

    @router.post("/workorders/{work_order}/completion")
    async def complete(
        work_order: WorkOrderId, body: Completion, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("complete-work"))],
    ) -> Any:  # fmt: skip
        """The work is done, with evidence, and handed over to the customer."""
        order = Complete(work_order=work_order, evidence=body.evidence, handed_over=body.handed_over, by=actor)
        return await command(work_order, order, body, frame, actor)

    router.include_router(
        corrections.routes(
            parts.pool,
            parts.bell,
            "/workorders/{work_order}",
            CORRECTIONS,
            reason=partial(named.reason, catalogue, "correction"),
            unit=attrgetter("team"),
            case_of=_case_of,
        )
    )

    @router.get("/workorders/{work_order}", **answers(WorkOrder))
    async def one(work_order: WorkOrderId, response: Response, _: Annotated[Actor, Depends(Allowed("read"))]) -> Any:
        """An order as it stands now; the ETag is the version for If-Match (of all orders of the dossier)."""
        shown = queries.shown(work_order, *await queries.orders(pool, work_order))
        if not shown:
            raise NotFound("no-such-order", f"there is no work order {work_order}", field="work_order")
        response.headers["ETag"] = f'"{shown["version"]}"'
        return shown

    @router.get("/workorders", **answers(list[OrderRow]))
    async def many(
        _: Annotated[Actor, Depends(Allowed("read"))],
        team: UnitCode | None = None,
        case: CaseId | None = None,
        open: bool | None = None,
        after: Instant | None = None,
        limit: Annotated[int, Field(ge=1, le=500)] = 100,
    ) -> Any:
        """A team's orders, or a dossier's, oldest first."""
        return await queries.workorders(pool, team, case, open, after, limit)

    return router


def _case_of(work_order: WorkOrderId) -> str:
    return case_of(work_order)


def _agency(catalogue: Catalogue, code: str, when: datetime) -> None:
    try:
        kind = catalogue.unit(code, date_of(day_of(second_of(when)))).kind
    except UnknownId as unknown:
        raise Refused(
            "unknown-unit", str(unknown), field="agency", way_out="give its code, as in UBND-193"
        ) from unknown
    if kind != "agency":
        known = ", ".join(one.code for one in catalogue.units("agency"))
        raise Refused("not-an-agency", f"{code} is of kind {kind}", field="agency", way_out=f"one of: {known}")
