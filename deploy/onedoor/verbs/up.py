"""`onedoor up`: everything on this machine, until Ctrl-C."""

import asyncio
import os
import signal
from typing import Annotated

import typer
from rich.console import Console

from local.addresses import Clock, given_path
from local.errors import AlreadyRunning
from local.places import home
from local.stack import Stack
from local.state import StateFolder
from onedoor.screen import Progress, show_addresses

ClockOption = Annotated[
    Clock, typer.Option(help="wall: the machine's clock. log: the callers say what time it is (demo, tests, imports).")
]
FreePorts = Annotated[bool, typer.Option("--free-ports", help="Take ports that nobody uses instead of 8101 to 8111.")]


def up(clock: ClockOption = "wall", free_ports: FreePorts = False) -> None:
    """Start the whole system and keep it running until Ctrl-C.

    Kafka, PostgreSQL, the token issuer and the Zalo simulator are started unless they are given
    (KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL, OIDC_ISSUER, ZALO_API_URL); then the four services.
    A part that ends by itself is started again. State is kept in .onedoor or ONEDOOR_HOME.

    \b
    onedoor up                     everything, on the usual ports
    onedoor up --free-ports        beside another system on this machine
    ONEDOOR_HOME=/tmp/try onedoor up
    DATABASE_URL=postgresql://postgres:secret@db/onedoor onedoor up
    """
    console = Console()
    try:
        asyncio.run(_run(console, clock, free_ports))
    except AlreadyRunning:
        about = StateFolder(home()).announced()
        if about and about.get("state") == "up":
            show_addresses(console, about)
        raise


async def _run(console: Console, clock: Clock, free_ports: bool) -> None:
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    stop = asyncio.create_task(asked_to_stop.wait())
    with Progress(console) as progress:
        stack = Stack(
            home(),
            clock=clock,
            free_ports=free_ports,
            kafka=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"),
            database=os.environ.get("DATABASE_URL"),
            issuer=os.environ.get("OIDC_ISSUER"),
            topic_prefix=os.environ.get("ONEDOOR_TOPIC_PREFIX", ""),
            catalogue=given_path("ONEDOOR_CATALOGUE"),
            emitters=given_path("ONEDOOR_EMITTERS"),
            tell=progress.tell,
        )
        starting = asyncio.create_task(stack.up())
        await asyncio.wait((starting, stop), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait((starting,))
            return
        starting.result()  # raises what went wrong; whatever was started has been stopped
    show_addresses(console, stack.about())
    console.print("Ctrl-C stops.", style="bold")
    watching = asyncio.create_task(stack.watch())
    await stop
    watching.cancel()
    await asyncio.wait((watching,))
    with progress:
        await stack.down()
