"""Wiring only: which followers, tasks and routes make up the SLA service."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from deadlines.inforce import InForce
from deadlines.load import load
from events.contracts.channels import says
from events.kafka.topics import CASES
from events.service.runtime import Parts, Service, Task
from events.settings import Settings
from events.subscriptions.follower import Follower
from sla.api import routes
from sla.evidence.day_sealer import DaySeals
from sla.live import change_feed, incomplete_cases, projector
from sla.live.change_feed import Hub
from sla.live.projector import HEARS
from sla.live.ticker import Watch
from sla.rebuild import generations
from sla.seals import remedial_store, seal_store
from sla.seals.seal_store import Restating


def service(settings: Settings) -> Service:
    """The SLA service with its catalogue loaded."""
    in_force = InForce(load(settings.onedoor_catalogue).build(), "events")
    hubs: list[Hub] = []
    watches: list[Watch] = []  # on the wall's clock

    def hub(parts: Parts) -> Hub:
        if not hubs:
            hubs.append(Hub(parts.pool, parts.bell))
        return hubs[0]

    def followers(parts: Parts) -> Sequence[Follower[Any]]:
        log_clock = parts.settings.log_clock
        return [
            projector.follower(in_force, log_clock=log_clock),
            generations.certified(in_force, log_clock=log_clock),
            incomplete_cases.teller(in_force, log_clock=log_clock),
            change_feed.publisher(parts.producer, parts.topic(CASES)),
            seal_store.marker(),
            remedial_store.opener(in_force.catalogue, log_clock=log_clock),
        ]

    def tasks(parts: Parts) -> Sequence[Task]:
        if not parts.settings.log_clock:
            watches.append(Watch(parts))
        rules, watch = partial(in_force.watch, parts.pool), [one.run for one in watches]
        return [hub(parts).run, rules, Restating(parts, in_force.catalogue).run, DaySeals(parts).run, *watch]

    def api(parts: Parts) -> APIRouter:
        return routes(parts, in_force, hub(parts))

    async def open_rules(parts: Parts) -> AsyncExitStack:
        await in_force.open(parts.pool)
        return AsyncExitStack()

    return Service(
        name="sla",
        says=says("sla"),
        hears=HEARS,
        migrations=Path(__file__).parent / "migrations",
        open=open_rules,
        followers=followers,
        tasks=tasks,
        api=api,
        watermarks=lambda: watches[0].known if watches else {},
    )
