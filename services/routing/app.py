"""Wiring only: which followers and routes make up the hands."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from deadlines.inforce import InForce
from deadlines.load import load
from events.contracts.channels import hears, says
from events.service.runtime import Parts, Service, Task
from events.settings import Settings
from events.subscriptions.follower import Follower
from events.subscriptions.policy import obey
from routing import policy, project
from routing.api import routes
from routing.decide import route
from routing.plan import Plans


def service(settings: Settings) -> Service:
    """The routing service with its catalogue loaded."""
    catalogue = load(settings.onedoor_catalogue)
    rules = InForce(catalogue, "inbox")
    plans = Plans(catalogue)
    decider = route(plans)

    def followers(parts: Parts) -> Sequence[Follower[Any]]:
        hand_on = policy.HandOn(plans)
        return [
            project.DOSSIERS,
            obey("routing.hand-on", decider, hand_on, hears=policy.HEARD, log_clock=parts.settings.log_clock),
        ]

    async def open_rules(parts: Parts) -> AsyncExitStack:
        await rules.open(parts.pool)
        return AsyncExitStack()

    def tasks(parts: Parts) -> Sequence[Task]:
        return [partial(rules.watch, parts.pool)]

    def api(parts: Parts) -> APIRouter:
        return routes(parts, catalogue, decider)

    return Service(
        name="routing",
        says=says("routing"),
        hears=hears("routing"),
        migrations=Path(__file__).parent / "migrations",
        open=open_rules,
        followers=followers,
        tasks=tasks,
        api=api,
    )
