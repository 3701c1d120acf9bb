"""What users say, as the account's owner hears it: a signed webhook, repeated while it is not answered in time."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp


@dataclass(frozen=True)
class Webhook:
    """Where the owner listens and how we sign. Zalo repeats after 30 s, 5 min and so on; here the pauses are short."""

    url: str
    app_id: str
    oa_id: str
    oa_secret: str
    pauses: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)  # seconds
    patience: float = 2.0  # seconds; what Zalo waits for an answer

    def signature(self, body: bytes, timestamp: str) -> str:
        """Plain SHA-256, not an HMAC, over the very bytes that are sent."""
        return hashlib.sha256(self.app_id.encode() + body + timestamp.encode() + self.oa_secret.encode()).hexdigest()

    def user_send_text(self, user: str, text: str, msg_id: str, at: datetime) -> tuple[bytes, str]:
        """The body of that event and its timestamp, in milliseconds and, as all numbers here, a string."""
        timestamp = str(int(at.timestamp() * 1000))
        event = {
            "app_id": self.app_id,
            "sender": {"id": user},
            "user_id_by_app": f"{user}.{self.app_id}",
            "recipient": {"id": self.oa_id},
            "event_name": "user_send_text",
            "message": {"text": text, "msg_id": msg_id},
            "timestamp": timestamp,
        }
        return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(), timestamp

    async def deliver(
        self, http: aiohttp.ClientSession, body: bytes, timestamp: str, moment: str | None
    ) -> dict[str, Any]:
        """Send until it is answered below 500; returns the last status (None: no answer) and the number of tries.

        moment: passed on as Onedoor-Now, for a deployment that takes its time from its callers.
        """
        headers = {
            "Content-Type": "application/json",
            "X-ZEvent-Signature": f"mac={self.signature(body, timestamp)}",
        }
        if moment:
            headers["Onedoor-Now"] = moment
        pauses, tries = iter(self.pauses), 0
        while True:
            status, answer = await self._try(http, body, headers)
            tries += 1
            if status is not None and status < 500:
                break
            pause = next(pauses, None)
            if pause is None:
                break
            await asyncio.sleep(pause)
        return {"status": status, "tries": tries, "answer": answer}

    async def _try(self, http: aiohttp.ClientSession, body: bytes, headers: dict[str, str]) -> tuple[int | None, str]:
        wait = aiohttp.ClientTimeout(total=self.patience)
        try:
            async with http.post(self.url, data=body, headers=headers, timeout=wait) as response:
                return response.status, (await response.text())[:2000]
        except (aiohttp.ClientError, TimeoutError):
            return None, ""
