"""Sends prepared messages: mark, call, say what came of it. A crash in between is doubt, said and sent again marked."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import aiohttp
import structlog

from deadlines.catalogue import Catalogue
from events.clock import now
from events.commands.handle import Moment, handle, happened
from events.contracts.intake import MessageDelivered, MessageFailed, MessageInDoubt
from events.service.runtime import Parts
from events.store.database import TRANSIENT, Connection
from events.store.envelope import Cause, RecordedEvent
from events.store.store import COLUMNS, Append, append, load, recorded_from
from events.subscriptions.wakeup import Pace
from intake import people
from intake.zalo.client import ZaloClient, ZaloError
from intake.zalo.message import Doubt, Settle, Settled, message
from intake.zalo.words import compose

# One sender among all processes; a session lock, because a call is longer than a transaction should be.
LOCK = "select pg_try_advisory_lock(hashtextextended(current_schema() || '.outgoing', 0))"
UNLOCK = "select pg_advisory_unlock(hashtextextended(current_schema() || '.outgoing', 0))"
STRANDED = "select message_id, case_id, about, attempts from outgoing where state = 'calling' order by message_id"
READY = """
update outgoing set state = 'calling', attempts = attempts + 1
where message_id in (select message_id from outgoing where state = 'ready' and not_before <= clock_timestamp()
                     order by not_before limit $1)
