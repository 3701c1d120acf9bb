"""HTTP: what an outsider needs to check this system without trusting it. `onedoor evidence` makes one file of it."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from deadlines.calendar import FIRST
from deadlines.inforce import InForce
from events.actor import Actor
from events.contracts.terms import CaseId, Date
from events.errors import Conflict, NotFound
from events.http.app import answers
from events.http.auth import Allowed
from events.service.runtime import Parts
from events.store.database import snapshot
from sla.answers.evidence import DaySealsFound, DossierEvidence, DossiersEvidence, MonthEvidence, RulesEvidence
from sla.counting.periods import month
from sla.evidence import bundle, day_sealer
from sla.evidence.bundle import Trees
from sla.evidence.proofs import Evidence
from sla.rebuild.cutover import key

SEALS_AT_ONCE = 400  # more than a year of days
DOSSIERS_AT_ONCE = 50
LOOKS, A_LOOK = 40, 0.05  # how often, and after how many seconds, it is asked again whether the judge has caught up

Reads = Annotated[Actor, Depends(Allowed("read"))]
Cases = Annotated[list[CaseId], Query(alias="case", min_length=1, max_length=DOSSIERS_AT_ONCE)]
Month = Annotated[str, Query(alias="month", pattern=r"^(199[0-9]|20[0-9]{2}|2100)-(0[1-9]|1[0-2])$")]


def routes(parts: Parts, in_force: InForce) -> APIRouter:
    """For everybody who may read dossiers, auditors among them."""
    router = APIRouter(tags=["evidence"])
    trees = Trees()
    signing_key = key(parts.settings)

    @router.get("/day-seals", **answers(DaySealsFound))
    async def day_seals(
        _: Reads, since: Date = FIRST, limit: Annotated[int, Query(ge=1, le=SEALS_AT_ONCE)] = SEALS_AT_ONCE
    ) -> Response:
        """The seals of this local day and later ones, the earliest first, each as it was signed.

        A day on which nothing was recorded has none. For more, ask again from the day after the last one.
        """
        return _json({"seals": await day_sealer.since(parts.pool, since, limit)})

    @router.get("/evidence/rules", **answers(RulesEvidence))
    async def rules(_: Reads) -> Response:
        """Every rule that dossiers are judged by, signed; the facts that published some of them, and their proofs."""
        async with snapshot(parts.pool) as connection:
            return _json((await bundle.rules(connection, in_force, trees, signing_key))[0])

    @router.get("/evidence/month", **answers(MonthEvidence))
    async def of_month(_: Reads, named: Month) -> Response:
        """Which dossiers count in a month, signed. Ask for each of them, some at a time."""
        async with snapshot(parts.pool) as connection:
            _found, digest = await bundle.rules(connection, in_force, trees, signing_key)
            period = month(int(named[:4]), int(named[5:]))
            return _json(await bundle.month(connection, period, named, digest, signing_key))

    async def told(cases: Sequence[str]) -> dict[str, Evidence]:
        """The evidence of these dossiers, once the judge has come to what was heard of them."""
        behind = ""
        for _ in range(LOOKS):
            async with snapshot(parts.pool) as connection:
                _rules, digest = await bundle.rules(connection, in_force, trees, signing_key)
                try:
                    found = await bundle.dossiers(connection, cases, digest, trees, signing_key)
                except bundle.Behind as stream:
                    behind = str(stream)
                else:
                    if missing := sorted(set(cases) - found.keys()):
                        raise NotFound("no-such-dossier", f"nothing was heard of {missing[0]}", field="case")
                    return found
            await asyncio.sleep(A_LOOK)
        raise Conflict(
            "not-judged-yet", f"{behind} was heard and is not judged yet", field="case",
            way_out="ask again; `onedoor status` says how far behind the judge is, and whether somebody paused it",
        )  # fmt: skip

    @router.get("/evidence/dossiers", **answers(DossiersEvidence))
    async def several(_: Reads, cases: Cases) -> Response:
        """The evidence of these dossiers: for each a signed document with its verdict and the heads of its streams, its
        facts line by line, and the proofs that days' seals hold them."""
        return _json({"dossiers": await told(cases)})

    @router.get("/evidence/{case_id}", **answers(DossierEvidence))
    async def one(case_id: CaseId, _: Reads) -> Response:
        """The same of one dossier."""
        return _json((await told([case_id]))[case_id])

    return router


def _json(body: Any) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")
