"""A record that cannot be read is parked with its reason, its case is incomplete, and everything else goes on."""

import hashlib
import json
from typing import Any

import pytest
from flows.dossier import Dossier, receive
from flows.house import HEARS, House

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]
PARKED = "select place, reason, attempts from {service}.parked where subject = $1 and settled is null order by id"


async def parked(house: House, service: str, case_id: str) -> list[tuple[str, str, int]]:
    """What a service has set aside of a case: topic, reason, how often it was tried."""
    rows = await house.sql(PARKED.format(service=service), case_id)
    return [(row["place"].split("/")[0], row["reason"], row["attempts"]) for row in rows]


async def counts(house: House) -> dict[str, int]:
    """How much each service says it has parked."""
    return {
        service: (await house.get(service, "/followers"))["parked"] for service in ("intake", "routing", "field", "sla")
    }


async def record_of(house: House, it: Dossier, category: str) -> tuple[str, dict[str, object]]:
    """The last record about a dossier in one kind of stream, as it stands on its topic."""
    fact = (await it.said(category))[-1]
    for record in await house.every_record():
        if record.topic == fact.topic and record.key == it.code.encode():
            event: dict[str, object] = json.loads(record.value)
            if event["id"] == fact.id:
                return fact.topic.removeprefix(house.stack.topic_prefix), event
    raise AssertionError(f"{fact.id} is not on its topic")


async def test_nonsense_on_every_topic_is_parked_and_the_next_record_is_handled(house: House) -> None:
    """At each service that hears the topic, with the reason; the dossier goes on and is shown as incomplete."""
    it, other = await receive(house, "2017-07-17 08:00"), await receive(house, "2017-07-17 08:10")
    before = await counts(house)
    for topic in HEARS:
        await house.write(topic, it.code, b"\xff\x00 not a fact")
    hearing = {service: [topic for topic, by in HEARS.items() if service in by] for service in before}
    assert await counts(house) == {service: before[service] + len(topics) for service, topics in hearing.items()}
    for service, topics in hearing.items():
        found = await parked(house, service, it.code)
        assert {topic for topic, _, _ in found} == {house.topic(topic) for topic in topics}
        assert all(reason.startswith("not a CloudEvent of ours") for _, reason, _ in found)

    for one in (it, other):
        await one.assigned("2017-07-17 09:00")
        await one.installed("2017-07-17 10:00", "2017-07-17 14:00")
        await one.released("2017-07-18 09:00")
    assert (await it.types("route"))[-1] == "DossierReturned"
    mine, others = await it.cycle(), await other.cycle()
    assert (mine["incomplete"], others["incomplete"]) == (True, False)
    assert (await it.types("promise"), await other.types("promise")) == ([], ["VerdictReached"])
    assert await it.counted("PAC-193", "2017-07-01", "2017-08-01") == {"incomplete"}
    explained = (await it.explained())["verdict"]["en"]
    assert explained.startswith("Incomplete"), explained

    again = [await house.ask(service, "/parked/retry", {}) for service in before]
    assert [answer.body for answer in again] == [{"settled": 0}] * 4
    for service, topics in hearing.items():
        assert [attempts for _, _, attempts in await parked(house, service, it.code)] == [2] * len(topics)
    assert all(health.status == 200 for health in [await house.ask(s, "/health/ready", method="GET") for s in before])


async def test_followers_of_a_case_hear_that_it_is_incomplete_and_that_it_is_no_longer(house: House) -> None:
    """No fact is judged in either moment; the status on `sla.cases` and what /cases shows are the same all the time."""
    it = await receive(house, "2017-07-17 08:50")
    await house.write("field.events", it.code, b"not a fact")
    told = await last_status(house, it)
    assert told == await it.cycle()
    assert told["incomplete"]
    (row,) = [one for one in (await house.ask("sla", "/parked", method="GET")).body if one["subject"] == it.code]
    dismissed = await house.ask("sla", f"/parked/{row['id']}/dismiss", {"why": "test-record"})
    assert (dismissed.status, dismissed.body["settled"]) == (200, "dismissed")
    told = await last_status(house, it)
    assert told == await it.cycle()
    assert not told["incomplete"]


async def last_status(house: House, it: Dossier) -> Any:
    """The dossier's cycle by the last record of `sla.cases` about it."""
    key = it.code.encode()
    told = [one.value for one in await house.every_record() if one.topic == house.topic("sla.cases") and one.key == key]
    (cycle,) = json.loads(told[-1])["cycles"]
    return cycle


async def test_a_fact_of_a_type_that_nobody_knows_is_kept_and_blocks_nothing(house: House) -> None:
    """Well-formed, from a later version perhaps: it lies in the inbox and the case has its verdict."""
    it = await receive(house, "2017-07-17 08:20", "PAC-194", "TERMINATION@2017-07-01")
    topic, event = await record_of(house, it, "route")
    event |= {"id": f"blessing-{it.code}@1", "sequence": "1", "type": "onedoor.DossierBlessed.v1", "data": {"by": "x"}}
    before = await counts(house)
    await house.write(topic, it.code, json.dumps(event).encode())
    assert await counts(house) == before
    for service in HEARS[topic]:
        kept = await house.sql(f"select type from {service}.inbox where stream = $1", f"blessing-{it.code}")
        assert [row["type"] for row in kept] == ["DossierBlessed"]
    await it.released("2017-07-18 09:00")
    assert await it.types("promise") == ["VerdictReached"]
    assert not (await it.cycle())["incomplete"]


async def test_the_same_id_with_another_body_is_parked_as_forked(house: House) -> None:
    """Neither body is dropped in silence: the first stands, the second is parked, the case is incomplete."""
    it = await receive(house, "2017-07-17 08:30", "PAC-194", "TERMINATION@2017-07-01")
    topic, event = await record_of(house, it, "route")
    fork = event | {"hash": hashlib.sha256(b"another past").hexdigest()}
    fork["data"] = {**dict(event["data"]), "to_unit": "DL-207"}  # type: ignore[call-overload]
    await house.write(topic, it.code, json.dumps(event).encode())  # a repeat is no fork
    assert await parked(house, "sla", it.code) == []
    await house.write(topic, it.code, json.dumps(fork).encode())
    for service in HEARS[topic]:
        ((_, reason, _),) = await parked(house, service, it.code)
        assert reason == f"forked: {event['id']} came again with another body"
        settled = await house.ask(service, "/parked/retry", {})
        assert settled.body == {"settled": 0}
        assert len(await parked(house, service, it.code)) == 1
    cycle = await it.cycle()
    assert (cycle["incomplete"], cycle["unit"]) == (True, "DL-194")
    await it.released("2017-07-18 09:00")
    assert await it.types("promise") == []
