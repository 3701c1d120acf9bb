"""HTTP in for other systems: CloudEvents in any mode → the gateway; what became of an event."""

from collections.abc import Mapping
from math import ceil
from time import monotonic
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from events.actor import Actor
from events.errors import NotFound, Refused, TooMuch
from events.gateway.cloudevent import Item, of_request
from events.gateway.rate_limit import Quotas
from events.http import problems
from events.http.app import Now, moment
from events.http.auth import Allowed
from events.http.parameters import StorableText
from events.service.runtime import Parts
from intake.gateway.described import ANSWERS, BECAME, BODY, HANDSHAKE, HEADERS
from intake.gateway.entered import Entered
from intake.gateway.keeping import Gateway, Outcome, Sender
from intake.gateway.queries import became


def routes(parts: Parts, entered: Entered) -> APIRouter:
    """The gateway's routes."""
    router = APIRouter(tags=["gateway"])
    gateway, quotas = Gateway(parts.pool, entered.ours), Quotas()
    Caller = Annotated[Actor, Depends(Allowed("emit"))]

    @router.post(
        "/events", status_code=201, responses=ANSWERS, openapi_extra={"requestBody": BODY, "parameters": HEADERS}
    )
    async def say(request: Request, actor: Caller, onedoor_now: Now = None) -> Response:
        """Say one event, or a batch of them. Each is judged by itself; what is accepted is committed.

        One: 201 accepted, 200 a repeat, or the problem document of the refusal. A batch: 207, with an item for each
        event in their order.
        """
        emitter = entered.now().of(actor.unit)
        sent = of_request(request.headers.get("content-type", ""), request.headers, await request.body())
        items, batch = ([sent], False) if isinstance(sent, Item) else (sent, True)
        if (seconds := quotas.wait(emitter, max(len(items), 1), monotonic())) > 0:
            over = TooMuch(
                "over-quota", f"your system may post {emitter.per_minute} events a minute; none of these was taken in",
                field="body", way_out="wait as long as Retry-After says and send it again", retry_after=ceil(seconds),
            )  # fmt: skip
            return _refused(request, over, quotas.headers(emitter, monotonic()))
        now = moment(request, onedoor_now)
        outcomes = await gateway.keep([Sender(emitter, one, now.now) for one in items], now)
        parts.bell.ring("events")
        left = quotas.headers(emitter, monotonic())
        if batch:
            shown = msgspec.json.encode([_shown(one) for one in outcomes])
            return Response(shown, 207, media_type="application/json", headers=left)
        if (why := outcomes[0].why) is not None:
            return _refused(request, why, left)
        return JSONResponse(_shown(outcomes[0]), 201 if outcomes[0].result == "accepted" else 200, headers=left)

    @router.options("/events", responses=HANDSHAKE)
    async def handshake(
        origin: Annotated[str | None, Header(alias="WebHook-Request-Origin")] = None,
        rate: Annotated[int | None, Header(alias="WebHook-Request-Rate", ge=1)] = None,
    ) -> Any:
        """Ask whether web hooks may deliver events here: the handshake of CloudEvents, without a token.

        The origins of an emitter are entered by an operator. A callback (WebHook-Request-Callback) is never called. The
        events themselves are posted with a token.
        """
        headers = {"Allow": "OPTIONS, POST"}
        allowed = entered.now().rate_of(origin) if origin else None
        if origin and allowed is not None:
            allowed = min(allowed, rate or allowed)
            headers |= {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": str(allowed)}
        return JSONResponse({"origin": origin, "allowed_rate": allowed}, headers=headers)

    @router.get("/events/{source:path}/{id}", responses=BECAME)
    async def one(source: StorableText, id: StorableText, actor: Caller) -> Any:
        """What became of an event of one's own: where it is, and every refusal under its id."""
        found = await became(parts.pool, entered.now().of(actor.unit), source, id)
        if found is None:
            raise NotFound(
                "no-such-event", "your system has sent no such event", field="id",
                way_out="look at source and id; what could not be read at all has neither",
            )  # fmt: skip
        return found

    return router


def _refused(request: Request, why: Refused, left: Mapping[str, str]) -> Response:
    answer = problems.refused(request, why)
    answer.headers.update(left)
    return answer


def _shown(one: Outcome) -> dict[str, Any]:
    shown: dict[str, Any] = {"result": one.result}
    if one.name is not None:
        shown |= one.name._asdict()
    if one.event is not None and one.recorded_at is not None:
        shown |= {"event": one.event, "recorded_at": one.recorded_at.isoformat()}
    return shown if one.why is None else shown | {"problem": problems.refusal(one.why)}
