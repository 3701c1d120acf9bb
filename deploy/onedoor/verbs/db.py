"""`onedoor db …`: what is done to the services' databases while the services are down."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from events.errors import OnedoorError
from local.places import home
from local.stack import Stack
from onedoor.client import Service
from onedoor.verbs.parked import AsJson, Yes

db = typer.Typer(help="The databases, while the services are down.", no_args_is_help=True, rich_markup_mode=None)

WHAT = """\
Bring these logs up to what was published, under a new epoch? The cluster that they come from must never be started
again: two that say facts under the same ids cannot be told apart.\
"""


@db.callback()
def _() -> None:
    """So that the one command keeps its name."""


@db.command()
def adopt(
    services: Annotated[
        list[Service] | None, typer.Argument(help="Only these services; all four if not given.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is missing, and change nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """After a restore: bring back every fact that was published and is not in the restored databases.

    The services must be down. Kafka and PostgreSQL are started for it, unless they are given
    (KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL, ONEDOOR_TOPIC_PREFIX), as with `onedoor up`. A run that
    was interrupted is run again. Exit code 1: a service is at work, or one of them failed.

    \b
    onedoor db adopt --dry-run
    onedoor db adopt
    DATABASE_URL=postgresql://postgres:secret@new/onedoor onedoor db adopt intake --yes
    """
    found = asyncio.run(_adopt(services or list(Service), dry_run, yes, quiet=as_json))
    if as_json:
        print(json.dumps(found, indent=1))


async def _adopt(services: Sequence[str], dry_run: bool, yes: bool, *, quiet: bool) -> list[dict[str, Any]]:
    console = Console(highlight=False, markup=False, soft_wrap=True, quiet=quiet)
    stack = Stack(
        home(),
        kafka=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"),
        database=os.environ.get("DATABASE_URL"),
        topic_prefix=os.environ.get("ONEDOOR_TOPIC_PREFIX", ""),
    )
    await stack.up_stores()
    try:
        found = await _all(stack, services, "--dry-run")
        for one in found:
            _tell(console, one)
        wanted = [one["service"] for one in found if one["needed"]]
        if dry_run or not wanted:
            return found
        if not yes:
            typer.confirm(WHAT, abort=True)
        done = await _all(stack, wanted)
        for one in done:
            console.print(f"{one['service']}: adopted, epoch {one['epoch']}")
        return done
    finally:
        await stack.down()


async def _all(stack: Stack, services: Sequence[str], *words: str) -> list[dict[str, Any]]:
    """Each has a log and a database of its own, so none waits for another. Raises what the first one says that fails,
    once all have ended."""
    done = await asyncio.gather(*(_one(stack, service, *words) for service in services), return_exceptions=True)
    if failed := [one for one in done if isinstance(one, BaseException)]:
        raise failed[0]
    return [one for one in done if not isinstance(one, BaseException)]


async def _one(stack: Stack, service: str, *words: str) -> dict[str, Any]:
    """The service's own program does it, with the service's own settings."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", service, "adopt", *words, env=stack.environment(service),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    if process.returncode:
        raise OnedoorError(err.decode().strip().rpartition("\n")[2] or f"{service} ended with {process.returncode}")
    done: dict[str, Any] = json.loads(out.decode().strip().rpartition("\n")[2])
    return done


def _tell(console: Console, one: dict[str, Any]) -> None:
    found, service = one["found"], one["service"]
    if not one["needed"]:
        console.print(f"{service}: has all that it published; nothing to do")
        return
    console.print(f"{service}: {sum(found['missing'].values()):,} published facts are missing")
    for category, facts in found["missing"].items():
        console.print(f"    {facts:,} of {category}")
    if found["forked"]:
        console.print(
            f"    {found['forked']:,} forked: published with another body than the store has; they are parked"
        )
    if found["loose"]:
        console.print(f"    {found['loose']:,} that follow nothing the store or the topics have; they are parked")
    if found["unsent"]:
        console.print(f"    {found['unsent']:,} in the store that were never published; they will be")
    for topic in one["lost"]:
        console.print(f"    the topic {topic} does not exist: what only it had is gone")
