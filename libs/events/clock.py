"""The only place that reads the clock or draws a random id. Everything else is told."""

from datetime import UTC, datetime
from uuid import uuid4


def now() -> datetime:
    """The wall clock, as a UTC instant."""
    return datetime.now(UTC)


def new_id() -> str:
    return uuid4().hex
