"""One command: its key, the version that was seen, the time it tells, and what happens when somebody was first."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from contracts.given import CASES, CAUSE, MINUTE, NINE, Rate, Receive, case_id, line, received, say, stream

from events.commands.decider import Decider
from events.commands.handle import ATTEMPTS, Answer, IdempotencyKey, Moment, handle
from events.contracts.intake import SupplementReceived, SupplementRequested
from events.contracts.terms import Gap
from events.errors import Conflict, KeyReused, Refused, Stale, WrongVersion
from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent

COUNT = "select count(*) from events"


def key(name: str = "k-1", body: bytes = b"body", actor: str = "staff-193-02") -> IdempotencyKey:
    return IdempotencyKey(actor=actor, route="POST /cases", key=name, body_hash=body)


async def do(pool: Pool, command: Receive | Rate, **more: Any) -> Answer:
    """Carry the command out at half past nine, unless told otherwise."""
    moment = more.pop("moment", Moment(now=NINE + 30 * MINUTE))
    return await handle(pool, CASES, case_id(command.number), command, cause=CAUSE, moment=moment, **more)


async def test_a_command_says_its_facts_and_tells_where_the_stream_stands(pool: Pool) -> None:
    """The answer has the version for the next If-Match and the ids of what was said."""
    answer = await do(pool, Receive())
    assert (answer.stream, answer.version) == (stream(), 1)
    assert answer.facts == [{"id": f"{stream()}@1", "type": "ApplicationReceived"}]


async def test_the_effect_repeated_says_nothing_and_stands_where_it_stood(pool: Pool) -> None:
    """Twice is once: the same content by the same actor is accepted and adds nothing."""
    await do(pool, Receive())
    again = await do(pool, Receive())
    assert (again.version, list(again.facts)) == (1, [])
    assert await pool.fetchval(COUNT) == 1


async def test_a_refusal_records_nothing_and_keeps_no_key(pool: Pool) -> None:
    """The same request may succeed later, when the reason is gone."""
    with pytest.raises(Refused, match="nothing was received"):
        await do(pool, Rate(5), key=key())
    await do(pool, Receive())
    assert (await do(pool, Rate(5), key=key())).version == 2


async def test_the_same_key_and_body_gets_the_same_answer(pool: Pool) -> None:
    """A retry after a lost answer learns what the first would have learnt, instants included."""
    more = {"code": case_id(), "at": NINE}
    first = await do(pool, Receive(), key=key(), more=more)
    await do(pool, Rate(5))
    assert await do(pool, Receive(), key=key(), more=more) == first
    assert first.more["code"] == case_id()


async def test_an_accepted_repeat_is_kept_under_its_key_too(pool: Pool) -> None:
    """It was accepted with nothing to add; sent again later it is still accepted, and its key is taken."""
    await do(pool, Receive())
    first = await do(pool, Receive(), key=key())
    await do(pool, Rate(5))
    assert await do(pool, Receive(), key=key()) == first
    with pytest.raises(KeyReused):
        await do(pool, Receive(), key=key(body=b"other"))


async def test_the_same_key_with_another_body_is_refused(pool: Pool) -> None:
    """Two requests under one key are somebody's mistake; the answer of the first would be a lie."""
    await do(pool, Receive(), key=key())
    with pytest.raises(KeyReused) as refused:
        await do(pool, Rate(5), key=key(body=b"other"))
    assert (refused.value.field, refused.value.status) == ("Idempotency-Key", 409)
    assert refused.value.way_out
    assert await pool.fetchval(COUNT) == 1


async def test_a_key_belongs_to_its_actor_and_route(pool: Pool) -> None:
    """Two clerks may draw the same key."""
    await do(pool, Receive(), key=key())
    assert (await do(pool, Rate(5), key=key(body=b"other", actor="staff-193-03"))).version == 2


@pytest.mark.parametrize("numbers", [(1, 1), (1, 2)], ids=["one-stream", "two-streams"])
async def test_of_two_at_once_with_one_key_one_has_the_effect(pool: Pool, numbers: tuple[int, int]) -> None:
    """An impatient client sends twice; one effect, one answer, even if each try drew a code of its own."""
    for turn in range(10):
        one, other = (number + turn * 10 for number in numbers)
        answers = await asyncio.gather(
            do(pool, Receive(one), key=key(f"k-{turn}")), do(pool, Receive(other), key=key(f"k-{turn}"))
        )
        assert answers[0] == answers[1]
    assert await pool.fetchval(COUNT) == 10


async def test_twenty_at_once_on_one_stream_all_find_their_turn(pool: Pool) -> None:
    """Whoever was second loads and decides again; nobody is turned away by a short rush."""
    await do(pool, Receive())
    marks = [1, 2, 3, 4, 5]
    answers = await asyncio.gather(*(do(pool, Rate(stars)) for stars in marks * 4))
    assert sum(len(answer.facts) for answer in answers) == 5
    assert await pool.fetchval(COUNT) == 6


