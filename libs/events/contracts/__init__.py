"""The published language: one frozen class per fact, one module per service that says it.

Importing this package fills the catalogue.
"""

from events.contracts import corrections, field, gateway, intake, operations, routing, rules, sla
from events.contracts.catalogue import CATALOGUE, Fact, fact, name_of, read, write

__all__ = [
    "CATALOGUE",
    "Fact",
    "corrections",
    "fact",
    "field",
    "gateway",
    "intake",
    "name_of",
    "operations",
    "read",
    "routing",
    "rules",
    "sla",
    "write",
]
