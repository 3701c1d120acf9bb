"""The likeliest incidents, each solved with the commands of docs/operations.md; a poison event: test_commands.py."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import parts
import pytest
import pytest_asyncio
from contracts.given import eventually
from flows import house as running
from flows.dossier import Dossier, receive
from flows.house import House
from flows.test_commands import onedoor
from flows.test_rebuild_flows import DAMAGE, certificate
from oracle.swapped import swapped

from deadlines.entries import CalendarEntry
from events.contracts.channels import says

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="module")]
# As docs/operations.md has it, and no session of another database.
END_IT = """
select pg_terminate_backend(pid) from pg_stat_activity
where backend_xid is not null and datname = current_database() order by xact_start limit 1
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own(kafka: str, postgres: str) -> AsyncIterator[House]:
    """A system of its own, with which anything may be done."""
    async with running.of_its_own(kafka, postgres) as made:
        yield made


async def does(own: House, *words: str) -> str:
    """A command that goes well; what it says."""
    code, out, err = await onedoor(own, *words)
    assert code == 0, (words, out, err)
    return out


async def run_of(own: House, *words: str) -> Any:
    """A rebuild, and how it ended."""
    return json.loads((await onedoor(own, "sla", "rebuild", *words, "--json"))[1])


async def test_lag_grows_because_somebody_left_a_transaction_open(own: House) -> None:
    """Status says so, Postgres says who, the session is ended, and everything that waited goes on."""
    await own.settled()
    assert own.stack.databases is not None
    holder = await asyncpg.connect(own.stack.databases.admin)
    await holder.execute("begin; select pg_current_xact_id()")
    it = await receive(own, "2017-07-10 08:00", "PAC-194", "TERMINATION@2017-07-01")

    async def seen() -> bool:
        return "an open transaction has held every follower back" in (await onedoor(own, "status", wait=False))[1]

    await eventually(seen)
    admin = await asyncpg.connect(own.stack.databases.admin)
    assert await admin.fetchval(END_IT)
    await admin.close()
    holder.terminate()  # nobody answers it any more
    await own.settled()
    assert (await it.cycle())["outcome"] == "open"
    assert "held every follower" not in await does(own, "status")


async def test_a_wrong_calendar_was_published(own: House) -> None:
    """Nothing moved before somebody accepted it; the right one is published over it, and accepted as well."""
    it = await receive(own, "2017-07-10 08:20", "PAC-194", "TERMINATION@2017-07-01")
    due = (await it.cycle())["due_at"]
    await _publish(own, CalendarEntry.of_terms(swapped("VN-PAC@2017.7").calendar, "1/QD"))
    assert (await it.cycle())["due_at"] == due
    assert (await run_of(own, "--accept-differences", "-y"))["swapped"]
    assert (await it.cycle())["due_at"] != due

    found = await does(own, "events", "grep", '"type":"onedoor.Calendar', "--service", "sla")
    assert "VN-PAC@2017.7" in found
    shipped = swapped("VN-PAC@2017.8").calendar
    right = CalendarEntry.of_terms(shipped, "2/QD").model_copy(update={"overrides": ()})
    await _publish(own, right)
    trial = await run_of(own, "--dry-run")
    assert it.code in await does(own, "runs", "certificate", str(trial["run"]))
    assert (await run_of(own, "--accept-differences", "-y"))["swapped"]
    assert (await it.cycle())["due_at"] == due


async def _publish(own: House, entry: CalendarEntry) -> None:
    body = {"basis": "1/QD", "policy": "as-revised", "calendars": [entry.model_dump(mode="json", by_alias=True)]}
    await own.do("sla", "/rules/calendars", body, who="leader.PC-QN", at="2017-07-24 08:00")


async def test_a_table_was_damaged_by_hand(own: House) -> None:
    """Found, shown, put right; what the run vouches for is kept."""
    it: Dossier = await receive(own, "2017-07-10 08:30", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-11 16:00")
    await own.sql(DAMAGE, it.code)
    trial = await run_of(own, "--dry-run")
    assert trial["differences"] == 1
    assert it.code in await does(own, "runs", "certificate", str(trial["run"]))
    assert (await run_of(own, "--accept-differences", "-y"))["swapped"]
    assert (await it.cycle())["by_date"] == "ahead"


async def test_a_topic_was_lost(own: House) -> None:
    """Status shows it, commands are accepted meanwhile, one order writes it again, and no dossier differs."""
    it = await receive(own, "2017-07-17 08:00")
    await it.assigned("2017-07-17 09:00")
    await own.settled()
    before = await certificate(own, (await run_of(own))["run"])
    await parts.drop_topics(own.stack.kafka, own.topic("intake.events"))

    async def missing() -> bool:
        return own.topic("intake.events") in (await onedoor(own, "status", wait=False))[1]

    await eventually(missing)
    other = await receive(own, "2017-07-17 08:30")
    code, out, err = await onedoor(own, "republish", "intake", "--why", "topic-deleted", "-y", "--json", wait=False)
    assert (code, json.loads(out)["topics"]) == (0, [own.topic(name) for name in says("intake")]), err

    async def whole() -> bool:
        code, out, _ = await onedoor(own, "status", wait=False)
        return code == 0 and own.topic("intake.events") not in out

    await eventually(whole)
    await eventually(lambda: _heard(own, json.loads(out)["facts"]))
    assert (await own.doors.get("sla", f"/cases/{other.code}"))["case_id"] == other.code
    again = await run_of(own, "--dry-run")
    assert (again["state"], again["differences"]) == ("done", 0), again
    refused = await own.ask("sla", "/certificates", before)
    assert (refused.status, own.topic("intake.events") in refused.body["detail"]) == (422, True), refused
    after = await certificate(own, again["run"])
    verified = await own.ended((await own.ask("sla", "/certificates", after)).body["run"])
    assert verified["hash"] == after["document"]["folded"]["hash"]


async def _heard(own: House, facts: int) -> bool:
    """Whoever hears the topic has all of it, and has had it applied."""
    for service in ("routing", "sla"):
        standing = await own.doors.get(service, "/followers")
        if sum(standing["heard"].get(own.topic("intake.events"), {}).values()) < facts:
            return False
        if any(follower["behind_events"] for follower in standing["followers"]):
            return False
    return True
