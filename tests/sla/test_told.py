"""The facts of a case as they are listed: all of them, causes first, with what corrections made of each."""

from random import Random
from typing import Any

import msgspec
from oracle.telling import Story, local

from events.contracts.sla import DeadlineMissed
from events.kafka.cloudevent import from_cloudevent
from sla.explain.case_history import told


def listed(story: Story) -> list[dict[str, Any]]:
    return [{**one, "event": from_cloudevent(bytes(one["event"]))} for one in told(story.facts)]


def test_every_fact_is_listed_as_it_was_said() -> None:
    """Equal to what was recorded, whatever order it was heard in; what happened first is first."""
    story = Story()
    story.received(local(7, 10, 8))
    asked = story.supplement(local(7, 10, 9))
    story.supplemented(local(7, 11, 9), asked)
    said = list(story.facts)
    Random(3).shuffle(story.facts)
    assert [one["event"] for one in listed(story)] == said
    assert all(one["voided_by"] is one["idle"] is None and one["corrected"] == [] for one in listed(story))


def test_a_cause_stands_before_its_effect_of_the_same_instant() -> None:
    """A work order and what routing made of it: by name of the stream it would be the other way round."""
    story = Story()
    story.received(local(7, 10, 8))
    order = story.obstructed(local(7, 10, 9), "customer")
    reply = story.tell(story.facts[0].fact, local(7, 10, 9), cause=order)
    receipt = story.facts[0].id
    story.facts.reverse()
    assert [one["event"].id for one in listed(story)] == [receipt, order, reply]


def test_what_was_voided_keeps_its_place_and_names_the_correction() -> None:
    story = Story()
    story.received(local(7, 10, 8))
    closed = story.closed(local(7, 11, 8))
    voided = story.voided(local(7, 12, 8), closed)
    found = listed(story)
    assert [one["event"].id for one in found] == [story.facts[0].id, closed, voided]
    assert [one["voided_by"] for one in found] == [None, voided, None]


def test_a_corrected_field_is_told_with_both_values() -> None:
    """The event stays what was said; every correction of it is beside it."""
    story = Story()
    receipt = story.received(local(7, 10, 8))
    first = story.corrected(local(7, 12, 8), receipt, "district", "DL-194")
    second = story.corrected(local(7, 13, 8), receipt, "counter", "PAC-194")
    found = listed(story)
    assert found[0]["event"].fact.district == "DL-193"
    assert found[0]["corrected"] == [
        {"field": "district", "was": "DL-193", "now": "DL-194", "by": first},
        {"field": "counter", "was": "PAC-193", "now": "PAC-194", "by": second},
    ]


def test_a_correction_without_effect_says_why() -> None:
    story = Story()
    closed = story.closed(local(7, 11, 8))
    story.voided(local(7, 12, 8), closed)
    story.voided(local(7, 12, 9), closed)
    assert [one["idle"] for one in listed(story)] == [None, None, "voided-before"]


def test_each_event_says_which_service_it_is_of() -> None:
    story = Story()
    story.received(local(7, 10, 8))
    story.returned(local(7, 10, 9))
    story.obstructed(local(7, 10, 10), "customer")
    missed = DeadlineMissed(case_id=story.case_id, cycle=1, revision=0, due=local(7, 10, 11))
    story.tell(missed, local(7, 10, 11), category="promise")
    sources = [msgspec.json.decode(bytes(one["event"]))["source"] for one in told(story.facts)]
    assert sources == ["/onedoor/intake", "/onedoor/routing", "/onedoor/field", "/onedoor/sla"]
