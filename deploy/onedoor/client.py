"""A session with the services of a running system, with an operator's token."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiohttp

from events.errors import OnedoorError
from local.state import StateFolder

OPERATOR = "operator.onedoor"
Service = StrEnum("Service", ("intake", "routing", "field", "sla"))


class NotRunning(OnedoorError):
    """No system runs in the state folder."""


class Said(OnedoorError):
    """A service answered, and the answer is no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """GET, POST and DELETE to services by name. Every failure is an OnedoorError with a sentence in it."""

    def __init__(self, http: aiohttp.ClientSession, about: Mapping[str, Any], token: str) -> None:
        self._http, self.about, self.token = http, about, token

    @property
    def urls(self) -> Mapping[str, str]:
        urls: Mapping[str, str] = self.about["urls"]
        return urls

    def services(self, only: str | None = None) -> list[str]:
        """Those of the four services that run, in the order of a dossier's way; or the one that is asked for."""
        return [only] if only else [name for name in Service if name in self.urls]

    async def get(self, service: str, path: str, **query: str) -> Any:
        """The JSON at that path."""
        return await self._ask("GET", service, path, params=query)

    async def post(
        self, service: str, path: str, body: object = None, *, now: datetime | None = None, key: str | None = None
    ) -> Any:
        """Post a JSON body. now: the log's clock, where the system runs on it; key: the Idempotency-Key."""
        given = {"Onedoor-Now": now.isoformat() if now else None, "Idempotency-Key": key}
        headers = {name: value for name, value in given.items() if value is not None}
        return await self._ask("POST", service, path, json=body, headers=headers)

    async def delete(self, service: str, path: str) -> Any:
        """Take back what stands at that path."""
        return await self._ask("DELETE", service, path)

    async def _ask(self, method: str, service: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        try:
            async with self._http.request(method, f"{self.urls[service]}{path}", headers=headers, **more) as answer:
                said = await _content(answer)
                if answer.status >= 400:
                    raise Said(answer.status, f"{service} says {answer.status}: {problem(said)}")
                return said
        except (aiohttp.ClientError, TimeoutError) as away:
            raise OnedoorError(f"{service} does not answer at {self.urls[service]}: {away}") from away


@asynccontextmanager
async def session(folder: Path, *, client: str = OPERATOR) -> AsyncIterator[Client]:
    """A client of the system that runs in this folder, with a token from its issuer.

    With an issuer that was given, the client's id and secret are ONEDOOR_CLIENT_ID and ONEDOOR_CLIENT_SECRET.
    Raises NotRunning or another OnedoorError.
    """
    about = running(folder)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        name = os.environ.get("ONEDOOR_CLIENT_ID", client)
        secret = about["dev_secret"] or os.environ.get("ONEDOOR_CLIENT_SECRET", "")
        yield Client(http, about, await token(http, about["issuer"], name, secret))


def running(folder: Path) -> dict[str, Any]:
    """What the system in this folder says about itself. Raises NotRunning."""
    about = StateFolder(folder).announced()
    if about is None:
        raise NotRunning(f"nothing runs in {folder}; `onedoor up` starts it")
    if about.get("state") != "up":
        raise NotRunning(f"the system in {folder} is not up yet")
    return about


async def token(http: aiohttp.ClientSession, issuer: str, client: str, secret: str) -> str:
    """An access token by client credentials, from any OpenID provider."""
    form = {"grant_type": "client_credentials"}
    try:
        async with http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration") as about:
            endpoint = (await about.json())["token_endpoint"]
        async with http.post(endpoint, data=form, auth=aiohttp.BasicAuth(client, secret)) as answer:
            said = await _content(answer)
            if answer.status != 200:
                raise Said(answer.status, f"the issuer gives {client} no token: {problem(said)}")
            return str(said["access_token"])
    except (aiohttp.ClientError, TimeoutError, KeyError) as away:
        raise OnedoorError(f"the issuer {issuer} gives no token: {away}") from away


async def _content(answer: aiohttp.ClientResponse) -> Any:
    return await answer.json(content_type=None) if "json" in answer.content_type else await answer.text()


def problem(said: Any) -> str:
    """The sentence in a problem document, or whatever there is."""
    if isinstance(said, dict):
        words = [said.get(name) for name in ("title", "detail", "error_description", "way_out")]
        return "; ".join(str(word) for word in words if word) or str(said)
    return str(said)[:300]
