"""What HTTP answers, as types: a route declares one, its OpenAPI document shows it, tests hold every answer to it.

They describe: FastAPI neither validates nor writes an answer by them, so what a handler returns goes out byte for byte.
Here are those of the routes that every service has; each service has an `answers` of its own.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

from events.actor import Role
from events.contracts.terms import ActorId, EventId, FactName, UnitCode


def about(description: str, *examples: Any) -> Any:
    """What a member of an answer says, with its unit, and what it looks like."""
    return Field(description=description, examples=list(examples) or None)


class Said(TypedDict):
    """A fact that a command made."""

    id: Annotated[EventId, about("As on the topic: <stream>@<version>.", "case-000.00.22.H49-170710-0001@1")]
    type: Annotated[FactName, about("The fact's name.", "ApplicationReceived")]


class Answer(TypedDict):
    """What a command came to. `facts` is empty where it was done before. Some commands tell more."""

    stream: Annotated[str, about("The stream that the facts stand in.", "case-000.00.22.H49-170710-0001")]
    version: Annotated[int, about("Its version now: what the next If-Match may name.", 1)]
    facts: Annotated[list[Said], about("What was said by this command, in the order of saying.")]


class Past(TypedDict):
    """One fact of a stream, as its history lists it."""

    id: Annotated[EventId, about("The fact: <stream>@<version>.", "case-000.00.22.H49-170710-0001@1")]
    type: Annotated[FactName, about("The fact's name.", "ApplicationReceived")]
    at: Annotated[datetime, about("When it happened.")]
    recorded_at: Annotated[datetime, about("When it was recorded.")]
    actor: Annotated[ActorId, about("Who did it.", "staff-193-02")]


# -- how a service stands --------------------------------------------------------------------------


class Health(TypedDict):
    """The process answers."""

    status: Annotated[Literal["alive"], about("Always this word.")]


class StandingWatermark(TypedDict):
    """A source whose watermark stands: what waits for all sources waits for it."""

    source: Annotated[str, about("The service that speaks.", "routing")]
    since: Annotated[datetime | None, about("Its last watermark; null where none was ever heard.")]


class Readiness(TypedDict):
    """Which parts of the service work. All of them: 200; else 503. Watermarks that stand do not count."""

    followers: Annotated[bool, about("Every follower reads on; none waits or has halted.")]
    kafka: Annotated[bool, about("Partitions are assigned to it, or it hears nothing.")]
    tasks: Annotated[bool, about("No task has ended with an error.")]
    standing_watermarks: Annotated[list[StandingWatermark], about("Sources that hold back what waits for them.", [])]


class Paused(TypedDict):
    """Who has paused a follower; nobody: nulls."""

    paused_by: Annotated[str | None, about("The operator.", "staff-onedoor-01")]
    paused_at: Annotated[datetime | None, about("Since when.")]
    paused_why: Annotated[str | None, about("Why, as a code.", "topic-under-repair")]


class FollowerStanding(Paused):
    """How far a follower is on its log."""

    name: Annotated[str, about("The follower.", "relay")]
    log: Annotated[str, about("What it reads: what this service said, what it heard, or a queue of its own.", "events")]
    shard: Annotated[int, about("Which share of the dossiers, from 0 on.", 0)]
    behind_events: Annotated[int, about("Rows of its log past its bookmark.", 0)]
    behind_seconds: Annotated[float, about("Age of the oldest of these rows, in seconds; 0 without one.", 0.0)]
    trouble: Annotated[str | None, about("Its last error, while it waits or has halted.", "halted: KeyError: 'unit'")]


Offsets = dict[str, dict[str, int]]


class WatermarkStanding(TypedDict):
    """How far a source has vouched that all it recorded is on Kafka."""

    source: Annotated[str, about("The service that speaks, or `settled` for all of them together.", "routing")]
    watermark: Annotated[datetime | None, about("The last one; null where none was ever heard.")]
    age_seconds: Annotated[float, about("Its age in seconds; of none, since when one listens.", 0.8)]
    stands: Annotated[bool, about("Whether it is so old that it holds back what waits for it.")]


class Standing(TypedDict):
    """How far everyone of a service is."""

    followers: Annotated[list[FollowerStanding], about("Every follower, shard by shard.")]
    published: Annotated[Offsets, about("By topic and partition: the offset after the last record that it published.")]
    heard: Annotated[Offsets, about("By topic and partition: the next offset to hear.")]
    missing: Annotated[list[str], about("Topics that it hears and that are not there.", ["provincial.events"])]
    parked: Annotated[int, about("How many records and facts are set aside.", 0)]
    horizon_seconds: Annotated[
        float, about("Age of the cluster's oldest writing transaction in seconds: it holds every follower back.", 0.0)
    ]
    watermarks: Annotated[list[WatermarkStanding], about("The sources that it waits for, or none.")]


class Session(TypedDict):
    """Who a browser reads as."""

    id: Annotated[str, about("The actor.", "staff-193-02")]
    roles: Annotated[list[Role], about("The roles, in order.")]
    unit: Annotated[UnitCode | None, about("The unit that the actor belongs to.", "PAC-193")]


# -- the operator's hand ---------------------------------------------------------------------------


class Parked(TypedDict):
    """A record or fact that is set aside, and why."""

    id: Annotated[int, about("Its number here.", 1)]
    follower: Annotated[str, about("Who set it aside: `hear`, a follower, or another reader.", "hear")]
    subject: Annotated[str | None, about("The dossier that is incomplete because of it.", "000.00.22.H49-170710-0001")]
    place: Annotated[str, about("topic/partition/offset of a record, or the id of a fact.", "routing.events/3/17")]
    reason: Annotated[str, about("Why it could not be read or applied.", "time: not an instant")]
    parked_at: Annotated[datetime, about("When it was set aside.")]
    attempts: Annotated[int, about("How often it was tried.", 1)]
    settled: Annotated[Literal["retried", "dismissed"] | None, about("How it ended; null while it is open.")]
    settled_by: Annotated[str | None, about("The operator; null where the service tried again.", "staff-onedoor-01")]
    settled_at: Annotated[datetime | None, about("When it ended.")]
    settled_why: Annotated[str | None, about("Why, as a code.", "test-record")]


class ParkedWhole(Parked):
    """One of them with what it is about."""

    body: Annotated[str, about("Its bytes as text; what is no text is replaced.", '{"specversion":"1.0"}')]


class Settled(TypedDict):
    """What a retry of everything came to."""

    settled: Annotated[int, about("How many were settled.", 0)]


class FollowerPaused(Paused):
    """A follower after an operator's order."""

    name: Annotated[str, about("The follower.", "relay")]


class Republished(TypedDict):
    """What is sent again."""

    topics: Annotated[list[str], about("The topics that were made anew.", ["field.events"])]
    facts: Annotated[int, about("How many facts are sent again.", 1_204)]
