"""Who acts. Opaque: an id, the roles it holds, the unit it belongs to."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["receptionist", "officer", "team", "leader", "operator", "auditor", "emitter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The subject of a token, or a service acting on what it heard (no roles, no unit)."""

    id: str
    roles: frozenset[Role] = frozenset()
    unit: str | None = None
