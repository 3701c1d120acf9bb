"""A made-up quarter, as many times as needed: whole cases of ten to twelve facts, as rows of a service's log."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from oracle.telling import Story, local, promise

from events.contracts import field
from events.contracts.terms import Exhibit
from events.store.envelope import RecordedEvent

BEGIN = local(7, 10, 8)
TOPIC_OF = {"case": "intake.events", "route": "routing.events", "workorder": "field.events"}


def case(number: int) -> Story:
    """One household in town: received, to the district unit, to the team, back, released, collected."""
    told = Story(f"000.00.02.H49-{170710 + number // 9000 % 20:06d}-{number % 9000 + 1:04d}")
    start = BEGIN + timedelta(minutes=number % 400)
    told.received(start, promise())
    told.forwarded(start, "DL-193", hours=4)
    told.acknowledged(start + timedelta(hours=1), "DL-193")
    told.forwarded(start + timedelta(hours=2), "TC-193", by="DL-193", hours=12, step="install", work="install")
    told.acknowledged(start + timedelta(hours=3), "TC-193")
    order = f"wo-{told.case_id}-3"
    told.tell(field.WorkStarted(case_id=told.case_id, work_order=order), start + timedelta(hours=24))
    if number % 10 == 0:
        asked = told.supplement(start + timedelta(hours=25))
        told.supplemented(start + timedelta(hours=29), asked)
    told.tell(
        field.WorkCompleted(
            case_id=told.case_id, work_order=order, evidence=(Exhibit(reference="evidence/a.jpg"),), handed_over=True
        ),
        start + timedelta(hours=30),
    )
    told.forwarded(start + timedelta(hours=30), "DL-193", by="TC-193", hours=4, step="close")
    told.returned(start + timedelta(hours=48 + number % 40), by="DL-193")
    told.closed(start + timedelta(hours=100))
    return told


def facts(cases: int) -> Iterator[RecordedEvent]:
    """All facts of so many cases, in the order in which they happened."""
    told = [fact for number in range(cases) for fact in case(number).facts]
    yield from sorted(told, key=lambda fact: fact.at)


def row(fact: RecordedEvent) -> dict[str, Any]:
    """A fact as a row of `events`."""
    same = ("stream", "version", "subject", "type", "schema", "at", "recorded_at", "data", "hash")
    cause = fact.cause
    return {name: getattr(fact, name) for name in same} | {
        "actor": cause.actor, "correlation": cause.correlation, "causation": cause.causation, "trace": None,
    }  # fmt: skip
