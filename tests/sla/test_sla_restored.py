"""SLA's own tables after a restore: log and inbox are as far as ever, judge and rows are those of the backup."""

from dataclasses import replace
from typing import Any

import pytest
from contracts.given import line, say, step
from oracle.telling import Story, local
from sla_at_work import RULES, Sla, story

from deadlines.inforce import InForce
from events.contracts.sla import GenerationSwapped, MonthSealed, RemedialActionClosed, RemedialActionOpened
from events.subscriptions.follower import Follower, Following, LogPosition, bookmark_of
from sla.live import incomplete_cases, projector
from sla.live.change_feed import LAST

pytestmark = pytest.mark.parts
SEAL = "month-2017-07-01-2017-08-01@1"
BACK = "update bookmarks set epoch = $1, tx = $2, position = $3 where name = 'sla.judge'"
OPENED = RemedialActionOpened(
    unit="DL-193", kind="department", since="2017-07-01", until="2017-08-01", why="overdue-share", solved=20,
    overdue=2, due="2017-08-15", because=SEAL,
)  # fmt: skip
CLOSED = RemedialActionClosed(
    unit="DL-193", since="2017-07-01", until="2017-08-01", outcome="staff-added", evidence="evidence/report-7.pdf"
)
NONE = dict.fromkeys(
    ("received", "carried_over", "ahead", "on_time", "overdue", "open_in_time", "open_overdue", "undetermined",
     "incomplete"), 0,
)  # fmt: skip
SEALED = MonthSealed(since="2017-07-01", until="2017-08-01", classifier="A", hash="ab", kept="seals/x", **NONE)


async def go_on(sla: Sla) -> None:
    """The judge and who looks at cases again, one fact at a time."""
    in_force = InForce(RULES.catalogue, "events")
    judge = replace(projector.follower(in_force, log_clock=True), batch=1)
    followers: list[Follower[Any]] = [judge, incomplete_cases.teller(in_force, log_clock=True)]
    for follower in followers:
        following = Following(sla.pool, follower)
        while (await following.step())[0]:
            pass


async def told_twice(sla: Sla) -> tuple[Story, LogPosition]:
    """A verdict that was amended, a miss that was withdrawn; and where the judge stood when the backup was taken."""
    told = story()
    await sla.hear(told.facts)
    backup = await bookmark_of(sla.pool, projector.NAME)
    await sla.tick(local(7, 13, 23))
    told.returned(local(7, 14, 9))
    await sla.hear(told.facts[1:])
    asked = told.supplement(local(7, 11, 7))
    told.supplemented(local(7, 12, 7), asked)
    await sla.hear(told.facts[2:])
    return told, backup


@pytest.mark.parametrize("adopted", [True, False])
async def test_what_was_published_is_not_taken_back_and_said_again(sla: Sla, adopted: bool) -> None:
    """A judge that reads on from the backup sees a case as it was meanwhile, not as it was published since."""
    told, backup = await told_twice(sla)
    before, rows = await sla.said(told.case_id), await sla.rows()
    await sla.pool.execute(BACK, *backup)
    if adopted:
        await sla.pool.execute("select adopted()")
    await go_on(sla)
    assert (await sla.said(told.case_id) == before) is adopted
    assert await sla.rows() == rows


async def test_old_timers_of_a_case_warn_of_nothing(sla: Sla) -> None:
    """It was released in time since the backup; its timers come back with its rows, and only for what still runs."""
    told, other = story(1), story(2)
    await sla.hear([*told.facts, *other.facts])
    backup = await bookmark_of(sla.pool, projector.NAME)
    told.returned(local(7, 12, 9))
    await sla.keep(told.facts[1:])
    await sla.pool.execute(BACK, *backup)
    await sla.pool.execute("select adopted()")
    assert [tuple(row) for row in await sla.pool.fetch("select distinct case_id from timers")] == [(other.case_id,)]
    await sla.tick(local(7, 20))
    assert await sla.said(told.case_id) == []
    await go_on(sla)
    assert [type(fact).__name__ for fact in await sla.said(told.case_id)] == ["VerdictReached"]


async def test_numbers_that_others_have_seen_are_not_given_again(sla: Sla) -> None:
    """The revision of a status, and the number of a generation that was swapped in."""
    await sla.hear(story().facts)
    last = await sla.pool.fetchval(LAST)
    swapped = GenerationSwapped(generation=17, replaced=16, events=1, rows=1, hash="ab", differences=0)
    await say(sla.pool, line("generation-17", swapped))
    await sla.pool.execute("select adopted()")
    assert (await sla.comparing()).generation == 18
    told = story(2)
    await sla.hear(told.facts)
    assert await sla.pool.fetchval(LAST) > last + 10**9


async def test_remedial_actions_come_from_their_facts(sla: Sla) -> None:
    """The document of the seal that asked for them may be lost; that halts nobody."""
    stream = "remedy-DL-193-2017-07-01-2017-08-01"
    await say(sla.pool, line(stream, OPENED, CLOSED), line("remedy-DL-194-2017-07-01-2017-08-01", OPENED))
    await say(sla.pool, line("month-2017-07-01-2017-08-01", SEALED))
    for _ in range(2):
        await sla.pool.execute("select adopted()")
    assert await step(sla.opener) == 4
    rows = [
        tuple(row)
        for row in await sla.pool.fetch("select id, unit, due::text, outcome, evidence from remedies order by id")
    ]
    assert rows == [
        ("DL-193-2017-07-01-2017-08-01", "DL-193", "2017-08-15", "staff-added", "evidence/report-7.pdf"),
        ("DL-194-2017-07-01-2017-08-01", "DL-193", "2017-08-15", None, None),
    ]
