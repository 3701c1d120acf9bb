"""Every fact that others may say, over both doors: whoever is allowed it says it; without the type, the unit or the
dossier it is refused by name. And one name is one content, whichever door it came through first."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from gateway.at_work import became, fresh, parked, post, published, put
from gateway.told import EVERYTHING, OTHER, Event, enter
from serving import Serving

from events.contracts.channels import OTHERS
from events.gateway.cloudevent import BATCH
from events.gateway.emitters import Emitter
from events.gateway.rules import UNITS, Name


def lacking(code: str, owner: str, facts: Sequence[str]) -> Emitter:
    """An emitter that may say everything of its own dossiers but these facts."""
    rest = tuple(one for one in OTHERS if one not in facts)
    changed = {"code": code, "source": f"urn:test:{code.lower()}", "dossiers": (owner,), "facts": rest}
    return EVERYTHING.model_copy(update=changed)


HALVES = (lacking("NUA-1", "000.00.41.H49", OTHERS[::2]), lacking("NUA-2", "000.00.42.H49", OTHERS[1::2]))
ANOTHERS, OURS, OF_NOBODY = f"{OTHER.dossiers[0]}-170710-0001", "000.00.02.H49-170710-0001", "000.00.77.H49-170710-0001"


@dataclass(frozen=True)
class Cell:
    """One square of the matrix: who says what, and the rule and the field by which it is refused, if it is."""

    emitter: Emitter
    event: Event
    rule: str | None = None
    field: str | None = None


def cells(door: str) -> Iterator[Cell]:
    for number, kind in enumerate(OTHERS):
        id = f"{door}-{kind}"
        yield Cell(EVERYTHING, fresh(id, kind))
        mute = HALVES[number % 2]
        own = fresh(f"{id}-type", kind, case_id=f"{mute.dossiers[0]}-170710-0001")
        yield Cell(mute, replace(own, source=mute.source), "fact-not-yours", "type")
        for field in UNITS[kind]:
            yield Cell(EVERYTHING, fresh(f"{id}-{field}", kind, **{field: "PC-QN"}), "unit-not-yours", f"data.{field}")
        for case_id in (ANOTHERS, OURS, OF_NOBODY):
            stranger = fresh(f"{id}-{case_id}", kind, case_id=case_id)
            yield Cell(EVERYTHING, stranger, "anothers-dossier", "data.case_id")


async def test_nobody_says_a_type_a_unit_or_a_dossier_that_is_not_its_own(door: Serving, entered: Path) -> None:
    enter(entered, EVERYTHING, OTHER, *HALVES)
    posted, put_there = list(cells("http")), list(cells("kafka"))
    for emitter in (EVERYTHING, *HALVES):
        its = [one for one in posted if one.emitter is emitter]
        status, items = await post(door, [one.event.structured for one in its], BATCH, unit=emitter.code)
        assert status == 207
        assert [(one["result"], *said(one.get("problem"))) for one in items] == [
            ("refused", one.rule, one.field) if one.rule else ("accepted", None, None) for one in its
        ]
    await put(door, [one.event.letter(binary=bool(number % 2)) for number, one in enumerate(put_there)])
    for one in (*posted, *put_there):
        status, shown = await became(door, one.event.id, source=one.emitter.source, unit=one.emitter.code)
        assert (status, shown["result"]) == (200, "refused" if one.rule else "accepted"), one
        assert [(why["rule"], why["field"]) for why in shown["refusals"]] == (
            [(one.rule, one.field)] if one.rule else []
        )
    allowed = {Name(one.event.source, one.event.id).stream for one in (*posted, *put_there) if one.rule is None}
    refused = [one for one in (*posted, *put_there) if one.rule]
    assert {one.stream for _, one in await published(door, "provincial.events", len(allowed))} == allowed
    facts = [one.fact for _, one in await published(door, "provincial.refusals", len(refused))]
    assert sorted((one.source, one.event, one.rule) for one in facts) == sorted(
        (one.event.source, one.event.id, one.rule) for one in refused
    )
    assert await parked(door) == []


def said(problem: dict[str, Any] | None) -> tuple[str | None, str | None]:
    return (problem["title"].replace(" ", "-"), problem["field"]) if problem else (None, None)


@pytest.mark.parametrize("first_over", ["http", "kafka"])
async def test_another_content_is_refused_over_both_doors_shown_and_changes_nothing(
    door: Serving, first_over: str
) -> None:
    first, other, third = (fresh("u-1", stars=stars) for stars in (5, 1, 2))
    if first_over == "http":
        assert (await post(door, first.structured))[0] == 201
    else:
        await put(door, [first.letter()])
    before = await door.past(Name(first.source, first.id).stream)
    _, told = await became(door, "u-1")
    await put(door, [other.letter(), other.letter(binary=True)])
    for _ in range(2):
        status, answer = await post(door, third.structured)
        assert (status, answer["title"], answer["field"]) == (409, "id reused", "id")
    _, shown = await became(door, "u-1")
    assert {**shown, "refusals": []} == told
    assert [(one["rule"], one["field"]) for one in shown["refusals"]] == [("id-reused", "id")] * 2
    assert len({one["body"] for one in shown["refusals"]} | {told["body"]}) == 3
    assert await door.past(Name(first.source, first.id).stream) == before
    ((_, on_topic),) = await published(door, "provincial.events", 1)
    assert json.loads(on_topic.data)["stars"] == 5
    refusals = await published(door, "provincial.refusals", 2)
    assert [(key, one.fact.event, one.fact.rule, one.fact.status) for key, one in refusals] == [
        (first.source, "u-1", "id-reused", 409)
    ] * 2
    kept = await door.running.parts.pool.fetch("select body from refused")
    assert sorted(json.loads(row["body"])["stars"] for row in kept) == [1, 2]
