"""HTTP in for corrections: one route, the same in every service that says facts about cases."""

from collections.abc import Callable
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, model_validator

from events.actor import Actor
from events.commands.correct import Command, Correct, Past, Void
from events.commands.decider import Decider
from events.commands.handle import handle
from events.contracts.catalogue import Fact
from events.contracts.terms import CaseId, EventId, FieldName, Reference, Word
from events.http.app import Asked, asked, reply
from events.http.auth import Allowed, within
from events.store.database import Pool
from events.subscriptions.wakeup import Wakeup


class Correction(BaseModel):
    """What a leader puts right: one field of a fact (or `at`, when it happened), or without a field the whole fact.

    A correction has no time of its own but now: told as of an earlier day, the last word would not be the last.
    """

    model_config = ConfigDict(extra="forbid")
    fact: EventId
    field: FieldName | None = None
    value: Reference | None = None
    reason: Word

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.field is None) != (self.value is None):
            raise ValueError("give field and value to correct a fact, neither to void it")
        return self

    def command(self, case_id: str, frame: Asked, by: Actor) -> Command:
        """The correction as what is decided on."""
        if self.field is None or self.value is None:
            return Void(case_id=case_id, fact=self.fact, reason=self.reason, by=by)
        return Correct(
            case_id=case_id, fact=self.fact, field=self.field, value=self.value, reason=self.reason,
            now=frame.moment.now, by=by,
        )  # fmt: skip


def of_case(case_id: CaseId) -> str:
    """The dossier where the path names it."""
    return case_id


def routes(
    pool: Pool,
    bell: Wakeup,
    path: str,
    decider: Decider[Command, Past],
    *,
    reason: Callable[[str], str],
    unit: Callable[[Fact], str],
    case_of: Callable[..., str] = of_case,
) -> APIRouter:
    """POST {path}/corrections. `reason` raises Refused for a word that is none; `unit` is the unit that the stream's
    first fact names: who corrects acts for it. `case_of` finds the dossier in the path."""
    router = APIRouter()

    @router.post(f"{path}/corrections")
    async def correct(
        body: Correction,
        case_id: Annotated[str, Depends(case_of)],
        frame: Annotated[Asked, Depends(asked)],
        actor: Annotated[Actor, Depends(Allowed("correct"))],
    ) -> Any:
        """Put a fact of this dossier right: one field of it, or (without a field) that it happened at all."""
        reason(body.reason)
        answer = await handle(
            pool, decider, case_id, body.command(case_id, frame, actor), cause=frame.cause(actor),
            moment=frame.moment, key=frame.idempotency(actor), seen=frame.seen,
            may=lambda past: within(actor, unit(past[0].fact), "case_id") if past else None,
        )  # fmt: skip
        bell.ring("events")
        return reply(answer)

    return router
