"""The gateway at the door, on real parts: events over HTTP, each kept and published once, and shown to its emitter."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition
from contracts.given import eventually
from gateway.told import EVERYTHING, Event, event
from serving import Serving, serving

from events import topics
from events.clock import now
from events.contracts.intake import CustomerRated
from events.gateway.rules import Name
from events.gateway.sent import BATCH, MOST, STRUCTURED
from events.wire import from_cloudevent
from intake.app import service

OTHER = {**EVERYTHING.model_dump(), "code": "KHAC", "source": "urn:test:khac", "dossiers": ["000.00.31.H49"]}
SECRET = "Nguyễn Văn An"


@pytest_asyncio.fixture
async def door(
    database: Mapping[str, str], kafka: str, topic_prefix: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Serving]:
    for name in ("api_url", "oauth_url"):
        monkeypatch.setenv(f"ZALO_{name.upper()}", "http://127.0.0.1:9")
    for name in ("app_id", "app_secret", "oa_secret", "refresh_token"):
        monkeypatch.setenv(f"ZALO_{name.upper()}", name)
    file = folder / "emitters.yaml"
    file.write_text(
        yaml.safe_dump({"emitters": [json.loads(EVERYTHING.model_dump_json()), json.loads(json.dumps(OTHER))]})
    )
    monkeypatch.setenv("ONEDOOR_EMITTERS", str(file))
    async with serving(service, database["intake"], kafka, topic_prefix) as at_work:
        yield at_work


def fresh(id: str, kind: str = "CustomerRated", **more: Any) -> Event:
    return Event(kind, event(kind, **more).data, id=id, at=now() - timedelta(minutes=1))


async def post(
    door: Serving, body: Any, kind: str = STRUCTURED, *, unit: str = "SXD", **headers: str
) -> tuple[int, Any]:
    token = door.issuer.sign(role="emitter", unit=unit, member="01")
    sent = {"Authorization": f"Bearer {token}", "Content-Type": kind, **headers}
    data = body if isinstance(body, bytes) else json.dumps(body)
    async with door.http.post(f"{door.url}/events", data=data, headers=sent) as answer:
        return answer.status, await answer.json(content_type=None)


async def became(door: Serving, id: str, *, source: str = EVERYTHING.source, unit: str = "SXD") -> tuple[int, Any]:
    answer = await door.get(f"/events/{source}/{id}", role="emitter", unit=unit)
    return answer.status, answer.body


async def published(door: Serving, topic: str, count: int) -> list[Any]:
    """The records of a topic, once there are so many: each as (key, fact as recorded)."""
    name, bootstrap = door.running.parts.topic(topic), door.running.parts.settings.kafka_bootstrap_servers
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(name, number) for number in range(topics.partitions_in(topic))]

        async def all_there() -> bool:
            return bool(sum((await consumer.end_offsets(partitions)).values()) >= count)

        await eventually(all_there)
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        found: list[Any] = []
        while len(found) < count:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += [(one.key.decode(), from_cloudevent(one.value)) for one in batch]
        return found
    finally:
        await consumer.stop()


async def test_an_event_is_accepted_once_in_every_mode_and_published_once(door: Serving) -> None:
    one = fresh("a-1", their_number="HS-1")
    status, first = await post(door, one.structured)
    assert (status, first["result"], first["source"], first["id"]) == (201, "accepted", EVERYTHING.source, "a-1")
    assert first["event"] == f"{Name(EVERYTHING.source, 'a-1').stream}@1"
    headers = {f"ce-{name}": value for name, value in one.attributes.items()}
    status, binary = await post(door, one.data, "application/json", **headers)
    assert (status, binary) == (200, {**first, "result": "duplicate"})
    status, batch = await post(door, [one.structured, one.structured], BATCH)
    assert (status, batch) == (207, [binary, binary])
    ((key, recorded),) = await published(door, "provincial.events", 1)
    assert (key, recorded.id, recorded.type) == (one.data["case_id"], first["event"], "CustomerRated")
    assert json.loads(recorded.data)["their_number"] == "HS-1"
    assert recorded.cause.causation == "urn:test:sxd/a-1"


async def test_a_batch_is_not_all_or_nothing(door: Serving) -> None:
    good, wrong, anothers = fresh("b-1"), fresh("b-2", stars=9), fresh("b-3", case_id="000.00.31.H49-170710-0001")
    conflict = fresh("b-1", stars=1)
    bodies = [one.structured for one in (good, wrong, anothers, conflict, good)]
    status, items = await post(door, [*bodies, 7], BATCH)
    assert status == 207
    assert [one["result"] for one in items] == ["accepted", "refused", "refused", "refused", "duplicate", "refused"]
    problems = [
        (one["problem"]["status"], one["problem"]["title"], one["problem"]["field"])
        for one in items
        if "problem" in one
    ]
    assert problems == [
        (422, "invalid data", "data.stars"), (403, "anothers dossier", "data.case_id"), (409, "id reused", "id"),
        (422, "broken json", "body"),
    ]  # fmt: skip
    assert all(one["problem"]["way_out"] for one in items if "problem" in one)
    refusals = [recorded.fact for _, recorded in await published(door, "provincial.refusals", 4)]
    assert {(one.event, one.rule) for one in refusals} == {
        ("b-2", "invalid-data"), ("b-3", "anothers-dossier"), ("b-1", "id-reused"), (None, "broken-json")
    }  # fmt: skip
    assert {key for key, _ in await published(door, "provincial.refusals", 4)} == {EVERYTHING.source}


async def test_a_conflict_is_refused_kept_and_shown_and_changes_nothing(door: Serving) -> None:
    first, other = fresh("c-1", stars=5), fresh("c-1", stars=1)
    assert (await post(door, first.structured))[0] == 201
    for _ in range(2):
        status, body = await post(door, other.structured)
        assert (status, body["title"], body["field"]) == (409, "id reused", "id")
    assert (await post(door, first.structured))[0] == 200
    status, shown = await became(door, "c-1")
    assert (status, shown["result"], shown["type"]) == (200, "accepted", "CustomerRated")
    assert [one["rule"] for one in shown["refusals"]] == ["id-reused"]
    assert shown["refusals"][0]["body"] != shown["body"]
    (recorded,) = await door.past(Name(EVERYTHING.source, "c-1").stream)
    assert recorded.fact == CustomerRated(case_id=first.data["case_id"], stars=5)
    bodies = await door.running.parts.pool.fetch("select body from refused")
    assert [json.loads(row["body"])["stars"] for row in bodies] == [1]


async def test_the_same_events_at_once_are_kept_once(door: Serving) -> None:
    """Six senders with the same batch, in opposite orders, and eight with four contents under one id."""
    events = [fresh(f"d-{number}") for number in range(40)]
    bodies = [one.structured for one in events]
    answers = await asyncio.gather(
        *(post(door, bodies if way % 2 else bodies[::-1], BATCH) for way in range(6)),
        *(post(door, fresh("d-0", stars=1 + way % 4).structured) for way in range(8)),
    )
    assert {status for status, _ in answers} <= {207, 201, 200, 409}
    results = [item for status, body in answers if status == 207 for item in body]
    by_id: dict[str, set[str]] = {}
    for one in results:
        by_id.setdefault(one["id"], set()).add(one.get("event", ""))
    assert all(len(places) == 1 for id, places in by_id.items() if id != "d-0")
    assert sum(one["result"] == "accepted" for one in results if one["id"] != "d-0") == 39
    assert await door.running.parts.pool.fetchval("select count(*) from events where stream like 'foreign-%'") == 40
    assert len(await published(door, "provincial.events", 40)) == 40


async def test_nobody_sees_or_says_what_is_anothers(door: Serving) -> None:
    assert (await post(door, fresh("e-1").structured))[0] == 201
    assert (await post(door, fresh("e-2", stars=9).structured))[0] == 422
    unknown = await became(door, "nothing-of-it", unit="KHAC", source="urn:test:khac")
    for id in ("e-1", "e-2", "nothing-of-it"):
        assert await became(door, id, unit="KHAC") == (404, unknown[1])
    status, body = await post(door, fresh("e-1").structured, unit="KHAC")
    assert (status, body["title"], body["field"]) == (403, "anothers source", "source")
    assert EVERYTHING.source not in json.dumps(body)
    status, body = await post(door, {**fresh("e-9").structured, "source": "urn:test:khac"}, unit="KHAC")
    assert (status, body["title"]) == (403, "anothers dossier")


async def test_only_emitters_that_are_entered_come_in(door: Serving) -> None:
    status, body = await post(door, fresh("f-1").structured, unit="PC-QN")
    assert (status, body["title"]) == (403, "unknown emitter")
    for role in ("officer", "operator", "leader"):
        assert (await door.post("/events", role=role, unit="SXD")).status == 403
    async with door.http.post(f"{door.url}/events", data=b"{}") as answer:
        assert answer.status == 401


async def test_a_body_without_end_is_refused_before_its_end(door: Serving) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * (1 << 16)

    token = door.issuer.sign(role="emitter", unit="SXD", member="01")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": BATCH}
    async with door.http.post(f"{door.url}/events", data=endless(), headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["title"]) == (413, "body too large")


async def test_a_batch_as_long_as_allowed_is_taken(door: Serving) -> None:
    bodies = [fresh(f"g-{number}", "CaseClosed").structured for number in range(MOST)]
    status, items = await post(door, bodies, BATCH)
    assert (status, {one["result"] for one in items}) == (207, {"accepted"})
    assert [one["id"] for one in items] == [one["id"] for one in bodies]


async def test_nothing_that_is_refused_is_repeated_to_others(door: Serving) -> None:
    """Neither on the topic nor in what the emitter is shown of it later."""
    bodies = [
        {**fresh("h-1").structured, "data": {**fresh("h-1").data, "remark": SECRET}},
        {**fresh("h-2").structured, "subject": SECRET},
        {**fresh("h-3").structured, "id": SECRET},
        {**fresh("h-4").structured, "type": SECRET},
        {**fresh("h-5").structured, "correlationid": SECRET},
        {**fresh("h-6").structured, "data": {"case_id": SECRET, "stars": 1}},
        {**fresh("h-7").structured, SECRET: {"a": SECRET}},
        SECRET,
    ]
    _, items = await post(door, bodies, BATCH)
    assert {one["result"] for one in items} == {"refused"}
    told = [recorded.data.decode() for _, recorded in await published(door, "provincial.refusals", len(bodies))]
    kept = [str(dict(row)) for row in await door.running.parts.pool.fetch("select * from refused")]
    assert SECRET not in json.dumps([items, told, kept], ensure_ascii=False)


LOSE = """
alter table {0} disable trigger {0}_append_only; delete from {0}; alter table {0} enable trigger {0}_append_only
"""


async def test_after_a_restore_a_repeat_is_told_from_a_conflict_by_what_was_kept(door: Serving) -> None:
    """The facts were brought back from the topics; how they were sent, and the sentences of refusals, stand on none."""
    pool = door.running.parts.pool
    good, wrong = fresh("r-1", their_number="HS-1"), fresh("r-2", stars=9)
    _, first = await post(door, good.structured)
    _, refused = await post(door, wrong.structured)
    for table in ("sent", "refused"):
        await pool.execute(LOSE.format(table))
    await pool.execute("select adopted()")
    for _ in range(2):
        assert await post(door, good.structured) == (200, {**first, "result": "duplicate"})
        again = await post(door, wrong.structured)
        assert (again[0], again[1]["title"]) == (422, refused["title"])
    for other in (fresh("r-1", stars=1), replace(good, at=good.at - timedelta(hours=1))):
        assert (await post(door, other.structured))[0] == 409
    status, told = await became(door, "r-1")
    assert (status, told["result"], told["event"], told["body"]) == (200, "accepted", first["event"], None)
    _, told = await became(door, "r-2")
    assert [one["rule"] for one in told["refusals"]] == ["invalid-data"]
