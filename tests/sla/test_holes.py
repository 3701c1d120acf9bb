"""Of a case in which something is missing nothing is said; when it is whole again, all that was not said is said."""

import msgspec
import pytest
from oracle.telling import Story, local
from sla_at_work import RULES, Record, Sla, story

from deadlines.inforce import InForce
from events.commands.handle import Moment
from events.contracts.intake import CustomerRated
from events.contracts.sla import VerdictReached
from events.kafka.inbox import keep
from events.operations import parked
from events.operations.operator_action import OperatorAction
from events.store.envelope import Cause, RecordedEvent
from events.subscriptions.follower import Following
from sla.counting.periods import month
from sla.judging.judge import Judgement, judge
from sla.live import incomplete_cases

pytestmark = pytest.mark.parts
JULY = month(2017, 7)
BY_HAND = OperatorAction(
    service="sla", cause=Cause(correlation="o", causation="o", actor="staff-qn-07"), why="test-record",
    moment=Moment(now=local(7, 20)),
)  # fmt: skip
LAST = "select data from changes where subject = $1 order by position desc limit 1"


async def lose(sla: Sla, told: Story) -> None:
    """A record about the dossier cannot be read."""
    async with sla.pool.acquire() as connection:
        await keep(connection, [Record("t.events", 1, int(told.case_id[-4:]), told.case_id.encode(), b"{not json")])
    await tell(sla)


async def dismiss(sla: Sla) -> None:
    """An operator says that nothing is missed without it."""
    for one in await parked.listed(sla.pool, settled=False):
        await parked.dismiss(sla.pool, [sla.judge], one["id"], BY_HAND)


async def tell(sla: Sla) -> None:
    following = Following(sla.pool, incomplete_cases.teller(InForce(RULES.catalogue, "events"), log_clock=True))
    while (await following.step())[0]:
        pass


async def incomplete(sla: Sla, told: Story) -> bool:
    """What whoever follows the statuses was told last."""
    (cycle,) = msgspec.json.decode(await sla.pool.fetchval(LAST, told.case_id))["cycles"]
    shown: bool = cycle["incomplete"]
    return shown


async def test_a_verdict_that_was_held_back_is_said_when_the_case_is_whole(sla: Sla) -> None:
    """It was released while a record was missing, which turned out to matter to nobody."""
    told = story()
    await sla.hear(told.facts)
    await lose(sla, told)
    assert await incomplete(sla, told)
    told.returned(local(7, 12, 10))
    await sla.hear(told.facts[1:])
    assert (await sla.said(told.case_id), await incomplete(sla, told)) == ([], True)
    await dismiss(sla)
    await tell(sla)
    assert [type(fact) for fact in await sla.said(told.case_id)] == [VerdictReached]
    assert not await incomplete(sla, told)


async def test_warnings_of_a_case_that_is_whole_again_are_not_lost(sla: Sla) -> None:
    """It moved while a record was missing, which took its timers away."""
    told = story()
    await lose(sla, told)
    await sla.hear(told.facts)
    assert await sla.pool.fetchval("select count(*) from timers") == 0
    await dismiss(sla)
    await tell(sla)
    assert await sla.tick(local(7, 20)) == 5


async def test_a_seal_that_was_restated_with_a_hole_is_restated_without_it(sla: Sla) -> None:
    """A mark counted again while something was missing; afterwards the sealed period says what the record says."""
    told = story()
    told.returned(local(7, 12, 10))
    await sla.hear(told.facts)
    await sla.seal(JULY, local(8, 1, 8))
    assert await sla.calm() == 0
    await lose(sla, told)
    assert await sla.calm() == 0
    told.tell(CustomerRated(case_id=told.case_id, stars=5), local(8, 1, 9))
    await sla.hear(told.facts[-1:])
    assert await sla.calm() == 1
    await dismiss(sla)
    await tell(sla)
    assert await sla.calm() == 1
    assert await sla.last_said(JULY) == await sla.figures(JULY)


async def test_a_case_that_the_judge_throws_at_is_told_from_its_rows(sla: Sla, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on; the status is what the rows say."""
    told, other = story(1), story(2)
    await sla.hear([*told.facts, *other.facts])
    await lose(sla, told)
    await lose(sla, other)

    def faulty(facts: list[RecordedEvent], *rest: object) -> Judgement:
        if facts[0].subject == told.case_id:
            raise TypeError("a mistake of this version")
        return judge(facts, RULES)

    monkeypatch.setattr("sla.live.projector.judge", faulty)
    await dismiss(sla)
    await tell(sla)
    assert (await incomplete(sla, told), await incomplete(sla, other)) == (False, False)
    last = await sla.pool.fetch("select subject, hole from changes order by position desc limit 2")
    assert {row["subject"]: row["hole"] for row in last} == {told.case_id: True, other.case_id: False}
