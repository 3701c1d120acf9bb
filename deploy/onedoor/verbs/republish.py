"""`onedoor republish SERVICE`: a lost topic is written again from the store."""

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from local.places import home
from onedoor.client import Service, session
from onedoor.verbs.parked import AsJson, Why, Yes


def republish(
    service: Annotated[Service, typer.Argument(help="The service whose topics were lost.")],
    why: Why,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete the topics on which a service says its facts, make them anew, and send everything from its store again.

    The same facts under the same ids in the same order; whoever has them drops the repeats. That you did is a fact.

    \b
    onedoor republish intake --why topic-deleted
    """
    if not yes:
        typer.confirm(f"Delete the topics of {service} and write all of them again?", abort=True)
    told = asyncio.run(_order(service, {"why": why}))
    if as_json:
        print(json.dumps(told, indent=1))
    else:
        print(f"{', '.join(told['topics'])}: made anew; {told['facts']:,} facts are being sent, see `onedoor status`")


async def _order(service: str, body: object) -> Mapping[str, Any]:
    async with session(home()) as client:
        told: Mapping[str, Any] = await client.post(service, "/republish", body)
        return told
