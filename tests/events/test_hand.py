"""The operator's hand over what is parked and over followers: each act is a fact beside its effect."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import msgspec
import pytest
from contracts.given import case_id, rated, received, say, step, stream
from contracts.given import line as append_to
from contracts.keeping import record
from contracts.servers import Issuer, issuing, serving
from fastapi import FastAPI

from events.commands.handle import Moment
from events.contracts.operations import OperatorActed
from events.http import problems
from events.http.auth import Gate
from events.kafka.topics import topic_of
from events.operations import api as operations_api
from events.operations import parked
from events.operations.operator_action import OperatorAction
from events.settings import Settings
from events.store.database import Connection, Pool
from events.store.envelope import Cause, RecordedEvent
from events.store.store import append, load
from events.subscriptions.follower import EVENTS, Entry, Follower, Following, park
from events.subscriptions.wakeup import Wakeup

ACTS = "select stream, actor, data from events where type = 'OperatorActed' order by epoch, tx, position"


@dataclass
class Desk:
    """An operator's desk: the service's routes over its log, and the followers that it runs."""

    url: str
    issuer: Issuer
    http: aiohttp.ClientSession
    pool: Pool
    followings: list[Following[Any]]
    broken: set[str] = field(default_factory=set)  # the cases at which the follower throws

    async def ask(
        self, method: str, path: str, body: Any = None, *, role: str = "operator", who: str = "staff-qn-07", **more: str
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.issuer.token(sub=who, roles=[role])}", **more}
        async with self.http.request(method, self.url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def acts(self) -> list[tuple[str, str, str | None, str]]:
        """What operators did, as the log has it: act, target, reason, who."""
        acts = [
            (msgspec.json.decode(row["data"], type=OperatorActed), row["actor"]) for row in await self.pool.fetch(ACTS)
        ]
        return [(fact.act, fact.target, fact.reason, actor) for fact, actor in acts]

    async def settled(self, id: int) -> tuple[Any, ...]:
        row = await self.pool.fetchrow(
            "select settled, settled_by, settled_why, settled_at from parked where id = $1", id
        )
        assert row is not None
        return (*tuple(row)[:3], row["settled_at"] is not None)


@pytest.fixture
async def desk(pool: Pool, clock: Literal["wall", "log"]) -> AsyncIterator[Desk]:
    await pool.execute("create table seen (id text unique)")
    broken: set[str] = set()

    async def answer(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        """Throws at some cases; of others it says something of its own, as the judge does, and keeps a row."""
        for entry in entries:
            if entry.subject in broken:
                raise ValueError(f"cannot judge {entry.subject}")
            if entry.item.stream.startswith("case-"):
                own = f"message-{entry.item.id.replace('@', '.')}"
                await append(connection, [append_to(own, rated(int(entry.subject[-4:])))])
                await connection.execute("insert into seen values ($1)", entry.item.id)

    followings = [Following(pool, Follower(name="answers", log=EVENTS, apply=answer, stuck="park", batch=1))]
    followings.append(
        Following(pool, Follower(name="seen", log=EVENTS, apply=answer, stuck="halt", forget="delete from seen"))
    )
    app = FastAPI()
    problems.install(app)
    async with issuing() as issuer, aiohttp.ClientSession() as http:
        app.state.gate = Gate(issuer.url)
        app.state.settings = Settings(
            kafka_bootstrap_servers="-", database_url="-", oidc_issuer=issuer.url, onedoor_clock=clock
        )
        app.include_router(operations_api.routes(pool, Wakeup(), followings, "intake", remade))
        async with serving(app) as url:
            yield Desk(url, issuer, http, pool, followings, broken)


async def remade() -> list[str]:
    """What the broker does is in test_republish.py."""
    return ["intake.events"]


async def test_topics_are_sent_again_from_the_first_fact_and_it_is_said_who_ordered_it(desk: Desk) -> None:
    await desk.pool.execute("insert into bookmarks (name, shard, epoch, tx, position) values ('relay', 0, 1, '9', 9)")
    status, told = await desk.ask("POST", "/republish", {"why": "topic-deleted"})
    assert (status, told) == (200, {"topics": ["intake.events"], "facts": 1})
    assert await desk.pool.fetchval("select position from bookmarks where name = 'relay'") == 0
    assert await desk.acts() == [("topics-republished", "service/intake", "topic-deleted", "staff-qn-07")]
    assert (await desk.ask("POST", "/republish", {}))[0] == 422
    await desk.pool.execute("update bookmarks set paused_at = now() where name = 'relay'")
    status, problem = await desk.ask("POST", "/republish", {"why": "topic-deleted"})
    assert (status, problem["type"]) == (409, "urn:onedoor:problem:relay-paused")


@pytest.fixture
def clock() -> Literal["wall", "log"]:
    return "wall"


async def garbage(pool: Pool, offset: int = 1, body: bytes = b"\xff not a fact") -> int:
    """A record that could not be read; its number."""
    async with pool.acquire() as connection:
        await park(connection, "hear", case_id(), f"t.routing.events/3/{offset}", "not a CloudEvent", body)
    return int(await pool.fetchval("select max(id) from parked"))


async def thrown_at(desk: Desk) -> int:
    """A fact of a case at which the follower threw."""
    await say(desk.pool, append_to(stream(), received()))
    desk.broken.add(case_id())
    following = Following(desk.pool, Follower(name="answers", log=EVENTS, apply=_throws, stuck="park"))
    await step(following)
    return int(await desk.pool.fetchval("select max(id) from parked"))


async def _throws(_: Connection, __: Sequence[Entry[RecordedEvent]]) -> None:
    raise ValueError("cannot judge")


async def test_what_is_parked_is_listed_and_shown_with_its_bytes(desk: Desk) -> None:
    """The open ones; with `all` the settled too; one alone with its bytes as text, whatever they are."""
    first, second = await garbage(desk.pool, 1), await garbage(desk.pool, 2)
    await desk.ask("POST", f"/parked/{first}/dismiss", {"why": "test-record"})
    _, open_ones = await desk.ask("GET", "/parked")
    assert [(one["id"], one["place"], one["settled"]) for one in open_ones] == [
        (second, "t.routing.events/3/2", None)
    ]  # fmt: skip
    _, all_of_them = await desk.ask("GET", "/parked?all=true")
    assert [(one["id"], one["settled"]) for one in all_of_them] == [(first, "dismissed"), (second, None)]
    status, shown = await desk.ask("GET", f"/parked/{second}")
    assert (status, shown["body"], shown["reason"]) == (200, "\ufffd not a fact", "not a CloudEvent")


async def test_a_dismissal_is_settled_and_said_in_one(desk: Desk) -> None:
    """Who, when and why stand in the row, and in a fact on the service's own topic; the same order twice is one."""
    id = await garbage(desk.pool)
    for _ in range(2):
        status, row = await desk.ask("POST", f"/parked/{id}/dismiss", {"why": "sent-by-mistake"})
        assert (status, row["settled"], row["settled_by"], row["settled_why"]) == (
            200, "dismissed", "staff-qn-07", "sent-by-mistake",
        )  # fmt: skip
    assert await desk.settled(id) == ("dismissed", "staff-qn-07", "sent-by-mistake", True)
    assert await desk.acts() == [("parked-dismissed", f"parked/{id}", "sent-by-mistake", "staff-qn-07")]
    assert {topic_of(row["stream"]) for row in await desk.pool.fetch(ACTS)} == {"intake.events"}


