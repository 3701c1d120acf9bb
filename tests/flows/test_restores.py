"""The databases are restored from a backup into a new cluster, by the steps of docs/operations.md."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import parts
import pytest
from contracts.given import eventually, line, say
from flows import house as running
from flows.dossier import Dossier, receive
from flows.house import House, when
from flows.test_commands import onedoor

from events.clock import new_id
from events.contracts.channels import SERVICES, hears, says
from events.contracts.intake import CustomerRated
from events.kafka.cloudevent import from_cloudevent
from events.kafka.topics import LOG_TOPICS
from events.store.database import connect
from local.postgres import Postgres, programs
from local.provision import address

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
GAPS = [{"document": "identity", "wrong": "unreadable"}]
TERMINATION = "TERMINATION@2017-07-01"
# What services derived, and what must be as it was: their own tables, and the judged rows.
DERIVED = {
    "intake": ("dossiers", "submissions", "receipts", "codes", "outgoing"),
    "routing": ("dossiers",),
    "field": ("workorders",),
    "sla": ("cycles", "stays", "referrals", "charges", "timers"),
}
MAKE_IT_OURS = (
    "update {}.cluster set system_identifier = (select system_identifier from pg_control_system())"  # by hand
)
FACTS = "select stream || '@' || version as id, encode(hash, 'hex') as hash from {}.{} order by 1"
Facts = Mapping[str, list[str]]
"""The hashes under which each id is known, by id."""


@dataclass
class Seen:
    """A system as it stands: what is on its topics, in its stores and inboxes, what is judged, what was sent."""

    records: Sequence[tuple[str, int, int, bytes]]
    events: Mapping[str, Facts]
    inbox: Mapping[str, Facts]
    derived: Mapping[str, list[Any]]
    sent: Sequence[Any]

    def said(self, *topics: str) -> dict[str, list[str]]:
        """The facts on these topics."""
        found: dict[str, list[str]] = {}
        for topic, _, _, value in self.records:
            if topic.endswith(topics):
                fact = from_cloudevent(value)
                hashes = found.setdefault(fact.id, [])
                if fact.hash.hex() not in hashes:
                    hashes.append(fact.hash.hex())
        return found


async def look(house: House) -> Seen:
    await house.settled()
    records = [(one.topic, one.partition, one.offset, one.value) for one in await house.every_record()]
    derived: dict[str, list[Any]] = {}
    for service, tables in DERIVED.items():
        for table in tables:
            rows = await house.sql(f"select to_jsonb(t)::text as row from {service}.{table} as t order by 1")
            derived[f"{service}.{table}"] = [row["row"] for row in rows]
    return Seen(
        records=sorted(one for one in records if one[0].endswith(LOG_TOPICS)),
        events={service: await _facts(house, service, "events") for service in SERVICES},
        inbox={service: await _facts(house, service, "inbox") for service in SERVICES},
        derived=derived,
        sent=(await house.sent())["messages"],
    )


async def rejudge(house: House, before: Seen) -> Seen:
    """The same once what is derived is as before: timers that were due again go when the ticker has seen them. Or what
    stands when it does not become so."""
    found = before

    async def alike() -> bool:
        nonlocal found
        found = await look(house)
        return found.derived == before.derived

    with suppress(AssertionError):
        await eventually(alike, within=30)
    return found


async def _facts(house: House, service: str, table: str) -> Facts:
    return {row["id"]: [row["hash"]] for row in await house.sql(FACTS.format(service, table))}


@dataclass
class Place:
    """Where a system is that loses its databases: its folder, broker and topics stay, its database moves."""

    folder: Path
    kafka: str
    prefix: str
    database: str
    new: str  # the administrator's URL of the new cluster
    backup: Path = field(init=False)

    def __post_init__(self) -> None:
        self.backup = self.folder / "backup"
        self.backup.mkdir()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[House]:
        async with running.house(self.folder, self.kafka, self.database, self.prefix) as house:
            yield house

    async def back_up(self) -> None:
        """As docs/operations.md has it, of the running system."""
        await self._psql("pg_dumpall", "--roles-only", "--no-role-passwords", "-d", self.database, "-f", "roles.sql")
        await self._psql("pg_dump", "--format=custom", "-d", self.database, "-f", "onedoor.dump")

    async def restore(self) -> None:
        """Into the new cluster; the old one is not asked any more."""
        await self._psql("psql", "--quiet", "-d", self.new, "-f", "roles.sql")
        await self._psql("pg_restore", "--create", "-d", self.new, "onedoor.dump")
        self.database = address(self.new, database=urlsplit(self.database).path.lstrip("/"))

    async def begin_empty(self) -> None:
        """There is no backup: an empty database of the same name."""
        name = urlsplit(self.database).path.lstrip("/")
        await self._psql("psql", "--quiet", "-d", self.new, "-c", f'create database "{name}"')
        self.database = address(self.new, database=name)

    async def _psql(self, program: str, *words: str) -> None:
        process = await asyncio.create_subprocess_exec(
            str(programs() / program), *words, cwd=self.backup, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, (program, out, err)

    async def onedoor(self, *words: str) -> tuple[int, str, str]:
        """A command given beside the system: exit code, output, what went to stderr."""
        told = {
            "ONEDOOR_HOME": str(self.folder), "KAFKA_BOOTSTRAP_SERVERS": self.kafka, "DATABASE_URL": self.database,
            "ONEDOOR_TOPIC_PREFIX": self.prefix,
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "onedoor", *words, env={**os.environ, **told},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def two_clusters(kafka: str) -> AsyncIterator[Place]:
    """A place, and an empty cluster beside it: both of the version of the programs that dump and restore."""
    prefix = f"t{new_id()[:12]}."
    with parts.folder() as folder, parts.folder() as one, parts.folder() as other:
        servers = [Postgres(place / "postgres", password="test") for place in (one, other)]
        await asyncio.gather(*(server.start() for server in servers))
        try:
            _, admin = await running.fresh(servers[0].admin_url)
            yield Place(folder, kafka, prefix, admin, servers[1].admin_url)
        finally:
            await asyncio.gather(*(server.kill() for server in servers))
    await parts.drop_topics(kafka, prefix)


async def morning(house: House) -> dict[str, Dossier]:
    """What the backup has: dossiers at every stage."""
    at = {
        "way": await receive(house, "2017-07-10 08:00"),
        "over": await receive(house, "2017-07-10 08:10", "PAC-194", TERMINATION),
        "late": await receive(house, "2017-07-10 08:20", "PAC-194", TERMINATION),
        "gaps": await receive(house, "2017-07-10 08:30", "PAC-195"),
    }
    await at["way"].assigned("2017-07-10 09:00")
    await at["over"].released("2017-07-11 16:00")
    await house.settled()
    return at


async def afternoon(house: House, at: dict[str, Dossier]) -> None:
    """What it has not: new dossiers, words over Zalo, verdicts, a reopening, a miss that a late fact disproves."""
    await at["way"].installed("2017-07-11 08:00", "2017-07-11 10:00")
    assert await at["way"].zalo("DL-193", "XONG", "2017-07-11 11:00") == "reply"
    await at["way"].at_counter("close", "2017-07-11 14:00")
    await at["over"].at_counter("close", "2017-07-12 08:00")
    await at["over"].leader("reopening", "2017-07-12 09:00", reason="result-wrong")
    new = await receive(house, "2017-07-12 10:00")
    text = "DK LV-RES-URBAN 193 Bùi Thị Oanh (mẫu), 00007000009"
    house.typed.update(("Bùi Thị Oanh (mẫu)", "00007000009"))
    assert await house.say("880070000009", text, "2017-07-12 19:00", "flow-restore-1") == "application"
    await house.clock("2017-07-20 08:00")  # what is due is missed
    await at["late"].released("2017-07-12 16:00")  # told late: it was in time
    await at["gaps"].at_counter("supplement-request", "2017-07-20 10:00", gaps=GAPS)
    at["new"] = new
    await house.settled()


async def refused(place: Place, *, why: str) -> None:
    """The services do not start, and the last line says why and what to do."""
    code, _, err = await place.onedoor("up", "--clock", "log", "--free-ports")
    assert code == 1
    assert why in err, err
    assert "onedoor db adopt" in err


async def test_a_restored_system_has_lost_nothing_that_was_published(kafka: str) -> None:
    """Refused, adopted, started: the same facts, the same judgements, nothing said again, nobody told twice."""
    async with two_clusters(kafka) as place:
        async with place.at_work() as house:
            at = await morning(house)
            await place.back_up()
            known = {code for row in await house.sql("select case_id as code from intake.dossiers") for code in row}
            await afternoon(house, at)
            before = await look(house)
        await place.restore()
        await refused(place, why="this log was written by cluster")

        code, out, err = await place.onedoor("db", "adopt", "--dry-run", "--json")
        assert code == 0, err
        trial = {one["service"]: one for one in json.loads(out)}
        assert [one["needed"] for one in trial.values()] == [True] * 4
        assert sum(sum(one["found"]["missing"].values()) for one in trial.values()) > 30
        code, out, err = await place.onedoor("db", "adopt", "--yes")
        assert code == 0, err
        assert all(f"{service}: adopted, epoch 2" in out for service in SERVICES), out

        async with place.at_work() as house:
            after = await rejudge(house, before)
            for service in SERVICES:
                said = after.said(*says(service))
                assert after.events[service] == said
                assert all(len(hashes) == 1 for hashes in said.values())
                assert after.inbox[service] == after.said(*hears(service))
            assert after.records == before.records  # not one fact was said, or sent, again
            assert after.sent == before.sent
            assert after.derived == before.derived

            found = await house.rebuilt(dry_run=True)
            assert (found["state"], found["differences"]) == ("done", 0), found
            for at_desk in ("2017-07-21 08:00", "2017-07-21 08:05"):
                fresh = await receive(house, at_desk)
                assert fresh.code not in known | {it.code for it in at.values()}
                known.add(fresh.code)
            again = await receive(house, "2017-07-12 15:00")
            assert again.code not in known | {it.code for it in at.values()}
            at = {name: replace(it, house=house) for name, it in at.items()}
            await at["over"].unit("DL-194", "step-completion", "2017-07-21 09:00")
            await at["new"].assigned("2017-07-21 10:00")
            await at["gaps"].at_counter("supplement", "2017-07-21 11:00")
            later = await look(house)
            assert not [id for id, hashes in later.said(*LOG_TOPICS).items() if len(hashes) > 1]
            assert len(later.records) > len(after.records)
            assert (await house.rebuilt(dry_run=True))["differences"] == 0
            assert Counter(one["parked"] for one in [await house.get(s, "/followers") for s in SERVICES]) == {0: 4}


async def test_without_a_backup_all_that_was_published_comes_back(kafka: str) -> None:
    """Persons do not: they were on no topic."""
    async with two_clusters(kafka) as place:
        async with place.at_work() as house:
            await afternoon(house, await morning(house))
            before = await look(house)
        await place.begin_empty()
        code, _, err = await place.onedoor("db", "adopt", "--yes")
        assert code == 0, err
        async with place.at_work() as house:
            after = await rejudge(house, before)
            assert (after.records, after.sent) == (before.records, before.sent)
            for table, rows in before.derived.items():
                assert after.derived[table] == rows, table
            assert await house.sql("select * from intake.people") == []
            assert (await house.rebuilt(dry_run=True))["differences"] == 0


async def test_what_was_forced_into_a_restored_log_is_shown_as_forked(kafka: str) -> None:
    """Somebody made the log the new cluster's by hand, and a fact was said under an id that was published."""
    async with two_clusters(kafka) as place:
        async with place.at_work() as house:
            it = await receive(house, "2017-07-10 08:00", "PAC-194", TERMINATION)
            other = await receive(house, "2017-07-10 08:05", "PAC-194", TERMINATION)
            await house.settled()
            await place.back_up()
            await it.at_counter("supplement-request", "2017-07-10 10:00", gaps=GAPS)
            await it.at_counter("supplement", "2017-07-10 11:00")
            before = await look(house)
        await place.restore()
        pool = await connect(f"{place.database}?search_path=intake")
        for service in SERVICES:
            await pool.execute(MAKE_IT_OURS.format(service))
        fact = CustomerRated(case_id=it.code, stars=1)
        await say(
            pool,
            line(
                f"case-{it.code}", fact, expected=1, at=when("2017-07-10 12:00"), recorded_at=when("2017-07-10 12:00")
            ),
        )
        await pool.close()
        await refused(place, why="which intake has said and its store does not have")

        code, out, err = await place.onedoor("db", "adopt", "--yes")
        assert code == 0, err
        assert "1 forked" in out
        assert "1 in the store that were never published" in out
        async with place.at_work() as house:
            it, other = replace(it, house=house), replace(other, house=house)
            await house.settled()
            parked = json.loads((await onedoor(house, "parked", "list", "--json"))[1])
            forked = {
                service: [one["subject"] for one in own if one["reason"].startswith("forked")]
                for service, own in parked.items()
            }
            assert forked == {"intake": [it.code], "routing": [it.code], "field": [], "sla": [it.code]}
            assert (await it.cycle())["incomplete"]
            assert not (await other.cycle())["incomplete"]
            after = await look(house)
            assert [id for id, hashes in after.said("intake.events").items() if len(hashes) > 1] == [
                f"case-{it.code}@2"
            ]
            assert after.inbox["sla"] == before.inbox["sla"]  # what was published first stands
            await it.at_counter("refusal", "2017-07-11 15:00", reason="outside-area")
            assert [one.id for one in await it.said("case")][-1] == f"case-{it.code}@4"
