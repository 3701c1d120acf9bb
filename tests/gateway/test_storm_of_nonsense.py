"""Thousands of inputs that are right, nearly right or nothing, over both doors at once: no door falls, every refusal
has a reason, and accepted = committed = published."""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from gateway import nonsense
from gateway.at_work import as_put, published, put_as_they_are
from gateway.told import EVERYTHING, OTHER, enter
from serving import Serving

from events.clock import now
from events.gateway.cloudevent import BATCH, Sent
from events.gateway.rules import Name
from events.gateway.signed_record import Letter

INPUTS = int(os.environ.get("ONEDOOR_INPUTS", "10000"))
SEED = int(os.environ.get("ONEDOOR_SEED", "2017"))
LONG = 40  # events of a batch
AT_ONCE = 4  # connections
ANSWERS = {200, 201, 207, 400, 403, 409, 413, 415, 422}  # whatever else is said to one event is a door that fell


class Answer(NamedTuple):
    """What was answered to one input."""

    status: int
    body: Any


class Line:
    """One connection to the door, which sends what no client library would."""

    def __init__(self, door: Serving) -> None:
        self._host, _, self._port = door.url.removeprefix("http://").partition(":")
        self._token = door.issuer.sign(role="emitter", unit="SXD", member="01")

    async def say(self, headers: nonsense.Headers, body: bytes) -> Answer:
        reader, writer = await asyncio.open_connection(self._host, int(self._port))
        try:
            lines = [("Host", b"x"), ("Authorization", f"Bearer {self._token}".encode()), *headers]
            lines += [("Content-Length", b"%d" % len(body)), ("Connection", b"close")]
            head = b"".join(b"%s: %s\r\n" % (name.encode(), value) for name, value in lines)
            writer.write(b"POST /events HTTP/1.1\r\n" + head + b"\r\n" + body)
            answer = await reader.read()
        finally:
            writer.close()
        top, _, content = answer.partition(b"\r\n\r\n")
        return Answer(int(top.split()[1]), json.loads(content))


async def test_no_nonsense_fells_a_door_and_what_is_accepted_is_published(door: Serving, entered: Path) -> None:
    """In batches, alone in every mode, and on the topic. Some ids come again, with whatever content."""
    enter(entered, EVERYTHING.model_copy(update={"per_minute": 1_000_000}), OTHER)
    chance, moment = Random(SEED), now()
    ids = [f"n-{chance.randrange(number) if number and chance.random() < 0.1 else number}" for number in range(INPUTS)]
    alone, on_kafka, in_batches = ids[: INPUTS // 8], ids[INPUTS // 8 : INPUTS // 2], ids[INPUTS // 2 :]
    requests = [nonsense.request(chance, id, moment) for id in alone]
    for begin in range(0, len(in_batches), LONG):
        body = nonsense.batch(chance, in_batches[begin : begin + LONG], moment)
        requests.append(([("Content-Type", BATCH.encode())], body))
    records = [nonsense.record(chance, id, moment) for id in on_kafka]
    chance.shuffle(requests)
    answers, _ = await asyncio.gather(posted(door, requests), put_as_they_are(door, records))

    told = [one for answer in answers for one in shown(answer)]
    accepted = [Name(one["source"], one["id"]) for one in told if one["result"] == "accepted"]
    pool = door.running.parts.pool
    kept = {Name(row["source"], row["id"]): row for row in await pool.fetch("select source, id, body_hash from sent")}
    refused = await pool.fetch("select id, rule, detail, way_out, field, body_hash from refused")
    assert len(accepted) == len(set(accepted)), "accepted twice"
    assert kept.keys() >= set(accepted), "accepted and not committed"
    assert all(row["detail"] and row["way_out"] and row["field"] for row in refused)
    assert {(row["id"], row["rule"]) for row in refused} >= {
        (one.get("id"), rule(one)) for answer in answers if answer.status == 207 for one in shown(answer) if rule(one)
    }
    assert {row["rule"] for row in refused} >= {rule(one) for one in told if rule(one)}

    aside = {as_put(row["body"]): row["reason"] for row in await pool.fetch("select body, reason from parked")}
    assert {reason.partition(":")[0] for reason in aside.values()} <= {"no event", "source", "onedoor-signature"}, aside
    digests = {row["body_hash"] for row in (*kept.values(), *refused)}
    letters = [Letter.of(*record) for record in records]
    for letter in letters:
        if letter.packed() not in aside:
            item = letter.read()
            assert isinstance(item, Sent)
            assert item.digest in digests, letter
    sent = [one.attributes for one in map(Letter.read, letters) if isinstance(one, Sent)]
    on_topic = {Name(one.get("source", ""), one.get("id", "")) for one in sent}
    assert kept.keys() - set(accepted) <= on_topic, "committed and not accepted"

    facts = [one for _, one in await published(door, "provincial.events", len(kept))]
    assert sorted(one.stream for one in facts) == sorted(name.stream for name in kept)
    assert len(await published(door, "provincial.refusals", len(refused))) == len(refused)
    assert await pool.fetchval("select count(*) from events") == len(kept) + len(refused)
    assert not door.running.died
    assert min(len(kept), len(refused), len(aside)) > INPUTS // 20, "the storm has become one-sided"


async def posted(door: Serving, requests: Sequence[tuple[nonsense.Headers, bytes]]) -> list[Answer]:
    """Each request on a connection of its own, some at once."""
    line, waiting, answers = Line(door), iter(requests), list[Answer]()

    async def client() -> None:
        for headers, body in waiting:
            answer = await line.say(headers, body)
            assert answer.status in ANSWERS, (answer, headers, body)
            answers.append(answer)

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return answers


def rule(item: dict[str, Any]) -> str | None:
    return item["problem"]["title"].replace(" ", "-") if item["result"] == "refused" else None


def shown(answer: Answer) -> Iterator[dict[str, Any]]:
    """What became of each event; a refusal says by which rule, where, why and what to do."""
    for one in answer.body if answer.status == 207 else [answer.body]:
        item = one if "result" in one else {"result": "refused", "problem": one}
        if item["result"] == "refused":
            problem = item["problem"]
            assert all(problem[name] for name in ("title", "detail", "field", "way_out")), problem
        yield item
