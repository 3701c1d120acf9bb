"""Server-sent events that end with the caller's right: the last one says so, and what to do."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Final

import msgspec
from fastapi import Depends, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from events.errors import Refused
from events.http.auth import seconds_left
from events.http.parameters import LARGEST
from events.http.problems import document

Events = AsyncGenerator[ServerSentEvent, None]
EXPIRED: Final = "expired"
"""The name of the event by which a stream ends whose caller's token or session has run out."""
PING: Final = 15  # seconds between signs of life on a stream that has nothing to tell


def event_stream(request: Request, events: Events) -> EventSourceResponse:
    """The answer that sends these events for as long as the caller may hear them; for ever where anybody may."""
    return EventSourceResponse(_ending(request, events), ping=PING)


async def _ending(request: Request, events: Events) -> Events:
    async def following() -> ServerSentEvent:
        return await anext(events)

    step: asyncio.Task[ServerSentEvent] | None = None
    try:
        while (left := seconds_left(request)) is None or left > 0:
            step = step or asyncio.create_task(following())
            done, _ = await asyncio.wait({step}, timeout=left)
            if done:
                found, step = step, None
                try:
                    event = found.result()
                except StopAsyncIteration:
                    return
                yield event
        yield ServerSentEvent(data=_expired(), event=EXPIRED)
    finally:
        if step is not None:
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
        await events.aclose()


def _expired() -> str:
    told = document(
        401, "token-expired", "the token or session that opened this stream has run out", field="Authorization",
        way_out="get a new one and open the stream again; Last-Event-ID goes on where this one ends",
    )  # fmt: skip
    return msgspec.json.encode(told).decode()


def resumed(
    after: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
    last_event_id: Annotated[str | None, Header(description="The id of the last event that was seen.")] = None,
) -> int | None:
    """After which event a stream is to go on: `Last-Event-ID`, else `after`; None: with what is still to come.

    A browser sends whatever id it was told last, also an empty one: what is no number of ours is as good as none.
    Raises Refused for a number that no event can have.
    """
    if last_event_id is None or not (last_event_id.isascii() and last_event_id.isdigit()):
        return after
    if len(last_event_id) > len(str(LARGEST)) or int(last_event_id) > LARGEST:
        raise Refused(
            "no-such-event-id", f"an event's id is {LARGEST} at most", field="header.last-event-id",
            way_out="send the id of the last event that was seen, or none",
        )  # fmt: skip
    return int(last_event_id)


Resumed = Annotated[int | None, Depends(resumed)]
