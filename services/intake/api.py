"""HTTP in: request → command → handle; GET → queries. Rules live in decide.py, not here."""

import hashlib
from collections.abc import Sequence
from datetime import date
from functools import lru_cache, partial
from operator import attrgetter
from typing import Annotated, Any, Literal

from asyncpg import UniqueViolationError
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from deadlines import named
from deadlines.catalogue import Catalogue
from deadlines.instants import local_date
from deadlines.promise import due
from events.actor import Actor
from events.commands.amend import as_corrected
from events.commands.correct import correcting
from events.commands.handle import Answer, IdempotencyKey, answered, handle
from events.contracts.intake import (
    AdviceGiven,
    ApplicationReceived,
    ApplicationRefused,
    ApplicationWithdrawn,
    CaseClosed,
    CaseReopened,
    ProcessingStopped,
)
from events.contracts.terms import CaseId, Channel, Gap, Instant, Promise, Reference, ServiceId, UnitCode, Whole, Word
from events.errors import Conflict, NotFound, Refused
from events.http import corrections
from events.http.app import Asked, answers, asked, at, reply
from events.http.auth import Allowed, within
from events.http.parameters import Some
from events.service.runtime import Parts
from events.store.database import Connection
from events.store.envelope import RecordedEvent
from intake import codes, language, people, queries
from intake.answers import Applicant, Dossier, DossierRow, Received, Submission
from intake.decide import (
    Close,
    Command,
    Extend,
    Rate,
    Receive,
    ReceiveSupplement,
    Reclassify,
    Refuse,
    Reopen,
    RequestSupplement,
    Stop,
    Withdraw,
    advice,
    case,
)
from intake.gateway import api as gateway
from intake.gateway.entered import Entered
from intake.heard import way
from intake.people import Person
from intake.promised import waits
from intake.state import State, follows
from intake.zalo.api import routes as conversation
from intake.zalo.webhook import Door

TURNS = (ApplicationRefused, ApplicationWithdrawn, ProcessingStopped, CaseClosed, CaseReopened)
CORRECTIONS = correcting(case, follows, founds=lambda fact: isinstance(fact, ApplicationReceived), turns=TURNS)
ONCE = "insert into receipts (submission, case_id) values ($1, $2)"


class Body(BaseModel):
    """Every command may say when it happened; unknown fields are refused rather than ignored."""

    model_config = ConfigDict(extra="forbid")
    at: Instant | None = None


class Advice(Body):
    counter: UnitCode
    topic: Word
    channel: Channel = "counter"


class Application(Body):
    counter: UnitCode
    service: ServiceId
    district: UnitCode
    channel: Channel = "counter"
    documents: tuple[Word, ...]
    applicant: Person | None = None
    submission: Reference | None = None
    previous_case: CaseId | None = None


class Supplement(Body):
    gaps: Some[Gap]


class Because(Body):
    reason: Word


class Extension(Because):
    appointment: Instant


class Reopening(Because):
    due: Instant | None = None


class Reclassification(BaseModel):
    """Has no `at`: what is put right is put right when it is said, or the last word would not be the last."""

    model_config = ConfigDict(extra="forbid")
    service: ServiceId
    reason: Word


class Rating(Body):
    stars: Annotated[int, Whole(1, 5)]


