"""The door on Kafka: what other systems put on provincial.inbound, signed, goes the way of what they post."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from events.clock import now
from events.commands.handle import Moment
from events.contracts.channels import INBOUND
from events.errors import Refused
from events.gateway.cloudevent import Unread
from events.gateway.emitters import Emitters
from events.gateway.signed_record import Letter
from events.kafka.hear import Keeps, TopicConsumer
from events.kafka.inbox import Ids, Kept, advance
from events.kafka.topic_ends import place_of
from events.kafka.topics import ensure
from events.service.runtime import Parts
from events.store.database import TRANSIENT, Connection
from events.subscriptions import follower
from intake.gateway.entered import Entered
from intake.gateway.keeping import AT_ONCE, Gateway, Sender

LOG_APPEND_TIME = 1  # a record's timestamp is the broker's, which accepts this mark from no sender
NAME = "gateway"  # under which a record is parked that cannot be read, or that nobody signed


class Inbound:
    """Hears the topic and keeps what is on it. A record that is no event, or that no emitter signed, is parked with its
    headers: there is nobody to whom it could be refused."""

    def __init__(self, parts: Parts, entered: Entered) -> None:
        self._parts, self._entered = parts, entered
        self._gateway = Gateway(parts.pool, entered.ours)

    async def run(self, stopping: asyncio.Event) -> None:
        """Hear until the service stops. On the log's clock nobody says when a record arrives, so the door is closed."""
        settings = self._parts.settings
        if settings.log_clock:
            return
        await ensure(settings.kafka_bootstrap_servers, settings.onedoor_topic_prefix, [INBOUND])
        keeps = Keeps(self.keep, self.set_aside, NAME)
        ears = TopicConsumer(
            self._parts.pool, self._parts.bell, [self._parts.topic(INBOUND)], keeps=keeps,
            bootstrap=settings.kafka_bootstrap_servers, instance=settings.onedoor_instance,
            service=f"{settings.onedoor_topic_prefix}intake",
        )  # fmt: skip
        self._parts.listening.append(ears)
        async with ears.listening():
            await stopping.wait()

    async def keep(self, connection: Connection, records: Sequence[Any], ids: Ids) -> Kept:
        """Keep a batch with its offsets, some at a time, each group in a transaction of its own.

        Raises WrongVersion when the same came through another door a moment ago: the caller tries again, and what was
        kept then is known.
        """
        groups = [records[begin : begin + AT_ONCE] for begin in range(0, len(records), AT_ONCE)]
        kept = [await self._keep(connection, group, ids) for group in groups]
        return Kept(
            new=sum(one.new for one in kept), repeated=sum(one.repeated for one in kept),
            parked=sum(one.parked for one in kept),
        )  # fmt: skip

    async def _keep(self, connection: Connection, records: Sequence[Any], ids: Ids) -> Kept:
        signed, unsigned = self._sorted(records)

        async def also(connection: Connection) -> None:
            for record, letter, why in unsigned:
                await _park(connection, record, letter, why)
            await advance(connection, records, ids)

        outcomes = await self._gateway.keep_together(connection, signed, Moment(now=now()), also)
        self._parts.bell.ring("events")
        results = [one.result for one in outcomes]
        return Kept(new=results.count("accepted"), repeated=results.count("duplicate"), parked=len(unsigned))

    async def set_aside(self, connection: Connection, record: Any, fault: Exception, ids: Ids) -> Kept:
        """Park a record that our own code could not keep, and go on behind it."""
        await _park(connection, record, letter_of(record, now()), fault)
        await advance(connection, [record], ids)
        return Kept(new=0, repeated=0, parked=1)

    async def again(self, packed: bytes, parked_at: datetime) -> str | None:
        """Keep what was parked, if it can be read and is signed by now; else why not. It is judged by when it arrived,
        or was parked where that was not kept."""
        sender = _sender(Letter.unpacked(packed), self._entered.now(), parked_at)
        if isinstance(sender, str):
            return sender
        try:
            await self._gateway.keep([sender], Moment(now=now()))
        except TRANSIENT:
            raise
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        self._parts.bell.ring("events")
        return None

    def _sorted(self, records: Sequence[Any]) -> tuple[list[Sender], list[tuple[Any, Letter, str]]]:
        """What an emitter signed, and what nobody did, with the reason."""
        signed: list[Sender] = []
        heard = now()
        unsigned: list[tuple[Any, Letter, str]] = []
        emitters = self._entered.now()
        for record in records:
            sender = _sender(letter := letter_of(record, heard), emitters, heard)
            if isinstance(sender, str):
                unsigned.append((record, letter, sender))
            else:
                signed.append(sender)
        return signed, unsigned


def _sender(letter: Letter, emitters: Emitters, heard: datetime) -> Sender | str:
    """Who says what, and when it arrived, or was heard where the letter does not say; or why nobody says it."""
    item = letter.read()
    if isinstance(item, Unread):
        return f"no event: {item.why.detail}"
    try:
        return Sender(letter.signed_for(item, emitters), item, letter.arrived or heard)
    except Refused as why:
        return f"{why.field}: {why.detail}"


def letter_of(record: Any, heard: datetime) -> Letter:
    """A record as a letter. It arrived when the broker stamped it; without the broker's stamp, when it was heard."""
    stamped = record.timestamp_type == LOG_APPEND_TIME
    arrived = datetime.fromtimestamp(record.timestamp / 1000, UTC) if stamped else heard
    return Letter.of(record.headers, record.value, arrived)


async def _park(connection: Connection, record: Any, letter: Letter, why: Exception | str) -> None:
    place = place_of(record.topic, record.partition, record.offset)
    await follower.park(connection, NAME, "", place, why, letter.packed())
