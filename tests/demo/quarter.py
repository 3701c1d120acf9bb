"""One small quarter played on the real system, and what it left behind: the facts, the screen, the logs."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import parts
from rich.console import Console

from deadlines.load import load
from events.clock import new_id
from events.kafka.cloudevent import from_cloudevent
from events.store.envelope import RecordedEvent
from local.demo import facts
from local.demo.calm import Calm
from local.demo.doors import Doors
from local.demo.ending import check
from local.demo.plan import plan
from local.demo.player import Player
from local.demo.run import CATALOGUE, DOORS, Outcome, played
from local.stack import Stack

CASES, SEED = 50, 2017
TOPICS = ("intake.events", "routing.events", "field.events", "sla.events", "sla.cases")
HEARD_BY_SLA = ("/onedoor/intake", "/onedoor/routing", "/onedoor/field")

Facts = dict[str, tuple[str, str]]  # id → type and hash
During = Callable[[Stack, Player], Coroutine[Any, Any, None]]


@dataclass(kw_only=True)
class Left:
    """What a run left behind."""

    outcome: Outcome
    screen: str = ""
    records: list[bytes] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        """The hash holds everything: data, times, actor and cause."""
        found: Facts = {}
        for record in self.records:
            event = json.loads(record)
            if "specversion" in event:
                found[event["id"]] = event["type"], event["hash"]
        return found

    @property
    def heard_by_sla(self) -> list[RecordedEvent]:
        """The facts of dossiers in the order in which they lie on the topics."""
        return [from_cloudevent(record) for record in self.records if json.loads(record).get("source") in HEARD_BY_SLA]


@dataclass
class Tampered:
    """What the check says after one stored verdict was changed."""

    case_id: str = ""
    status: int = 0
    said: str = ""


def without_messages(facts: Facts) -> Facts:
    """What must not change whatever is killed: how often a message was tried is not among it."""
    return {id: one for id, one in facts.items() if not one[0].startswith("onedoor.Message")}


def without_rebuilds(facts: Facts) -> Facts:
    """What people's actions led to: a rebuild's own fact tells of the machine, too."""
    return {id: one for id, one in facts.items() if not id.startswith("generation-")}


async def whole(kafka: str, postgres: str, then: Callable[[Stack], Awaitable[None]] | None = None) -> Left:
    """The demo itself, on servers of the test run."""
    name, urls = await parts.fresh_database(postgres)
    prefix = f"t{new_id()[:12]}."
    console = Console(file=io.StringIO(), width=200)
    try:
        with parts.folder() as folder:
            async with Stack(
                folder, clock="log", free_ports=True, kafka=kafka, database=urls["admin"], topic_prefix=prefix
            ) as stack:
                outcome = await played(stack, CASES, SEED, console)
                left = _left(outcome, console, kafka, prefix, folder)
                if then is not None:
                    await then(stack)
                return left
    finally:
        await parts.drop_database(postgres, name)
        await parts.drop_topics(kafka, prefix)


async def hurt(during: During) -> Left:
    """The quarter on a system of its own, to which something happens meanwhile; with the independent check."""
    console = Console(file=io.StringIO(), width=200)
    with parts.folder() as folder:
        async with Stack(folder, clock="log", free_ports=True) as stack:
            async with Doors({name: stack.url(name) for name in DOORS}, stack.url("issuer"), stack.dev_secret) as doors:
                player = Player(doors, Calm(doors), plan(SEED, CASES, load(CATALOGUE)))
                hurting = asyncio.create_task(during(stack, player))
                await player.play()
                await hurting
                agrees, line = await check(
                    console, stack.kafka, "", stack.url("sla"), await doors.token("operator.onedoor")
                )
            return _left(Outcome(line=line, agrees=agrees), console, stack.kafka, "", folder)


def _left(outcome: Outcome, console: Console, kafka: str, prefix: str, folder: Path) -> Left:
    screen = console.file
    assert isinstance(screen, io.StringIO)
    return Left(
        outcome=outcome,
        screen=screen.getvalue(),
        records=[record for record in facts.read(kafka, prefix, TOPICS) if record],
        logs={log.name: log.read_text(errors="replace") for log in (folder / "logs").iterdir()},
    )
