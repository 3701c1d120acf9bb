"""HTTP: rebuilds of the judged tables. Begun, watched and called off here; each is a process of its own."""

import asyncio
import os
import sys
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from events.actor import Actor
from events.auth import Allowed
from events.errors import NotFound
from events.runtime import Parts
from events.topics import PARTITIONS
from sla import generations, queries

STATES = {"building": "running", "failed": "failed", "cancelled": "cancelled"}
log = structlog.get_logger("sla.rebuilds")

Operates = Annotated[Actor, Depends(Allowed("operate"))]
Run = Annotated[int, Field(ge=1)]


class Rebuild(BaseModel):
    """`accept_differences`: swap even if rows differ from the live ones; the differences are published.

    `dry_run`: compare, say what differs, swap nothing. `workers`: processes that fold; one a core if not given.
    """

    model_config = ConfigDict(extra="forbid")
    accept_differences: bool = False
    dry_run: bool = False
    workers: Annotated[int, Field(ge=1, le=PARTITIONS)] | None = None

    def arguments(self) -> list[str]:
        """The same for the command line of the process."""
        flags = [("--accept", self.accept_differences), ("--dry-run", self.dry_run)]
        workers = [] if self.workers is None else ["--workers", str(self.workers)]
        return [flag for flag, given in flags if given] + workers


def routes(parts: Parts) -> APIRouter:
    """Operators only."""
    router = APIRouter()
    builders: set[asyncio.Task[None]] = set()

    @router.post("/rebuilds", status_code=202)
    async def rebuild(body: Rebuild, actor: Operates) -> dict[str, Any]:
        """Fold the whole log again beside the live tables, compare, and swap. One at a time."""
        generation = await generations.begin(parts.pool, actor.id, dry_run=body.dry_run)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sla.rebuild", str(generation), "--actor", actor.id, *body.arguments(),
            env={**os.environ, **parts.settings.environment()},
        )  # fmt: skip

        async def ended() -> None:
            status = await process.wait()
            if status:
                await generations.gave_up(parts.pool, generation, status)
            parts.bell.ring()
            log.info("rebuild ended", generation=generation, status=status)

        task = asyncio.create_task(ended())
        builders.add(task)
        task.add_done_callback(builders.discard)
        return {"run": generation}

    @router.get("/rebuilds")
    async def runs(_: Operates) -> Any:
        """Every generation there was, with how its rebuild went."""
        return await queries.generations(parts.pool)

    @router.get("/rebuilds/{run}")
    async def run(run: Run, _: Operates) -> Any:
        """How a rebuild goes: its phase, records folded, cases judged, and what the comparison found."""
        found = await queries.generation(parts.pool, run)
        if found is None:
            raise _unknown(run)
        rate = found["events"] / found["seconds"] if found["seconds"] else None
        left = max(found["expected"] - found["events"], 0) / rate if rate and found["state"] == "building" else None
        return found | {
            "run": run, "state": STATES.get(found["state"], "done"), "swapped": found["state"] in ("live", "retired"),
            "events_per_second": rate, "seconds_left": left,
        }  # fmt: skip

    @router.delete("/rebuilds/{run}", status_code=202)
    async def call_off(run: Run, actor: Operates) -> dict[str, Any]:
        """Call a rebuild off: nothing of it stays but the record of the run."""
        if await queries.generation(parts.pool, run) is None:
            raise _unknown(run)
        await generations.cancel(parts.pool, run, actor.id)
        return {"run": run}

    return router


def _unknown(run: int) -> NotFound:
    return NotFound("no-such-run", f"there was no run {run}", field="run", way_out="GET /rebuilds lists them")
