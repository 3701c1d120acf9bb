"""Sends prepared messages: mark, call, say what came of it. A crash in between is doubt, said and sent again marked."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import structlog

from deadlines.catalogue import Catalogue
from events.bell import Pace
from events.clock import now
from events.contracts.intake import MessageDelivered, MessageFailed, MessageInDoubt
from events.database import TRANSIENT, Connection
from events.envelope import Cause, Recorded
from events.handle import Moment, handle
from events.runtime import Parts
from events.store import COLUMNS, load, recorded_from
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
AGAIN = "update outgoing set state = 'ready', not_before = $2, repeated = repeated or $3 where message_id = $1"
GONE = "delete from outgoing where message_id = $1"
ABOUT = f"""
select {COLUMNS} from inbox where stream = $1 and version = $2
union all select {COLUMNS} from events where stream = $1 and version = $2
"""
AT_ONCE = 16
POLL = 0.2  # seconds
GIVE_UP_AFTER = 12  # attempts that failed in passing
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
            await self._pause(stopping, self.parts.bell.rung, 1.0)

    async def _send_all(self, holder: Connection, stopping: asyncio.Event) -> None:
        for stranded in await holder.fetch(STRANDED):
            await self._doubt(dict(stranded))
        pace = Pace()
        while not stopping.is_set():
            await pace.keep()
            rung = self.parts.bell.rung
            ready = await holder.fetch(READY, AT_ONCE)
            if ready:
                await asyncio.gather(*(self._send(dict(row)) for row in ready))
            else:
                await self._pause(stopping, rung, POLL)

    async def _pause(self, stopping: asyncio.Event, rung: int, seconds: float) -> None:
        if not stopping.is_set():
            await self.parts.bell.wait(rung, seconds)

    async def _send(self, row: Mapping[str, Any]) -> None:
        about = await self._about(row["about"])
        address = await self._address(row["addressee"])
        if address is None:
            failed = MessageFailed(message_id=row["message_id"], case_id=row["case_id"], code=0, action="other-channel")
            await self._settle(row, about, Settle(outcome=failed))
            return
        text = compose(about.fact, self.catalogue, repeated=row["repeated"])
        try:
            provider_id = await self.client.send(address, text)
        except ZaloError as error:
            await self._failed(row, about, error)
        except (aiohttp.ClientConnectorError, aiohttp.ClientResponseError) as error:
            # It never left, or the provider says that it broke: not delivered, try again.
            log.warning("zalo away", message_id=row["message_id"], error=repr(error))
            await self._later(row, repeated=False)
        except (aiohttp.ClientError, TimeoutError):
            await self._doubt(row)
        else:
            delivered = MessageDelivered(
                message_id=row["message_id"], case_id=row["case_id"], provider_id=provider_id, repeat=row["repeated"]
            )
            await self._settle(row, about, Settle(outcome=delivered))

    async def _failed(self, row: Mapping[str, Any], about: Recorded, error: ZaloError) -> None:
        action = error.action
        if action in ("again", "token", "reschedule") and row["attempts"] < GIVE_UP_AFTER:
            await self._later(row, repeated=False)
            return
        failed = MessageFailed(
            message_id=row["message_id"],
            case_id=row["case_id"],
            code=error.code,
            action="human" if action == "again" else action,
        )
        await self._settle(row, about, Settle(outcome=failed))

    async def _doubt(self, row: Mapping[str, Any]) -> None:
        stream = message.stream(row["message_id"])
        async with self.parts.pool.acquire() as connection:
            state = message.state((await load(connection, stream))[stream])
            if isinstance(state, Settled):  # the crash fell after the answer was recorded
                await connection.execute(GONE, row["message_id"])
                return
        about = await self._about(row["about"])
        doubt = MessageInDoubt(message_id=row["message_id"], case_id=row["case_id"])
        await self._say(row, about, Doubt(doubt=doubt, times=row["attempts"]))
        await self._later(row, repeated=True)

    async def _later(self, row: Mapping[str, Any], *, repeated: bool) -> None:
        pause = timedelta(seconds=min(0.1 * 2 ** row["attempts"], 60))
        await self.parts.pool.execute(AGAIN, row["message_id"], now() + pause, repeated)

    async def _settle(self, row: Mapping[str, Any], about: Recorded, command: Settle) -> None:
        await self._say(row, about, command)
        await self.parts.pool.execute(GONE, row["message_id"])

    async def _say(self, row: Mapping[str, Any], about: Recorded, command: Settle | Doubt) -> None:
        log_clock = self.parts.settings.log_clock
        moment = Moment(
            now=about.recorded_at if log_clock else now(), recorded_at=about.recorded_at if log_clock else None
        )
        cause = Cause(
            correlation=about.cause.correlation, causation=about.id, actor="policy-zalo", trace=about.cause.trace
        )
        await handle(self.parts.pool, message, row["message_id"], command, cause=cause, moment=moment)
        self.parts.bell.ring()

    async def _about(self, event_id: str) -> Recorded:
        stream, _, version = event_id.rpartition("@")
        row = await self.parts.pool.fetchrow(ABOUT, stream, int(version))
        assert row is not None, f"{event_id} is neither said nor heard"
        return recorded_from(row)

    async def _address(self, addressee: str) -> str | None:
        if self.catalogue.has_unit(addressee):
            return self.catalogue.unit(addressee).zalo
        return await people.zalo_id(self.parts.pool, addressee)
