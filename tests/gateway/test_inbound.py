"""The door on Kafka, on real parts: both modes, any compression, one log with the door over HTTP, nothing is lost."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from cloudevents.core.bindings import http
from cloudevents.core.bindings import kafka as kafka_binding
from cloudevents.core.v1.event import CloudEvent
from contracts.given import eventually
from contracts.sending import producing, transact, transacting
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway.at_work import HEARD, as_put, became, fresh, parked, post, published, put, sending, with_a_nameless_header
from gateway.told import CASE, EVERYTHING, OTHER, OURS, enter, signed
from serving import Serving, serving

from events import signing
from events.clock import now
from events.contracts.channels import INBOUND
from events.gateway.cloudevent import BATCH
from events.gateway.rules import accept
from events.gateway.signed_record import Letter
from events.kafka import topics
from events.kafka.consumer import Unnamed
from intake.app import service
from intake.gateway.inbound import letter_of

NEW = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
OPERATOR: Any = {"role": "operator", "unit": "onedoor"}


@pytest.mark.parametrize("compression", [None, "gzip", "snappy", "lz4", "zstd"])
async def test_a_signed_event_is_accepted_in_both_modes_whatever_packs_it(
    door: Serving, compression: str | None
) -> None:
    one, two = fresh("k-1"), fresh("k-2", "CaseClosed")
    await put(door, [one.letter(), two.letter(binary=True), one.letter(binary=True)], compression)
    found = {recorded.id: json.loads(recorded.data) for _, recorded in await published(door, "provincial.events", 2)}
    assert len(found) == 2
    assert (await became(door, "k-1"))[1]["result"] == (await became(door, "k-2"))[1]["result"] == "accepted"
    assert (await post(door, one.structured))[0] == 200
    assert await parked(door) == []


async def test_both_doors_lead_to_one_log(door: Serving) -> None:
    """What came over HTTP is a repeat on Kafka; another body is a conflict there too, kept and shown."""
    first, other, wrong = fresh("m-1", stars=5), fresh("m-1", stars=1), fresh("m-2", stars=9)
    assert (await post(door, first.structured))[0] == 201
    await put(door, [first.letter(), other.letter(), other.letter(binary=True), wrong.letter()])
    shown = (await became(door, "m-1"))[1]
    assert (shown["result"], [one["rule"] for one in shown["refusals"]]) == ("accepted", ["id-reused"])
    assert [one["field"] for one in (await became(door, "m-2"))[1]["refusals"]] == ["data.stars"]
    refusals = [recorded.fact for _, recorded in await published(door, "provincial.refusals", 2)]
    assert {(one.event, one.rule) for one in refusals} == {("m-1", "id-reused"), ("m-2", "invalid-data")}
    assert len(await published(door, "provincial.events", 1)) == 1


async def test_one_event_is_one_event_over_both_doors_however_it_is_spelt(door: Serving) -> None:
    first = fresh("s-1", "VisitScheduled", their_number=3)
    local = first.at.astimezone(timezone(timedelta(hours=7)))
    data = {**dict(reversed(first.data.items())), "their_number": 3.0, "ends": "2017-07-11T18:00:00.0000000+07:00"}
    kept = {**first.data, "ends": "2017-07-11T11:00:00Z"}
    first, other = replace(first, data=kept), replace(first, data=data, at=local)
    assert (await post(door, first.structured))[0] == 201
    assert (await post(door, other.structured))[0] == 200
    await put(door, [other.letter(), other.letter(binary=True), replace(other, at=first.at).letter()])
    shown = (await became(door, "s-1"))[1]
    assert (shown["result"], shown["refusals"]) == ("accepted", [])
    assert len(await published(door, "provincial.events", 1)) == 1
    later = replace(other, at=local + timedelta(microseconds=1))
    assert (await post(door, later.structured))[0] == 409


async def test_an_instant_is_cut_alike_in_time_and_data_and_read_back_so(door: Serving) -> None:
    """Seven digits, as .NET writes them, are not rounded into the next day."""
    noon = (now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    told = f"{noon}:59.9999999Z"
    one = fresh("t-1", "VisitScheduled", starts=told, ends=told)
    assert (await post(door, {**one.structured, "time": told}))[0] == 201
    ((_, recorded),) = await published(door, "provincial.events", 1)
    assert recorded.at.isoformat() == f"{noon}:59.999999+00:00"
    assert recorded.fact.starts == recorded.fact.ends == recorded.at


async def test_what_nobody_signed_is_parked_with_its_bytes_and_the_next_is_taken(door: Serving) -> None:
    good, forged = fresh("n-1"), fresh("n-2")
    letters = [
        Letter(headers={}, value=b"\xff\x00 nothing"),
        Letter(headers={"ce_specversion": b"\xff"}, value=b"{}"),
        forged.letter(key=None),
        forged.letter(key=NEW),
        Letter(headers=forged.letter().headers, value=good.letter().value),
        fresh("n-3").letter(key=NEW),
        good.letter(),
    ]
    stranger = replace(good, source="urn:nobody").letter()
    await put(door, [*letters, stranger])
    found = await parked(door)
    assert sorted(one["reason"].partition(":")[0] for one in found) == ["no event"] * 2 + ["onedoor-signature"] * 4 + [
        "source"
    ]
    assert all(door.running.parts.topic(INBOUND) in one["place"] for one in found)
    bodies = [row["body"] for row in await door.running.parts.pool.fetch("select body from parked order by id")]
    assert sorted(map(as_put, bodies)) == sorted(one.packed() for one in (*letters[:-1], stranger))
    assert (await became(door, "n-1"))[1]["result"] == "accepted"
    assert (await became(door, "n-2"))[0] == 404
    assert len(await published(door, "provincial.events", 1)) == 1


async def test_a_record_that_kafkas_client_cannot_read_holds_nobody_up(door: Serving) -> None:
    """The name of a header is no UTF-8, which any client in C may send: it is parked, and nothing beside it is lost."""
    before, after = ([fresh(f"o-{way}-{number}") for number in range(60)] for way in (1, 2))
    await put(door, [fresh("o-0").letter()])
    topic, pool = door.running.parts.topic(INBOUND), door.running.parts.pool
    async with sending(door) as producer:
        for number, one in enumerate(before):
            letter = one.letter()
            await producer.send(topic, letter.value, key=b"%d" % number, headers=list(letter.headers.items()))
        await producer.flush()
        await with_a_nameless_header(producer, topic, b"nobody reads this", partition=3)
    await put(door, [one.letter() for one in after])

    async def all_there() -> bool:
        return bool(await pool.fetchval("select count(*) from sent") == 1 + len(before) + len(after))

    await eventually(all_there)
    (aside,) = await parked(door)
    assert aside["reason"] == "Unreadable: the name of a header is no UTF-8"
    assert aside["place"].rpartition("/")[0].endswith(f"{topic}/3")
    assert b"nobody reads this" in await pool.fetchval("select body from parked")


async def test_an_event_is_late_or_early_by_when_it_arrived(
    database: Mapping[str, str], kafka: str, topic_prefix: str, entered: Path
) -> None:
    """The gateway was down when it came and reads it when it is older than its emitter may send. What nobody had signed
    is judged alike when it is tried again. An event from the future stays one, whenever it is read."""
    strict = EVERYTHING.model_copy(update={"late_days": 1, "ahead_minutes": 0})
    enter(entered, strict, OTHER)
    oldest = now() - timedelta(days=1) + timedelta(seconds=2)
    in_time, unsigned = (replace(fresh(id), at=oldest) for id in ("w-1", "w-2"))
    early = replace(fresh("w-3"), at=now() + timedelta(seconds=2))
    await topics.ensure(kafka, topic_prefix, [INBOUND])
    async with producing(kafka) as producer:
        for letter in (in_time.letter(), unsigned.letter(key=NEW), early.letter()):
            headers = list(letter.headers.items())
            await producer.send_and_wait(topic_prefix + INBOUND, letter.value, headers=headers, timestamp_ms=1)

    async def passed() -> bool:
        return now() > max(oldest + timedelta(days=1), early.at)

    await eventually(passed)
    async with serving(service, database["intake"], kafka, topic_prefix) as door:

        async def heard() -> bool:
            return bool(await door.running.parts.pool.fetchval(HEARD, topic_prefix + INBOUND) == 3)

        await eventually(heard)
        assert (await became(door, "w-1"))[1]["result"] == "accepted"
        assert [one["rule"] for one in (await became(door, "w-3"))[1]["refusals"]] == ["time-in-future"]
        (aside,) = await parked(door)
        enter(entered, strict.model_copy(update={"keys": (*EVERYTHING.keys, signing.public(NEW))}), OTHER)
        await door.post(f"/parked/{aside['id']}/retry", **OPERATOR)
        shown = (await became(door, "w-2"))[1]
        assert (shown["result"], shown["refusals"]) == ("accepted", [])
        late = replace(fresh("w-4"), at=oldest)
        assert (await post(door, late.structured))[1]["title"] == "too old"


@pytest.mark.parametrize(("kind", "is_its_own"), [(0, False), (1, True), (None, False)])
def test_a_record_arrived_when_the_broker_stamped_it(kind: int | None, is_its_own: bool) -> None:
    """A sender's own timestamp counts for nothing: then it arrived when it was heard."""
    heard = now()
    record = Unnamed("t", 0, 0, None, b"{}", timestamp=1_500_000_000_123, timestamp_type=kind)
    stamped = datetime(2017, 7, 14, 2, 40, 0, 123000, tzinfo=UTC)
    assert letter_of(record, heard).arrived == (stamped if is_its_own else heard)


