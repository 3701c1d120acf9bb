"""What every service's HTTP API shares: the moment, the key and the cause of a command, and the routes that tell how
it stands."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from prometheus_client import generate_latest

from events.actor import Actor
from events.canonical_json import hash_of_body
from events.clock import new_id, now
from events.commands.handle import Answer, IdempotencyKey, Moment
from events.contracts.terms import Instant
from events.errors import Refused
from events.http.answers import Health, Readiness, Session, Standing
from events.http.auth import Allowed, Gate, cookie_of
from events.kafka.heartbeat import Watermark
from events.store.envelope import Cause

# Both travel with the facts, so neither may hold a sentence. A broken trace is left out, never refused (W3C).
KEY = r"^[A-Za-z0-9._:/@+~-]+$"
TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

EVENTS = "text/event-stream"
SENT_EVENT: Mapping[str, Any] = {
    "type": "object",
    "description": "One event of the stream.",
    "properties": {
        "event": {"type": "string", "description": "What kind of event it is.", "examples": ["case"]},
        "data": {"type": "string", "description": "What it says, as JSON.", "contentMediaType": "application/json"},
        "id": {"type": "string", "description": "Where to resume: the next Last-Event-ID.", "examples": ["17"]},
    },
    "required": ["event", "data"],
}

Now = Annotated[Instant | None, Header()]
Trace = Annotated[str | None, Header()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The frame of one command over HTTP: when, why, under which key, and which version the caller saw."""

    moment: Moment
    correlation: str
    trace: str | None
    key: str | None
    seen: int | None
    body_hash: bytes
    route: str

    def cause(self, actor: Actor) -> Cause:
        return Cause(correlation=self.correlation, causation=self.correlation, actor=actor.id, trace=self.trace)

    def idempotency(self, actor: Actor) -> IdempotencyKey | None:
        if self.key is None:
            return None
        return IdempotencyKey(actor=actor.id, route=self.route, key=self.key, body_hash=self.body_hash)


async def asked(
    request: Request,
    idempotency_key: Annotated[str | None, Header(max_length=200, pattern=KEY)] = None,
    if_match: Annotated[str | None, Header(pattern=r'^(W/)?"?[0-9]{1,18}"?$')] = None,
    onedoor_now: Now = None,
    traceparent: Trace = None,
) -> Asked:
    """Read the frame of a command from the headers. `Onedoor-Now` counts only where the clock is the log's."""
    body = await request.body()
    return Asked(
        moment=moment(request, onedoor_now),
        correlation=idempotency_key or new_id(),
        trace=traceparent if traceparent and TRACE.fullmatch(traceparent) else None,
        key=idempotency_key,
        seen=int(if_match.removeprefix("W/").strip('"')) if if_match else None,
        body_hash=hash_of_body(body),
        route=f"{request.method} {request.url.path}",
    )


def moment(request: Request, onedoor_now: datetime | None) -> Moment:
    """Now: the wall's, or the caller's where the deployment was started with the log's clock."""
    if not request.app.state.settings.log_clock:
        return Moment(now=now())
    if onedoor_now is None:
        raise Refused(
            "clock-is-the-logs", "this deployment takes its time from the caller", field="Onedoor-Now",
            way_out="send Onedoor-Now: an instant with its offset, as in 2017-07-10T09:00:00+07:00",
        )  # fmt: skip
    return Moment(now=onedoor_now, recorded_at=onedoor_now)


def at(moment: Moment, happened: datetime | None) -> Moment:
    """The same moment for a command whose body says when it happened."""
    return Moment(now=moment.now, at=happened, recorded_at=moment.recorded_at)


def reply(answer: Answer, status: int = 200) -> Response:
    """The body of an accepted command, with the stream's version as ETag for the next If-Match."""
    body = {"stream": answer.stream, "version": answer.version, "facts": answer.facts, **answer.more}
    return Response(
        msgspec.json.encode(body), status, headers={"ETag": f'"{answer.version}"'}, media_type="application/json"
    )


def answers(model: Any, status: int = 200, *, also: Collection[int] = (), page: bool = False) -> dict[str, Any]:
    """For a route's decorator: the type of what it answers as JSON, for its document alone (`events.http.answers`).

    `also`: other statuses with an answer of the type. `page`: a browser gets a page instead.
    """
    responses: dict[int | str, Any] = {one: {"model": model} for one in (status, *also)}
    if page:
        responses[status]["content"] = {"text/html": {"schema": {"type": "string"}}}
    return {"status_code": status, "response_model": Any, "responses": responses}


def says(media_type: str) -> dict[str, Any]:
    """For a route's decorator: what it answers, where that is not JSON of FastAPI's own making."""
    schema = SENT_EVENT if media_type == EVENTS else {"type": "string"} if media_type.startswith("text/") else {}
    return {"response_class": Response, "responses": {200: {"content": {media_type: {"schema": schema}}}}}


class Stands(Protocol):
    """What the shared routes ask of the running service."""

    async def standing(self) -> Mapping[str, Any]: ...
    async def exposition(self) -> Any: ...
    def ready(self) -> Mapping[str, bool]: ...
    def watermarks(self) -> Sequence[Watermark]: ...


def operations(service: Stands) -> APIRouter:
    """Health, readiness, metrics and how far every follower is; the same in every service."""
    router = APIRouter(tags=["operations"])

    @router.get("/health", **answers(Health))
    async def health() -> Health:
        """The process answers."""
        return {"status": "alive"}

    @router.get("/health/ready", **answers(Readiness, also=(503,)))
    async def readiness(response: Response) -> Mapping[str, Any]:
        """200 when every part works and partitions are assigned; 503 with the parts that do not.

        `standing_watermarks` does not count: a source that is silent holds back what waits for it, but the service
        answers and takes commands, and taking it away or starting it again would help nobody.
        """
        parts = service.ready()
        response.status_code = 200 if all(parts.values()) else 503
        standing = [{"source": one.source, "since": one.watermark} for one in service.watermarks() if one.stands]
        return {**parts, "standing_watermarks": standing}

    @router.get("/followers", **answers(Standing))
    async def followers() -> Mapping[str, Any]:
        """The end of the log against every bookmark; what was published and heard, per partition; and on the wall's
        clock the watermarks that this service waits for."""
        return await service.standing()

    @router.get("/metrics", **says("text/plain"))
    async def metrics() -> Response:
        """Prometheus text format."""
        return Response(generate_latest(await service.exposition()), media_type="text/plain; version=0.0.4")

    @router.post("/session", status_code=204)
    async def open_session(
        request: Request, response: Response, actor: Annotated[Actor, Depends(Allowed("read"))]
    ) -> None:
        """Exchange a token for a cookie with which this browser may read this service's pages for fifteen minutes."""
        gate: Gate = request.app.state.gate
        gate.remember(actor, request, response)

    @router.get("/session", **answers(Session))
    async def session(actor: Annotated[Actor, Depends(Allowed("read"))]) -> Session:
        """Who this browser reads as."""
        return {"id": actor.id, "roles": sorted(actor.roles), "unit": actor.unit}

    @router.delete("/session", status_code=204)
    async def close_session(request: Request, response: Response) -> None:
        """Forget the cookie."""
        response.delete_cookie(cookie_of(request), httponly=True, samesite="strict")

    return router
