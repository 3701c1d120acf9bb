"""What is on the compacted topics: no facts, but how something stands. Only the latest of each key counts."""

from typing import Annotated, Any

from events.contracts.terms import CaseId, Flag, Instant, Whole, value


@value
class CaseStatus:
    """How a dossier stands, as SLA judged it last. A record without a value: the dossier is there no more.

    `revision` rises with every change; of two, the higher is the later. `received`: its receipt was heard, not only
    what followed. `cycles` are its runs from receipt, or reopening, to release, each as `GET /cases/{case_id}` of sla
    shows it; new fields may come.
    """

    case_id: CaseId
    revision: Annotated[int, Whole(1)]
    received: Flag
    cycles: tuple[dict[str, Any], ...]


@value
class Watermark:
    """Every fact that `service` recorded before `watermark` is on its topic. Said only where time is the wall's."""

    service: str
    watermark: Instant
