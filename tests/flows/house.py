"""The whole system as the flow tests see it: its public doors, what stands on its topics, and when it is calm."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import parts
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from contracts.given import eventually

from events.clock import new_id
from events.contracts.channels import SERVICES
from events.kafka.topics import CASES, DOSSIER_TOPICS, HEARTBEATS, LOG_TOPICS, PARTITIONS, partition_of, partitions_in
from local.demo.calm import Calm
from local.demo.doors import OPERATOR, Doors
from local.demo.script import VIETNAM
from local.stack import Stack

HEARS = {
    "intake.events": ("routing", "sla"),
    "routing.events": ("intake", "field", "sla"),
    "field.events": ("routing", "sla"),
    "sla.events": ("routing",),
    "provincial.events": ("sla",),
}
LV = "LV-RES-URBAN@2017-07-01"


def when(local: str) -> datetime:
    """An instant as a clock on a counter's wall tells it: "2017-07-10 09:00"."""
    return datetime.fromisoformat(local).replace(tzinfo=VIETNAM)


def told(instant: str | None) -> str | None:
    """The same, of an instant in an answer."""
    return instant and f"{datetime.fromisoformat(instant).astimezone(VIETNAM):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact as it stands on its topic."""

    topic: str
    id: str
    type: str
    subject: str
    at: str
    actor: str
    because: str  # the fact or request that caused it
    data: dict[str, Any]

    @property
    def category(self) -> str:
        """The kind of stream that it belongs to: case, route, workorder, promise, message, and so on."""
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered to one request, whatever it was."""

    status: int
    media_type: str
    body: Any


LEFT = "records-of-other-tests"


@dataclass
class House:
    """One system that all flow tests share. `typed` is everything personal that anybody typed in."""

    stack: Stack
    doors: Doors
    http: aiohttp.ClientSession
    consumer: AIOKafkaConsumer
    producer: AIOKafkaProducer
    typed: set[str] = field(default_factory=set)
    people: int = 0
    _calm: Calm = field(init=False)
    _facts: list[Fact] = field(default_factory=list)
    _read: dict[TopicPartition, int] = field(default_factory=dict)
    _members: dict[str, str] = field(default_factory=dict)
    _moving: bool = False  # something was done of which nobody has waited for the effects

    def __post_init__(self) -> None:
        self._calm = Calm(self.doors, self.stack.topic_prefix)

    async def settled(self) -> None:
        """Everything that was done has had its effect everywhere."""
        self._moving = False
        await self._calm.wait()

    async def still(self) -> None:
        """The same, where it is not known already: whoever reads waits for what was done before."""
        if self._moving:
            await self.settled()

    # -- through the doors -----------------------------------------------------------------------

    async def do(self, service: str, path: str, body: Any, *, who: str, at: str, key: str | None = None) -> Any:
        """A command that is accepted."""
        answer = await self.doors.post(service, path, body, who=who, now=when(at), key=key)
        self._moving = True
        return answer

    async def get(self, service: str, path: str) -> Any:
        """What is shown there, once everything has had its effect."""
        await self.still()
        return await self.doors.get(service, path)

    async def ask(
        self, service: str, path: str, body: Any = None, *, method: str = "POST", who: str | None = OPERATOR,
        at: str | None = None, raw: Any = None, **headers: str,
    ) -> Reply:  # fmt: skip
        """One request as it is, whatever is answered. `raw` are the body's bytes, or an iterator of them."""
        await self.still()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("Content-Type", "application/json")
        if who is not None:
            sent.setdefault("Authorization", f"Bearer {await self.token(who)}")
        if at is not None:
            sent["Onedoor-Now"] = when(at).isoformat()
        data = raw if raw is not None else None if body is None else json.dumps(body)
        url = self.stack.url(service) + path
        async with self.http.request(method, url, data=data, headers=sent) as answer:
            content = await answer.read()
            self._moving = method == "POST" and answer.status < 300
            is_json = "json" in answer.content_type
            return Reply(answer.status, answer.content_type, json.loads(content) if is_json else content.decode())

    async def token(self, who: str) -> str:
        """A token for `<role>.<unit>`, or for another person of the unit: `<role>.<unit>#02`."""
        client, _, member = who.partition("#")
        if not member:
            return await self.doors.token(who)
        if who not in self._members:
            form = {"grant_type": "client_credentials", "member": member}
            login = aiohttp.BasicAuth(client, self.stack.dev_secret)
            async with self.http.post(self.stack.url("issuer") + "/token", data=form, auth=login) as answer:
                self._members[who] = (await answer.json())["access_token"]
        return self._members[who]

    async def say(self, user: str, text: str, at: str, message: str | None = None) -> str:
        """Somebody writes to the Official Account; how the door sorted it."""
        self.typed.add(text)
        self.people += 1
        sorted_as = await self.doors.say(user, text, now=when(at), message=message or f"flow-{self.people:05d}")
        self._moving = True
        return sorted_as

    async def clock(self, at: str) -> int:
        """It is so late now; how many facts that made the ticker say."""
        await self.still()
        answer = await self.doors.post("sla", "/clock", {"now": when(at).isoformat()}, who=OPERATOR)
        self._moving = True
        return int(answer["said"])

    async def sent(self) -> Any:
        """What the simulator's account was asked to send, and the totals."""
        await self.still()
        return await self.doors.get("zalo", "/simulator/messages", who=None)

    async def line(self, unit: str, since: str, to: str) -> Any:
        """A unit's line of the record of [since, to)."""
        lines = (await self.get("sla", f"/record?from={since}&to={to}&items=true"))["lines"]
        return next((line for line in lines if line["unit"] == unit), None)

    async def rebuilt(
        self, *, accept: bool = False, dry_run: bool = False, holes: str | None = LEFT,
        cases: Sequence[str] | None = None, source: str = "kafka",
    ) -> Any:  # fmt: skip
        """Fold the log again, or these cases alone; how it went. `holes`: why one may go over the unreadable records of
        other tests."""
        asked = {
            "accept_differences": accept, "dry_run": dry_run, "accept_holes": holes, "cases": cases, "source": source,
        }  # fmt: skip
        return await self.ended((await self.doors.post("sla", "/rebuilds", asked, who=OPERATOR))["run"])

    async def gone_back(self, *, accept: bool = False, dry_run: bool = False) -> Any:
        """Go back to what was replaced last; how it went."""
        asked = {"accept_differences": accept, "dry_run": dry_run}
        return await self.ended((await self.doors.post("sla", "/rollbacks", asked, who=OPERATOR))["run"])

    async def ended(self, run: int) -> Any:
        """How a rebuild went, once it has ended."""

        async def how() -> Any:
            found = await self.doors.get("sla", f"/rebuilds/{run}")
            return found if found["state"] != "running" else None

        found = await eventually(how, within=60)
        await self.settled()
        return found

    async def swaps(self) -> list[int]:
        """The generations that were swapped in, as it was said."""
        said = await self.facts("generation")
        return [fact.data["generation"] for fact in said if fact.type == "GenerationSwapped"]

    # -- what stands on the topics ---------------------------------------------------------------

    def topic(self, name: str) -> str:
        return self.stack.topic_prefix + name

    async def facts(self, *categories: str, subject: str | None = None) -> list[Fact]:
        """The facts said so far in streams of these categories, in the order of each partition."""
        await self.still()
        for record in await self._new():
            try:
                event = json.loads(record.value)
            except ValueError:
                continue  # some tests write nonsense to the topics
            kind = event["type"].removeprefix("onedoor.").partition(".")[0]
            self._facts.append(
                Fact(
                    record.topic, event["id"], kind, event["subject"], event["time"], event["actor"],
                    event["causationid"], event["data"],
                )
            )  # fmt: skip
        return [one for one in self._facts if one.category in categories and subject in (None, one.subject)]

    async def _new(self) -> list[Any]:
        partitions = [TopicPartition(self.topic(name), n) for name in DOSSIER_TOPICS for n in range(PARTITIONS)]
        if not self._read:
            self.consumer.assign(partitions)
        return await self._up_to_now(partitions, self._read)

    async def _up_to_now(self, partitions: Sequence[TopicPartition], read: dict[TopicPartition, int]) -> list[Any]:
        ends = await self.consumer.end_offsets(partitions)
        for partition in partitions:
            self.consumer.seek(partition, read.setdefault(partition, 0))
        records: list[Any] = []
        while any(read[partition] < end for partition, end in ends.items()):
            for partition, batch in (await self.consumer.getmany(timeout_ms=1000)).items():
                records += batch
                read[partition] = batch[-1].offset + 1
        return records

    async def every_record(self) -> list[Any]:
        """Every record of every topic of this system, heartbeats and compacted ones too."""
        await self.still()
        names = (*LOG_TOPICS, CASES, HEARTBEATS)
        partitions = [TopicPartition(self.topic(name), n) for name in names for n in range(partitions_in(name))]
        self.consumer.assign(partitions)
        self._read, self._facts = {}, []
        return await self._up_to_now(partitions, {})

    async def write(self, topic: str, case_id: str, value: bytes) -> None:
        """Put a record on a topic behind the services' backs, and wait until all who hear it have kept or parked it."""
        await self.still()
        partition = partition_of(case_id.encode())
        there = await self.producer.send_and_wait(self.topic(topic), value, key=case_id.encode(), partition=partition)

        async def heard() -> bool:
            standings = [await self.doors.get(service, "/followers") for service in HEARS[topic]]
            places = [one["heard"].get(self.topic(topic), {}).get(str(partition), 0) for one in standings]
            return bool(min(places) > there.offset)

        await eventually(heard)
        await self.settled()

    # -- behind the doors ------------------------------------------------------------------------

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        """What only an administrator with a hand in the database could do or see."""
        await self.still()
        assert self.stack.databases is not None
        connection = await asyncpg.connect(self.stack.databases.admin)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    def logs(self) -> dict[str, str]:
        """What each service wrote to its log."""
        folder = self.stack.state / "logs"
        return {path.name: path.read_text() for path in sorted(folder.glob("*.log"))}


