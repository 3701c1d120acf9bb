"""What other systems put on provincial.inbound: events that the gateway still has to judge."""

from typing import Annotated, Any, Literal

from pydantic import Field

from events.contracts.terms import CaseId, Instant, Reference, value

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@~+-]*$", max_length=120)]
Type = Annotated[str, Field(pattern=r"^onedoor\.[A-Z][A-Za-z]+\.v[1-9][0-9]{0,4}$")]


@value
class EventSent:
    """An event as another system sends it.

    `type` is onedoor.<Fact>.v<number>, a fact of those on provincial.events, and `data` that fact; `id` and `source`
    are its name for good. In binary mode the attributes are headers `ce_…` and the value is the data alone. Every
    record has the header `onedoor-signature`; docs/emitters.md says over what, and by which rules an event is judged.
    """

    specversion: Literal["1.0"]
    id: Id
    source: Reference
    type: Type
    time: Instant
    data: dict[str, Any]
    subject: CaseId | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    correlationid: Reference | None = None
    causationid: Reference | None = None
    traceparent: str | None = None
