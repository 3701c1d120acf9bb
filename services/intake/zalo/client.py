"""Zalo's HTTP API as we use it: send a text, keep the tokens. Facts about the API are second-hand; see docs."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import aiohttp
from pydantic_settings import BaseSettings, SettingsConfigDict

from events.clock import now
from events.errors import OnedoorError
from events.store.database import Pool

TOKENS = "select access_token, refresh_token, expires_at from zalo_tokens"
LOCK = "select pg_advisory_xact_lock(hashtextextended(current_schema() || '.zalo_tokens', 0))"
KEEP = """
insert into zalo_tokens (access_token, refresh_token, expires_at) values ($1, $2, $3)
on conflict (only_row) do update set access_token = excluded.access_token, refresh_token = excluded.refresh_token,
    expires_at = excluded.expires_at
"""
EARLY = timedelta(minutes=5)  # refresh before the token runs out

Action = Literal["token", "again", "reschedule", "human", "other-channel", "permanent"]

# What an error of the OA's message API means for us. The same number means something else in other APIs.
OA_ACTIONS: dict[int, Action] = {
    -216: "token", -220: "token",
    -32: "again", -200: "again", -235: "again",
    -234: "reschedule", -211: "reschedule", -218: "reschedule",
    -204: "human", -205: "human", -209: "human", -212: "human", -219: "human", -221: "human", -223: "human",
    -224: "human", -240: "human", -242: "human", -248: "human", -249: "human", -320: "human", -321: "human",
    -213: "other-channel", -217: "other-channel", -227: "other-channel", -230: "other-channel",
    -232: "other-channel", -233: "other-channel", -244: "other-channel", -403: "other-channel",
    -100: "permanent", -201: "permanent", -210: "permanent",
}  # fmt: skip


class ZaloSettings(BaseSettings):
    """The Official Account: addresses, keys and the first refresh token."""

    model_config = SettingsConfigDict(env_prefix="zalo_", extra="ignore")

    api_url: str
    oauth_url: str
    app_id: str
    app_secret: str
    oa_secret: str
    refresh_token: str


class ZaloError(OnedoorError):
    """Zalo answered with an error. HTTP says 200 all the same: look at `error`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.action = code, OA_ACTIONS.get(code, "permanent")


@dataclass(slots=True)
class ZaloClient:
    """Sends texts. Tokens are refreshed by one caller at a time across all processes, and stored before use."""

    http: aiohttp.ClientSession
    pool: Pool
    settings: ZaloSettings
    _token: str | None = None
    _expires: datetime | None = None

    async def send(self, user_id: str, text: str) -> str:
        """Send a text to a user of the account; the provider's message id.

        Raises ZaloError, or aiohttp.ClientError / TimeoutError when nobody can say whether it arrived.
        """
        body = {"recipient": {"user_id": user_id}, "message": {"text": text}}
        token = await self._access_token()
        try:
            data = await self._post("/v3.0/oa/message/cs", body, token)
        except ZaloError as error:
            if error.action != "token":
                raise
            token = await self._access_token(instead_of=token)
            data = await self._post("/v3.0/oa/message/cs", body, token)
        return str(data["message_id"])

    async def _post(self, path: str, body: Any, token: str) -> dict[str, Any]:
        async with self.http.post(self.settings.api_url + path, json=body, headers={"access_token": token}) as answer:
            answer.raise_for_status()
            content = await answer.json(content_type=None)
        if content["error"]:
            raise ZaloError(int(content["error"]), str(content.get("message", "")))
        return dict(content["data"])

    async def _access_token(self, instead_of: str | None = None) -> str:
        if self._token and self._token != instead_of and self._expires and now() < self._expires - EARLY:
            return self._token
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK)  # single flight: the others find the new pair when they get here
            row = await connection.fetchrow(TOKENS)
            if row is None or row["access_token"] == instead_of or now() >= row["expires_at"] - EARLY:
                refresh = row["refresh_token"] if row else self.settings.refresh_token
                access, refresh, expires = await self._refresh(refresh)
                await connection.execute(KEEP, access, refresh, expires)
            else:
                access, expires = row["access_token"], row["expires_at"]
        self._token, self._expires = access, expires
        return access

    async def _refresh(self, refresh_token: str) -> tuple[str, str, datetime]:
        form = {"refresh_token": refresh_token, "app_id": self.settings.app_id, "grant_type": "refresh_token"}
        headers = {"secret_key": self.settings.app_secret}
        async with self.http.post(
            self.settings.oauth_url + "/v4/oa/access_token", data=form, headers=headers
        ) as answer:
            answer.raise_for_status()
            content = await answer.json(content_type=None)
        if "access_token" not in content:
            raise ZaloError(int(content.get("error", -216)), str(content.get("error_name", "no token")))
        expires = now() + timedelta(seconds=int(content["expires_in"]))  # comes as a string
        return content["access_token"], content["refresh_token"], expires


def session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))


# An answer that did not come: the message may have arrived.
UNKNOWN = (aiohttp.ClientError, asyncio.TimeoutError)
