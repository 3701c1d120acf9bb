"""HTTP of the conversation with people: Zalo's webhook, and what operators see of messages in and out."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request

from events.actor import Actor
from events.contracts.terms import Instant
from events.http.app import answers, moment
from events.http.auth import Allowed
from events.service.runtime import Parts
from intake import queries
from intake.answers import Quarantined, SortedAs, Waiting
from intake.zalo.webhook import Door


def routes(parts: Parts, door: Door) -> APIRouter:
    """The conversation's routes."""
    router = APIRouter()

    @router.get("/messages/waiting", **answers(Waiting))
    async def messages(_: Annotated[Actor, Depends(Allowed("read"))]) -> Any:
        """How many messages are prepared and not yet settled."""
        return {"waiting": await queries.waiting_messages(parts.pool)}

    @router.get("/zalo/quarantine", **answers(list[Quarantined]))
    async def quarantine(_: Annotated[Actor, Depends(Allowed("operate"))]) -> Any:
        """Messages that nobody could be made responsible for."""
        return await queries.quarantine(parts.pool)

    @router.post("/zalo/webhook", **answers(SortedAs))
    async def webhook(
        request: Request,
        x_zevent_signature: Annotated[str | None, Header()] = None,
        onedoor_now: Annotated[Instant | None, Header()] = None,
    ) -> Any:
        """Zalo's events. Answered when kept; a repeat changes nothing."""
        incoming = door.verify(await request.body(), x_zevent_signature)
        sorted_as = await door.sort(incoming, moment(request, onedoor_now))
        parts.bell.ring("events")
        return {"sorted": sorted_as}

    return router
