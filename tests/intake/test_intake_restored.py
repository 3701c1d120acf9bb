"""The door's own tables after a restore: numbers, submissions and messages, from the facts that came back."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from contracts.given import MINUTE, NINE, case_id, catch_up, closed, line, received, say, stream

import intake
from events.contracts.intake import CaseReopened, MessageDelivered, MessageFailed, MessageInDoubt, MessagePrepared
from events.contracts.routing import DossierForwarded, DossierReturned
from events.store import database as postgres_of
from events.store.database import LOG, Pool
from events.subscriptions.follower import Following
from intake.codes import draw
from intake.project import DOSSIERS, HOLDERS, MESSAGES

OUTGOING = "select message_id, addressee, template, about, state, attempts from outgoing order by message_id"
HEARD = """
insert into inbox (
    epoch, stream, version, subject, type, schema, at, recorded_at, actor, correlation, causation, data, hash)
select epoch, stream, version, subject, type, schema, at, recorded_at, actor, correlation, causation, data, hash
from events where stream = 'route-speaker'
"""
COUNTER = received().counter


@pytest.fixture
async def door(database: Mapping[str, str]) -> AsyncIterator[Pool]:
    """The tables of the door."""
    pool = await postgres_of.connect(database["intake"], size=4)
    await postgres_of.migrate(pool, LOG, Path(intake.__file__).parent / "migrations")
    yield pool
    await pool.close()


def prepared(name: str) -> MessagePrepared:
    return MessagePrepared(
        message_id=name, case_id=case_id(), to="DL-193", template="forwarded", about=f"route-{case_id()}@1"
    )


async def test_a_number_that_stands_in_a_receipt_is_not_drawn_again(door: Pool) -> None:
    """By counter and day; where the backup knows of a higher one, that counts."""
    await say(door, *(line(stream(n), received(n)) for n in (1, 2, 7)))
    await door.execute("insert into codes values ($1, $2, 2), ('PAC-OTHER', $2, 9)", COUNTER, date(2017, 7, 10))
    await door.execute("select adopted()")
    assert [tuple(row) for row in await door.fetch("select counter, last from codes order by counter")] == [
        (COUNTER, 7),
        ("PAC-OTHER", 9),
    ]
    code, _ = await draw(door, COUNTER, "000.00.22.H49", (await _last_at(door)), actor="clerk", key=None)
    assert code == case_id(8)


async def _last_at(door: Pool) -> datetime:
    last: datetime = await door.fetchval("select max(at) from events")
    return last


async def test_a_submission_is_received_once(door: Pool) -> None:
    """Also when the row that says so was lost."""
    await say(door, line(stream(1), replace(received(1), submission="zalo-1")), line(stream(2), received(2)))
    await door.execute("insert into receipts values ('zalo-0', 'x')")
    for _ in range(2):
        await door.execute("select adopted()")
    assert [tuple(row) for row in await door.fetch("select submission, case_id from receipts order by 1")] == [
        ("zalo-0", "x"),
        ("zalo-1", case_id(1)),
    ]


@pytest.mark.parametrize(("returned", "back"), [(NINE + MINUTE, False), (NINE + 3 * MINUTE, True)])
async def test_a_dossier_that_was_reopened_since_is_not_back(door: Pool, returned: datetime, back: bool) -> None:
    """What the door said came back at once, what it heard comes behind it: the return of the cycle before is over."""
    await say(
        door,
        line(stream(), received(), closed(), at=NINE),
        line("route-speaker", DossierReturned(case_id=case_id(), from_unit="DL-193", by="software"), at=returned),
    )
    reopened = CaseReopened(case_id=case_id(), reason="result-wrong")
    await say(door, line(stream(), reopened, expected=2, at=NINE + 2 * MINUTE))
    await door.execute(HEARD)
    for follower in (DOSSIERS, HOLDERS):
        await catch_up(Following(door, follower))
    assert (await door.fetchval("select returned_at from dossiers") == returned) is back


async def test_a_dossier_that_is_back_is_at_its_counter_whoever_is_read_first(door: Pool) -> None:
    """What is heard may be projected before what the door itself had said, which names the counter."""
    forwarded = DossierForwarded(case_id=case_id(), from_unit=COUNTER, to_unit="DL-193", step="assign")
    returned = DossierReturned(case_id=case_id(), from_unit="DL-193", by="software")
    await say(door, line(stream(), received()), line("route-speaker", forwarded, returned))
    await door.execute(HEARD)
    for follower in (HOLDERS, DOSSIERS):
        await catch_up(Following(door, follower))
    assert await door.fetchval("select holder from dossiers") == COUNTER


async def test_what_was_told_is_not_told_again_and_what_may_have_been_is_in_doubt(door: Pool) -> None:
    """Known to the queue or not: a result ends it; without one it counts as a call whose answer nobody knows."""
    delivered = MessageDelivered(message_id="b", case_id=case_id(), provider_id="1")
    failed = MessageFailed(message_id="c", case_id=case_id(), code=-213, action="other-channel")
    await say(
        door,
        line("message-a", prepared("a")),
        line("message-b", prepared("b"), delivered),
        line("message-c", prepared("c"), failed),
        line("message-d", prepared("d"), MessageInDoubt(message_id="d", case_id=case_id())),
        line("message-e", prepared("e")),
    )
    for name in "be":  # in the backup they were waiting
        await door.execute("insert into outgoing values ($1, null, 'DL-193', 'forwarded', 'x', 'ready')", name)
    await door.execute("select adopted()")
    assert [tuple(row) for row in await door.fetch(OUTGOING)] == [
        ("a", "DL-193", "forwarded", f"route-{case_id()}@1", "calling", 1),
        ("d", "DL-193", "forwarded", f"route-{case_id()}@1", "calling", 2),
        ("e", "DL-193", "forwarded", "x", "calling", 1),
    ]
    last = await door.fetchrow("select epoch, tx, position from events order by 1 desc, 2 desc, 3 desc limit 1")
    mark = await door.fetchrow("select epoch, tx, position from bookmarks where name = $1", MESSAGES.name)
    assert mark == last
