"""HTTP: the operator's hand over what is parked, followers and topics. The same in every service; operators only."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict

from events.actor import Actor
from events.contracts.terms import Instant, Word
from events.http.answers import FollowerPaused, Parked, ParkedWhole, Republished, Settled
from events.http.app import Now, Trace, answers, asked
from events.http.auth import Allowed
from events.http.parameters import LARGEST, StorableText
from events.operations import followers, parked
from events.operations.operator_action import OperatorAction
from events.operations.republish import Remake, republish
from events.store.database import Pool
from events.subscriptions.follower import Following
from events.subscriptions.wakeup import Wakeup

# By the index of each log: the last that was said here, or heard.
LAST = """
select greatest(
    (select recorded_at from events order by epoch desc, tx desc, position desc limit 1),
    (select recorded_at from inbox order by epoch desc, tx desc, position desc limit 1)
)
"""

Operates = Annotated[Actor, Depends(Allowed("operate"))]
Id = Annotated[int, Path(ge=1, le=LARGEST)]
MakesOrder = Callable[..., Awaitable[OperatorAction]]


class Why(BaseModel):
    """Why, as a code that goes into the log for good: `sent-by-mistake`, `test-record`. It can hold no sentence."""

    model_config = ConfigDict(extra="forbid")
    why: Word


class Since(Why):
    """From when on; and why."""

    to: Instant


def ordering(pool: Pool, service: str) -> MakesOrder:
    """Makes an operator's order of a request. `service` is the first word of the topic on which it is said."""

    async def ordered(
        request: Request, actor: Operates, onedoor_now: Now = None, traceparent: Trace = None
    ) -> OperatorAction:
        frame = await asked(request, onedoor_now=await _time(request, onedoor_now), traceparent=traceparent)
        return OperatorAction(service=service, cause=frame.cause(actor), moment=frame.moment)

    async def _time(request: Request, given: datetime | None) -> datetime | None:
        """On the log's clock an operator, who stands beside what is played, need not know it: the last fact's time."""
        if given is None and request.app.state.settings.log_clock:
            last: datetime | None = await pool.fetchval(LAST)
            return last
        return given

    return ordered


def routes(
    pool: Pool, bell: Wakeup, followings: Sequence[Following[Any]], service: str, remake: Remake,
    others: parked.Others = parked.NO_OTHERS,
) -> APIRouter:  # fmt: skip
    """`service` is the first word of the topic on which this service says what was done to it. `others`: what it parks
    beside its inbox and its followers."""
    router = APIRouter(tags=["operations"])

    ordered = ordering(pool, service)

    async def ordered_because(order: Annotated[OperatorAction, Depends(ordered)], body: Why) -> OperatorAction:
        return OperatorAction(service=order.service, cause=order.cause, moment=order.moment, why=body.why)

    Ordered = Annotated[OperatorAction, Depends(ordered)]
    OrderedBecause = Annotated[OperatorAction, Depends(ordered_because)]

    @router.get("/parked", **answers(list[Parked]))
    async def every(_: Operates, all: bool = False) -> Sequence[Mapping[str, Any]]:
        """What is set aside and why, the oldest first; `all`: what is settled too, and how. At most 1,000."""
        return await parked.listed(pool, settled=all)

    @router.get("/parked/{id}", **answers(ParkedWhole))
    async def one(id: Id, _: Operates) -> Mapping[str, Any]:
        """One of them, with its bytes as text: what is no text is replaced."""
        return await parked.shown(pool, id)

    @router.post("/parked/retry", **answers(Settled))
    async def retry_all(order: Ordered) -> Settled:
        """Try everything that is parked once more; how many were settled."""
        settled = await parked.retry(pool, followings, order, others=others)
        bell.ring_all()
        return {"settled": settled}

    @router.post("/parked/{id}/retry", **answers(ParkedWhole))
    async def retry(id: Id, order: Ordered) -> Mapping[str, Any]:
        """Try this one once more: it, settled; 409 with the reason when it stays parked."""
        settled = await parked.retry_one(pool, followings, id, order, others)
        bell.ring_all()
        return settled

    @router.post("/parked/{id}/dismiss", **answers(ParkedWhole))
    async def dismiss(id: Id, order: OrderedBecause) -> Mapping[str, Any]:
        """Go on without it: its case is shown as complete, and it is not tried again."""
        settled = await parked.dismiss(pool, followings, id, order)
        bell.ring_all()
        return settled

    @router.post("/followers/{name}/pause", **answers(FollowerPaused))
    async def pause(name: StorableText, order: OrderedBecause) -> Mapping[str, Any]:
        """It applies nothing until it is resumed, in no process, whatever restarts; it is shown as behind."""
        return await followers.pause(pool, followers.named(followings, name), order)

    @router.post("/followers/{name}/resume", **answers(FollowerPaused))
    async def resume(name: StorableText, order: Ordered) -> Mapping[str, Any]:
        """It goes on where it stood."""
        return await followers.resume(pool, followers.named(followings, name), order)

    @router.post("/followers/{name}/replay", **answers(FollowerPaused))
    async def replay(name: StorableText, order: OrderedBecause) -> Mapping[str, Any]:
        """It forgets what it made and reads its log from the start; only one whose whole effect is its own table."""
        found = await followers.again(pool, followers.named(followings, name), order)
        bell.ring_all()
        return found

    @router.post("/followers/{name}/rewind", **answers(FollowerPaused))
    async def rewind(
        name: StorableText, order: Annotated[OperatorAction, Depends(ordered)], body: Since
    ) -> Mapping[str, Any]:
        """It reads again what was recorded from an instant on; only one that then changes only what was wrong."""
        because = OperatorAction(service=order.service, cause=order.cause, moment=order.moment, why=body.why)
        found = await followers.back(pool, followers.named(followings, name), because, body.to)
        bell.ring_all()
        return found

    @router.post("/republish", **answers(Republished))
    async def send_again(order: OrderedBecause) -> Mapping[str, Any]:
        """A topic was lost: make this service's topics anew and send all that it ever said, in the same order."""
        told = await republish(pool, remake, order)
        bell.ring_all()
        return told

    return router
