"""Wiring only: which followers and routes make up the field."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from deadlines.load import load
from events.follow import Follower
from events.policy import obey
from events.runtime import Parts, Service
from events.settings import Settings
from field import policy, project
from field.api import routes
from field.decide import workorder


def service(settings: Settings) -> Service:
    """The field service with its catalogue loaded."""
    catalogue = load(settings.onedoor_catalogue)

    def followers(parts: Parts) -> Sequence[Follower[Any]]:
        log_clock = parts.settings.log_clock
        return [
            project.WORKORDERS,
            obey("field.follow-dossiers", workorder, policy.follow_dossiers, hears=policy.HEARD, log_clock=log_clock),
        ]

    def api(parts: Parts) -> APIRouter:
        return routes(parts, catalogue)

    return Service(
        name="field",
        says=("field.events",),
        hears=("routing.events",),
        migrations=Path(__file__).parent / "migrations",
        followers=followers,
        api=api,
    )
