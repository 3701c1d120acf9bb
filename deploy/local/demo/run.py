"""The demo from end to end: a system of its own, the quarter played, and what stands at the end."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from deadlines.load import load
from events.clock import new_id
from local.addresses import DEFAULT_PORTS
from local.demo import ending
from local.demo import proportions as share
from local.demo.calm import Calm
from local.demo.doors import OPERATOR, Doors
from local.demo.plan import plan
from local.demo.player import Player
from local.demo.screen import Bar
from local.places import CHECKOUT, home
from local.ports import is_free
from local.provision import provision, unprovision
from local.stack import Stack, Step
from local.state import StateFolder

CATALOGUE = CHECKOUT / "deploy" / "catalogue"
DOORS = ("intake", "routing", "field", "sla", "zalo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a demo went: its last line, and whether everything agreed."""

    line: str
    agrees: bool


class Shows(AbstractContextManager[object], Protocol):
    """Shows how the parts come up and go down, while it is entered."""

    def tell(self, part: str, step: Step, seconds: float) -> None: ...


async def demo(cases: int, seed: int, console: Console, parts: Shows) -> int:
    """Run the demo; the exit code. On a terminal the system stays up afterwards, until Ctrl-C."""
    asked_to_stop = asyncio.Event()
    work = asyncio.create_task(_demo(cases, seed, console, parts, asked_to_stop))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _stop, asked_to_stop, work)
    try:
        return await work
    except asyncio.CancelledError:
        return 130


def _stop(asked: asyncio.Event, work: "asyncio.Task[int]") -> None:
    """Ctrl-C ends the waiting at the end; before it, it ends the demo."""
    if asked.is_set():
        work.cancel()
    asked.set()


async def _demo(cases: int, seed: int, console: Console, parts: Shows, asked_to_stop: asyncio.Event) -> int:
    began = time.monotonic()
    async with _system(parts) as stack:
        playing = asyncio.create_task(played(stack, cases, seed, console))
        stopped = asyncio.create_task(asked_to_stop.wait())
        watching = asyncio.create_task(stack.watch())
        try:
            await asyncio.wait((playing, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                playing.cancel()
                await asyncio.wait((playing,))
                return 130
            outcome = playing.result()
            console.print(f"\n{time.monotonic() - began:,.0f} seconds in all", style="dim", highlight=False)
            if console.is_terminal:
                console.print("The system stays up. Ctrl-C stops it.", style="bold")
                console.print(outcome.line, highlight=False)
                await stopped
        finally:
            watching.cancel()
            stopped.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
    if not console.is_terminal:
        console.print(outcome.line, highlight=False)  # the very last line, after those about the parts that stop
    return 0 if outcome.agrees else 1


async def played(stack: Stack, cases: int, seed: int, console: Console) -> Outcome:
    """Play the quarter on a running system and look at what stands at the end."""
    quarter = plan(seed, cases, load(CATALOGUE))
    console.print(
        f"\n{cases:,} dossiers at fifteen counters, 10 July to 10 October 2017: {quarter.actions:,} actions of people, "
        f"through HTTP and Zalo, in simulated time (seed {seed})"
    )
    console.print(f"The generator's own assumptions: {'; '.join(share.ASSUMED)}. The people are made up.", style="dim")
    async with Doors({name: stack.url(name) for name in DOORS}, stack.url("issuer"), stack.dev_secret) as doors:
        began = time.monotonic()
        with Bar(console, "play", quarter.actions) as bar:
            player = Player(
                doors, Calm(doors, stack.topic_prefix), quarter, lambda day, done: bar.tell(f"{day:%d %b}", done)
            )
            await player.play()
        spent = time.monotonic() - began
        console.print(
            f"Played in {spent:,.1f} s ({player.done / spent:,.0f} actions/s); it is 10 October, 24:00, and what is "
            "open stays open.\n"
        )
        holds = await ending.record(doors, console)
        equal = await ending.rebuild(doors, console)
        await ending.messages(doors, console, stack.kafka, stack.topic_prefix)
        token = await doors.token(OPERATOR)
        agrees, line = await ending.check(console, stack.kafka, stack.topic_prefix, stack.url("sla"), token)
        ending.where_to_look(console, stack.about(), stack.state.path)
        return Outcome(line=line, agrees=holds and equal and agrees)


@asynccontextmanager
async def _system(parts: Shows) -> AsyncIterator[Stack]:
    """A fresh system on the log's clock, in a folder, a database and topics of its own."""
    folder: Path = home() / "demo"
    await StateFolder(folder).wipe()
    kafka, database = os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), os.environ.get("DATABASE_URL")
    name = f"onedoor_demo_{new_id()[:8]}"
    if database is not None:
        own = (await provision(database, lambda role: new_id(), database=name)).admin
    free = not all(is_free(port) for port in DEFAULT_PORTS.values())
    stack = Stack(
        folder, clock="log", free_ports=free, kafka=kafka, database=own if database else None,
        topic_prefix=f"{name}." if kafka else "", tell=parts.tell,
    )  # fmt: skip
    try:
        with parts:
            await stack.up()
        try:
            yield stack
        finally:
            with parts:
                await stack.down()
    finally:
        if database is not None:
            await unprovision(database, name)
