"""eventsourcing: the same events as it keeps them itself, one aggregate for each stream of ours."""

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent

from bench.peers.contestants import told


class Told(DomainEvent):
    case_id: str
    kind: str
    at: str
    data: dict[str, Any]


class Cases(Application):
    log_section_size = told.AT_ONCE  # 10 by default


def application() -> Cases:
    """With its own recorder, in our database."""
    names = {"host": "HOST", "port": "PORT", "dbname": "DBNAME", "user": "USER", "password": "PASSWORD"}
    address = {f"POSTGRES_{names[part]}": str(value) for part, value in told.parts_of(told.DATABASE).items()}
    return Cases(env={"PERSISTENCE_MODULE": "eventsourcing.postgres", **address})


def stream_id(stream: str) -> UUID:
    return uuid5(NAMESPACE_URL, stream)
