"""Both doors take every event as the specification of CloudEvents has it, and refuse by name what it does not allow."""

import gzip
import json
from typing import Any

from gateway.at_work import as_put, parked, post, put
from gateway.conformance import ACCEPTED, DATA, MARK, SCENARIOS, Door, Scenario
from gateway.told import EVERYTHING
from serving import Serving

from events.gateway.cloudevent import BATCH, STRUCTURED, Sent

SENT = """
select s.id, convert_from(e.data, 'UTF8') as data, e.correlation from sent s join events e on e.stream = s.stream
"""
Became = tuple[str, str | None]


def of(door: Door) -> list[Scenario]:
    return [one for one in SCENARIOS if door in one.doors]


def unlike(door: Door, found: dict[str, Became]) -> dict[str, Any]:
    """Each scenario that ended in another way: how it did, and how it should have."""
    wanted = {one.name: one.became(door) for one in of(door)}
    return {name: (found.get(name), end) for name, end in wanted.items() if found.get(name) != end}


async def kept(door: Serving) -> dict[str, tuple[Any, str]]:
    """Data and correlation of what was taken in, by id."""
    rows = await door.running.parts.pool.fetch(SENT)
    return {row["id"]: (json.loads(row["data"]), row["correlation"]) for row in rows}


def check(door: Door, taken: dict[str, tuple[Any, str]]) -> None:
    """What was accepted says what was sent."""
    for one in of(door):
        if one.rule == ACCEPTED:
            id = one.id_at(door)
            assert taken[id] == (DATA, one.correlation or f"{EVERYTHING.source}/{id}"), one.name


def test_every_scenario_has_a_name_of_its_own() -> None:
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)
    assert len(of("http")) > 90
    assert len(of("kafka")) > 80


async def test_events_over_http_are_what_the_specification_says(door: Serving) -> None:
    found: dict[str, Became] = {}
    for one in of("http"):
        kind, headers, body = one.request()
        status, answer = await post(door, body, kind, **headers)
        if status == 201:
            found[one.name] = ACCEPTED, None
        else:
            found[one.name] = str(answer["title"]).replace(" ", "-"), answer.get("field")
    assert unlike("http", found) == {}
    check("http", await kept(door))


async def test_events_over_kafka_are_what_the_specification_says(door: Serving) -> None:
    letters = {one.name: one.letter() for one in of("kafka")}
    await put(door, list(letters.values()))
    pool = door.running.parts.pool
    taken = await kept(door)
    refused = {row["body_hash"]: (row["rule"], row["field"]) for row in await pool.fetch("select * from refused")}
    rows = await pool.fetch("select body from parked where follower = 'gateway'")
    aside = {as_put(row["body"]) for row in rows}
    found: dict[str, Became] = {}
    for one in of("kafka"):
        letter = letters[one.name]
        item = letter.read()
        if letter.packed() in aside:
            found[one.name] = "parked", None
        elif isinstance(item, Sent) and item.attributes.get("id") in taken:
            found[one.name] = ACCEPTED, None
        elif item.digest in refused:
            found[one.name] = refused[item.digest]
    assert unlike("kafka", found) == {}
    check("kafka", taken)


async def test_a_batch_is_what_the_specification_says(door: Serving) -> None:
    """Events of any kind of data together, none at all, with a mark, with parameters behind its type, and packed."""
    events = [one for one in of("http") if one.structured and not one.raw and one.content_type is None]
    bodies = [one.request()[2].removeprefix(MARK) for one in events if one.rule not in ("broken-json",)]
    ends = [one.became("http") for one in events if one.rule not in ("broken-json",)]
    batch = MARK + b"[" + b", ".join(bodies) + b"]"
    status, items = await post(door, gzip.compress(batch), f"{BATCH}; charset=utf-8", **{"Content-Encoding": "gzip"})
    assert status == 207
    found = [
        (str(one["problem"]["title"]).replace(" ", "-"), one["problem"]["field"])
        if one["result"] == "refused"
        else (one["result"], None)
        for one in items
    ]
    assert found == ends
    assert await post(door, b"[]", BATCH) == (207, [])
    assert (await post(door, gzip.compress(bodies[0]), STRUCTURED, **{"Content-Encoding": "gzip"}))[0] == 200
    assert await parked(door) == []