async def test_what_was_dismissed_is_not_tried_again(desk: Desk) -> None:
    """Not at the next start, when it could be read, and not by a replay that comes by again: a decision stands."""
    id = await thrown_at(desk)
    await desk.ask("POST", f"/parked/{id}/dismiss", {"why": "test-record"})
    desk.broken.clear()
    following = Following(desk.pool, Follower(name="answers", log=EVENTS, apply=_throws, stuck="park"))
    assert await parked.retry(desk.pool, [following]) == 0
    await desk.pool.execute("update bookmarks set epoch = 0, tx = '0', position = 0")
    await step(following)
    assert (await desk.settled(id))[0] == "dismissed"
    assert await desk.pool.fetchval("select attempts from parked where id = $1", id) == 2


async def test_what_is_judged_with_all_facts_of_its_case_is_not_dismissed(desk: Desk) -> None:
    """The fact stays in the log and would count with the next one: nothing is settled, nothing said."""
    await say(desk.pool, append_to(stream(), received()))
    judging = Following(desk.pool, Follower(name="judge", log=EVENTS, apply=_throws, stuck="park", by_set=True))
    await step(judging)
    desk.followings.append(judging)
    id = int(await desk.pool.fetchval("select id from parked where follower = 'judge'"))
    status, problem = await desk.ask("POST", f"/parked/{id}/dismiss", {"why": "test-record"})
    assert (status, problem["type"]) == (409, "urn:onedoor:problem:counts-all-the-same")
    assert "voided" in problem["way_out"]
    assert ((await desk.settled(id))[0], await desk.acts()) == (None, [])


