"""Wiring only: which followers, tasks and routes make up the door."""

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
from intake import policy, project
from intake.api import routes
from intake.gateway.entered import Entered
from intake.gateway.inbound import NAME, Inbound
from intake.zalo.client import ZaloClient, ZaloSettings, session
from intake.zalo.message import message
from intake.zalo.outbox import Sender
from intake.zalo.webhook import Door


def service(settings: Settings) -> Service:
    """The intake service with its catalogue loaded."""
    catalogue = load(settings.onedoor_catalogue).build()
    entered = Entered(settings.onedoor_emitters, catalogue.owners())
    rules = InForce(catalogue, "inbox")
    zalo = ZaloSettings()
    client: list[ZaloClient] = []

    async def open_parts(parts: Parts) -> AsyncExitStack:
        await rules.open(parts.pool)
        stack = AsyncExitStack()
        http = await stack.enter_async_context(session())
        client.append(ZaloClient(http, parts.pool, zalo))
        return stack

    def followers(parts: Parts) -> Sequence[Follower[Any]]:
        log_clock = parts.settings.log_clock
        return [
            project.DOSSIERS,
            project.HOLDERS,
            project.MESSAGES,
            obey("intake.tell-units", message, policy.tell_units, hears=policy.HEARD, log_clock=log_clock),
            obey(
                "intake.tell-customers",
                message,
                policy.tell_customers,
                hears=policy.SAID,
                log="events",
                log_clock=log_clock,
            ),
        ]

    def tasks(parts: Parts) -> Sequence[Task]:
        return [Sender(parts, client[0], catalogue).run, partial(rules.watch, parts.pool), Inbound(parts, entered).run]

    def api(parts: Parts) -> APIRouter:
        return routes(parts, catalogue, Door(parts.pool, catalogue, zalo), entered)

    return Service(
        name="intake",
        says=says("intake"),
        hears=hears("intake"),
        migrations=Path(__file__).parent / "migrations",
        open=open_parts,
        followers=followers,
        tasks=tasks,
        api=api,
        parks=lambda parts: {NAME: Inbound(parts, entered).again},
    )
