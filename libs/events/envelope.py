"""A fact at its place in a log, and what caused it."""

from dataclasses import dataclass
from datetime import datetime

from events.contracts.catalogue import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a fact was said: the chain it belongs to, the step before it, who acted, and the trace."""

    correlation: str
    causation: str
    actor: str
    trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A fact at its place in a log. `stream@version` is its identity everywhere.

    `at` is when it happened, `recorded_at` when its service committed it (UTC instants). `fact`
    is None for a type that this version does not know; `data` then still holds what was said.
    """

    stream: str
    version: int
    subject: str
    type: str
    schema: int
    fact: Fact | None
    data: bytes
    cause: Cause
    at: datetime
    recorded_at: datetime
    hash: bytes

    @property
    def id(self) -> str:
        return f"{self.stream}@{self.version}"