async def test_a_retry_applies_settles_and_says_in_one(desk: Desk) -> None:
    """The follower's effect is an append of its own; the operator's act is said beside it."""
    id = await thrown_at(desk)
    status, problem = await desk.ask("POST", f"/parked/{id}/retry")
    assert (status, problem["type"], problem["field"]) == (409, "urn:onedoor:problem:still-parked", "id")
    assert f"tried 2 times: ValueError: cannot judge {case_id()}" in problem["detail"]
    assert await desk.acts() == []
    desk.broken.clear()
    status, row = await desk.ask("POST", f"/parked/{id}/retry")
    assert (status, row["settled"], row["settled_by"]) == (200, "retried", "staff-qn-07")
    assert await desk.acts() == [("parked-retried", f"parked/{id}", None, "staff-qn-07")]
    assert await desk.pool.fetchval("select count(*) from seen") == 1
    numbers = await desk.pool.fetch("select distinct tx from events where type in ('OperatorActed', 'CustomerRated')")
    assert len(numbers) == 1


async def test_all_of_it_is_tried_again_and_each_is_said(desk: Desk) -> None:
    """Two became possible, a third stays."""
    thrown = await thrown_at(desk)
    desk.broken.clear()
    async with desk.pool.acquire() as connection:
        said = (await load(connection, stream()))[stream()][0]
    readable, stays = await garbage(desk.pool, 1, record(said).value), await garbage(desk.pool, 2)
    assert await desk.ask("POST", "/parked/retry") == (200, {"settled": 2})
    assert sorted(target for _, target, _, _ in await desk.acts()) == sorted([f"parked/{thrown}", f"parked/{readable}"])
    assert [(await desk.settled(id))[0] for id in (thrown, readable, stays)] == ["retried", "retried", None]


async def test_a_dismissal_during_a_retry_wins_and_nothing_is_applied(desk: Desk) -> None:
    """The retry finds it settled when it wants to settle it itself, and all that it applied is rolled back."""
    id = await thrown_at(desk)
    order = OperatorAction(
        service="intake", cause=Cause(correlation="c", causation="c", actor="staff-qn-08"), why="test-record",
        moment=Moment(now=await desk.pool.fetchval("select clock_timestamp()")),
    )  # fmt: skip

    async def meanwhile(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        await connection.execute("insert into seen values ('applied')")
        await parked.dismiss(desk.pool, [], id, order)

    following = Following(desk.pool, Follower(name="answers", log=EVENTS, apply=meanwhile, stuck="park"))
    assert await parked.retry(desk.pool, [following]) == 0
    assert await desk.pool.fetchval("select count(*) from seen") == 0
    assert (await desk.settled(id))[:2] == ("dismissed", "staff-qn-08")


@pytest.mark.parametrize("verb", ["retry", "dismiss"])
async def test_what_is_settled_is_not_settled_again(desk: Desk, verb: str) -> None:
    """By somebody else: it says who was first."""
    id = await garbage(desk.pool)
    await desk.ask("POST", f"/parked/{id}/dismiss", {"why": "test-record"})
    status, problem = await desk.ask("POST", f"/parked/{id}/{verb}", {"why": "test-record"}, who="staff-qn-08")
    assert (status, problem["type"], problem["field"]) == (409, "urn:onedoor:problem:already-settled", "id")
    assert "dismissed by staff-qn-07" in problem["detail"]
    assert problem["way_out"]
    assert len(await desk.acts()) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("GET", "/parked/7", None, 404, "id"),
        ("POST", "/parked/7/retry", None, 404, "id"),
        ("POST", "/parked/7/dismiss", {"why": "test-record"}, 404, "id"),
        ("POST", "/parked/7/dismiss", {"why": ""}, 422, "why"),
        ("POST", "/parked/7/dismiss", {"why": "the customer rang"}, 422, "why"),
        ("POST", "/parked/7/dismiss", {}, 422, "why"),
        ("POST", "/parked/9223372036854775808/retry", None, 422, "path.id"),
    ],
)
async def test_a_wrong_order_says_what_is_wrong_with_it(
    desk: Desk, method: str, path: str, body: Any, status: int, field: str
) -> None:
    """Which field, and what to do; nothing was said."""
    answer, problem = await desk.ask(method, path, body)
    assert (answer, problem["field"]) == (status, field)
    assert problem["way_out"]
    assert await desk.acts() == []


async def test_what_a_follower_of_another_version_parked_can_only_be_dismissed(desk: Desk) -> None:
    """Nobody is there who could apply it."""
    async with desk.pool.acquire() as connection:
        await park(connection, "gone", case_id(), f"{stream()}@1", "broken", b"{}")
    id = await desk.pool.fetchval("select id from parked")
    status, problem = await desk.ask("POST", f"/parked/{id}/retry")
    assert (status, problem["type"], problem["way_out"]) == (409, "urn:onedoor:problem:no-such-follower", "dismiss it")


