"""The explanation as a picture and as a page: every stretch stands where its time is, and names itself."""

import re
from datetime import datetime
from xml.etree import ElementTree

from hypothesis import given, settings
from oracle.judging import RULES
from oracle.telling import Story, local, promise, stories

from sla.explain.explain import CycleExplanation, explain
from sla.explain.page import page
from sla.explain.timeline import LANES, LEFT, WIDTH, timeline
from sla.judging.judge import judge

SVG = "{http://www.w3.org/2000/svg}"


def late() -> Story:
    """Due Thursday 17:00, a supplement on Tuesday, released a week after receipt."""
    story = Story()
    story.received(local(7, 10, 9), promise())
    asked = story.supplement(local(7, 11, 8))
    story.supplemented(local(7, 11, 10), asked)
    story.forwarded(local(7, 11, 11), "DL-193", hours=4)
    story.returned(local(7, 17, 11), "DL-193")
    return story


def told(story: Story, now: datetime | None = None) -> CycleExplanation:
    (cycle,) = explain(judge(story.facts, RULES, now), RULES).cycles
    return cycle


def test_every_stretch_lies_in_the_lane_of_its_clock_and_names_itself() -> None:
    """As many bars as lines, one lane each, the sentence in both languages on each."""
    cycle = told(late())
    bars = list(ElementTree.fromstring(timeline(cycle)).iter(f"{SVG}rect"))
    assert len(bars) == len(cycle.lines)
    assert len({bar.get("y") for bar in bars}) == len({line.clock for line in cycle.lines}) == 3
    said = [bar.findtext(f"{SVG}title") or "" for bar in bars]
    assert any("Chờ khách hàng: bổ sung hồ sơ / Waiting for the customer" in one for one in said)


def test_what_came_after_due_has_a_colour_of_its_own_right_of_the_line() -> None:
    """Late working time of the company starts where the due line stands."""
    picture = ElementTree.fromstring(timeline(told(late())))
    due = next(float(one.get("x1") or 0) for one in picture.iter(f"{SVG}line") if one.get("stroke") == "#b3261e")
    late_bars = [float(bar.get("x") or 0) for bar in picture.iter(f"{SVG}rect") if bar.get("fill") == "#b3261e"]
    assert late_bars
    assert all(x >= due for x in late_bars)


def test_a_case_without_a_cycle_has_no_picture_but_a_page() -> None:
    """The page says that the case has no receipt."""
    story = Story()
    story.forwarded(local(7, 11, 8), "DL-193")
    shown = page(explain(judge(story.facts, RULES), RULES))
    assert "<svg" not in shown
    assert "Hồ sơ không có sự kiện tiếp nhận" in shown


def test_the_page_has_verdict_ledger_sums_and_who_held_it() -> None:
    """Vietnamese first; every line with its event."""
    story = late()
    shown = page(explain(judge(story.facts, RULES), RULES))
    cycle = told(story)
    assert cycle.verdict.vi in shown
    assert all(held.text.vi in shown for held in cycle.why_overdue)
    assert shown.count('<tr><th scope="row"') == len(cycle.lines) + 2  # two lines of sums
    assert all(fact.id in shown for fact in story.facts if fact.type != "DossierReturned")


@settings(max_examples=60, deadline=None)
@given(stories())
def test_any_history_gives_a_well_formed_picture_within_its_frame(story: Story) -> None:
    """Bars tile the width from receipt to the end, whatever happened."""
    for cycle in explain(judge(story.facts, RULES), RULES).cycles:
        drawn = timeline(cycle)
        if not drawn:
            assert not cycle.lines
            continue
        bars = list(ElementTree.fromstring(drawn).iter(f"{SVG}rect"))
        assert len(bars) == len(cycle.lines)
        for bar in bars:
            assert float(bar.get("x") or 0) >= LEFT
            assert float(bar.get("x") or 0) + float(bar.get("width") or 0) <= WIDTH
        assert set(re.findall(r'y="(\d+)" width', drawn)) <= {str(26 + 34 * lane) for lane in range(len(LANES))}