async def test_a_stream_that_never_stands_still_is_busy(pool: Pool) -> None:
    """After so many turns the caller is told, instead of trying for ever."""
    turns = 0

    async def somebody_was_first(_: Connection, __: Sequence[RecordedEvent]) -> None:
        nonlocal turns
        turns += 1
        raise WrongVersion("again")

    with pytest.raises(Conflict) as busy:
        await do(pool, Receive(), also=somebody_was_first)
    assert (busy.value.rule, turns) == ("busy-dossier", ATTEMPTS)


async def test_the_own_rows_of_a_service_commit_with_the_facts(pool: Pool) -> None:
    """`also` fails, and nothing was said and no key taken."""
    await pool.execute("create table codes (code text primary key)")

    async def also(connection: Connection, new: Sequence[RecordedEvent]) -> None:
        await connection.execute("insert into codes values ($1)", new[0].subject)
        if not broken:
            return
        raise RuntimeError("on the way")

    for broken in (True, False):
        try:
            await do(pool, Receive(), key=key(), also=also)
        except RuntimeError:
            assert broken
            assert await pool.fetchval(COUNT) == await pool.fetchval("select count(*) from codes") == 0
    assert await pool.fetchval(COUNT) == await pool.fetchval("select count(*) from codes") == 1


async def test_the_version_that_was_seen_lets_the_command_through(pool: Pool) -> None:
    """If-Match with the version that stands."""
    await do(pool, Receive())
    assert (await do(pool, Rate(5), seen=1)).version == 2


@pytest.mark.parametrize("seen", [0, 1, 7])
async def test_another_version_than_the_one_that_stands_tells_what_changed(pool: Pool, seen: int) -> None:
    """The clerk learns which facts they had not seen, and decides again."""
    await do(pool, Receive())
    await do(pool, Rate(4))
    with pytest.raises(Stale) as stale:
        await do(pool, Rate(5), seen=seen)
    assert (stale.value.status, stale.value.field, stale.value.more) == (412, "If-Match", {"version": 2})
    assert stale.value.way_out
    assert ("CustomerRated" in stale.value.detail) == (seen < 2)
    assert ("ApplicationReceived" in stale.value.detail) == (seen < 1)


async def test_a_key_is_looked_up_before_the_version(pool: Pool) -> None:
    """A retry carries the If-Match of the first try; it gets that one's answer, not a refusal."""
    await do(pool, Receive())
    first = await do(pool, Rate(5), seen=1, key=key())
    assert await do(pool, Rate(5), seen=1, key=key()) == first


async def _at(pool: Pool, at: datetime | None, now: datetime = NINE + 30 * MINUTE) -> datetime:
    await do(pool, Rate(5), moment=Moment(now=now, at=at))
    happened: datetime = await pool.fetchval("select at from events order by position desc limit 1")
    return happened


async def test_without_a_time_it_happened_now(pool: Pool) -> None:
    """Or with the latest that is known of the stream, when a clock is behind."""
    await do(pool, Receive())
    assert await _at(pool, None) == NINE + 30 * MINUTE
    await do(pool, Rate(1), moment=Moment(now=NINE))
    assert await pool.fetchval("select max(at) from events where version = 3") == NINE + 30 * MINUTE


async def test_an_earlier_time_may_be_told(pool: Pool) -> None:
    """Between receipt and now, both included."""
    await do(pool, Receive(), moment=Moment(now=NINE))
    assert await _at(pool, NINE) == NINE


@pytest.mark.parametrize(
    ("at", "rule"),
    [(NINE + 31 * MINUTE, "time-in-future"), (NINE - timedelta(microseconds=1), "time-before-receipt")],
)
async def test_a_time_after_now_or_before_receipt_is_refused(pool: Pool, at: datetime, rule: str) -> None:
    """The document says which field, which rule and what to do."""
    await do(pool, Receive(), moment=Moment(now=NINE))
    with pytest.raises(Refused) as refused:
        await _at(pool, at)
    assert (refused.value.rule, refused.value.field) == (rule, "at")
    assert refused.value.way_out


async def test_an_answer_may_not_be_earlier_than_its_question(pool: Pool) -> None:
    """The customer cannot have brought what nobody had asked for yet."""
    gaps = (Gap(document="identity-card", wrong="missing"),)
    await say(pool, line(stream(), received(), at=NINE))
    asked = SupplementRequested(case_id=case_id(), gaps=gaps)
    await say(pool, line(stream(), asked, expected=1, at=NINE + 10 * MINUTE))
    brought = SupplementReceived(case_id=case_id(), answers=f"{stream()}@2")
    answering: Decider[None, None] = Decider("case", None, lambda _, __: [brought], lambda state, _: state)

    async def answer(at: datetime) -> Answer:
        moment = Moment(now=NINE + 30 * MINUTE, at=at)
        return await handle(pool, answering, case_id(), None, cause=CAUSE, moment=moment)

    with pytest.raises(Refused) as refused:
        await answer(NINE + 9 * MINUTE)
    assert refused.value.rule == "answer-before-question"
    assert (await answer(NINE + 10 * MINUTE)).version == 3


async def test_in_log_mode_the_moment_is_also_what_is_recorded(pool: Pool) -> None:
    """A demo's facts carry the demo's time in every column."""
    await do(pool, Receive(), moment=Moment(now=NINE, recorded_at=NINE))
    assert await pool.fetchval("select recorded_at from events") == NINE
