"""HTTP for rules: what other rules would change, and publishing them. Apart from api.py, which is about dossiers."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict

from deadlines.entries import CalendarEntry, CatalogueFile, Service
from deadlines.errors import CatalogueError
from deadlines.inforce import InForce, remember
from events.actor import Actor
from events.commands.handle import handle
from events.contracts.rules import Impact, Policy
from events.contracts.terms import ClockPolicy, Reference
from events.errors import Conflict, NotFound, Refused
from events.http.app import Asked, answers, asked
from events.http.auth import Allowed
from events.http.parameters import Run, Some
from events.service.runtime import Parts
from sla.answers.rules import Published, WhatIfBegun, WhatIfRun
from sla.judging.case_rules import Supposed, with_published
from sla.live import queries
from sla.rule_changes import whatif_runs
from sla.rule_changes.publication import ID, PublishRules, publisher, refused

NOTHING = Impact(cases=0, due_moved=0, verdicts_changed=0, newly_overdue=0, no_longer_overdue=0)
log = structlog.get_logger("sla.rules")


class WhatIf(BaseModel):
    """Versions and policies that are supposed beside those in force. With versions and no policy: as-revised."""

    model_config = ConfigDict(extra="forbid")
    calendars: tuple[CalendarEntry, ...] = ()
    services: tuple[Service, ...] = ()
    policy: Policy | None = None
    clock_policy: ClockPolicy | None = None


class Publication(BaseModel):
    """The decision behind the rules, and whether dossiers that pinned older versions are judged by them."""

    model_config = ConfigDict(extra="forbid")
    basis: Reference
    policy: Policy


class Calendars(Publication):
    """Calendar versions, as calendars.yaml would have them."""

    calendars: Some[CalendarEntry]


class Services(Publication):
    """Service versions, as services.yaml would have them; an open version is ended by naming it again with `to`."""

    services: Some[Service]


Frame = Annotated[Asked, Depends(asked)]
Supposes = Annotated[Actor, Depends(Allowed("suppose"))]
Publishes = Annotated[Actor, Depends(Allowed("publish-rules"))]


def routes(parts: Parts, in_force: InForce, current: Callable[[], Awaitable[datetime]]) -> APIRouter:
    """/what-if and /rules. `current` says what time it is."""
    router = APIRouter()
    pool = parts.pool
    decider = publisher(in_force.files)
    watched: set[asyncio.Task[None]] = set()

    async def judged(supposed: Supposed, actor: Actor) -> tuple[int, asyncio.Task[None]]:
        """Begin a run; the task ends with its process. Raises Refused when the rules contradict those in force."""
        await in_force.refresh(pool)
        in_use = with_published(in_force.catalogue, in_force.facts, await queries.applied(pool))
        try:
            supposed.rules(in_use)
        except CatalogueError as wrong:
            raise refused(wrong) from wrong
        run = await whatif_runs.begin(pool, supposed, actor.id, await current())
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sla.rule_changes.whatif",
            str(run),
            env={**os.environ, **parts.settings.environment()},
        )

        async def ended() -> None:
            if status := await process.wait():
                async with pool.acquire() as connection:
                    await whatif_runs.fail(connection, run, f"its process ended with status {status}")
            log.info("what-if ended", run=run, status=status)

        task = asyncio.create_task(ended())
        watched.add(task)
        task.add_done_callback(watched.discard)
        return run, task

    @router.post("/what-if", **answers(WhatIfBegun, 202))
    async def suppose(body: WhatIf, actor: Supposes) -> WhatIfBegun:
        """Judge every case under other rules, beside the live tables. One at a time; watch it at /what-if/{run}."""
        given = bool(body.calendars or body.services)
        if not given and body.policy is None and body.clock_policy is None:
            raise Refused(
                "nothing-supposed", "a what-if supposes something", field="calendars",
                way_out="give calendars, services, policy or clock_policy",
            )  # fmt: skip
        policy: Policy | None = body.policy or ("as-revised" if given else None)
        file = CatalogueFile(calendars=body.calendars, services=body.services)
        run, _ = await judged(Supposed(file=file, policy=policy, clock_policy=body.clock_policy), actor)
        return {"run": run}

    @router.get("/what-if", **answers(list[WhatIfRun]))
    async def all_runs(_: Supposes) -> Any:
        """Every what-if there was."""
        return await whatif_runs.every(pool)

    @router.get("/what-if/{run}", **answers(WhatIfRun))
    async def one_run(run: Run, _: Supposes, dossiers: bool = False) -> Any:
        """How a what-if goes: cases judged, rate, seconds left; then the counts, and with `dossiers` each change."""
        found = await whatif_runs.one(pool, run, dossiers=dossiers)
        if found is None:
            raise NotFound("no-such-run", f"there was no what-if {run}", field="run")
        return found

    async def publish(file: CatalogueFile, body: Publication, frame: Asked, actor: Actor, preview: bool) -> Any:
        await in_force.refresh(pool)
        seen = len(in_force.facts)
        order = PublishRules(file=file, policy=body.policy, basis=body.basis, impact=NOTHING)
        report: dict[str, Any] | None = None
        if decider.decide(order, decider.state(in_force.facts)):
            revises = body.policy == "as-revised"  # a pinned version leaves alone what others revised before it
            run, ended = await judged(Supposed(file=file, policy="as-revised" if revises else None), actor)
            await ended
            report = await whatif_runs.one(pool, run, dossiers=False)
            assert report is not None
            if report["state"] != "done":
                raise Conflict(
                    "not-judged", f"what-if {run}: {report['error']}", way_out="look at the run and try again"
                )
            order = PublishRules(file=file, policy=body.policy, basis=body.basis, impact=whatif_runs.impact_of(report))
        answer: dict[str, Any] = {"preview": preview, "impact": report and report["impact"], "facts": []}
        if preview:
            return answer | {"run": report and report["run"]}
        done = await handle(
            pool, decider, ID, order, cause=frame.cause(actor), moment=frame.moment, key=frame.idempotency(actor),
            seen=seen if report else None, more={"impact": report and report["impact"]},
        )  # fmt: skip
        parts.bell.ring("events")
        await in_force.refresh(pool)
        await remember(pool, in_force.catalogue)
        return answer | dict(done.more) | {"facts": done.facts}

    @router.post("/rules/calendars", **answers(Published, 201, also=(200,)))
    async def calendars(
        body: Calendars, frame: Frame, actor: Publishes, response: Response, preview: bool = False
    ) -> Any:
        """Publish calendar versions. With `preview`, the same report and nothing is said."""
        response.status_code = 200 if preview else 201
        return await publish(CatalogueFile(calendars=body.calendars), body, frame, actor, preview)

    @router.post("/rules/catalogue", **answers(Published, 201, also=(200,)))
    async def services(
        body: Services, frame: Frame, actor: Publishes, response: Response, preview: bool = False
    ) -> Any:
        """Publish service versions. With `preview`, the same report and nothing is said."""
        response.status_code = 200 if preview else 201
        return await publish(CatalogueFile(services=body.services), body, frame, actor, preview)

    return router
