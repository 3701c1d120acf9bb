"""What others follow: server-sent events with resume, the compacted topic of cases, the public record, the page."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from flows.dossier import Dossier, receive
from flows.house import LEFT, House, first

from local.demo.doors import OPERATOR

pytestmark = [pytest.mark.whole, pytest.mark.asyncio(loop_scope="session")]


async def events(
    house: House, path: str, who: str | None = "auditor.PC-QN", **headers: str
) -> AsyncGenerator[Any, None]:
    """Server-sent events as (id, data)."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if who is not None:
        sent["Authorization"] = f"Bearer {await house.token(who)}"
    async with house.http.get(house.stack.url("sla") + path, headers=sent) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        found: dict[str, str] = {}
        async for line in answer.content:
            name, _, value = line.decode().rstrip("\r\n").partition(": ")
            if name:
                found[name] = value
            elif "id" in found:
                yield int(found["id"]), json.loads(found["data"])
                found = {}


def released(it: Dossier) -> Any:
    """The event that tells that a dossier was released."""
    return lambda event: event[1]["case_id"] == it.code and event[1]["cycles"][0]["outcome"] == "released"


async def test_the_stream_goes_on_where_it_was_left(house: House) -> None:
    """Cut off and resumed by Last-Event-ID while dossiers move: nothing is missing, nothing comes twice."""
    it = await receive(house, "2017-07-19 09:00", "PAC-194", "TERMINATION@2017-07-01")
    begun = await first(events(house, "/stream?after=0"), lambda event: event[1]["case_id"] == it.code)
    await it.unit("DL-194", "acknowledgement", "2017-07-19 10:00")

    async def work() -> None:
        another = await receive(house, "2017-07-19 09:10", "PAC-194", "TERMINATION@2017-07-01")
        await another.released("2017-07-19 15:00")
        await it.released("2017-07-19 16:00")

    resumed = first(events(house, "/stream", Last_Event_ID=str(begun[-1][0])), released(it))
    rest, _ = await asyncio.gather(resumed, work())
    whole = await first(events(house, "/stream?after=0"), released(it))
    assert begun + rest == whole
    positions = [position for position, _ in whole]
    assert positions == sorted(set(positions))
    assert [event["revision"] for _, event in whole] == positions


async def test_the_public_stream_says_only_that_something_changed(house: House) -> None:
    """No token, no code of any dossier; without `after`, only what is still to come."""
    public = events(house, "/public/stream?after=0", who=None)
    assert {json.dumps(data) for _, data in await first(public, lambda event: event[0] >= 3)} == {"{}"}
    refused = await house.ask("sla", "/stream", method="GET", who=None)
    assert refused.status == 401


async def test_sla_cases_holds_the_latest_status_of_each_case(house: House) -> None:
    """Per key the revision rises, and the last record says what /cases says."""
    it = await receive(house, "2017-07-20 09:00", "PAC-194", "TERMINATION@2017-07-01")
    await it.released("2017-07-20 15:00")
    latest: dict[str, Any] = {}
    for record in await house.every_record():
        if record.topic == house.topic("sla.cases"):
            status, case_id = json.loads(record.value), record.key.decode()
            assert status["case_id"] == case_id
            assert status["revision"] > latest.get(case_id, {"revision": 0})["revision"]
            latest[case_id] = status
    shown = (await house.get("sla", "/cases?limit=5000"))["cases"]
    assert {one["case_id"] for one in shown} == set(latest)
    for one in shown:
        assert latest[one["case_id"]]["cycles"] == one["cycles"]


async def test_the_record_is_public_and_the_cases_are_not(house: House) -> None:
    """Aggregates for everybody, no code of any dossier among them."""
    public = await house.ask("sla", "/public/record?from=2017-07-01&to=2017-08-01", method="GET", who=None)
    full = await house.get("sla", "/record?from=2017-07-01&to=2017-08-01")
    assert public.status == 200
    assert [line["figures"] for line in public.body["lines"]] == [line["figures"] for line in full["lines"]]
    assert "H49" not in json.dumps(public.body)
    for path in ("/cases", "/overdue", "/record?from=2017-07-01&to=2017-08-01", "/stream", "/rebuilds"):
        assert (await house.ask("sla", path, method="GET", who=None)).status == 401


async def test_the_live_page_is_served(house: House) -> None:
    """The page, its script and its style; nothing else of the folder."""
    page = await house.ask("sla", "/", method="GET", who=None)
    assert (page.status, page.media_type) == (200, "text/html")
    for name in ("page.js", "page.css"):
        assert name in page.body
        assert (await house.ask("sla", f"/web/{name}", method="GET", who=None)).status == 200
    assert (await house.ask("sla", "/web/index.html", method="GET", who=None)).status == 404


async def test_a_rebuild_is_followed_to_its_end(house: House) -> None:
    """Every change of its standing, and how it ended; the stream ends with it, also for who comes late."""
    run = (await house.ask("sla", "/rebuilds", {"dry_run": True, "accept_holes": LEFT})).body["run"]
    told = await progress(house, run)
    assert {name for name, _ in told[:-1]} <= {"progress"}
    assert all(standing["state"] == "running" for _, standing in told[:-1])
    name, last = told[-1]
    assert (name, last["run"], last["state"]) == ("ended", run, "done")
    assert last == (await house.ask("sla", f"/rebuilds/{run}", method="GET")).body
    assert await progress(house, run) == [told[-1]]
    assert (await house.ask("sla", "/rebuilds/999999/progress", method="GET")).status == 404


async def progress(house: House, run: int) -> list[tuple[str, Any]]:
    """The events of a run, to the last."""
    headers = {"Authorization": f"Bearer {await house.token(OPERATOR)}"}
    address = f"{house.stack.url('sla')}/rebuilds/{run}/progress"
    async with asyncio.timeout(60), house.http.get(address, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        text = (await answer.text()).replace("\r\n", "\n")
    lines = [dict(line.split(": ", 1) for line in event.splitlines()) for event in text.strip().split("\n\n")]
    return [(line["event"], json.loads(line["data"])) for line in lines]
