"""What routing answers, as types for its OpenAPI document (`events.http.answers`)."""

from datetime import datetime
from typing import Annotated

from typing_extensions import TypedDict

from events.contracts.terms import CaseId, EventId, Limit, UnitCode
from events.http.answers import Past, about

CUSTOMER = "customer"


class DossierRow(TypedDict):
    """A dossier in a unit's worklist."""

    case_id: CaseId
    counter: Annotated[UnitCode, about("The counter that took it in.", "PAC-193")]
    unit: Annotated[UnitCode, about("The unit in charge; the last one when it is not open.", "DL-193")]
    step: Annotated[str, about("The step that it is in.", "survey")]
    forwarded_at: Annotated[datetime, about("When it was handed to the unit.")]
    acknowledged_at: Annotated[datetime | None, about("When the unit said that it has it.")]
    completed_at: Annotated[datetime | None, about("When the step was done, where it waits for an answer since.")]
    open: Annotated[bool, about("False: it was returned or recalled.")]
    version: Annotated[int, about("Of its stream, for If-Match.", 2)]
    waits_for: Annotated[list[str], about("Whose answers it waits for: agencies, or `customer`.", [CUSTOMER])]


class Question(TypedDict):
    """One question without an answer."""

    asked: Annotated[EventId, about("The fact that asked: what `answers` names.", "route-000.00.22.H49-170710-0001@3")]
    who: Annotated[str, about("The agency that was asked, or `customer`.", CUSTOMER)]
    what: Annotated[str | None, about("The matter or the action.", "own-works")]
    since: Annotated[datetime | None, about("When it was asked.")]


class Leg(TypedDict):
    """Where a dossier goes from here."""

    step: Annotated[str, about("The step.", "install")]
    unit: Annotated[UnitCode, about("The unit that takes it.", "TC-193")]
    waits_for: Annotated[str | None, about("What the customer must have done before.", "payment")]


class Dossier(TypedDict):
    """A dossier as it stands now: who has it, which step, whom it waits for, what comes next."""

    case_id: CaseId
    status: Annotated[str, about("at-unit, waiting, or the fact that ended it.", "at-unit", "DossierReturned")]
    open: Annotated[bool, about("False: it was returned or recalled.")]
    cycle: Annotated[int, about("1 for the first run; each reopening adds one.", 1)]
    process: Annotated[str | None, about("The process of the catalogue that leads it.", "LV")]
    counter: Annotated[UnitCode, about("The counter that took it in.", "PAC-193")]
    unit: Annotated[UnitCode, about("The unit in charge; the counter when it is not open.", "DL-193")]
    step: Annotated[str | None, about("The step that it is in.", "survey")]
    forwarded_at: Annotated[datetime | None, about("When it was handed to the unit.")]
    limit: Annotated[Limit | None, about("How long the step may take.")]
    work: Annotated[str | None, about("The work that is ordered with the step.", "survey")]
    acknowledged_by: Annotated[str | None, about("Who of the unit said that it has it.", "staff-193-02")]
    acknowledged_at: Annotated[datetime | None, about("When.")]
    step_completed: Annotated[bool, about("Whether the unit has done its part.")]
    waiting: Annotated[list[Question], about("Every question without an answer, the oldest first.")]
    next: Annotated[Leg | None, about("What comes next; null where the process does not say.")]
    version: Annotated[int, about("Of its stream, for If-Match.", 2)]
    history: Annotated[list[Past], about("Every fact of its stream, the oldest first.")]
