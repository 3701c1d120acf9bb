"""The independent check reads corrections as the judge does, from the facts as they stand on Kafka."""

import os
from pathlib import Path
from typing import Any

import msgspec
from check.check import CATALOGUE, Judge, differences
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.judging import MONDAY, RULES, received
from oracle.telling import Story, local, promise, stories

from sla.judging.judge import judge
from sla.judging.rows import shown

EXAMPLES = int(os.environ.get("ONEDOOR_EXAMPLES", "200"))
CHECK = Judge(Path(CATALOGUE))


def agrees(story: Story) -> list[str]:
    """Where the check and the judge's rows differ."""
    facts: list[dict[str, Any]] = [
        {
            "id": fact.id, "type": f"onedoor.{fact.type}.v{fact.schema}", "time": fact.at.isoformat(),
            "causationid": fact.cause.causation, "data": msgspec.json.decode(fact.data),
        }
        for fact in story.facts
    ]  # fmt: skip
    rows = [msgspec.to_builtins(shown(row._asdict())) for row in judge(story.facts, RULES).cycles]
    return differences([CHECK.verdict(cycle) for cycle in CHECK.cycles(facts)], rows)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories(corrections=False, foreign=False, promises=st.just(promise()), starts=st.just(local(7, 10))))
def test_every_drawn_dossier_of_our_own_services_is_read_alike(story: Story) -> None:
    assert agrees(story) == []


def late() -> tuple[Story, str]:
    story = received()
    story.forwarded(local(7, 10, 10), "DL-193")
    return story, story.returned(local(7, 14, 9), "DL-193")


def test_a_void_a_corrected_time_and_another_service_are_read_alike() -> None:
    """Each alone, and all together."""
    told, release = late()
    told.corrected(local(8, 1, 9), release, "at", local(7, 13, 10))
    assert agrees(told) == []
    told.reclassified(local(8, 2, 9), "LV-RES-RURAL@2017-07-01")
    assert agrees(told) == []
    told.voided(local(8, 3, 9), release)
    assert agrees(told) == []


def test_the_last_correction_of_a_field_and_a_question_that_never_was() -> None:
    """A pause is moved twice, another is voided, and what does not count changes nothing for either."""
    story = Story()
    story.received(MONDAY, promise("MV-CONNECT@2017-07-01"))
    asked = story.supplement(local(7, 11, 9))
    story.supplemented(local(7, 12, 9), asked)
    gone = story.works(local(7, 13, 9))
    story.returned(local(7, 20, 9))
    story.corrected(local(8, 2, 9), asked, "at", local(7, 10, 15))
    story.corrected(local(8, 1, 9), asked, "at", local(7, 11, 15))
    story.voided(local(8, 3, 9), gone)
    story.corrected(local(8, 4, 9), gone, "at", local(7, 17, 9))
    story.corrected(local(8, 5, 9), asked, "at", local(7, 11, 15), category="workorder")
    assert agrees(story) == []
    story.reclassified(local(8, 6, 9), "NO-SUCH@2017-07-01")
    assert agrees(story) == []


def test_it_would_notice_a_correction_that_it_did_not_know() -> None:
    """Without the correction the two disagree."""
    told, release = late()
    told.corrected(local(8, 1, 9), release, "at", local(7, 13, 10))
    without = Story()
    without.facts = told.facts[:-1]
    rows = [msgspec.to_builtins(shown(row._asdict())) for row in judge(told.facts, RULES).cycles]
    facts = [
        {"id": fact.id, "type": f"onedoor.{fact.type}.v1", "time": fact.at.isoformat(),
         "causationid": "start", "data": msgspec.json.decode(fact.data)}
        for fact in without.facts
    ]  # fmt: skip
    assert differences([CHECK.verdict(cycle) for cycle in CHECK.cycles(facts)], rows) != []
