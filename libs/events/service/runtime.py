"""What a service is made of, and the one place that wires it: database, followers, broker, HTTP, graceful stop."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from events.clock import now
from events.contracts import channels
from events.http import openapi, problems
from events.http.app import operations
from events.http.auth import Gate
from events.kafka import topics
from events.kafka.cloudevent import source_of
from events.kafka.hear import TopicConsumer
from events.kafka.heartbeat import Watermark, heartbeat, watermarks
from events.kafka.outbox_relay import Relay
from events.operations import api as operations_api
from events.operations import metrics, parked
from events.service import logs, preflight
from events.settings import Settings
from events.store import database
from events.store.database import Pool
from events.subscriptions.follower import Follower, Following
from events.subscriptions.log_reader import Tails
from events.subscriptions.wakeup import Wakeup

log = structlog.get_logger("events.runtime")
# A request makes some thousand objects and leaves none in a cycle: looking for cycles after every 700 took a
# fifteenth of a service's time.
COLLECT = (20_000, 20, 20)
DRAIN = 4.0  # seconds for the followers to finish, and as many for the relay after them
HEARD_ANYTHING = "select distinct topic from heard where next_offset > 0"
SAID_ANYTHING = "select exists (select from events where starts_with(stream, $1))"
Task = Callable[[asyncio.Event], Awaitable[None]]  # runs until the event is set


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the runtime gives a service to build its followers, tasks and routes from."""

    settings: Settings
    pool: Pool
    bell: Wakeup
    producer: AIOKafkaProducer
    listening: list[TopicConsumer] = field(default_factory=list)
    """Everyone who hears a topic in this process, for the figures."""

    def topic(self, name: str) -> str:
        return self.settings.onedoor_topic_prefix + name


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a service is made of. `says` and `hears` are topics; an empty one means that it does not.

    `parks`: what it sets aside beside its inbox and its followers, and how that is done again. `watermarks`: how far
    each source is known to be for which it waits; None where nothing was ever heard of it."""

    name: str
    says: tuple[str, ...]
    hears: tuple[str, ...]
    migrations: Path
    api: Callable[[Parts], APIRouter]
    followers: Callable[[Parts], Sequence[Follower[Any]]]
    tasks: Callable[[Parts], Sequence[Task]] = lambda _: ()
    open: Callable[[Parts], Awaitable[AsyncExitStack]] | None = None
    parks: Callable[[Parts], parked.Others] = lambda _: parked.NO_OTHERS
    watermarks: Callable[[], Mapping[str, datetime | None]] = dict


@dataclass(kw_only=True)
class Running:
    """A service at work in this process."""

    service: Service
    parts: Parts
    relay: Relay
    ears: TopicConsumer | None
    followings: list[Following[Any]]
    others: parked.Others
    horizon: metrics.Horizon = field(default_factory=metrics.Horizon)
    since: datetime = field(default_factory=now)
    started: bool = False
    died: list[str] = field(default_factory=list)  # tasks that ended with an error: only a restart brings them back
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def ready(self) -> Mapping[str, bool]:
        return {
            "followers": self.started and not any(one.trouble for one in self.followings),
            "kafka": self.ears is None or self.ears.ready,
            "tasks": not self.died,
        }

    def watermarks(self) -> Sequence[Watermark]:
        return watermarks(self.service.watermarks(), self.since, now())

    async def standing(self) -> Mapping[str, Any]:
        async with self.parts.pool.acquire() as connection:
            return await metrics.standing(
                connection, self.followings, self.ears, self.relay, self.horizon, self.watermarks()
            )

    async def exposition(self) -> CollectorRegistry:
        return metrics.exposition(await self.standing(), self.parts.listening)

    def ended(self, task: asyncio.Future[None]) -> None:
        """A task that dies must not look healthy."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.died.append(task.get_name() if isinstance(task, asyncio.Task) else repr(task))
            log.error("died", task=self.died[-1], exc_info=error)


class Server(uvicorn.Server):
    """uvicorn without its own signals: it would raise them again after serving and end us before we have drained."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


async def run(service: Service, settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; then take no more requests, finish what is at work, send what was said."""
    logs.configure(service.name)
    async with AsyncExitStack() as stack:
        running = await start(service, settings, stack)
        gc.set_threshold(*COLLECT)
        gc.collect()
        gc.freeze()  # what was made at the start lives as long as we do: a full collection need not walk it
        server = Server(
            uvicorn.Config(
                application(running),
                host=settings.onedoor_host,
                port=settings.onedoor_port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
            )
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, setattr, server, "should_exit", True)
        log.info("serving", port=settings.onedoor_port, clock=settings.onedoor_clock)
        await server.serve()


