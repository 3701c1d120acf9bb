"""The explanation of one case: its lines, its sums, and who made it late."""

from pathlib import Path

from hypothesis import given, settings
from oracle.telling import Story, local, promise, stories

from deadlines.load import load
from sla.explain.explain import explain, why_overdue
from sla.judging.judge import Rules, judge

CATALOGUE = load(Path(__file__).parents[2] / "deploy" / "catalogue")
RULES = Rules(CATALOGUE)
HOUR = 3600


def late() -> Story:
    """Due Thursday 17:00, moved to Friday 08:00 by an hour of the customer's; returned Friday 11:00."""
    story = Story()
    story.received(local(7, 10, 16), promise())
    story.forwarded(local(7, 11, 8), "DL-193")
    asked = story.supplement(local(7, 11, 9))
    story.supplemented(local(7, 11, 10), asked)
    story.forwarded(local(7, 13, 9), "TC-193", by="DL-193", hours=4, step="install")
    story.returned(local(7, 14, 11), "TC-193")
    return story


def test_the_lines_say_what_happened_in_both_languages() -> None:
    """From the day of receipt to release, each with the event that began it."""
    story = late()
    lines = explain(judge(story.facts, RULES), RULES).cycles[0].lines
    assert lines[0].text.en == "Day of receipt, not counted"
    assert lines[0].because == story.facts[0].id
    waiting = next(line for line in lines if line.clock == "customer")
    assert waiting.text.vi == "Chờ khách hàng: bổ sung hồ sơ"
    assert (waiting.minutes, waiting.because) == (60, story.facts[2].id)
    assert lines[-1].text.en == "Works Team, Ha Long works on the dossier"
    assert lines[-1].after_due


def test_the_sums_run_down_to_the_due_instant() -> None:
    """Three days of the company and the customer's hour before due, three hours after it."""
    cycle = explain(judge(late().facts, RULES), RULES).cycles[0]
    assert cycle.row.due_at == local(7, 14, 8)
    assert (cycle.to_due.utility, cycle.to_due.customer) == (24 * HOUR, HOUR)
    assert (cycle.after_due.utility, cycle.after_due.not_counted) == (3 * HOUR, 0)
    assert cycle.verdict.vi.startswith("Đúng hạn") is True


def test_why_a_case_is_overdue_names_who_held_it() -> None:
    """A day later: the team overran its four hours and is charged the whole delay."""
    story = Story()
    story.received(local(7, 10, 16), promise())
    story.forwarded(local(7, 11, 8), "DL-193")
    story.forwarded(local(7, 13, 9), "TC-193", by="DL-193", hours=4, step="install")
    story.returned(local(7, 14, 11), "TC-193")
    judgement = judge(story.facts, RULES)
    (held,) = why_overdue(judgement, 1, CATALOGUE)
    assert (held.unit, held.charged, held.overrun) == ("TC-193", 4 * HOUR, 6 * HOUR)
    assert held.text.en == (
        "Works Team, Ha Long made the dossier late by 4 h 0 min of working time, "
        "over its own step limits by 6 h 0 min of working time"
    )
    assert explain(judgement, RULES).cycles[0].verdict.en.startswith("Overdue: released 14/07/2017 11:00, due 13")


def test_a_case_in_time_has_nobody_to_name() -> None:
    """No delay, no shares."""
    story = Story()
    story.received(local(7, 10, 16), promise())
    story.returned(local(7, 11, 11))
    judgement = judge(story.facts, RULES)
    assert why_overdue(judgement, 1, CATALOGUE) == ()
    assert explain(judgement, RULES).cycles[0].verdict.en.startswith("Ahead of time")


def test_an_open_case_past_due_says_since_when_and_how_late_it_is_by_now() -> None:
    """Asked on Friday morning about Thursday's deadline."""
    story = Story()
    story.received(local(7, 10, 9), promise())
    (cycle,) = explain(judge(story.facts, RULES, local(7, 14, 9)), RULES).cycles
    assert cycle.verdict.en == "Open, overdue since 13/07/2017 17:00, late by 2 h 0 min of working time so far"
    assert [(held.unit, held.charged) for held in cycle.why_overdue] == [("PAC-193", 2 * HOUR)]


def test_a_release_after_the_hour_but_on_the_day_is_not_called_late() -> None:
    """By date it is on time; the sentence says that the hour had passed."""
    story = Story()
    story.received(local(7, 10, 9), promise())
    asked = story.supplement(local(7, 11, 10))
    story.supplemented(local(7, 12, 15), asked)
    story.returned(local(7, 17, 14))
    (cycle,) = explain(judge(story.facts, RULES), RULES).cycles
    assert cycle.verdict.vi.startswith("Đúng hạn")
    assert "cùng ngày hẹn, sau giờ hẹn 2 giờ 0 phút" in cycle.verdict.vi
    assert "late" not in cycle.verdict.en


def test_a_release_on_a_day_off_after_due_is_overdue_by_date_but_nobody_worked_late() -> None:
    """Due on Friday at closing, released on Saturday: the class looks at dates, the delay at working time."""
    story = Story()
    story.received(local(7, 11, 9), promise())
    story.returned(local(7, 15, 9))
    judgement = judge(story.facts, RULES)
    assert judgement.cycles[0].class_a == "overdue"
    assert why_overdue(judgement, 1, CATALOGUE) == ()
    assert explain(judgement, RULES).cycles[0].verdict.en == "Overdue: released 15/07/2017 09:00, due 14/07/2017 17:00"


def test_open_paused_undetermined_and_ended_cases_say_so() -> None:
    """Each state in its own words."""
    said = {}
    for word in ("open", "paused", "withdrawn"):
        story = Story()
        story.received(local(7, 10, 9), promise())
        if word == "paused":
            story.supplement(local(7, 11, 9))
        elif word == "withdrawn":
            story.withdrawn(local(7, 11, 9))
        said[word] = explain(judge(story.facts, RULES), RULES).cycles[0].verdict.en
    nothing = Story()
    nothing.received(local(7, 10, 9), None)
    said["none"] = explain(judge(nothing.facts, RULES), RULES).cycles[0].verdict.en
    said["forked"] = explain(judge(nothing.facts, RULES, incomplete=True), RULES).cycles[0].verdict.en
    assert said["open"] == "Open, due 13/07/2017 17:00"
    assert said["paused"].startswith("Paused")
    assert said["withdrawn"].endswith("withdrawn")
    assert said["none"].startswith("Undetermined")
    assert said["forked"].startswith("Incomplete")


def test_findings_have_texts() -> None:
    """A case without receipt explains itself too."""
    story = Story()
    story.forwarded(local(7, 11, 8), "DL-193")
    said = [text.en for _, text in explain(judge(story.facts, RULES), RULES).findings]
    assert said == ["The case has no receipt", "Before receipt: moved nothing"]


@settings(max_examples=100, deadline=None)
@given(stories())
def test_the_explanation_adds_up_to_the_rows(story: Story) -> None:
    """Before and after due together are the cycle's sums; every line has both languages and an event."""
    explained = explain(judge(story.facts, RULES), RULES)
    for cycle in explained.cycles:
        sums = [before + after for before, after in zip(cycle.to_due, cycle.after_due, strict=True)]
        row = cycle.row
        assert sums == [row.utility_seconds, row.customer_seconds, row.agency_seconds, row.not_counted_seconds]
        assert all(line.text.vi and line.text.en and line.because for line in cycle.lines)
        assert cycle.after_due.utility == row.delay_seconds
        assert sum(held.charged for held in cycle.why_overdue) == row.delay_seconds
