"""One step per retired schema: from the plain dict of version n to that of version n + 1.

`UPCASTS["ApplicationReceived", 1]` turns v1 data into v2 data. Facts are never rewritten in the log.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from events.contracts.terms import CaseId, Flag, Reference, value

Step = Callable[[dict[str, Any]], dict[str, Any]]


def _work_completed_2(old: dict[str, Any]) -> dict[str, Any]:
    """Until then a piece of evidence was its reference alone. Nobody knows now what its bytes were."""
    return {**old, "evidence": [{"reference": reference} for reference in old["evidence"]]}


UPCASTS: Mapping[tuple[str, int], Step] = {("WorkCompleted", 1): _work_completed_2}


@value
class _WorkCompleted1:
    case_id: CaseId
    work_order: Reference
    evidence: tuple[Reference, ...]
    handed_over: Flag


RETIRED: Final[Mapping[tuple[str, int], TypeAdapter[Any]]] = {("WorkCompleted", 1): TypeAdapter(_WorkCompleted1)}
"""What data of others under a retired number must be: its step takes whatever has the fields that it looks at."""
