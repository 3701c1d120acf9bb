"""HTTP: sealed periods, what was restated of them, and remedial actions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from deadlines.catalogue import Catalogue
from events.actor import Actor
from events.contracts.terms import Date, Reference, Word
from events.http.app import Asked, answers, asked, reply
from events.http.auth import Allowed
from events.http.parameters import StorableText
from events.service.runtime import Parts
from sla.answers.record import Items, RecordDocument
from sla.answers.seals import Remedies, Seal, Seals, SealSaid
from sla.i18n.labels import WHYS, reason_of
from sla.reports import record_queries
from sla.reports.columns import figure_of
from sla.reports.document import addressed, named
from sla.reports.http import AskedNumber, Reads, json_response, number_response, period_of
from sla.reports.page import page
from sla.reports.sheets import sheets
from sla.seals import remedial_store, seal_store

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


def routes(parts: Parts, catalogue: Catalogue) -> APIRouter:
    """The routes of seals and of remedial actions."""
    router = APIRouter(tags=["record"])
    pool = parts.pool
    kinds = {unit.code: unit.kind for unit in catalogue.units()}

    @router.post("/record/seals", **answers(SealSaid, 201))
    async def seal(body: Sealing, frame: Frame, actor: Annotated[Actor, Depends(Allowed("seal"))]) -> Response:
        """Sign the record of a period for the whole province. Once; what comes late is restated beside it."""
        period = period_of(body.since, body.to)
        effects = await record_queries.effects(pool, await record_queries.the_record(pool, period, kinds))
        answer = await seal_store.seal(pool, catalogue, period, effects, frame, actor)
        parts.bell.ring("events")
        return reply(answer, 201)

    @router.get("/record/seals", **answers(Seals))
    async def seals(_: Reads) -> Response:
        """Every sealed period."""
        return json_response({"seals": await seal_store.every(pool)})

    @router.get("/record/seals/{seal}", **answers(Seal))
    async def sealed(seal: StorableText, _: Reads) -> Response:
        """A record as it was signed, with what was restated of it since; its numbers open at `/items` below it."""
        found = await seal_store.one(pool, seal)
        for difference in (one for restated in found["restatements"] for one in restated["differences"]):
            difference["name"] = figure_of(difference["kind"], difference["column"])._asdict()
        return json_response({**found, "opens": f"/record/seals/{seal}/items?"})

    @router.get("/record/seals/{seal}/items", **answers(Items, page=True))
    async def sealed_items(seal: StorableText, _: Reads, number: AskedNumber) -> Response:
        """What one number of the signed record counts, whatever was restated since."""
        return number_response((await seal_store.one(pool, seal))["record"], number)

    @router.get("/record/seals/{seal}/print", response_class=HTMLResponse)
    async def sealed_print(seal: StorableText, _: Reads) -> HTMLResponse:
        """The signed record as a page for paper."""
        it = addressed((await seal_store.one(pool, seal))["record"], f"/record/seals/{seal}/items")
        return HTMLResponse(page(it, sheets(it)))

    @router.get("/record/seals/{seal}/restatements/{number}", **answers(RecordDocument))
    async def restatement(seal: StorableText, number: Annotated[int, Field(ge=1, lt=1 << 31)], _: Reads) -> Response:
        """The whole record of a sealed period as it was restated; its numbers open at `/items` below it."""
        it = await seal_store.restatement(pool, seal, number)
        return json_response(addressed(it, f"/record/seals/{seal}/restatements/{number}/items"))

    @router.get("/record/seals/{seal}/restatements/{restated}/items", **answers(Items, page=True))
    async def restated_items(
        seal: StorableText, restated: Annotated[int, Field(ge=1, lt=1 << 31)], _: Reads, number: AskedNumber
    ) -> Response:
        """What one number of a restated record counts."""
        return number_response(await seal_store.restatement(pool, seal, restated), number)

    @router.get("/remedies", **answers(Remedies))
    async def remedies(_: Reads, state: Literal["open", "closed"] | None = None) -> Response:
        """Units that passed a threshold in a sealed period, what is due of them, and what was done."""
        still_open = None if state is None else state == "open"
        found = await remedial_store.every(pool, still_open=still_open)
        for one in found:
            one["why_name"] = named(WHYS, one["why"])
            one["outcome_name"] = reason_of(catalogue, one["outcome"])._asdict() if one["outcome"] else None
        return json_response({"remedies": found})

    @router.post("/remedies/{remedy}/closing")
    async def close_remedy(
        remedy: StorableText, body: Closing, frame: Frame, actor: Annotated[Actor, Depends(Allowed("close-remedy"))]
    ) -> Response:
        """Close a remedial action with what was done and where it is written down."""
        answer = await remedial_store.close(pool, catalogue, remedy, body.outcome, body.evidence, frame, actor)
        parts.bell.ring("events")
        return reply(answer)

    return router
