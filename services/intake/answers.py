"""What intake answers, as types for its OpenAPI document (`events.http.answers`)."""

from datetime import datetime
from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from deadlines.entries import Name
from events.contracts.terms import CaseId, EventId, FactName, Limit, PersonRef, ServiceId, UnitCode
from events.http.answers import Answer, Past, about

FOREIGN = f"foreign-{'0' * 64}@1"
Status = Literal["open", "waiting", "closed", "refused", "withdrawn", "stopped"]


class Received(Answer):
    """A dossier that was taken in, as its receipt says. The rest is there when it was done by this request or key."""

    case_id: NotRequired[Annotated[CaseId, about("The code that was drawn.", "000.00.22.H49-170710-0001")]]
    received_at: NotRequired[Annotated[datetime, about("When it was received.")]]
    appointment: NotRequired[Annotated[datetime, about("When the result is promised.")]]
    service: NotRequired[Annotated[Name, about("The service's name, as printed.")]]
    limit: NotRequired[Annotated[Limit, about("How long the service may take.")]]


class DossierRow(TypedDict):
    """A dossier in its counter's list."""

    case_id: CaseId
    counter: Annotated[UnitCode, about("The counter that took it in.", "PAC-193")]
    service: ServiceId
    received_at: Annotated[datetime, about("When it was received.")]
    appointment: Annotated[datetime | None, about("When the result is promised; null without a promise.")]
    status: Annotated[Status, about("`waiting`: for a supplement.")]
    version: Annotated[int, about("Of its stream, for If-Match.", 1)]
    holder: Annotated[str, about("The unit in charge, as heard from routing.", "DL-193")]
    returned_at: Annotated[datetime | None, about("When the finished dossier came back to the counter.")]


class Dossier(TypedDict):
    """A dossier as it stands now: codes and instants, nothing personal."""

    case_id: CaseId
    counter: Annotated[UnitCode, about("The counter that took it in.", "PAC-193")]
    service: ServiceId
    status: Annotated[str, about("open, waiting, or the fact that ended it.", "open", "CaseClosed")]
    received_at: Annotated[datetime, about("When it was received.")]
    appointment: Annotated[datetime | None, about("When the result is promised; null without a promise.")]
    extended: Annotated[bool, about("Whether the one apology was given.")]
    supplements: Annotated[int, about("How often the customer was asked to supplement.", 0)]
    stars: Annotated[int | None, about("The customer's mark, 1 to 5.", 5)]
    version: Annotated[int, about("Of its stream, for If-Match.", 1)]
    history: Annotated[list[Past], about("Every fact of its stream, the oldest first.")]


class Applicant(TypedDict):
    """Who applied. Empty texts stand for what a message over Zalo did not say."""

    name: Annotated[str, about("As typed in at the counter.", "Nguyễn Văn A")]
    phone: Annotated[str, about("Digits, with + in front of a country's number.", "0912345678")]
    address: Annotated[str, about("As typed in at the counter.", "12 Trần Hưng Đạo, Hạ Long")]
    id_number: Annotated[str | None, about("Of the identity card.", "022012345678")]
    zalo_id: Annotated[str | None, about("The sender's number at the Official Account.", "8421700123")]
    note: Annotated[str | None, about("The customer's own words.", "xin lắp điện 3 pha")]


class Submission(TypedDict):
    """An application sent by a customer that waits for a receptionist."""

    submission_id: Annotated[str, about("What to name as `submission` when it is received.", "zalo-4711")]
    counter: Annotated[UnitCode, about("The counter that it waits for.", "PAC-193")]
    service: ServiceId
    district: Annotated[UnitCode, about("The power unit of its district.", "DL-193")]
    applicant_ref: PersonRef
    submitted_at: Annotated[datetime, about("When it was sent.")]


class Waiting(TypedDict):
    """Messages on their way."""

    waiting: Annotated[int, about("How many are prepared and not yet settled.", 0)]