async def test_what_was_aborted_was_never_sent_and_an_open_transaction_is_told_of(door: Serving) -> None:
    """No refusal, nothing parked; while it is open, a figure says for how long it has held the partition."""
    topic = door.running.parts.topic(INBOUND)
    one, other, behind = fresh("y-1"), fresh("y-2"), fresh("y-3")
    await put(door, [fresh("y-0").letter()])
    bootstrap = door.running.parts.settings.kafka_bootstrap_servers
    for event, abort in ((one, True), (other, False)):
        letter = event.letter()
        await transact(bootstrap, topic, letter.value, headers=list(letter.headers.items()), abort=abort, partition=2)

    async def held() -> bool:
        async with door.http.get(f"{door.url}/metrics") as answer:
            told = re.findall(r"onedoor_heard_unstable_seconds\{(.*)\} (.*)", await answer.text())
        return any(topic in labels and float(seconds) > 0 for labels, seconds in told)

    async with transacting(bootstrap) as producer:
        letter = behind.letter()
        await producer.send_and_wait(topic, letter.value, headers=list(letter.headers.items()), partition=2)
        await eventually(held)
        assert (await became(door, "y-3"))[0] == 404
        await producer.commit_transaction()

    async def all_there() -> bool:
        return bool(await door.running.parts.pool.fetchval("select count(*) from sent") == 3)

    async def free() -> bool:
        return not await held()

    await eventually(all_there)
    await eventually(free)
    assert [(await became(door, f"y-{number}"))[0] for number in range(4)] == [200, 404, 200, 200]
    assert await parked(door) == []