class Application(FastAPI):
    """FastAPI with our own words in its OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = openapi.document(super().openapi())
        return self.openapi_schema


def application(running: Running) -> FastAPI:
    """The service's HTTP application: its own routes and those that every service has."""
    name = running.service.name
    app = Application(title=f"onedoor {name}", version="1", docs_url="/docs", redoc_url=None)
    app.state.gate = Gate(running.parts.settings.oidc_issuer)
    app.state.settings = running.parts.settings
    problems.install(app)
    app.include_router(operations(running))
    if running.service.says:  # what is done to it is a fact of its own
        own = running.service.says[0].partition(".")[0]
        parts, said = running.parts, [name for name in running.service.says if name in topics.LOG_TOPICS]
        remake = partial(topics.make_again, parts.settings.kafka_bootstrap_servers, parts.topic(""), said)
        app.include_router(
            operations_api.routes(parts.pool, parts.bell, running.followings, own, remake, running.others)
        )
    app.include_router(running.service.api(running.parts))
    return app


def told(service: Service, settings: Settings) -> dict[str, Any]:
    """The OpenAPI document of a service."""
    return unstarted(service, settings).openapi()


def unstarted(service: Service, settings: Settings) -> FastAPI:
    """The application of a service that is not started: its routes do not look at their parts before a request."""
    nothing: Any = None
    parts = Parts(settings=settings, pool=nothing, bell=Wakeup(), producer=nothing)
    running = Running(
        service=service, parts=parts, relay=nothing, ears=None, followings=[], others=parked.NO_OTHERS
    )  # fmt: skip
    return application(running)


async def _used(pool: Pool, prefix: str, says: Sequence[str]) -> set[str]:
    """The topics on which something was said, as far as this service knows: it heard it, or said it."""
    used = {row["topic"] for row in await pool.fetch(HEARD_ANYTHING)}
    for category, name in channels.TOPIC.items():
        if name in says and await pool.fetchval(SAID_ANYTHING, f"{category}-"):
            used.add(prefix + name)
    return used


async def start(service: Service, settings: Settings, stack: AsyncExitStack) -> Running:
    """Start everything but HTTP; the stack stops it again in order: hear no more, drain the followers, close."""
    bootstrap, prefix = settings.kafka_bootstrap_servers, settings.onedoor_topic_prefix
    pool = await database.connect(settings.database_url)
    stack.push_async_callback(pool.close)
    await database.migrate(pool, database.LOG, service.migrations)
    names = dict.fromkeys((*service.says, *service.hears, topics.HEARTBEATS))
    if lost := await topics.ensure(bootstrap, prefix, names, await _used(pool, prefix, service.says)):
        log.error("topics are lost", topics=lost, way_out="onedoor republish of the service that says it")

    said = [prefix + name for name in service.says if name in topics.LOG_TOPICS]
    await preflight.refuse(pool, bootstrap, [name for name in said if name not in lost], service.name)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, compression_type="lz4",
        max_batch_size=1 << 19, request_timeout_ms=10_000,
    )  # fmt: skip
    await producer.start()
    stack.push_async_callback(producer.stop)

    bell = Wakeup()
    parts = Parts(settings=settings, pool=pool, bell=bell, producer=producer)
    relay = Relay(producer, bootstrap, lambda stream: prefix + topics.topic_of(stream), source_of(service.name), said)
    ears = None
    if service.hears:
        ears = TopicConsumer(
            pool, bell, [prefix + name for name in service.hears],
            bootstrap=bootstrap, service=prefix + service.name, instance=settings.onedoor_instance,
        )  # fmt: skip
        parts.listening.append(ears)
    followers = [relay.follower(), *service.followers(parts)]
    tails = Tails(pool, bell)
    followings = [
        Following(pool, one, shard, tails.of(one.log, one.shards, shard))
        for one in followers
        for shard in range(one.shards)
    ]
    others = service.parks(parts)
    running = Running(service=service, parts=parts, relay=relay, ears=ears, followings=followings, others=others)
    if service.open is not None:
        await stack.enter_async_context(await service.open(parts))
    if settled := await parked.retry(pool, followings, others=others):
        log.info("parked facts settled", facts=settled)

    last = asyncio.Event()  # the relay stops after all others: it sends what they said on their way out
    relaying = asyncio.create_task(followings[0].run(bell, last), name=followings[0].follower.name)
    tasks = [asyncio.create_task(one.run(bell, running.stopping), name=one.follower.name) for one in followings[1:]]
    tasks += [asyncio.ensure_future(task(running.stopping)) for task in service.tasks(parts)]
    if not settings.log_clock:
        beat = heartbeat(pool, producer, prefix + topics.HEARTBEATS, service.name, running.stopping)
        tasks.append(asyncio.create_task(beat, name="heartbeat"))
    for task in (relaying, *tasks):
        task.add_done_callback(running.ended)

    async def drain() -> None:
        for told, those in ((running.stopping, tasks), (last, [relaying])):
            told.set()
            bell.ring_all()
            if those:
                _, late = await asyncio.wait(those, timeout=DRAIN)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    stack.push_async_callback(drain)
    if ears is not None:
        await stack.enter_async_context(ears.listening())
    running.started = True
    return running
