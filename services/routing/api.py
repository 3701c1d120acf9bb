"""HTTP in: request → command → handle; GET → queries. Rules live in decide.py, not here."""

from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from deadlines import named
from deadlines.catalogue import Catalogue
from deadlines.entries import Unit
from deadlines.errors import UnknownId
from deadlines.instants import date_of, day_of, second_of
from events.actor import Actor
from events.commands.amend import as_corrected
from events.commands.correct import correcting
from events.commands.decider import Decider
from events.commands.handle import IdempotencyKey, answered, handle
from events.contracts.catalogue import Fact
from events.contracts.routing import DossierForwarded
from events.contracts.terms import CaseId, EventId, Instant, Limit, UnitCode, Word
from events.errors import NotFound, Refused
from events.http import corrections
from events.http.app import Asked, answers, asked, at, reply
from events.http.auth import Allowed
from events.service.runtime import Parts
from routing import queries
from routing.answers import Dossier, DossierRow
from routing.decide import (
    Acknowledge,
    Command,
    CompleteCustomerAction,
    CompleteStep,
    Forward,
    Outcome,
    RecordReply,
    Refer,
    RequestCustomerAction,
    Return,
    earliest,
)
from routing.decide import Asked as OperatorAction
from routing.state import State, follows


class Body(BaseModel):
    """Every command may say when it happened; unknown fields are refused rather than ignored."""

    model_config = ConfigDict(extra="forbid")
    at: Instant | None = None


class Completion(Body):
    step: Word | None = None


class Forwarding(Body):
    to_unit: UnitCode
    step: Word | None = None
    limit: Limit | None = None


class CustomerAction(Body):
    action: Word


class CustomerActionCompletion(Body):
    answers: EventId | None = None


class Referral(Body):
    agency: UnitCode
    matter: Word


class AgencyReply(Body):
    agency: UnitCode
    outcome: Outcome
    answers: EventId | None = None


