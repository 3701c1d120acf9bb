"""Thousands of events in any order, a fifth of them twice, over both doors at once, and the gateway killed again and
again: what is published and judged is what one clean run in order gives."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import asyncpg
import parts
import pytest
from contracts.given import eventually
from gateway import thousands
from gateway.at_work import HEARD, post, published
from gateway.told import EVERYTHING, Event, enter
from serving import Serving, process, serving

from events.clock import new_id
from events.contracts.channels import INBOUND
from events.gateway.cloudevent import BATCH
from events.kafka import topics
from local.ports import free_port
from local.served import Served
from sla.app import service
from sla.live import row_store
from sla.live.projector import TIMED

EVENTS = int(os.environ.get("ONEDOOR_EVENTS", "5000"))
KILLS, LONG, SENDERS = 3, 50, 3
SEED = 2017
TAKEN = "select count(*) from sent"
# Of a timer's number a part counts what was published and taken back meanwhile, which the order of arrival decides.
UNTIMED = {"revision"}


@dataclass(frozen=True)
class System:
    """Intake as a process of its own, and sla, which hears what it publishes."""

    intake: Served
    door: Serving  # intake's address, with sla's parts
    database: "asyncpg.Connection[asyncpg.Record]"

    async def taken(self) -> int:
        return int(await self.database.fetchval(TAKEN))

    async def post(self, events: Sequence[Event]) -> None:
        """Until it is answered, as whoever does not know whether a request arrived."""
        status, items = 0, list[Any]()
        while status != 207:
            with suppress(aiohttp.ClientError, TimeoutError):
                status, items = await post(self.door, [one.structured for one in events], BATCH)
                assert status in (207, 503), items
        assert {item["result"] for item in items} <= {"accepted", "duplicate"}, items

    async def put(self, events: Sequence[Event], chance: Random) -> None:
        """On the topic, in both modes."""
        for number, one in enumerate(events):
            letter = one.letter(binary=chance.random() < 0.5)
            await self.door.producer.send(
                self.topic, letter.value, key=b"%d" % number, headers=list(letter.headers.items())
            )
        await self.door.producer.flush()

    @property
    def topic(self) -> str:
        return self.door.running.parts.topic(INBOUND)

    async def killed(self, when: int) -> None:
        """SIGKILL once so many events are taken in; and started again."""

        async def enough() -> bool:
            return await self.taken() >= when

        await eventually(enough, within=120)
        await self.intake.kill()
        await self.intake.start()

    async def judged(self, events: int, letters: int) -> None:
        """Everything is taken in, published, heard and judged."""
        pool = self.door.running.parts.pool

        async def all_of_it() -> bool:
            heard = await self.database.fetchval(HEARD, self.topic)
            return bool(heard == letters and await pool.fetchval("select count(*) from inbox") >= events)

        async def at_rest() -> bool:
            followers = (await self.door.running.standing())["followers"]
            return not any(one["behind_events"] for one in followers)

        await eventually(all_of_it, within=120)
        await eventually(at_rest, within=120)

    async def rows(self) -> dict[str, list[str]]:
        """Every row that sla has of a dossier, in no order of theirs; of a judged row every column but the number of
        its generation, which tells how often the tables were folded anew."""
        columns = {**row_store.FIELDS, "timers": tuple(one for one in TIMED if one not in UNTIMED)}
        pool = self.door.running.parts.pool
        return {
            table: [row[0] for row in await pool.fetch(
                f"select to_jsonb(r)::text as row from (select {', '.join(named)} from {table}) r order by row"
            )]
            for table, named in columns.items()
        }  # fmt: skip


@asynccontextmanager
async def system(kafka: str, postgres: str, entered: Path, folder: Path) -> AsyncIterator[System]:
    name, urls = await parts.fresh_database(postgres)
    prefix = f"t{new_id()[:12]}."
    async with serving(service, urls["sla"], kafka, prefix) as sla:
        settings = sla.running.parts.settings.model_copy(
            update={"database_url": urls["intake"], "onedoor_port": free_port(), "onedoor_emitters": entered}
        )
        intake = process("intake", settings, folder / prefix)
        await intake.start()
        await topics.ensure(kafka, prefix, [INBOUND])
        database = await asyncpg.connect(urls["intake"])
        try:
            door = Serving(intake.url, sla.running, sla.http, sla.issuer, sla.producer)
            yield System(intake, door, database)
        finally:
            await database.close()
            await intake.stop()
    await parts.drop_topics(kafka, prefix)
    await parts.drop_database(postgres, name)


async def said(on: System) -> dict[str, tuple[Any, ...]]:
    """What stands on provincial.events under each id: the bytes, and what is about them. A record may come twice."""
    found: dict[str, tuple[Any, ...]] = {}
    for key, one in await published(on.door, "provincial.events", EVENTS):
        about = (key, one.type, one.schema, one.at, one.subject, one.data, one.cause)
        assert found.setdefault(one.id, about) == about
    return found


@pytest.mark.timeout(600)
async def test_a_storm_over_both_doors_with_a_gateway_that_is_killed_gives_what_a_clean_run_gives(
    kafka: str, postgres: str, entered: Path, folder: Path
) -> None:
    enter(entered, EVERYTHING.model_copy(update={"late_days": 36600, "per_minute": 1_000_000}))
    events = thousands.told(EVENTS, SEED)
    async with system(kafka, postgres, entered, folder) as clean:
        for begin in range(0, EVENTS, LONG):
            await clean.post(events[begin : begin + LONG])
        await clean.judged(EVENTS, 0)
        expected, rows = await said(clean), await clean.rows()
    assert len(expected) == EVENTS

    chance = Random(SEED)
    whole = events + chance.sample(events, EVENTS // 5)
    chance.shuffle(whole)
    doors: tuple[list[Event], list[Event]] = ([], [])
    for one in whole:
        doors[chance.randrange(2)].append(one)
    posted, on_kafka = doors
    batches = iter([posted[begin : begin + LONG] for begin in range(0, len(posted), LONG)])
    async with system(kafka, postgres, entered, folder) as stormy:

        async def sender() -> None:
            for batch in batches:
                await stormy.post(batch)

        async def killer() -> None:
            for number in range(1, KILLS + 1):
                await stormy.killed(EVENTS * number // (KILLS + 2))

        await asyncio.gather(killer(), stormy.put(on_kafka, chance), *(sender() for _ in range(SENDERS)))
        await stormy.judged(EVENTS, len(on_kafka))
        assert await stormy.taken() == EVENTS
        assert await stormy.database.fetchval("select count(*) from refused") == 0
        assert await stormy.database.fetchval("select count(*) from parked") == 0
        assert await said(stormy) == expected
        for table, there in (await stormy.rows()).items():
            assert there == rows[table], table
    counts = {table: len(found) for table, found in rows.items()}
    assert all(counts.values()), counts
