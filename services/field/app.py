"""Wiring only: which followers and routes make up the field."""

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
from field import policy, project
from field.api import routes
from field.decide import workorder


def service(settings: Settings) -> Service:
    """The field service with its catalogue loaded."""
    catalogue = load(settings.onedoor_catalogue)
    rules = InForce(catalogue, "inbox")

    def followers(parts: Parts) -> Sequence[Follower[Any]]:
        log_clock = parts.settings.log_clock
        return [
            project.WORKORDERS,
            obey("field.follow-dossiers", workorder, policy.follow_dossiers, hears=policy.HEARD, log_clock=log_clock),
        ]

    async def open_rules(parts: Parts) -> AsyncExitStack:
        await rules.open(parts.pool)
        return AsyncExitStack()

    def tasks(parts: Parts) -> Sequence[Task]:
        return [partial(rules.watch, parts.pool)]

    def api(parts: Parts) -> APIRouter:
        return routes(parts, catalogue)

    return Service(
        name="field",
        says=says("field"),
        hears=hears("field"),
        migrations=Path(__file__).parent / "migrations",
        open=open_rules,
        followers=followers,
        tasks=tasks,
        api=api,
    )
