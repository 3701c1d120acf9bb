"""What other systems put on provincial.inbound: events that the gateway still has to judge."""

from typing import Any, Literal

from events.contracts.terms import CaseId, Instant, Reference, value


@value
class EventSent:
    """An event as another system sends it.

    `type` is onedoor.<Fact>.v<number>, a fact of those on provincial.events, and `data` that fact; `id` and `source`
    are its name for good. In binary mode the attributes are headers `ce_…` and the value is the data alone. Every
    record has the header `onedoor-signature`; docs/emitters.md says over what, and by which rules an event is judged.
    """

    specversion: Literal["1.0"]
    id: Reference
    source: Reference
    type: str
    time: Instant
    data: dict[str, Any]
    subject: CaseId | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    correlationid: Reference | None = None
    causationid: Reference | None = None
    traceparent: str | None = None