class Quarantined(TypedDict):
    """A message that nobody could be made responsible for."""

    msg_id: Annotated[str, about("Zalo's number of the message.", "4711")]
    sender: Annotated[str, about("The sender's number at the Official Account.", "8421700123")]
    body: Annotated[str, about("The text, as it was sent.", "?")]
    reason: Annotated[str, about("Why it is here, as a code.", "unknown-sender")]
    received_at: Annotated[datetime, about("When it came.")]


class SortedAs(TypedDict):
    """How a message was sorted."""

    sorted: Annotated[
        Literal["reply", "application", "quarantined", "ignored", "repeat"], about("`repeat`: it came before.")
    ]


# -- other systems ---------------------------------------------------------------------------------


class Told(TypedDict):
    """A problem document, as one of many in an answer."""

    type: Annotated[str, about("The rule, as a URN.", "urn:onedoor:problem:unknown-unit")]
    title: Annotated[str, about("The name of the rule.", "unknown unit")]
    status: Annotated[int, about("The status that an answer of its own would have.", 422)]
    detail: Annotated[str, about("What is the matter, with the values at hand.", "there is no unit DL-999")]
    field: NotRequired[Annotated[str, about("The field that it is about.", "data.to_unit")]]
    way_out: NotRequired[Annotated[str, about("What to do.", "give a unit's code, as in DL-193")]]


class Handshake(TypedDict):
    """What a sender of web hooks is answered; its consent are the two headers WebHook-Allowed-…, not this body."""

    origin: Annotated[str | None, about("The origin that asked.", "events.example.vn")]
    allowed_rate: Annotated[int | None, about("Requests a minute that it may deliver; null: it may not deliver.", 6000)]


class Taken(TypedDict):
    """What became of one event."""

    result: Annotated[Literal["accepted", "duplicate", "refused"], about("`duplicate`: it was accepted before.")]
    source: NotRequired[Annotated[str, about("With `id` the event's name, where it could be read.", "/qn/sxd")]]
    id: NotRequired[Annotated[str, about("As the sender named it.", "hs-2017-000123")]]
    event: NotRequired[Annotated[EventId, about("Its id on provincial.events, of what was not refused.", FOREIGN)]]
    recorded_at: NotRequired[Annotated[datetime, about("When it was committed.")]]
    problem: NotRequired[Annotated[Told, about("Why, of what was refused.")]]


class Refusal(TypedDict):
    """One time that an event was refused."""

    rule: Annotated[str, about("The name of the rule.", "unknown-unit")]
    field: Annotated[str | None, about("The field that it is about.", "data.to_unit")]
    detail: Annotated[str, about("What was the matter.", "there is no unit DL-999")]
    way_out: Annotated[str | None, about("What to do.", "give a unit's code, as in DL-193")]
    body: Annotated[str, about("SHA-256 of what was sent, in hexadecimal digits.", "0" * 64)]
    at: Annotated[datetime, about("When it was refused.")]


class Became(TypedDict):
    """Where an event is, and every refusal under its id."""

    source: Annotated[str, about("With `id` the event's name.", "/qn/sxd")]
    id: Annotated[str, about("As the sender named it.", "hs-2017-000123")]
    result: Annotated[Literal["accepted", "refused"], about("`refused`: never accepted so far.")]
    refusals: Annotated[list[Refusal], about("The oldest first.")]
    event: NotRequired[Annotated[EventId, about("Its id on provincial.events.", FOREIGN)]]
    type: NotRequired[Annotated[FactName, about("The fact's name.", "DossierForwarded")]]
    schema: NotRequired[Annotated[int, about("The number of its schema.", 1)]]
    subject: NotRequired[Annotated[str, about("The dossier's code.", "000.00.30.H49-170710-0001")]]
    at: NotRequired[Annotated[datetime, about("When it happened.")]]
    recorded_at: NotRequired[Annotated[datetime, about("When it was committed.")]]
    body: NotRequired[Annotated[str | None, about("SHA-256 of what was sent; null where it is not known.", "0" * 64)]]
