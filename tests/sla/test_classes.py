"""The classes in the rows are those of the named classifiers: all recomputable at once from what the row says."""

import os

from hypothesis import HealthCheck, given, settings
from oracle.judging import RULES
from oracle.telling import Story, stories

from deadlines.instants import second_of
from deadlines.verdict import CLASSIFIERS, Finished, classes, minutes_of
from sla.judging.judge import judge

EXAMPLES = int(os.environ.get("ONEDOOR_EXAMPLES", "100"))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories())
def test_every_class_of_a_row_is_what_its_classifier_says_of_it(story: Story) -> None:
    """A and B class what was released, C also what ended without result, D what a unit with a limit has handed on."""
    judgement = judge(story.facts, RULES)
    calendar = RULES.catalogue.calendar(judgement.calendar or "VN-PAC@2017.1")
    supplements = sum(row.supplements for row in judgement.cycles)
    for row in judgement.cycles:
        due = second_of(row.due_at) if row.due_at else None
        if row.ended_at is None:
            assert (row.class_a, row.class_b, row.class_c) == (None, None, None)
            continue
        said = classes(Finished(second_of(row.ended_at), due, calendar, row.supplements, supplements))
        released = row.released_at is not None
        assert (row.class_a, row.class_b) == ((said["A@1"], said["B@1"]) if released else (None, None))
        assert row.class_c == said["C@2"]
    limits = {f"{fact.stream}@{fact.version}": getattr(fact.fact, "limit", None) for fact in story.facts}
    for stay in judgement.stays:
        limit = limits[stay.entered_by]
        minutes = minutes_of(limit) if limit else None
        step = Finished(0, None, calendar, processed=stay.utility_seconds // 60, limit=minutes)
        assert stay.class_d == (CLASSIFIERS["D@1"](step) if stay.left_at else None)
