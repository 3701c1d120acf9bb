"""`onedoor down`: stop what runs in the state folder, and forget it when asked to."""

import asyncio
import os
import signal
from typing import Annotated

import typer

from events.errors import OnedoorError
from local.places import home
from local.state import StateFolder
from local.wait import until

_STOPPED_WITHIN = 60.0  # seconds: services drain for ten, Kafka and PostgreSQL close their files


def down(
    wipe: Annotated[
        bool, typer.Option("--wipe", help="Remove all state afterwards: every fact and every key.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before wiping.")] = False,
) -> None:
    """Stop a running system; with --wipe, also remove its state.

    Kafka or PostgreSQL servers that were given are neither stopped nor wiped: what the system
    wrote there stays.

    \b
    onedoor down                stop; the next `up` goes on where it was
    onedoor down --wipe --yes   stop and forget everything, without a question
    """
    folder = StateFolder(home())
    if wipe and not yes:
        typer.confirm(f"Remove every fact and key in {folder.path}?", abort=True)
    asyncio.run(_stop(folder))
    if wipe and folder.path.exists():
        asyncio.run(folder.wipe())
        print(f"wiped {folder.path}")


async def _stop(folder: StateFolder) -> None:
    about = folder.announced()
    if about is None:
        print(f"nothing runs in {folder.path}")
        return
    os.kill(int(about["pid"]), signal.SIGTERM)

    async def stopped() -> bool:
        return not folder.held

    if not await until(stopped, within=_STOPPED_WITHIN, every=0.1):
        raise OnedoorError(f"process {about['pid']} has not ended within {_STOPPED_WITHIN:.0f} s")
    print("stopped")
