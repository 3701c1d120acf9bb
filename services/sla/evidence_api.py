"""HTTP: what an outsider needs to check this system without trusting it."""

from datetime import date
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from deadlines.calendar import FIRST
from events.actor import Actor
from events.auth import Allowed
from events.runtime import Parts
from sla import dayseals

SEALS_AT_ONCE = 400  # more than a year of days

Reads = Annotated[Actor, Depends(Allowed("read"))]


def routes(parts: Parts) -> APIRouter:
    """For everybody who may read dossiers, auditors among them."""
    router = APIRouter(tags=["evidence"])

    @router.get("/day-seals", response_class=Response)
    async def day_seals(
        _: Reads, since: date = FIRST, limit: Annotated[int, Query(ge=1, le=SEALS_AT_ONCE)] = SEALS_AT_ONCE
    ) -> Response:
        """The seals of this local day and later ones, the earliest first, each as it was signed.

        A day on which nothing was recorded has none. For more, ask again from the day after the last one.
        """
        found = await dayseals.since(parts.pool, since, limit)
        return Response(msgspec.json.encode({"seals": found}), media_type="application/json")

    return router