def routes(parts: Parts, catalogue: Catalogue, decider: Decider[Command, State]) -> APIRouter:
    """The hands' routes."""
    router = APIRouter()
    pool = parts.pool
    Frame = Annotated[Asked, Depends(asked)]

    async def fits(case_id: str, order: OperatorAction, told: datetime, key: IdempotencyKey | None) -> None:
        """Refuse a told time that custody has passed; a repeat, which records nothing, may tell any."""
        async with pool.acquire() as connection:
            if key is not None and await answered(connection, key) is not None:
                return
        state, past = await queries.dossier(pool, decider, case_id)
        before = earliest(order, state, as_corrected(past))
        if before is not None and told < before.at and decider.decide(order, state):
            raise Refused(
                "time-before-hand-over", f"{told.isoformat()} is before {before.type} ({before.id})",
                field="at", way_out=f"give a time from {before.at.isoformat()} on",
            )  # fmt: skip

    async def command(case_id: str, order: OperatorAction, body: Body, frame: Asked, actor: Actor) -> Response:
        """What all commands on a dossier share: a told time that fits, If-Match, the key."""
        key = frame.idempotency(actor)
        if body.at is not None:
            await fits(case_id, order, body.at, key)
        answer = await handle(
            pool, decider, case_id, order, cause=frame.cause(actor), moment=at(frame.moment, body.at),
            key=key, seen=frame.seen,
        )  # fmt: skip
        parts.bell.ring("events")
        return reply(answer)

    @router.post("/dossiers/{case_id}/acknowledgement")
    async def acknowledge(
        case_id: CaseId, body: Body, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("acknowledge"))],
    ) -> Any:  # fmt: skip
        """Nhận: the unit in charge has the dossier."""
        return await command(case_id, Acknowledge(case_id=case_id, by=actor), body, frame, actor)

    @router.post("/dossiers/{case_id}/step-completion")
    async def complete_step(
        case_id: CaseId, body: Completion, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("complete-step"))],
    ) -> Any:  # fmt: skip
        """The unit in charge has done its part; the dossier goes on to the next unit, or back to the counter."""
        order = CompleteStep(case_id=case_id, step=body.step, by=actor)
        return await command(case_id, order, body, frame, actor)

    @router.post("/dossiers/{case_id}/forward")
    async def forward(
        case_id: CaseId, body: Forwarding, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("forward"))],
    ) -> Any:  # fmt: skip
        """Giao by hand, where the process would not lead."""
        unit = _unit(catalogue, body.to_unit, "to_unit", body.at or frame.moment.now)
        if unit.kind not in ("department", "team"):
            raise Refused(
                "not-a-working-unit", f"{unit.code} is of kind {unit.kind} and takes no step of the utility",
                field="to_unit", way_out="refer a matter to an agency with /referral; /return leads to the counter",
            )  # fmt: skip
        order = Forward(
            case_id=case_id, to_unit=unit.code, to_team=unit.kind == "team", step=body.step, limit=body.limit, by=actor
        )
        return await command(case_id, order, body, frame, actor)

    @router.post("/dossiers/{case_id}/customer-action")
    async def request_customer_action(
        case_id: CaseId, body: CustomerAction, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("request-customer-action"))],
    ) -> Any:  # fmt: skip
        """Ask the customer for something of their own; their clock runs."""
        order = RequestCustomerAction(case_id=case_id, action=body.action, by=actor)
        return await command(case_id, order, body, frame, actor)

    @router.post("/dossiers/{case_id}/customer-action-completion")
    async def complete_customer_action(
        case_id: CaseId, body: CustomerActionCompletion, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("complete-customer-action"))],
    ) -> Any:  # fmt: skip
        """The customer has done it, says the counter that took the dossier in."""
        order = CompleteCustomerAction(case_id=case_id, answers=body.answers, by=actor)
        return await command(case_id, order, body, frame, actor)

    @router.post("/dossiers/{case_id}/referral")
    async def refer(
        case_id: CaseId, body: Referral, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("refer"))],
    ) -> Any:  # fmt: skip
        """Ask an agency; its own clock runs, with the limit of the catalogue."""
        agency = _agency(catalogue, body.agency, body.at or frame.moment.now)
        matters = sorted(one.matter for one in agency.matters)
        if matters and body.matter not in matters:
            raise Refused(
                "unknown-matter", f"{agency.code} is not asked about {body.matter}",
                field="matter", way_out=f"one of: {', '.join(matters)}",
            )  # fmt: skip
        order = Refer(
            case_id=case_id, agency=agency.code, matter=body.matter,
            limit=catalogue.agency_limit(agency.code, body.matter), by=actor,
        )  # fmt: skip
        return await command(case_id, order, body, frame, actor)

    @router.post("/dossiers/{case_id}/agency-reply")
    async def record_reply(
        case_id: CaseId, body: AgencyReply, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("record-reply"))],
    ) -> Any:  # fmt: skip
        """The agency answered, says an officer."""
        agency = _agency(catalogue, body.agency, body.at or frame.moment.now)
        order = RecordReply(
            case_id=case_id, agency=agency.code, outcome=body.outcome, answers=body.answers, by=actor
        )  # fmt: skip
        return await command(case_id, order, body, frame, actor)

    @router.post("/dossiers/{case_id}/return")
    async def give_back(
        case_id: CaseId, body: Body, frame: Frame, actor: Annotated[Actor, Depends(Allowed("return"))]
    ) -> Any:
        """Release: the finished dossier goes back to the counter."""
        return await command(case_id, Return(case_id=case_id, by=actor), body, frame, actor)

    router.include_router(
        corrections.routes(
            parts.pool,
            parts.bell,
            "/dossiers/{case_id}",
            correcting(decider, follows, founds=begins_cycle),
            reason=partial(named.reason, catalogue, "correction"),
            unit=attrgetter("from_unit"),
        )
    )

    @router.get("/dossiers/{case_id}", **answers(Dossier))
    async def one(case_id: CaseId, response: Response, _: Annotated[Actor, Depends(Allowed("read"))]) -> Any:
        """A dossier as it stands now, whom it waits for and what comes next; the ETag is the version for If-Match."""
        state, past = await queries.dossier(pool, decider, case_id)
        if not past:
            raise NotFound("no-such-dossier", f"no dossier {case_id} is on its way", field="case_id")
        response.headers["ETag"] = f'"{len(past)}"'
        return queries.shown(case_id, state, past)

    @router.get("/dossiers", **answers(list[DossierRow]))
    async def many(
        _: Annotated[Actor, Depends(Allowed("read"))],
        unit: UnitCode | None = None,
        open: bool | None = None,
        after: Instant | None = None,
        limit: Annotated[int, Field(ge=1, le=500)] = 100,
    ) -> Any:
        """A unit's worklist, oldest first."""
        return await queries.dossiers(pool, unit, open, after, limit)

    return router


def begins_cycle(fact: Fact) -> bool:
    """The hand-over that begins a cycle is its route: nobody would send the dossier off again."""
    return isinstance(fact, DossierForwarded) and fact.process is not None


def _unit(catalogue: Catalogue, code: str, field: str, when: datetime) -> Unit:
    try:
        return catalogue.unit(code, date_of(day_of(second_of(when))))
    except UnknownId as unknown:
        raise Refused(
            "unknown-unit", str(unknown), field=field, way_out="give a unit's code, as in DL-193"
        ) from unknown


def _agency(catalogue: Catalogue, code: str, when: datetime) -> Unit:
    unit = _unit(catalogue, code, "agency", when)
    if unit.kind != "agency":
        known = ", ".join(one.code for one in catalogue.units("agency"))
        raise Refused(
            "not-an-agency", f"{code} is of kind {unit.kind}", field="agency", way_out=f"one of: {known}",
        )  # fmt: skip
    return unit