async def test_the_door_goes_on_when_its_topic_has_more_partitions(
    database: Mapping[str, str], kafka: str, topic_prefix: str, entered: Path
) -> None:
    """Any key will do there; what stands in the new ones is heard too."""
    await topics.ensure(kafka, topic_prefix, [INBOUND])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_partitions({topic_prefix + INBOUND: NewPartitions(total_count=15)})
    await admin.close()
    async with serving(service, database["intake"], kafka, topic_prefix) as door:
        async with sending(door) as producer:
            for partition in range(15):
                letter = fresh(f"x-{partition}").letter()
                headers = list(letter.headers.items())
                await producer.send(topic_prefix + INBOUND, letter.value, headers=headers, partition=partition)

        async def all_there() -> bool:
            return bool(await door.running.parts.pool.fetchval("select count(*) from sent") == 15)

        await eventually(all_there)
        assert door.running.died == []


async def test_partitions_that_are_added_while_the_door_runs_are_heard(
    database: Mapping[str, str], kafka: str, topic_prefix: str, entered: Path
) -> None:
    """By a door that came back as the member that it was, too. What came before is not taken again."""
    topic = topic_prefix + INBOUND
    async with serving(service, database["intake"], kafka, topic_prefix) as door:
        await put(door, [fresh("z-0").letter()])
    async with serving(service, database["intake"], kafka, topic_prefix) as door:
        await put(door, [fresh("z-1").letter()])
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.create_partitions({topic: NewPartitions(total_count=14)})
        await admin.close()
        async with sending(door) as producer:
            letter = fresh("z-2").letter()
            await producer.send_and_wait(topic, letter.value, headers=list(letter.headers.items()), partition=13)

        async def taken() -> bool:
            return (await became(door, "z-2"))[0] == 200

        await eventually(taken)
        assert await door.running.parts.pool.fetchval(HEARD, topic) == 3
        assert door.running.died == []