@pytest.mark.parametrize("role", ["leader", "auditor"])
async def test_only_operators_have_a_hand_in_it(desk: Desk, role: str) -> None:
    """The bytes of a record may hold anything."""
    id = await garbage(desk.pool)
    for method, path in (("GET", "/parked"), ("GET", f"/parked/{id}"), ("POST", f"/parked/{id}/dismiss")):
        assert (await desk.ask(method, path, {"why": "test-record"}, role=role))[0] == 403


@pytest.mark.parametrize("clock", ["log"])
async def test_on_the_log_s_clock_an_operator_acts_at_the_time_of_the_last_fact(desk: Desk) -> None:
    """Without the header; with it, at that time."""
    first, second = await garbage(desk.pool, 1), await garbage(desk.pool, 2)
    why = {"why": "test-record"}
    status, problem = await desk.ask("POST", f"/parked/{first}/dismiss", why)
    assert (status, problem["field"]) == (422, "Onedoor-Now")  # nothing was said yet, so nothing tells the time
    await desk.ask("POST", f"/parked/{first}/dismiss", why, **{"Onedoor-Now": "2017-07-10T09:00:00+07:00"})
    assert (await desk.ask("POST", f"/parked/{second}/dismiss", why))[0] == 200
    rows = await desk.pool.fetch("select at, recorded_at from events where type = 'OperatorActed'")
    assert {moment.isoformat() for row in rows for moment in row} == {"2017-07-10T02:00:00+00:00"}


async def test_a_follower_is_paused_resumed_and_replayed(desk: Desk) -> None:
    """Each is said with what it names and why; what it takes back was there before."""
    await desk.pool.execute("insert into seen values ('made')")
    for _ in range(2):  # the same order twice is one
        status, shown = await desk.ask("POST", "/followers/seen/pause", {"why": "under-repair"})
        assert (status, shown["paused_by"], shown["paused_why"]) == (200, "staff-qn-07", "under-repair")
        assert shown["paused_at"]
    status, shown = await desk.ask("POST", "/followers/seen/resume")
    assert (status, shown) == (200, {"name": "seen", "paused_by": None, "paused_at": None, "paused_why": None})
    assert (await desk.ask("POST", "/followers/seen/replay", {"why": "mended-fault"}))[0] == 200
    assert await desk.pool.fetchval("select count(*) from seen") == 0
    assert await desk.acts() == [
        ("follower-paused", "follower/seen", "under-repair", "staff-qn-07"),
        ("follower-resumed", "follower/seen", None, "staff-qn-07"),
        ("follower-replayed", "follower/seen", "mended-fault", "staff-qn-07"),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "rule", "way_out"),
    [
        ("nobody/pause", {"why": "under-repair"}, 404, "no-such-follower", "answers, seen"),
        ("seen/resume", None, 409, "not-paused", "GET /followers"),
        ("answers/replay", {"why": "mended-fault"}, 409, "cannot-forget", "retry what it parked"),
        (
            "seen/rewind",
            {"why": "mended-fault", "to": "2017-07-10T08:00:00+07:00"},
            409,
            "cannot-rewind",
            "be replayed",
        ),
        ("seen/pause", {"why": "I said so"}, 422, "invalid-request", ""),
        ("seen/replay", {}, 422, "invalid-request", ""),
    ],
)
async def test_a_wrong_order_to_a_follower_says_what_is_wrong_with_it(
    desk: Desk, path: str, body: Any, status: int, rule: str, way_out: str
) -> None:
    """Which rule, and what to do; nothing was said."""
    answer, problem = await desk.ask("POST", f"/followers/{path}", body)
    assert (answer, problem["type"]) == (status, f"urn:onedoor:problem:{rule}")
    assert problem["field"] == ("why" if status == 422 else "name")
    assert way_out in problem["way_out"]
    assert await desk.acts() == []


async def test_who_is_paused_by_another_is_not_paused_again(desk: Desk) -> None:
    """The first reason stands, and who gave it."""
    await desk.ask("POST", "/followers/seen/pause", {"why": "under-repair"})
    status, problem = await desk.ask("POST", "/followers/seen/pause", {"why": "too-slow"}, who="staff-qn-08")
    assert (status, problem["type"]) == (409, "urn:onedoor:problem:already-paused")
    assert "staff-qn-07" in problem["detail"]
    assert (await desk.ask("POST", "/followers/seen/pause", {"why": "under-repair"}, role="leader"))[0] == 403
    assert len(await desk.acts()) == 1
