"""What comes in over Zalo: verify the raw bytes, sort, keep; each message once. Nothing personal becomes a fact."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import structlog

from deadlines.catalogue import Catalogue
from deadlines.instants import date_of, day_of, second_of
from events.commands.handle import Moment
from events.contracts.catalogue import Fact
from events.contracts.intake import ApplicationSubmitted, StaffReplied
from events.errors import Refused, WrongVersion
from events.http.auth import Unauthenticated
from events.http.parameters import NO_ZERO
from events.store.database import Connection, Pool
from events.store.envelope import Cause
from events.store.store import Append, append
from intake.people import KEEP
from intake.zalo.client import ZaloSettings
from intake.zalo.words import Application, Reply, understand

KNOWN_CASE = "select true from events where stream = $1 and version = 1"
QUARANTINE = "insert into quarantine values ($1, $2, $3, $4, $5) on conflict (msg_id) do nothing"

Sorted = Literal["reply", "application", "quarantined", "ignored", "repeat"]
log = structlog.get_logger("intake.zalo.webhook")


Text = Annotated[str, msgspec.Meta(pattern=NO_ZERO)]


class _Message(msgspec.Struct):
    text: Text = ""
    msg_id: Text = ""


class _Sender(msgspec.Struct):
    id: Text = ""


class Incoming(msgspec.Struct):
    """The part of a webhook's payload that we use. All ids and timestamps are strings."""

    app_id: str
    event_name: str
    timestamp: str
    sender: _Sender = msgspec.field(default_factory=_Sender)
    message: _Message = msgspec.field(default_factory=_Message)


@dataclass(frozen=True, slots=True)
class Door:
    """Sorts verified messages into replies of units, applications of customers, and quarantine."""

    pool: Pool
    catalogue: Catalogue
    settings: ZaloSettings

    def verify(self, raw: bytes, signature: str | None) -> Incoming:
        """The payload, if its `mac` is ours: a plain SHA-256 over app id, raw body, timestamp and the OA's secret.

        Raises Unauthenticated, Refused when it is not a payload of Zalo's.
        """
        try:
            incoming = msgspec.json.decode(raw, type=Incoming)
        except (msgspec.MsgspecError, UnicodeDecodeError) as broken:
            raise Refused("not-a-webhook", f"the body is not a Zalo event: {broken}", field="body") from broken
        want = hashlib.sha256(
            self.settings.app_id.encode() + raw + incoming.timestamp.encode() + self.settings.oa_secret.encode()
        ).hexdigest()
        mac = (signature or "").split("=", 1)[-1].strip().lower()
        if not hmac.compare_digest(mac.encode(), want.encode()):
            raise Unauthenticated("X-ZEvent-Signature does not fit this body")
        return incoming

    async def sort(self, incoming: Incoming, moment: Moment) -> Sorted:
        """Keep one message. A message id that came before changes nothing."""
        if incoming.event_name != "user_send_text":
            return "ignored"
        if not incoming.message.msg_id:
            raise Refused("no-message-id", "a message without msg_id cannot be kept once", field="message.msg_id")
        unit = self._unit(incoming.sender.id)
        asked = understand(incoming.message.text)
        async with self.pool.acquire() as connection:
            match asked:
                case Reply() if unit is not None:
                    if not await connection.fetchval(KNOWN_CASE, f"case-{asked.case_id}"):
                        return await self._quarantine(connection, incoming, "unknown-dossier", moment)
                    reply = StaffReplied(case_id=asked.case_id, unit=unit, word=asked.word)
                    stream = f"message-in-{incoming.message.msg_id}"
                    return await self._say(connection, stream, reply, f"staff-{unit}-zalo", incoming, moment, "reply")
                case Application() if unit is None:
                    return await self._application(connection, incoming, asked, moment)
                case _:
                    reason = "not-understood" if unit else "unknown-sender"
                    return await self._quarantine(connection, incoming, reason, moment)

    def _unit(self, sender: str) -> str | None:
        return next((unit.code for unit in self.catalogue.units() if unit.zalo == sender), None)

    async def _application(
        self, connection: Connection, incoming: Incoming, asked: Application, moment: Moment
    ) -> Sorted:
        on = date_of(day_of(second_of(moment.now)))
        district = next(
            (unit for unit in self.catalogue.units("counter", on) if unit.code == f"PAC-{asked.district}"), None
        )
        service = next(
            (one for one in self.catalogue.services.values() if one.code == asked.service and one.in_force(on)), None
        )
        if district is None or service is None or district.district is None:
            return await self._quarantine(connection, incoming, "unknown-service-or-district", moment)
        submission_id = f"zalo-{incoming.message.msg_id}"
        applicant_ref = f"p-{submission_id}"
        submitted = ApplicationSubmitted(
            submission_id=submission_id, counter=district.code, service=service.id, district=district.district,
            channel="zalo", applicant_ref=applicant_ref,
        )  # fmt: skip
        return await self._say(
            connection, f"submission-{submission_id}", submitted, "customer-zalo", incoming, moment, "application",
            person=(applicant_ref, "", "", "", None, incoming.sender.id, asked.words),
        )  # fmt: skip

    async def _say(
        self, connection: Connection, stream: str, fact: Fact, actor: str, incoming: Incoming, moment: Moment,
        sorted_as: Sorted, person: tuple[str | None, ...] | None = None,
    ) -> Sorted:  # fmt: skip
        # The stream is the message's own, so its first version is the dedupe.
        cause = Cause(correlation=incoming.message.msg_id, causation=incoming.message.msg_id, actor=actor)
        try:
            async with connection.transaction():
                saying = Append(
                    stream=stream, expected=0, facts=[fact], cause=cause, at=moment.now, recorded_at=moment.recorded_at
                )
                await append(connection, [saying])
                if person is not None:
                    await connection.execute(KEEP, *person)
        except WrongVersion:
            return "repeat"
        return sorted_as

    async def _quarantine(self, connection: Connection, incoming: Incoming, reason: str, moment: Moment) -> Sorted:
        await connection.execute(
            QUARANTINE, incoming.message.msg_id, incoming.sender.id, incoming.message.text, reason, moment.now
        )
        log.warning("quarantined", msg_id=incoming.message.msg_id, reason=reason)
        return "quarantined"
