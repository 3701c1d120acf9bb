"""What the judge finds worth a look, exactly: the fact, the stable word, and the detail that a person reads."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from oracle.judging import RULES, THURSDAY, received
from oracle.telling import Story, local, promise

from events.contracts.terms import Limit, Promise
from sla.i18n.labels import FINDINGS
from sla.judging.judge import judge

Found = list[tuple[str, str, str]]
"""Event, word and detail, in the order in which the judge meets them."""

NOBODYS = "route-none@1"
APPOINTED = local(7, 20, 17)
YEARS = "VN-PAC@2017.1 covers 1990-01-01 to 2100-12-31"
STATED = Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", due=THURSDAY)


def hours_from(start: datetime) -> Iterator[datetime]:
    """One instant an hour."""
    while True:
        yield start
        start += timedelta(hours=1)


def told_in_vain(story: Story, at: Iterator[datetime]) -> list[str]:
    """Every kind of fact that needs a running cycle."""
    return [
        story.forwarded(next(at), "DL-193"),
        story.acknowledged(next(at), "DL-193"),
        story.supplement(next(at)),
        story.supplemented(next(at), NOBODYS),
        story.works(next(at)),
        story.worked(next(at), NOBODYS),
        story.referred(next(at)),
        story.replied(next(at), answers=NOBODYS),
        story.obstructed(next(at), "customer"),
        story.obstructed(next(at), "agency"),
        story.obstructed(next(at), "utility"),
        story.resumed(next(at), NOBODYS),
        story.extended(next(at), APPOINTED),
        story.returned(next(at)),
        story.refused(next(at)),
        story.withdrawn(next(at)),
        story.stopped(next(at)),
        story.closed(next(at)),
    ]


def before_receipt() -> tuple[Story, Found]:
    """Everything that can be said of a dossier, of one that nobody has received."""
    story, at = Story(), hours_from(local(7, 10, 9))
    told = [*told_in_vain(story, at), story.rated(next(at), 5), story.reopened(next(at))]
    return story, [(told[0], "no-receipt", ""), *((id, "before-receipt", "") for id in told)]


def after_the_end() -> tuple[Story, Found]:
    """The same of one that was withdrawn."""
    story, at = received(), hours_from(local(7, 11, 9))
    story.withdrawn(next(at))
    return story, [(id, "after-end", "") for id in told_in_vain(story, at)]


def after_collecting() -> tuple[Story, Found]:
    """The customer collects once."""
    story = received()
    story.returned(local(7, 12, 9))
    story.closed(local(7, 12, 10))
    return story, [(story.closed(local(7, 12, 11)), "after-end", "")]


def while_it_runs() -> tuple[Story, Found]:
    """A second receipt, a reopening, and answers to nothing; without a question's id, the agency is named."""
    story, at = received(), hours_from(local(7, 11, 8))
    return story, [
        (story.received(next(at), promise("MV-CONNECT@2017-07-01")), "received-again", ""),
        (story.reopened(next(at)), "reopened-while-open", ""),
        (story.supplemented(next(at), NOBODYS), "answers-nothing", NOBODYS),
        (story.worked(next(at), NOBODYS), "answers-nothing", NOBODYS),
        (story.resumed(next(at), NOBODYS), "answers-nothing", NOBODYS),
        (story.replied(next(at), "QN-SXD", NOBODYS), "answers-nothing", NOBODYS),
        (story.replied(next(at), "QN-SXD"), "answers-nothing", "QN-SXD"),
    ]


def from_hand_to_hand() -> tuple[Story, Found]:
    """A unit that has not the dossier hands it on, says that it has it, gives it back: who had it is told."""
    story, at = received(), hours_from(local(7, 11, 8))
    story.forwarded(next(at), "DL-193")
    found = [
        (story.forwarded(next(at), "TC-193", by="PAC-193"), "forwarded-by-another", "DL-193"),
        (story.acknowledged(next(at), "DL-193"), "acknowledged-by-another", "TC-193"),
    ]
    story.acknowledged(next(at), "TC-193")
    return story, [
        *found,
        (story.acknowledged(next(at), "TC-193"), "acknowledged-again", ""),
        (story.returned(next(at), "DL-193"), "returned-by-another", "TC-193"),
    ]


def with_agencies() -> tuple[Story, Found]:
    """Another one answers, and the one asked after it; an obstacle without its name; one of our own, ended twice."""
    story, at = received(), hours_from(local(7, 11, 8))
    asked = story.referred(next(at), "QN-SXD", "substation-position")
    found = [
        (story.replied(next(at), "QN-SGTVT", asked), "answered-by-another", "QN-SXD"),
        (story.replied(next(at), "QN-SXD", asked), "answers-nothing", asked),
        (story.obstructed(next(at), "agency"), "agency-unnamed", ""),
    ]
    ours = story.obstructed(next(at), "utility")
    story.resumed(next(at), ours)
    return story, [*found, (story.resumed(next(at), ours), "answers-nothing", ours)]


def extended_twice() -> tuple[Story, Found]:
    """An apology counts once, however late the second one is."""
    story = received()
    story.extended(local(7, 12, 9), APPOINTED)
    return story, [(story.extended(local(7, 14, 9), local(7, 28, 17)), "extended-twice", "")]


def extended_too_late() -> tuple[Story, Found]:
    """At due itself it no longer counts."""
    story = received()
    return story, [(story.extended(THURSDAY, APPOINTED), "extended-after-due", "")]


def an_appointment_of_its_own() -> tuple[Story, Found]:
    """The paper says Friday, three working days end on Thursday; a second reads the instant that was computed."""
    story = Story()
    receipt = story.received(local(7, 10, 9), promise(), appointment=local(7, 14, 17))
    return story, [(receipt, "appointment-differs", "computed 2017-07-13T10:00:00+00:00")]


