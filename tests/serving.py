"""One real service in this process, on a real database and a real broker, with an issuer: driven over HTTP."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from aiokafka import AIOKafkaProducer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uvicorn import Config

from events.contracts.catalogue import Fact, name_of, write
from events.kafka import topics
from events.kafka.cloudevent import to_cloudevent
from events.service.runtime import Running, Server, Service, application, start
from events.settings import Settings
from events.store.envelope import RecordedEvent
from events.store.store import load, subject_of
from local.addresses import plain_environment
from local.issuer import Issuer
from local.ports import free_port
from local.served import Served
from local.state import StateFolder

R = TypeVar("R")


@dataclass(frozen=True)
class Said:
    """What a service answered."""

    status: int
    body: Any
    etag: str | None


@dataclass(frozen=True)
class Serving:
    """A service at work. `role` and `unit` say who asks; `member` tells the people of one unit apart."""

    url: str
    running: Running
    http: aiohttp.ClientSession
    issuer: Issuer
    producer: AIOKafkaProducer

    async def post(
        self, path: str, body: Any = None, *, role: str, unit: str, member: str = "01", **headers: str
    ) -> Said:
        return await self._ask("POST", path, body or {}, role, unit, member, headers)

    async def get(self, path: str, *, role: str = "auditor", unit: str = "PC-QN") -> Said:
        return await self._ask("GET", path, None, role, unit, "01", {})

    async def hear(self, stream: str, version: int, fact: Fact, at: datetime) -> None:
        """Another service says a fact: it is on its topic when this returns."""
        name, schema = name_of(fact)
        data, subject = write(fact), subject_of(fact, stream)
        row = {
            "stream": stream, "version": version, "subject": subject, "type": name, "schema": schema, "at": at,
            "recorded_at": at, "actor": "staff-193-01", "correlation": "told", "causation": "told", "trace": None,
            "data": data, "hash": hashlib.sha256(data).digest(),
        }  # fmt: skip
        topic = self.running.parts.topic(topics.topic_of(stream))
        await self.producer.send_and_wait(topic, to_cloudevent(row, "/onedoor/test"), key=subject.encode())

    async def past(self, stream: str) -> list[RecordedEvent]:
        """What the service has said in one stream."""
        async with self.running.parts.pool.acquire() as connection:
            return (await load(connection, stream))[stream]

    async def _ask(
        self, method: str, path: str, body: Any, role: str, unit: str, member: str, headers: Mapping[str, str]
    ) -> Said:
        token = self.issuer.sign(role=role, unit=unit, member=member)
        sent = {"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): one for name, one in headers.items()}
        async with self.http.request(method, self.url + path, json=body, headers=sent) as answer:
            return Said(answer.status, await answer.json(content_type=None), answer.headers.get("ETag"))


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    """An issuer of tokens in this process."""
    port = free_port()
    issuer = Issuer(f"http://127.0.0.1:{port}", "unused", Ed25519PrivateKey.generate())
    runner = web.AppRunner(issuer.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield issuer
    finally:
        await runner.cleanup()


def process(module: str, settings: Settings, folder: Path) -> Served:
    """A service as a process of its own, which can be killed."""
    environment = {**os.environ, **plain_environment(), **settings.environment()}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("ZALO_")}
    return Served(module, module, settings.onedoor_port, environment, StateFolder(folder))


@asynccontextmanager
async def serving(
    make: Callable[[Settings], Service], database_url: str, bootstrap: str, prefix: str
) -> AsyncIterator[Serving]:
    """Start the service on a free port; stop and drain it at the end of the block."""
    async with AsyncExitStack() as stack:
        issuer, port = await stack.enter_async_context(issuing()), free_port()
        settings = Settings(
            kafka_bootstrap_servers=bootstrap, database_url=database_url, onedoor_topic_prefix=prefix,
            oidc_issuer=issuer.url, onedoor_port=port,
        )  # fmt: skip
        running = await start(make(settings), settings, stack)
        server = Server(Config(application(running), host="127.0.0.1", port=port, log_config=None, access_log=False))
        serve = asyncio.create_task(server.serve())

        async def stop() -> None:
            server.should_exit = True
            await serve

        stack.push_async_callback(stop)
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        await producer.start()
        stack.push_async_callback(producer.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
        while not server.started:
            assert not serve.done(), "the server ended while it started"
            await asyncio.sleep(0.01)
        yield Serving(f"http://127.0.0.1:{port}", running, http, issuer, producer)
