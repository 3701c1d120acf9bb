"""The whole system on this machine: parts first, then the four services; each can be killed and started again.

async with Stack(folder) as stack:      # brings everything up, takes it down again
    await stack.kill("intake")          # SIGKILL, as a power cut would
    await stack.start("intake")         # and wait until it is ready
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

import asyncpg

from events.contracts.channels import SERVICES
from local.addresses import Clock, PortBook, given_zalo, plain_environment, service_environment
from local.errors import LocalError
from local.kafka import choose, jars
from local.kafka.answers import answers
from local.kafka.broker import Broker
from local.keys import load_key
from local.places import Secrets, segments
from local.postgres import Postgres
from local.provision import Provisioned, provision
from local.served import Served
from local.state import StateFolder
from local.wait import together, until

Step = Literal["fetching", "starting", "ready", "given", "failed", "ended", "stopping", "stopped"]
Tell = Callable[[str, Step, float], None]  # the part, what became of it, seconds since it began

DATABASE = "onedoor"
_GIVEN_KAFKA_WITHIN = 30.0  # seconds
_LONGEST_PAUSE = 30.0  # seconds between two tries to start what keeps ending
_SIMULATED = {"ZALO_APP_ID": "onedoor-local", "ZALO_OA_ID": "4900000000"}


class Part(Protocol):
    """What every part can do."""

    @property
    def alive(self) -> bool: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def kill(self) -> None: ...


class Stack:
    """One system in one state folder."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock = "wall",
        free_ports: bool = False,
        kafka: str | None = None,  # given servers: not started, not stopped, not wiped
        database: str | None = None,
        issuer: str | None = None,
        topic_prefix: str = "",
        catalogue: Path | None = None,
        emitters: Path | None = None,  # other systems; those of the deployment where none are given
        modules: Mapping[str, str] | None = None,  # service → module that `python -m` runs; the services themselves
        tell: Tell = lambda part, step, seconds: None,
    ) -> None:
        self.state = StateFolder(folder)
        self.clock: Clock = clock
        self.topic_prefix = topic_prefix
        self.parts: dict[str, Part] = {}
        self._ports = PortBook(self.state / "ports.json", free=free_ports)
        self._modules = dict(modules) if modules is not None else {name: name for name in SERVICES}
        self._kafka_given, self._database_given, self._issuer_given = kafka, database, issuer
        self._catalogue, self._emitters = catalogue, emitters
        self._tell = tell
        self._wanted: set[str] = set()
        self.kafka = kafka or ""
        self.databases: Provisioned | None = None

    # -- the whole ---------------------------------------------------------------------------------------------------

    async def up(self) -> None:
        """Start everything; on any failure, or when cancelled, what was started is stopped again.

        Raises AlreadyRunning, NoKafka, NoPostgres, DidNotStart or another LocalError.
        """
        self.state.hold()
        self._secrets = Secrets(self.state.path)
        try:
            self.state.announce({"state": "starting"})
            await together(self._start_kafka(), self._start_database(), self._start_issuer(), self._start_zalo())
            for name, module in self._modules.items():
                self.parts[name] = self._service(name, module)
            await together(*(self._begin(name) for name in self._modules))
            self.state.announce({"state": "up", **self.about()})
        except BaseException:
            await self.down()
            raise

    async def up_stores(self) -> None:
        """Start Kafka and PostgreSQL alone, for what is done while the services are down; `down` ends them.

        Raises as `up` does: AlreadyRunning while a system runs in this folder.
        """
        self.state.hold()
        self._secrets = Secrets(self.state.path)
        try:
            await together(self._start_kafka(), self._start_database())
        except BaseException:
            await self.down()
            raise

    async def down(self) -> None:
        """Stop the services, which may drain, then the parts that they need."""
        services = [name for name in self._modules if name in self.parts]
        self._wanted.clear()
        await asyncio.gather(*(self._end(name) for name in services))
        await asyncio.gather(*(self._end(name) for name in self.parts if name not in services))
        self.state.release()

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()

    # -- one part ----------------------------------------------------------------------------------------------------

    async def start(self, name: str) -> None:
        """Start one part, or start it again, and wait until it is ready."""
        await self._begin(name)

    async def stop(self, name: str) -> None:
        """Stop one part in peace."""
        self._wanted.discard(name)
        await self.parts[name].stop()

    async def kill(self, name: str) -> None:
        """SIGKILL one part: kafka, postgres, issuer, zalo or a service."""
        self._wanted.discard(name)
        await self.parts[name].kill()

    async def restart(self, name: str) -> None:
        """Stop one part in peace and start it again."""
        await self.stop(name)
        await self.start(name)

    async def watch(self) -> None:
        """Start again whatever ends by itself, waiting longer after each failure. Runs until cancelled."""
        await together(*(self._keep_up(name) for name in self.parts))

    async def _keep_up(self, name: str) -> None:
        pause = 1.0
        while True:
            await asyncio.sleep(0.2)
            if name not in self._wanted or self.parts[name].alive:
                continue
            self._tell(name, "ended", 0)
            await asyncio.sleep(pause)
            if name not in self._wanted:
                continue  # meanwhile somebody stopped it on purpose
            try:
                await self._begin(name)
                pause = 1.0
            except LocalError:
                pause = min(_LONGEST_PAUSE, 2 * pause)

    # -- what others ask ---------------------------------------------------------------------------------------------

    def url(self, name: str) -> str:
        """The HTTP address of a service, the issuer or the simulator."""
        if name == "issuer" and self._issuer_given:
            return self._issuer_given
        return f"http://127.0.0.1:{self._ports.of(name) if name not in self.parts else self._served(name).port}"

    @property
    def dev_secret(self) -> str:
        """The secret of every client of the dev issuer."""
        return self._secrets.get("issuer")

    def about(self) -> dict[str, Any]:
        """Where everything is, for `onedoor` and for whoever looks; holds secrets."""
        assert self.databases is not None
        return {
            "clock": self.clock,
            "urls": {name: self.url(name) for name in (*self._modules, "issuer", "zalo") if name in self.parts},
            "issuer": self.url("issuer"),
            "dev_secret": None if self._issuer_given else self.dev_secret,
            "kafka": self.kafka,
            "topic_prefix": self.topic_prefix,
            "database": self.databases.admin,
            "databases": dict(self.databases.services),
            "given": [
                *(["kafka"] if self._kafka_given else []),
                *(["postgres"] if self._database_given else []),
                *(["issuer"] if self._issuer_given else []),
            ],
        }

    # -- how each part is made ---------------------------------------------------------------------------------------

    async def _start_kafka(self) -> None:
        if self._kafka_given is not None:
            bootstrap = self._kafka_given
            if not await until(lambda: answers(bootstrap), within=_GIVEN_KAFKA_WITHIN, every=0.5):
                raise LocalError(f"no Kafka answers at KAFKA_BOOTSTRAP_SERVERS={bootstrap}")
            self._tell("kafka", "given", 0)
            return
        port, log = self._ports.of("kafka"), self.state / "logs" / "kafka.log"
        broker = await asyncio.to_thread(choose.embedded, self.state / "kafka", port=port, log=log)
        self.kafka = broker.bootstrap
        self.parts["kafka"] = broker
        if isinstance(broker, Broker) and not jars.are_here():
            self._tell("kafka", "fetching", 0)
            await jars.fetch()
        await self._begin("kafka")

    async def _start_database(self) -> None:
        admin = self._database_given
        if admin is None:
            folder, log = self.state / "postgres", self.state / "logs" / "postgres.log"
            server = Postgres(folder, password=self._secrets.get("postgres"), port=self._ports.of("postgres"), log=log)
            self.parts["postgres"] = server
            await self._begin("postgres")
            admin = server.admin_url
        else:
            self._tell("postgres", "given", 0)
        database = DATABASE if self._database_given is None else None
        try:
            self.databases = await provision(admin, lambda role: self._secrets.get(f"role:{role}"), database=database)
        except (OSError, asyncpg.PostgresError) as failure:
            raise LocalError(f"PostgreSQL did not give roles and schemas: {failure}") from failure

    async def _start_issuer(self) -> None:
        if self._issuer_given:
            self._tell("issuer", "given", 0)
            return
        port = self._ports.of("issuer")
        env = {
            "OIDC_ISSUER": f"http://127.0.0.1:{port}",
            "ISSUER_SECRET": self.dev_secret,
            "ISSUER_KEY_FILE": str(self.state / "issuer" / "key.pem"),
        }
        self.parts["issuer"] = self._server("issuer", "local.issuer", port, {**plain_environment(), **env})
        await self._begin("issuer")

    async def _start_zalo(self) -> None:
        if given_zalo() is not None:
            self._tell("zalo", "given", 0)
            return
        env = {
            **self._zalo(),
            "ZALO_WEBHOOK_URL": f"{self.url('intake')}/zalo/webhook",
            "ZALO_JOURNAL": str(self.state / "zalo" / "journal.ndjson"),
            # a quarter played in two minutes sends more than the real limit of a minute
            "ZALO_RATE_PER_MINUTE": "4000" if self.clock == "wall" else "0",
        }
        self.parts["zalo"] = self._server("zalo", "local.zalo", self._ports.of("zalo"), {**plain_environment(), **env})
        await self._begin("zalo")

    def _service(self, name: str, module: str) -> Served:
        return Served(name, module, self._ports.of(name), self.environment(name), self.state)

    def environment(self, name: str) -> dict[str, str]:
        """All that a service is told, once the servers that it needs are there."""
        assert self.databases is not None
        return service_environment(
            port=self._ports.of(name),
            kafka=self.kafka,
            database=self.databases.services[name],
            issuer=self.url("issuer"),
            clock=self.clock,
            files=self.state / "files",
            topic_prefix=self.topic_prefix,
            catalogue=self._catalogue,
            own=self._own(name),
        )

    def _own(self, name: str) -> Mapping[str, str]:
        if name == "sla":
            key = self.state / "sla" / "signing.pem"
            load_key(key)
            return {"ONEDOOR_SIGNING_KEY": str(key.resolve()), "ONEDOOR_SEGMENTS": str(segments(self.state.path))}
        if name == "intake":
            return {**self._zalo(), **({"ONEDOOR_EMITTERS": str(self._emitters)} if self._emitters else {})}
        return {}

    def _server(self, name: str, module: str, port: int, env: Mapping[str, str]) -> Served:
        return Served(name, module, port, {**env, "ONEDOOR_HOST": "127.0.0.1", "ONEDOOR_PORT": str(port)}, self.state)

    def _zalo(self) -> Mapping[str, str]:
        if (given := given_zalo()) is not None:
            return given
        url = self.url("zalo")
        return {
            **_SIMULATED,
            "ZALO_API_URL": url,
            "ZALO_OAUTH_URL": url,
            "ZALO_APP_SECRET": self._secrets.get("zalo-app"),
            "ZALO_OA_SECRET": self._secrets.get("zalo-oa"),
            "ZALO_REFRESH_TOKEN": self._secrets.get("zalo-refresh"),
        }

    def _served(self, name: str) -> Served:
        part = self.parts[name]
        if not isinstance(part, Served):
            raise KeyError(f"{name} does not speak HTTP")
        return part

    # -- steps, told as they happen ----------------------------------------------------------------------------------

    async def _begin(self, name: str) -> None:
        began = time.monotonic()
        self._tell(name, "starting", 0)
        try:
            await self.parts[name].start()
        except (LocalError, OSError):
            self._tell(name, "failed", time.monotonic() - began)
            raise
        self._wanted.add(name)
        self._tell(name, "ready", time.monotonic() - began)

    async def _end(self, name: str) -> None:
        began = time.monotonic()
        self._tell(name, "stopping", 0)
        await self.parts[name].stop()
        self._tell(name, "stopped", time.monotonic() - began)