async def _stop(part: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """While other folders' tests ran, this loop stood still: a fetch timed out, and its client cancels itself."""
    with suppress(asyncio.CancelledError):
        await part.stop()


@asynccontextmanager
async def house(folder: Path, kafka: str, database: str, prefix: str) -> AsyncIterator[House]:
    """Bring the whole system up on the log's clock, and down again."""
    async with AsyncExitStack() as stack:
        system = Stack(
            folder, clock="log", free_ports=True, kafka=kafka, database=database, topic_prefix=prefix
        )  # fmt: skip
        await stack.enter_async_context(system)
        urls = {name: system.url(name) for name in (*SERVICES, "zalo")}
        doors = await stack.enter_async_context(Doors(urls, system.url("issuer"), system.dev_secret))
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)))
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
        producer = AIOKafkaProducer(bootstrap_servers=kafka)
        for part in (consumer, producer):
            await part.start()
            stack.push_async_callback(_stop, part)
        yield House(system, doors, http, consumer, producer)


@asynccontextmanager
async def of_its_own(kafka: str, postgres: str) -> AsyncIterator[House]:
    """A system with topics, a database and a folder of its own, which are dropped after it."""
    name, admin = await fresh(postgres)
    prefix = f"t{new_id()[:12]}."
    with parts.folder() as folder:
        async with house(folder, kafka, admin, prefix) as made:
            yield made
    await parts.drop_topics(kafka, prefix)
    await parts.drop_database(postgres, name)


async def fresh(postgres: str) -> tuple[str, str]:
    """A database of its own: its name, and the administrator's URL."""
    name, urls = await parts.fresh_database(postgres)
    return name, urls["admin"]


async def first(items: AsyncGenerator[Any, None], wanted: Any, *, within: float = 20.0) -> list[Any]:
    """Take items until one fits, that one included, and no more."""
    taken: list[Any] = []
    async with asyncio.timeout(within), aclosing(items):
        async for item in items:
            taken.append(item)
            if wanted(item):
                break
    return taken