def a_due_beside_the_limit() -> tuple[Story, Found]:
    """Who reopens states an instant, but the pinned limit decides."""
    story = received()
    story.returned(local(7, 12, 9))
    reopened = story.reopened(local(7, 24, 9), local(7, 28, 17))
    return story, [(reopened, "due-ignored", "the pinned limit is counted from the reopening")]


def an_unknown_service() -> tuple[Story, Found]:
    """Named by the receipt, and by a leader."""
    story = Story()
    receipt = story.received(local(7, 10, 9), promise("LV-RES-URBAN@1999-01-01"))
    other = story.reclassified(local(7, 11, 9), "NO-SUCH@2017-07-01")
    return story, [
        (other, "unknown-service", "NO-SUCH@2017-07-01"),
        (receipt, "unknown-service", "LV-RES-URBAN@1999-01-01"),
    ]


def an_unknown_calendar() -> tuple[Story, Found]:
    """Without its calendar a promise cannot be counted."""
    story = Story()
    pledge = Promise(calendar="VN-PAC@1999.1", clock_policy="PAUSE", working_days=3)
    return story, [(story.received(local(7, 10, 9), pledge), "unknown-calendar", "VN-PAC@1999.1")]


def beyond_the_years() -> tuple[Story, Found]:
    """The last days of 2100: neither the promise nor the agency's limit ends in a year that anybody knows."""
    story, at = Story(), hours_from(local(12, 30, 9, year=2100))
    sentence = f"{YEARS}; 2100-12-30 + 3 working days lies beyond it"
    receipt = (story.received(next(at), promise()), "beyond-calendar", sentence)
    asked = story.referred(next(at), limit=Limit(amount=5, unit="working_days"))
    return story, [receipt, (asked, "beyond-calendar", f"{YEARS}; 2100-12-30 + 5 working days lies beyond it")]


def counted_anew_beyond_the_years() -> tuple[Story, Found]:
    """By a supplement under RESTART, which then only pauses, and by a reopening, which is undetermined."""
    story, at = Story(), hours_from(local(12, 30, 9, year=2100))
    story.received(local(12, 27, 9, year=2100), promise(policy="RESTART"))
    asked = story.supplement(local(12, 28, 9, year=2100))
    sentence = f"{YEARS}; 2100-12-30 + 3 working days lies beyond it"
    brought = (story.supplemented(next(at), asked), "beyond-calendar", sentence)
    story.returned(next(at))
    return story, [brought, (story.reopened(next(at)), "beyond-calendar", sentence)]


def corrections_in_vain() -> tuple[Story, Found]:
    """Why each did nothing stands before what the facts themselves show; voids are weighed first."""
    story, at = received(), hours_from(local(8, 1, 9))
    asked = story.supplement(local(7, 11, 9))
    void = story.voided(next(at), asked)
    return story, [
        (story.voided(next(at), NOBODYS), "corrects-nothing", ""),
        (story.voided(next(at), asked), "voided-before", ""),
        (story.voided(next(at), void), "corrects-correction", ""),
        (story.corrected(next(at), asked, "at", local(7, 11, 10)), "corrects-voided", ""),
        (story.corrected(next(at), story.facts[0].id, "at", "yesterday"), "does-not-fit", ""),
        (story.corrected(next(at), story.facts[0].id, "at", local(7, 7, 9), category="route"), "corrects-anothers", ""),
    ]


def another_service_for_no_receipt() -> tuple[Story, Found]:
    """There is nothing that could be of another service."""
    story = Story()
    other = story.reclassified(local(7, 11, 9), "LV-RES-RURAL@2017-07-01")
    return story, [("", "no-receipt", ""), (other, "corrects-nothing", "")]


TOLD: list[Callable[[], tuple[Story, Found]]] = [
    before_receipt, after_the_end, after_collecting, while_it_runs, from_hand_to_hand, with_agencies, extended_twice,
    extended_too_late, an_appointment_of_its_own, a_due_beside_the_limit, an_unknown_service, an_unknown_calendar,
    beyond_the_years, counted_anew_beyond_the_years, corrections_in_vain, another_service_for_no_receipt,
]  # fmt: skip


@pytest.mark.parametrize("tell", TOLD, ids=lambda tell: tell.__name__)
def test_a_finding_names_the_fact_and_what_is_odd_about_it(tell: Callable[[], tuple[Story, Found]]) -> None:
    """No more of them, and none less."""
    story, found = tell()
    assert list(judge(story.facts, RULES).findings) == found


def test_every_word_for_a_finding_is_among_them() -> None:
    """A new one needs its story here."""
    assert {what for tell in TOLD for _, what, _ in tell()[1]} == FINDINGS.keys()


MOVE_NOTHING = {
    "before-receipt", "after-end", "received-again", "reopened-while-open", "answers-nothing", "extended-twice",
    "extended-after-due", "acknowledged-by-another", "acknowledged-again",
}  # fmt: skip


@pytest.mark.parametrize("tell", TOLD, ids=lambda tell: tell.__name__)
def test_what_moves_nothing_could_as_well_not_have_been_said(tell: Callable[[], tuple[Story, Found]]) -> None:
    """Without those facts the rows are the same at any later time."""
    story, found = tell()
    idle = {event for event, what, _ in found if what in MOVE_NOTHING}
    later = max(fact.at for fact in story.facts) + timedelta(days=9)
    told, left = (judge(facts, RULES, later) for facts in (story.facts, [f for f in story.facts if f.id not in idle]))
    assert (told.cycles, told.stays, told.referrals) == (left.cycles, left.stays, left.referrals)
    assert (told.charges, told.spans, told.counts_from) == (left.charges, left.spans, left.counts_from)
