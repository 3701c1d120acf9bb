"""The demo with fifty dossiers on the real system: everything agrees, nothing personal leaves, one seed is one log."""

import asyncio
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import parts
import pytest
from demo.quarter import CASES, SEED, Left, Tampered, whole, without_rebuilds
from sla_at_work import RULES, at_work

from deadlines.load import load
from events.store.envelope import RecordedEvent
from local.demo import people
from local.demo.plan import plan
from local.demo.run import CATALOGUE
from sla.counting.periods import month
from sla.judging.judge import judge, ledger
from sla.live import queries
from sla.reports.document import document, written

pytestmark = [pytest.mark.whole, pytest.mark.timeout(600)]


def test_every_verdict_agrees_with_the_independent_check(left: Left) -> None:
    assert left.outcome.agrees, left.screen
    assert left.outcome.line == f"{CASES} of {CASES} verdicts agree"


def test_the_screen_tells_what_is_assumed_computed_and_quoted(left: Left) -> None:
    for words in ("own assumptions", "made so by the generator", "not computed", "Where to look next", "prepared"):
        assert words in left.screen


def test_one_changed_verdict_is_found(left: Left, after: Tampered) -> None:
    assert after.status == 1
    assert after.said.splitlines()[-1] == f"{CASES - 1} of {CASES} verdicts agree"
    assert after.case_id in after.said


def test_nothing_personal_is_on_any_topic_or_in_any_log(left: Left) -> None:
    typed_in: set[str] = {people.MARK, "Tôi là"}
    for dossier in plan(SEED, CASES, load(CATALOGUE)).dossiers:
        for action in dossier.actions:
            typed_in |= set(action.body.get("applicant", {}).values())
            if action.does == "DK":
                typed_in |= {action.who, action.body["text"], action.body["text"].split(" ", 3)[3]}
    for words in typed_in:
        escaped = words.encode("ascii", "backslashreplace").decode()
        for form in {words, escaped}:
            assert not [record for record in left.records if form.encode() in record]
            assert not [log for log, text in left.logs.items() if form in text]


def test_a_second_run_with_the_seed_says_the_same_facts(left: Left, kafka: str, postgres: str) -> None:
    again = asyncio.run(whole(kafka, postgres))
    assert again.outcome.agrees
    assert without_rebuilds(left.facts) == without_rebuilds(again.facts)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_log_in_any_order_gives_the_same_tables_ledgers_and_record(left: Left, postgres: str, seed: int) -> None:
    """Shuffled over all dossiers, a third said again, heard in pieces of any size."""
    ordered = left.heard_by_sla
    random = Random(seed)
    shuffled = [*ordered, *random.sample(ordered, len(ordered) // 3)]
    random.shuffle(shuffled)
    pieces: list[list[RecordedEvent]] = []
    while shuffled:
        size = random.choice((1, 7, 50, 200))
        pieces.append(shuffled[:size])
        del shuffled[:size]
    assert asyncio.run(_told(postgres, pieces)) == asyncio.run(_told(postgres, [ordered]))


async def _told(postgres: str, pieces: Sequence[Iterable[RecordedEvent]]) -> tuple[Any, ...]:
    """What the pieces leave: all rows, every ledger, the record of each month."""
    name, urls = await parts.fresh_database(postgres)
    try:
        async with at_work(urls["sla"]) as sla:
            for piece in pieces:
                await sla.hear(piece)
            rows = await sla.rows()
            records = [await sla.record(month(2017, number)) for number in range(7, 13)]
            documents = [written(document(record, RULES.catalogue, items=True)) for record in records]
            cases = sorted({row[0] for row in rows["cycles"]})
            assert len(cases) == CASES
            judged = [judge(await queries.facts(sla.pool, case), RULES) for case in cases]
            return rows, [ledger(judgement, RULES) for judgement in judged], documents
    finally:
        await parts.drop_database(postgres, name)