def routes(parts: Parts, catalogue: Catalogue, door: Door, entered: Entered) -> APIRouter:
    """The door's routes."""
    router = APIRouter()
    pool = parts.pool
    Frame = Annotated[Asked, Depends(asked)]

    @router.post("/advice", status_code=201)
    async def give_advice(body: Advice, frame: Frame, actor: Annotated[Actor, Depends(Allowed("give-advice"))]) -> Any:
        """Count a question that was answered without taking a dossier in."""
        within(actor, body.counter, "counter")
        # The actor belongs to it: keys are only unique within one.
        advice_id = hashlib.sha256(f"{actor.id} {frame.correlation}".encode()).hexdigest()[:32]
        given = AdviceGiven(advice_id=advice_id, counter=body.counter, topic=body.topic, channel=body.channel)
        answer = await handle(
            pool, advice, given.advice_id, given, cause=frame.cause(actor), moment=at(frame.moment, body.at),
            key=frame.idempotency(actor),
        )  # fmt: skip
        parts.bell.ring("events")
        return reply(answer, 201)

    @lru_cache(maxsize=32)
    def districts_on(on: date) -> list[str]:
        return sorted({unit.district for unit in catalogue.units("counter", on) if unit.district})

    @router.post("/applications", **answers(Received, 201))
    async def receive(body: Application, frame: Frame, actor: Annotated[Actor, Depends(Allowed("receive"))]) -> Any:
        """Take a dossier in: check the papers, draw a code, give a receipt with the appointment."""
        within(actor, body.counter, "counter")
        key = frame.idempotency(actor)
        try:
            return reply(await take_in(body, frame, actor, key), 201)
        except Refused:  # a repeat gets the answer of then, whatever depends on the day or on what still waits
            async with pool.acquire() as connection:
                if key is not None and (kept := await answered(connection, key)) is not None:
                    return reply(kept, 201)
            raise

    async def take_in(body: Application, frame: Asked, actor: Actor, key: IdempotencyKey | None) -> Answer:
        received_at = body.at or frame.moment.now
        on = local_date(received_at)
        counter = named.counter(catalogue, body.counter, on)
        service = named.service(catalogue, body.service, on)
        districts = districts_on(on)
        if body.district not in districts:
            raise Refused(
                "unknown-district", f"{body.district} is the power unit of no district", field="district",
                way_out=f"one of: {', '.join(districts)}",
            )  # fmt: skip
        sent = await queries.submission(pool, body.submission) if body.submission else None
        if body.submission and sent is None:
            if await queries.is_received(pool, body.submission):
                raise _received_before(body.submission)
            raise NotFound("no-such-submission", f"no submission {body.submission} waits", field="submission")
        if sent is not None and sent["counter"] != body.counter:
            raise Refused(
                "another-counters-submission", f"{body.submission} waits at {sent['counter']}", field="submission",
                way_out=f"somebody of {sent['counter']} receives it",
            )  # fmt: skip
        if sent is None and body.applicant is None:
            raise Refused("no-applicant", "who applies?", field="applicant", way_out="give name, phone and address")
        checklist = catalogue.checklist(service.checklist)
        case_id, fresh = await codes.draw(pool, body.counter, counter, received_at, actor=actor.id, key=frame.key)
        calendar = catalogue.promised(body.counter, service, on)
        appointment = due(calendar, service.limit, received_at, cutoff=service.cutoff)
        applicant_ref = sent["applicant_ref"] if sent else f"p-{case_id}"
        received = ApplicationReceived(
            case_id=case_id,
            counter=body.counter,
            organisation=catalogue.unit(body.counter, on).parent or body.counter,
            sector="electricity",
            district=body.district,
            channel=body.channel,
            documents=body.documents,
            submission=body.submission,
            previous_case=body.previous_case,
            applicant_ref=applicant_ref,
            appointment=appointment,
            promise=Promise(calendar=calendar.id, clock_policy=service.clock_policy, service=service.id),
        )

        async def keep(connection: Connection, _: Sequence[RecordedEvent]) -> None:
            if body.applicant is not None:
                await people.keep(connection, applicant_ref, body.applicant)
            if body.submission:
                try:
                    await connection.execute(ONCE, body.submission, case_id)
                except UniqueViolationError as taken:
                    raise _received_before(body.submission) from taken

        answer = await handle(
            pool, case, case_id, Receive(received=received, checklist=checklist, by=actor),
            cause=frame.cause(actor), moment=at(frame.moment, body.at), key=key, also=keep, fresh=fresh,
            more={
                "case_id": case_id, "received_at": received_at, "appointment": appointment,
                "service": service.name.model_dump(), "limit": service.limit,
            },
        )  # fmt: skip
        parts.bell.ring("events")
        return answer

    async def command(case_id: str, order: Command, body: Body | None, frame: Asked, actor: Actor) -> Response:
        """What all commands on an existing case share: the counter's scope, If-Match, the key."""

        def may(state: State) -> None:
            if receipt := queries.receipt_of(state):
                within(actor, receipt.counter, "case_id")

        answer = await handle(
            pool, case, case_id, order, cause=frame.cause(actor), moment=at(frame.moment, body.at if body else None),
            key=frame.idempotency(actor), seen=frame.seen, may=may,
        )  # fmt: skip
        parts.bell.ring("events")
        return reply(answer)

    @router.post("/applications/{case_id}/supplement-request")
    async def request_supplement(
        case_id: CaseId, body: Supplement, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("request-supplement"))],
    ) -> Any:  # fmt: skip
        """Ask the customer for what is missing. The second time needs a leader."""
        order = RequestSupplement(case_id=case_id, gaps=body.gaps, by=actor)
        return await command(case_id, order, body, frame, actor)

    @router.post("/applications/{case_id}/supplement")
    async def receive_supplement(
        case_id: CaseId, body: Body, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("receive-supplement"))],
    ) -> Any:  # fmt: skip
        """The customer brought what was missing."""
        return await command(case_id, ReceiveSupplement(case_id=case_id, by=actor), body, frame, actor)

    @router.post("/applications/{case_id}/refusal")
    async def refuse(
        case_id: CaseId, body: Because, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("refuse"))],
    ) -> Any:  # fmt: skip
        """Refuse after receipt, with a reason a person understands."""
        order = Refuse(case_id=case_id, reason=named.reason(catalogue, "refusal", body.reason), by=actor)
        return await command(case_id, order, body, frame, actor)

    @router.post("/applications/{case_id}/withdrawal")
    async def withdraw(
        case_id: CaseId, body: Because, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("withdraw"))],
    ) -> Any:  # fmt: skip
        """The customer takes the application back."""
        order = Withdraw(case_id=case_id, reason=named.reason(catalogue, "withdrawal", body.reason), by=actor)
        return await command(case_id, order, body, frame, actor)

    @router.post("/applications/{case_id}/stop")
    async def stop(
        case_id: CaseId, body: Because, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("stop"))],
    ) -> Any:  # fmt: skip
        """Stop the processing."""
        order = Stop(case_id=case_id, reason=named.reason(catalogue, "stop", body.reason), by=actor)
        return await command(case_id, order, body, frame, actor)

    @router.post("/applications/{case_id}/extension")
    async def extend(
        case_id: CaseId, body: Extension, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("extend"))],
    ) -> Any:  # fmt: skip
        """Apologise and move the appointment: once, before the promise runs out."""
        told = min(body.at or frame.moment.now, frame.moment.now)  # a later one is refused where facts are dated
        order = Extend(
            case_id=case_id, appointment=body.appointment, reason=named.reason(catalogue, "extension", body.reason),
            at=told, catalogue=catalogue, waits=waits(await way(pool, case_id), told), by=actor,
        )  # fmt: skip
        return await command(case_id, order, body, frame, actor)

    @router.post("/applications/{case_id}/close")
    async def close(
        case_id: CaseId, body: Body, frame: Frame, actor: Annotated[Actor, Depends(Allowed("close"))]
    ) -> Any:
        """The customer has the result."""
        return await command(case_id, Close(case_id=case_id, by=actor), body, frame, actor)

    @router.post("/applications/{case_id}/reopening")
    async def reopen(
        case_id: CaseId, body: Reopening, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("reopen"))],
    ) -> Any:  # fmt: skip
        """Start the work again on an ended case."""
        order = Reopen(
            case_id=case_id, reason=named.reason(catalogue, "reopening", body.reason), due=body.due, by=actor
        )
        return await command(case_id, order, body, frame, actor)

    @router.post("/applications/{case_id}/reclassification")
    async def reclassify(
        case_id: CaseId, body: Reclassification, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("reclassify"))],
    ) -> Any:  # fmt: skip
        """The dossier is another service: its limit is counted anew from the receipt."""
        _, past = await queries.dossier(pool, case_id)
        received_at = as_corrected(past)[0].at if past else frame.moment.now
        service = named.service(catalogue, body.service, local_date(received_at)).id
        why = named.reason(catalogue, "correction", body.reason)
        order = Reclassify(case_id=case_id, service=service, reason=why, by=actor)
        return await command(case_id, order, None, frame, actor)

    router.include_router(
        corrections.routes(
            parts.pool,
            parts.bell,
            "/applications/{case_id}",
            CORRECTIONS,
            reason=partial(named.reason, catalogue, "correction"),
            unit=attrgetter("counter"),
        )
    )

    @router.post("/applications/{case_id}/rating")
    async def rate(
        case_id: CaseId, body: Rating, frame: Frame,
        actor: Annotated[Actor, Depends(Allowed("rate"))],
    ) -> Any:  # fmt: skip
        """The customer's mark, entered by the counter."""
        order = Rate(case_id=case_id, stars=body.stars, by=actor)
        return await command(case_id, order, body, frame, actor)

    @router.get("/applications/{case_id}", **answers(Dossier))
    async def one(case_id: CaseId, response: Response, _: Annotated[Actor, Depends(Allowed("read"))]) -> Any:
        """A case as it stands now, with its history; the ETag is the version for If-Match."""
        state, past = await queries.dossier(pool, case_id)
        if not past:
            raise NotFound("no-such-dossier", f"there is no dossier {case_id}", field="case_id")
        response.headers["ETag"] = f'"{len(past)}"'
        return queries.shown(state, past)

    @router.get("/applications", **answers(list[DossierRow]))
    async def many(
        _: Annotated[Actor, Depends(Allowed("read"))],
        counter: UnitCode | None = None,
        status: Literal["open", "waiting", "closed", "refused", "withdrawn", "stopped"] | None = None,
        to_hand_over: bool | None = None,
        before: Instant | None = None,
        limit: Annotated[int, Field(ge=1, le=500)] = 100,
    ) -> Any:
        """The counter's list, newest first."""
        return await queries.dossiers(pool, counter, status, to_hand_over, before, limit)

    @router.get("/applications/{case_id}/person", **answers(Applicant))
    async def person(case_id: CaseId, actor: Annotated[Actor, Depends(Allowed("read-person"))]) -> Any:
        """Who applied: for the counter that took the dossier in."""
        state, _ = await queries.dossier(pool, case_id)
        receipt = queries.receipt_of(state)
        if receipt is None:
            raise NotFound("no-such-dossier", f"there is no dossier {case_id}", field="case_id")
        within(actor, receipt.counter, "case_id")
        found = await people.find(pool, receipt.applicant_ref) if receipt.applicant_ref else None
        if found is None:
            raise NotFound("no-such-person", f"no person is kept for {case_id}", field="case_id")
        return found

    @router.get("/submissions", **answers(list[Submission]))
    async def waiting(counter: UnitCode, actor: Annotated[Actor, Depends(Allowed("receive"))]) -> Any:
        """Applications sent by customers that wait for this counter."""
        within(actor, counter, "counter")
        return await queries.submissions(pool, counter)

    router.include_router(conversation(parts, door))
    router.include_router(gateway.routes(parts, entered))
    router.include_router(language.routes(parts.settings.onedoor_contracts))
    return router


def _received_before(submission: str) -> Conflict:
    return Conflict(
        "submission-received", f"{submission} was received before", field="submission",
        way_out="look for its dossier in the counter's list",
    )  # fmt: skip
