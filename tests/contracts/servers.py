"""Small real servers for the tests: an application on a port, and an issuer of tokens with its keys."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import uvicorn
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from events.service.runtime import Server


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The application on a free port, by the server that the services use."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who connects before the server runs waits for it
        server = Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


class Issuer:
    """Gives tokens, and tells its public keys as any OpenID provider does."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = 0  # how often somebody fetched the keys
        self.keys = {"first": Ed25519PrivateKey.generate()}
        self.names: dict[str, str | None] = {}  # what a key is called in the list, where that is not its own name
        self.more: list[dict[str, Any]] = []  # keys that stand in the list beside ours
        self.document: Any = None  # told instead of the keys, when it is set

    def token(self, *, key: str | None = "first", signed_by: Ed25519PrivateKey | None = None, **claims: Any) -> str:
        told = {
            "iss": self.url, "aud": "onedoor", "sub": "staff-193-02", "exp": int(time.monotonic()) + 2**31,
            "roles": ["receptionist"], "unit": "PAC-HA-LONG", **claims,
        }  # fmt: skip
        told = {name: value for name, value in told.items() if value is not None}
        signer = signed_by or self.keys[key or "first"]
        return jwt.encode(told, signer, algorithm="EdDSA", headers={"kid": key} if key else None)

    async def about(self, _: web.Request) -> web.Response:
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def jwks(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.document is not None:
            return web.Response(text=self.document, content_type="application/json")
        algorithm = jwt.algorithms.OKPAlgorithm
        keys = [
            {**algorithm.to_jwk(one.public_key(), as_dict=True), "kid": self.names.get(name, name)}
            for name, one in self.keys.items()
        ]
        told = [{name: value for name, value in key.items() if value is not None} for key in keys]
        return web.json_response({"keys": [*told, *self.more]})


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    issuer, app = Issuer(), web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.about)
    app.router.add_get("/keys", issuer.jwks)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = runner.addresses[0]
    issuer.url = f"http://{address[0]}:{address[1]}"
    try:
        yield issuer
    finally:
        await runner.cleanup()