async def test_a_key_is_changed_without_a_restart(door: Serving, entered: Path) -> None:
    """The new one beside the old one, then alone; what was signed too early is taken when it is tried again."""
    await put(door, [fresh("p-1").letter(key=NEW)])
    (early,) = await parked(door)
    still = await door.post(f"/parked/{early['id']}/retry", **OPERATOR)
    assert (still.status, still.body["title"]) == (409, "still parked")
    assert "KEYS" not in still.body["detail"]
    enter(entered, EVERYTHING.model_copy(update={"keys": (*EVERYTHING.keys, signing.public(NEW))}), OTHER)
    assert (await door.post(f"/parked/{early['id']}/retry", **OPERATOR)).body["settled"] == "retried"
    await put(door, [fresh("p-2").letter(), fresh("p-3").letter(key=NEW)])
    enter(entered, EVERYTHING.model_copy(update={"keys": (signing.public(NEW),)}), OTHER)
    await put(door, [fresh("p-4").letter(), fresh("p-5").letter(key=NEW)])
    taken = [(await became(door, f"p-{number}"))[0] for number in range(1, 6)]
    assert taken == [200, 200, 200, 404, 200]
    assert len(await parked(door)) == 1


async def test_a_file_that_has_become_wrong_changes_nothing(door: Serving, entered: Path) -> None:
    """What it said before stands; one without any emitter is not wrong."""
    enter(entered, OTHER, OTHER)
    assert (await post(door, fresh("q-1").structured))[0] == 201
    enter(entered)
    assert (await post(door, fresh("q-2").structured))[0] == 403


async def test_a_batch_is_not_sent_over_kafka(door: Serving) -> None:
    letter = Letter(headers={"content-type": BATCH.encode()}, value=json.dumps([fresh("r-1").structured]).encode())
    await put(door, [letter])
    assert [one["reason"].partition(":")[0] for one in await parked(door)] == ["no event"]


async def test_a_door_that_was_away_goes_on_where_it_stood(
    database: Mapping[str, str], kafka: str, topic_prefix: str, entered: Path
) -> None:
    """Records that came meanwhile are taken, and none twice."""
    events = [fresh(f"s-{number}") for number in range(600)]
    async with serving(service, database["intake"], kafka, topic_prefix) as door:
        await put(door, [one.letter() for one in events[:300]])
        first = await door.running.parts.pool.fetchval("select count(*) from sent")
    async with serving(service, database["intake"], kafka, topic_prefix) as door:
        await put(door, [one.letter(binary=True) for one in events])
        assert (first, await door.running.parts.pool.fetchval("select count(*) from sent")) == (300, 600)
        assert len({recorded.id for _, recorded in await published(door, "provincial.events", 600)}) == 600


async def test_the_same_events_over_both_doors_at_once_are_one_log(door: Serving) -> None:
    """In two orders, a fifth of them again: each id once, the same bytes, and nothing refused."""
    events = [fresh(f"t-{number}", "CustomerRated", stars=1 + number % 5) for number in range(250)]
    chance = Random(5)
    one, two = (chance.sample(events + events[:50], 300) for _ in range(2))

    async def over_http() -> None:
        for begin in range(0, len(one), 25):
            status, items = await post(door, [it.structured for it in one[begin : begin + 25]], BATCH)
            assert status == 207
            assert {item["result"] for item in items} <= {"accepted", "duplicate"}

    await asyncio.gather(over_http(), put(door, [it.letter(binary=chance.random() < 0.5) for it in two]))
    records = [recorded for _, recorded in await published(door, "provincial.events", 250)]
    alone = {it.name.stream: it.data for it in (accept(it.sent, EVERYTHING, OURS, now()) for it in events)}
    assert {recorded.stream: recorded.data for recorded in records} == alone
    assert await door.running.parts.pool.fetchval("select count(*) from refused") == 0
    assert await parked(door) == []


async def test_what_the_official_sdk_makes_is_accepted_in_both_modes_over_both_doors(door: Serving) -> None:
    """The first of each door is binary; the same event in structured mode is a repeat, and nothing is set aside."""

    def made(id: str) -> CloudEvent:
        at = now() - timedelta(minutes=1)
        about = {"id": id, "source": EVERYTHING.source, "type": "onedoor.CaseClosed.v1", "time": at}
        return CloudEvent({**about, "datacontenttype": "application/json"}, {"case_id": CASE})

    posted, put_there = made("u-1"), made("u-2")
    for message, status in ((http.to_binary_event(posted), 201), (http.to_structured_event(posted), 200)):
        headers = dict(message.headers)
        answer = await post(door, message.body, headers.pop("content-type"), **headers)
        assert answer[0] == status, answer
    records = [kafka_binding.to_binary_event(put_there), kafka_binding.to_structured_event(put_there)]
    await put(door, [signed(dict(one.headers), one.value) for one in records])
    shown = [(await became(door, id))[1] for id in ("u-1", "u-2")]
    assert [(one["result"], one["refusals"]) for one in shown] == [("accepted", [])] * 2
    assert len(await published(door, "provincial.events", 2)) == 2
    assert await parked(door) == []