returning message_id, case_id, addressee, template, about, attempts, repeated
"""
# By the clock that `READY` compares with: another one may be behind, or ahead by more than the pause.
AGAIN = """
update outgoing set state = 'ready', not_before = clock_timestamp() + $2::interval, repeated = repeated or $3
where message_id = $1
"""
GONE = "delete from outgoing where message_id = any($1)"
ABOUT = f"""
select {COLUMNS} from inbox where (stream, version) in (select * from unnest($1::text[], $2::int[]))
union all select {COLUMNS} from events where (stream, version) in (select * from unnest($1::text[], $2::int[]))
"""
QUEUE = "outgoing"
AT_ONCE = 32
POLL = 0.2  # seconds
GIVE_UP_AFTER = 12  # attempts that failed in passing
PASSING = ("again", "token", "reschedule")

Row = Mapping[str, Any]
Outcome = MessageDelivered | MessageFailed
log = structlog.get_logger("intake.zalo.outbox")


class Sender:
    """The one sender of a deployment, while it holds the lock."""

    def __init__(self, parts: Parts, client: ZaloClient, catalogue: Catalogue) -> None:
        self.parts, self.client, self.catalogue = parts, client, catalogue

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                async with self.parts.pool.acquire() as holder:
                    if await holder.fetchval(LOCK):
                        try:
                            await self._send_all(holder, stopping)
                        finally:
                            await holder.execute(UNLOCK)
            except TRANSIENT as error:
                log.warning("waiting", doing="send", error=repr(error))
            await self._pause(stopping, self.parts.bell.rung(QUEUE), 1.0)

    async def _send_all(self, holder: Connection, stopping: asyncio.Event) -> None:
        await self._recover(holder)
        pace = Pace()
        while not stopping.is_set():
            await pace.keep()
            rung = self.parts.bell.rung(QUEUE)
            ready = [dict(row) for row in await holder.fetch(READY, AT_ONCE)]
            if ready:
                abouts = await self._abouts(ready)
                outcomes = await asyncio.gather(*(self._send(row, abouts[row["about"]]) for row in ready))
                await self._settle([(row, outcome) for row, outcome in zip(ready, outcomes, strict=True)], abouts)
            else:
                await self._pause(stopping, rung, POLL)

    async def _pause(self, stopping: asyncio.Event, rung: int, seconds: float) -> None:
        if not stopping.is_set():
            await self.parts.bell.wait(QUEUE, rung, seconds)

    async def _send(self, row: Row, about: RecordedEvent) -> Outcome | None:
        """What became of one call; None when it goes back into the queue."""
        ids = {"message_id": row["message_id"], "case_id": row["case_id"]}
        address = await self._address(row["addressee"])
        if address is None:
            return MessageFailed(**ids, code=0, action="other-channel")
        text = compose(about.fact, self.catalogue, repeated=row["repeated"])
        try:
            provider_id = await self.client.send(address, text)
        except ZaloError as error:
            if error.action in PASSING and row["attempts"] < GIVE_UP_AFTER:
                await self._later(row, repeated=False)
                return None
            return MessageFailed(**ids, code=error.code, action="human" if error.action == "again" else error.action)
        except (aiohttp.ClientConnectorError, aiohttp.ClientResponseError) as error:
            # It never left, or the provider says that it broke: not delivered, try again.
            log.warning("zalo away", message_id=row["message_id"], error=repr(error))
            await self._later(row, repeated=False)
            return None
        except (aiohttp.ClientError, TimeoutError):
            await self._doubt(row, about)
            return None
        return MessageDelivered(**ids, provider_id=provider_id, repeat=row["repeated"])

    async def _doubt(self, row: Row, about: RecordedEvent) -> None:
        doubt = MessageInDoubt(message_id=row["message_id"], case_id=row["case_id"])
        await handle(
            self.parts.pool, message, row["message_id"], Doubt(doubt=doubt, times=row["attempts"]),
            cause=_because(about), moment=self._moment(about),
        )  # fmt: skip
        await self._later(row, repeated=True)

    async def _later(self, row: Row, *, repeated: bool) -> None:
        pause = timedelta(seconds=min(0.1 * 2 ** row["attempts"], 60))
        await self.parts.pool.execute(AGAIN, row["message_id"], pause, repeated)

    async def _settle(self, sent: Sequence[tuple[Row, Outcome | None]], abouts: Mapping[str, RecordedEvent]) -> None:
        """Say what came of a group of calls and take them off the queue, in one transaction."""
        settled = [(row, outcome) for row, outcome in sent if outcome is not None]
        if not settled:
            return
        async with self.parts.pool.acquire() as connection:
            past = await load(connection, *(message.stream(row["message_id"]) for row, _ in settled))
            appends = []
            for row, outcome in settled:
                stream, about = message.stream(row["message_id"]), abouts[row["about"]]
                moment = self._moment(about)
                if facts := message.decide(Settle(outcome=outcome), message.state(past[stream])):
                    appends.append(
                        Append(
                            stream=stream, expected=len(past[stream]), facts=facts, cause=_because(about),
                            at=happened(moment, past[stream], facts), recorded_at=moment.recorded_at,
                        )
                    )  # fmt: skip
            async with connection.transaction():
                if appends:
                    await append(connection, appends)
                await connection.execute(GONE, [row["message_id"] for row, _ in settled])
        self.parts.bell.ring("events")

    async def _recover(self, holder: Connection) -> None:
        """After a crash: what was being called is in doubt, unless its answer was recorded."""
        stranded = [dict(row) for row in await holder.fetch(STRANDED)]
        past = await load(holder, *(message.stream(row["message_id"]) for row in stranded))
        abouts = await self._abouts(stranded)
        for row in stranded:
            if isinstance(message.state(past[message.stream(row["message_id"])]), Settled):
                await holder.execute(GONE, [row["message_id"]])
            else:
                await self._doubt(row, abouts[row["about"]])
        self.parts.bell.ring("events")

    def _moment(self, about: RecordedEvent) -> Moment:
        if self.parts.settings.log_clock:
            return Moment(now=about.recorded_at, recorded_at=about.recorded_at)
        return Moment(now=now())

    async def _abouts(self, rows: Sequence[Row]) -> dict[str, RecordedEvent]:
        """The events that these messages tell of, said by us or heard."""
        places = [row["about"].rpartition("@") for row in rows]
        streams, versions = [stream for stream, _, _ in places], [int(version) for _, _, version in places]
        found = [recorded_from(row) for row in await self.parts.pool.fetch(ABOUT, streams, versions)]
        return {recorded.id: recorded for recorded in found}

    async def _address(self, addressee: str) -> str | None:
        if self.catalogue.has_unit(addressee):
            return self.catalogue.unit(addressee).zalo
        return await people.zalo_id(self.parts.pool, addressee)


def _because(about: RecordedEvent) -> Cause:
    return Cause(correlation=about.cause.correlation, causation=about.id, actor="policy-zalo", trace=about.cause.trace)
