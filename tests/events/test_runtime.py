"""The runtime: a whole tiny service on real parts, in both clock modes, twice at once, and stopped without loss."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import aiohttp
import pytest
from contracts.given import CASES, Receive, case_id, eventually, line, rated, received, say, stream
from contracts.sending import facts_of, records
from contracts.servers import Issuer, issuing, serving
from fastapi import APIRouter, Depends

from events.actor import Actor
from events.commands.decider import Decider
from events.commands.handle import handle
from events.contracts.intake import ApplicationReceived
from events.http.app import Asked, asked, reply
from events.http.auth import Allowed
from events.service.runtime import Parts, Running, Service, Task, application, start
from events.settings import Settings
from events.store.envelope import RecordedEvent
from events.subscriptions.follower import Follower
from events.subscriptions.policy import obey

NewSchema = Callable[[], Awaitable[str]]
Start = Callable[..., Any]


def _echo() -> Decider[str, frozenset[str]]:
    """What is heard of a case is rated once in a stream of our own, in the same topic."""
    return Decider("message", frozenset(), lambda id, said: [] if id in said else [rated(int(id[-4:]))],
                   lambda said, one: said | {one.fact.case_id})  # fmt: skip


def _followers(parts: Parts) -> Sequence[Follower[Any]]:
    def react(heard: RecordedEvent) -> Sequence[tuple[str, str]]:
        return [(heard.subject, heard.subject)]

    return [obey("tiny.echo", _echo(), react, hears=(ApplicationReceived,), log_clock=parts.settings.log_clock)]


def _api(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.post("/cases/{number}")
    async def receive(
        number: int, frame: Annotated[Asked, Depends(asked)],
        actor: Annotated[Actor, Depends(Allowed("receive"))],
    ) -> Any:  # fmt: skip
        answer = await handle(
            parts.pool, CASES, case_id(number), Receive(number), cause=frame.cause(actor), moment=frame.moment,
            key=frame.idempotency(actor), seen=frame.seen,
        )  # fmt: skip
        parts.bell.ring("events")
        return reply(answer)

    return router


@pytest.fixture
def service(tmp_path: Path) -> Service:
    folder = tmp_path / "tiny" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0001_tiny.sql").write_text("create table tiny (code text primary key);\n")
    return Service(
        name="tiny", says=("intake.events",), hears=("intake.events",), migrations=folder, api=_api,
        followers=_followers,
    )  # fmt: skip


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing() as one:
        yield one


@pytest.fixture
async def run(service: Service, new_schema: NewSchema, kafka: str, topic_prefix: str, issuer: Issuer) -> Start:
    """Starts the service in this process, with its HTTP; the same database for every instance."""
    url = await new_schema()

    @asynccontextmanager
    async def started(
        clock: Literal["wall", "log"] = "wall", instance: str = "1"
    ) -> AsyncIterator[tuple[Running, str]]:
        settings = Settings(
            kafka_bootstrap_servers=kafka, database_url=url, oidc_issuer=issuer.url, onedoor_clock=clock,
            onedoor_instance=instance, onedoor_topic_prefix=topic_prefix,
        )  # fmt: skip
        async with AsyncExitStack() as stack:
            running = await start(service, settings, stack)
            async with serving(application(running)) as address:
                yield running, address

    return_value: Start = started
    return return_value


async def ask(issuer: Issuer, method: str, url: str, **headers: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {issuer.token(roles=['receptionist', 'operator'])}", **headers}
    async with aiohttp.ClientSession() as http, http.request(method, url, headers=headers) as answer:
        body = await (answer.json() if "json" in answer.content_type else answer.text())
        return answer.status, body


async def _ready(issuer: Issuer, address: str) -> bool:
    return (await ask(issuer, "GET", f"{address}/health/ready"))[0] == 200


async def _count(running: Running, wanted: int) -> bool:
    return bool(await running.parts.pool.fetchval("select count(*) >= $1 from events", wanted))


NOW = {"Onedoor-Now": "2017-07-10T09:00:00+07:00"}


@pytest.mark.parametrize("clock", ["wall", "log"])
async def test_a_command_goes_round_through_kafka_and_comes_back(run: Start, issuer: Issuer, clock: str) -> None:
    """HTTP, log, relay, Kafka, ears, inbox, policy, log: in both clock modes."""
    async with run(clock) as (running, address):
        await eventually(lambda: _ready(issuer, address))
        status, answer = await ask(issuer, "POST", f"{address}/cases/1", **NOW)
        assert (status, answer["version"]) == (200, 1)
        await eventually(lambda: _count(running, 2))
        row = await running.parts.pool.fetchrow("select * from events where version = 1 and stream like 'message%'")
        assert row is not None
        assert row["causation"] == f"case-{case_id(1)}@1"
        assert (row["recorded_at"].year == 2017) is (clock == "log")


async def test_in_log_mode_a_command_without_its_time_is_refused(run: Start, issuer: Issuer) -> None:
    """The header is named, with an example."""
    async with run("log") as (_, address):
        status, problem = await ask(issuer, "POST", f"{address}/cases/1")
        assert (status, problem["field"]) == (422, "Onedoor-Now")


async def test_operators_see_how_far_everyone_is(run: Start, issuer: Issuer) -> None:
    """Followers at the end of their logs, what was published and heard, and the same as metrics."""
    async with run() as (_, address):
        await eventually(lambda: _ready(issuer, address))
        await ask(issuer, "POST", f"{address}/cases/1")

        async def settled() -> bool:
            _, far = await ask(issuer, "GET", f"{address}/followers")
            heard, published = (
                {partition: offset for partition, offset in next(iter(far[name].values()), {}).items() if offset}
                for name in ("heard", "published")
            )
            caught_up = all(one["behind_events"] == 0 and one["trouble"] is None for one in far["followers"])
            return caught_up and sum(published.values()) == 2 and heard == published and far["parked"] == 0

        await eventually(settled)
        _, text = await ask(issuer, "GET", f"{address}/metrics")
        assert 'onedoor_follower_lag_events{follower="relay",shard="0"} 0.0' in text
        assert "onedoor_heard_lag_events{" in text
        assert (await ask(issuer, "GET", f"{address}/health"))[0] == 200
        assert (await ask(issuer, "POST", f"{address}/parked/retry"))[1] == {"settled": 0}


async def test_a_graceful_stop_sends_what_was_said(run: Start, issuer: Issuer, kafka: str, topic_prefix: str) -> None:
    """Commands that were accepted just before the end are on the topic after it."""
    async with run() as (_, address):
        answers = await asyncio.gather(*(ask(issuer, "POST", f"{address}/cases/{number}") for number in range(20)))
        assert {status for status, _ in answers} == {200}
    facts = facts_of(await records(kafka, f"{topic_prefix}intake.events"))
    assert {one.fact for one in facts} >= {received(number) for number in range(20)}


async def test_the_last_words_of_a_task_are_sent_too(
    service: Service, run: Start, kafka: str, topic_prefix: str
) -> None:
    """The relay stops after everybody else."""

    def tasks(parts: Parts) -> Sequence[Task]:
        async def speaker(stopping: asyncio.Event) -> None:
            await stopping.wait()
            await say(parts.pool, line(stream(7), received(7)))

        return [speaker]

    object.__setattr__(service, "tasks", tasks)
    async with run():
        pass
    assert [one.fact for one in facts_of(await records(kafka, f"{topic_prefix}intake.events"))] == [received(7)]


async def test_two_instances_do_everything_once(run: Start, issuer: Issuer, kafka: str, topic_prefix: str) -> None:
    """Commands at both; each fact is said, sent, heard and answered once; one stops in the middle."""
    async with run(instance="1") as (running, one):
        async with run(instance="2") as (_, other):
            await eventually(lambda: _ready(issuer, one))
            await eventually(lambda: _ready(issuer, other))
            await asyncio.gather(*(
                ask(issuer, "POST", f"{address}/cases/{number}", **{"Idempotency-Key": f"k-{number}"})
                for number in range(20) for address in (one, other)
            ))  # fmt: skip
        await eventually(lambda: _count(running, 40))
    found = await records(kafka, f"{topic_prefix}intake.events")
    ids = [fact.id for fact in facts_of(found)]
    assert len(ids) == len(set(ids)) == 40


async def test_a_task_that_dies_is_seen(service: Service, run: Start, issuer: Issuer) -> None:
    """A ticker that stopped ticking must not look healthy."""

    async def mortal(_: asyncio.Event) -> None:
        raise ZeroDivisionError("a mistake")

    object.__setattr__(service, "tasks", lambda _: [mortal])
    async with run() as (running, address):
        await eventually(lambda: running.ears is not None and running.ears.assigned.is_set())
        status, parts = await ask(issuer, "GET", f"{address}/health/ready")
        assert (status, parts["tasks"]) == (503, False)
