"""What field answers, as types for its OpenAPI document (`events.http.answers`)."""

from datetime import datetime
from typing import Annotated, Literal

from typing_extensions import TypedDict

from events.contracts.terms import CaseId, EventId, Exhibit, Fault, UnitCode
from events.http.answers import Past, about

Status = Literal["ready", "at-work", "obstructed", "completed", "cancelled"]
ORDER = "wo-000.00.22.H49-170710-0001-2"


class OrderRow(TypedDict):
    """A work order in a team's list, or a dossier's."""

    work_order: Annotated[str, about("The order.", ORDER)]
    case_id: CaseId
    team: Annotated[UnitCode, about("The team that has it.", "TC-193")]
    work: Annotated[str, about("What is to be done.", "install")]
    status: Annotated[Status, about("How it stands.")]
    issued_at: Annotated[datetime, about("When it was issued.")]
    visit_starts: Annotated[datetime | None, about("Begin of the visit that is agreed on.")]
    visit_ends: Annotated[datetime | None, about("Its end.")]
    ended_at: Annotated[datetime | None, about("When it was completed or cancelled.")]
    version: Annotated[int, about("Of the stream of its dossier's orders, for If-Match.", 1)]


class Visit(TypedDict):
    """A visit that the team and the customer agreed on."""

    starts: Annotated[datetime, about("Its begin.")]
    ends: Annotated[datetime, about("Its end.")]


class Obstacle(TypedDict):
    """Why work cannot go on."""

    id: Annotated[EventId, about("The fact that says so.", "workorder-000.00.22.H49-170710-0001@3")]
    fault: Annotated[Fault, about("Whose fault it is: whose clock runs.")]
    agency: Annotated[UnitCode | None, about("The agency, where it is one's.", "UBND-193")]
    reason: Annotated[str, about("Why, as a word of the catalogue.", "road-closed")]


class WorkOrder(TypedDict):
    """A work order as it stands now."""

    work_order: Annotated[str, about("The order.", ORDER)]
    case_id: CaseId
    team: Annotated[UnitCode, about("The team that has it.", "TC-193")]
    work: Annotated[str, about("What is to be done.", "install")]
    status: Annotated[Status, about("How it stands.")]
    open: Annotated[bool, about("False: completed or cancelled.")]
    issued_at: Annotated[datetime, about("When it was issued.")]
    visit: Annotated[Visit | None, about("The visit that is agreed on and was not missed.")]
    obstacle: Annotated[Obstacle | None, about("What is in the way, while it is obstructed.")]
    evidence: Annotated[list[Exhibit], about("What shows that the work was done.")]
    version: Annotated[int, about("Of the stream of its dossier's orders, for If-Match.", 1)]
    history: Annotated[list[Past], about("Every fact of this order, the oldest first.")]
