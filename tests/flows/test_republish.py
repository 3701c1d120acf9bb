"""A topic is deleted while everything runs; one order writes it again, and nothing that is judged is another."""

from collections.abc import AsyncIterator

import parts
import pytest
import pytest_asyncio
from contracts.given import eventually
from flows import house as running
from flows.dossier import receive
from flows.house import House
from flows.test_rebuild_flows import certificate

from local.demo.doors import OPERATOR

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own(kafka: str, postgres: str) -> AsyncIterator[House]:
    """A system of its own: the others go on counting offsets that begin again here."""
    async with running.of_its_own(kafka, postgres) as made:
        yield made


async def test_a_deleted_topic_is_written_again_and_nothing_is_lost(own: House) -> None:
    """Commands are accepted meanwhile; who hears the topic is not ready, and hears all of it afterwards."""
    it = await receive(own, "2017-07-17 08:00")
    await it.assigned("2017-07-17 09:00")
    await own.settled()
    before = await certificate(own, (await own.rebuilt())["run"])
    await parts.drop_topics(own.stack.kafka, own.topic("intake.events"))
    await eventually(lambda: _missing(own))
    other = await receive(own, "2017-07-17 08:30")

    told = await own.doors.post("intake", "/republish", {"why": "topic-deleted"}, who=OPERATOR)
    assert told["topics"] == [own.topic("intake.events")]
    await eventually(lambda: _ready(own))
    await eventually(lambda: _heard(own, told["facts"]))
    assert (await own.doors.get("sla", f"/cases/{other.code}"))["case_id"] == other.code
    run = await own.rebuilt(dry_run=True)
    assert (run["state"], run["differences"]) == ("done", 0), run
    refused = await own.ask("sla", "/certificates", before)
    assert (refused.status, own.topic("intake.events") in refused.body["detail"]) == (422, True), refused
    after = await certificate(own, run["run"])
    again = await own.ended((await own.ask("sla", "/certificates", after)).body["run"])
    assert again["hash"] == after["document"]["folded"]["hash"]


async def _missing(own: House) -> bool:
    return bool((await own.doors.get("sla", "/followers"))["missing"] == [own.topic("intake.events")])


async def _ready(own: House) -> bool:
    replies = [await own.doors.look(one, "/health/ready") for one in ("routing", "sla")]
    return all(reply is not None and all(reply.values()) for reply in replies)


async def _heard(own: House, facts: int) -> bool:
    """Whoever hears the topic has all of it, and has had it applied."""
    for service in ("routing", "sla"):
        standing = await own.doors.get(service, "/followers")
        if sum(standing["heard"].get(own.topic("intake.events"), {}).values()) < facts:
            return False
        if any(follower["behind_events"] for follower in standing["followers"]):
            return False
    return True
