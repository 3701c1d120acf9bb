"""The gateway at the door, on real parts: events over HTTP, each kept and published once, and shown to its emitter."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from aiohttp import web
from gateway.at_work import became, fresh, post, published
from gateway.told import EVERYTHING, OTHER, enter
from serving import Serving

from events.contracts.intake import CustomerRated
from events.gateway.cloudevent import BATCH, MOST, STRUCTURED
from events.gateway.rules import Name
from local.ports import free_port

SECRET = "Nguyễn Văn An"


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


async def test_a_web_hook_is_consented_to_where_its_origin_is_entered(door: Serving, entered: Path) -> None:
    """Consent are the two headers; who is not entered is answered without them. A callback is never called."""
    enter(entered, EVERYTHING.model_copy(update={"origins": ("events.example.vn",), "per_minute": 600}), OTHER)
    called: list[str] = []

    async def confirm(request: web.BaseRequest) -> web.Response:
        called.append(request.path)
        return web.Response()

    server = web.ServerRunner(web.Server(confirm))
    await server.setup()
    port = free_port()
    await web.TCPSite(server, "127.0.0.1", port).start()

    async def ask(**headers: str) -> tuple[int, str | None, str | None, str | None]:
        callback = {"WebHook-Request-Callback": f"http://127.0.0.1:{port}/confirm"}
        named = {f"WebHook-Request-{name}": value for name, value in headers.items()}
        async with door.http.options(f"{door.url}/events", headers=callback | named) as said:
            consent = said.headers.get("WebHook-Allowed-Origin"), said.headers.get("WebHook-Allowed-Rate")
            return said.status, *consent, said.headers.get("Allow")

    try:
        assert await ask(Origin="events.example.vn") == (200, "events.example.vn", "600", "OPTIONS, POST")
        assert await ask(Origin="Events.Example.vn", Rate="120") == (200, "Events.Example.vn", "120", "OPTIONS, POST")
        assert await ask(Origin="events.example.vn", Rate="9999") == (200, "events.example.vn", "600", "OPTIONS, POST")
        for refused in ({"Origin": "other.example"}, {"Origin": "*"}, {}):
            assert await ask(**refused) == (200, None, None, "OPTIONS, POST")
        assert (await ask(Origin="events.example.vn", Rate="many"))[:3] == (422, None, None)
    finally:
        await server.cleanup()
    assert called == []


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
    assert (await became(door, "%00"))[0] == 422
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


async def test_who_sends_more_than_its_share_is_told_when_to_come_again(door: Serving, entered: Path) -> None:
    """Nothing of it was taken in, and the others are not kept waiting."""
    enter(entered, EVERYTHING.model_copy(update={"per_minute": 2}), OTHER)
    assert (await post(door, [fresh("i-1").structured, fresh("i-2").structured], BATCH))[0] == 207
    token = door.issuer.sign(role="emitter", unit="SXD", member="01")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": STRUCTURED}
    async with door.http.post(f"{door.url}/events", json=fresh("i-3").structured, headers=headers) as answer:
        body = await answer.json(content_type=None)
        assert (answer.status, body["title"]) == (429, "over quota")
        assert 1 <= int(answer.headers["Retry-After"]) <= 31
    assert (await became(door, "i-3"))[0] == 404
    assert (await post(door, {**fresh("i-4").structured, "source": OTHER.source}, unit="KHAC"))[1][
        "title"
    ] == "anothers dossier"


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
