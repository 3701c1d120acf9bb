"""Who may correct what: given what was said, when a leader corrects it, then the correction, or why not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from contracts.given import CLERK, NINE, case_id, rated, received
from hypothesis import given
from hypothesis import strategies as st

from events.actor import Actor
from events.commands.amend import amend
from events.commands.correct import Command, Correct, Past, Void, correcting
from events.commands.decider import Said
from events.contracts.catalogue import Fact
from events.contracts.corrections import FactCorrected, FactVoided
from events.contracts.intake import (
    ApplicationReceived,
    CaseClosed,
    CaseReopened,
    DeadlineExtended,
    SupplementReceived,
    SupplementRequested,
)
from events.errors import Refused
from intake.decide import case
from intake.state import follows

CASE = case_id()
LEADER, OTHER = (Actor(id=f"staff-qn-{n}", roles=frozenset({"leader"}), unit="PC-QN") for n in ("01", "02"))
HOUR = timedelta(hours=1)
NOW = NINE + 100 * HOUR
DECIDER = correcting(case, follows, founds=lambda fact: isinstance(fact, ApplicationReceived))


def on(number: int) -> str:
    return f"case-{CASE}@{number}"


def past(*facts: Fact, by: str = CLERK) -> list[Said]:
    """The facts as versions 1, 2, … of the case, an hour apart from nine o'clock on."""
    return [Said(fact, by, on(number + 1), NINE + number * HOUR) for number, fact in enumerate(facts)]


def decided(said: list[Said], command: Command) -> list[Fact]:
    """What is said, and that saying it again says nothing more."""
    facts = list(DECIDER.decide(command, DECIDER.fold(said)))
    then = [
        *said,
        *(Said(fact, command.by.id, on(len(said) + number), NOW) for number, fact in enumerate(facts, 1)),
    ]
    assert list(DECIDER.decide(command, DECIDER.fold(then))) == []
    return facts


def refused(said: list[Said], command: Command) -> Refused:
    with pytest.raises(Refused) as no:
        DECIDER.decide(command, DECIDER.fold(said))
    assert no.value.way_out
    return no.value


def void(number: int, by: Actor = LEADER) -> Void:
    return Void(case_id=CASE, fact=on(number), reason="entered-wrongly", by=by)


def correct(number: int, field: str, value: str, by: Actor = LEADER) -> Correct:
    return Correct(case_id=CASE, fact=on(number), field=field, value=value, reason="entered-wrongly", now=NOW, by=by)


CLOSED = past(received(), CaseClosed(case_id=CASE), rated(stars=1))


def test_a_leader_voids_what_another_said() -> None:
    """The correction names the fact, its kind, the reason and the leader."""
    assert decided(CLOSED, void(2)) == [
        FactVoided(case_id=CASE, voids=on(2), kind="CaseClosed", reason="entered-wrongly", leader=LEADER.id)
    ]


def test_a_leader_corrects_one_field() -> None:
    """The value is written as in the fact."""
    assert decided(CLOSED, correct(3, "stars", "5")) == [
        FactCorrected(
            case_id=CASE, corrects=on(3), kind="CustomerRated", field="stars", value="5", reason="entered-wrongly",
            leader=LEADER.id,
        )
    ]  # fmt: skip


def test_the_last_correction_of_a_field_can_be_corrected_again() -> None:
    """Also back to what it was, and by the same leader: each says something new."""
    said = CLOSED
    for stars in ("5", "4", "5", "1"):
        facts = decided(said, correct(3, "stars", stars))
        said = [*said, Said(facts[0], LEADER.id, on(len(said) + 1), NOW)]
    assert amend(said).facts[2].fact.stars == 1


def test_the_receipt_is_corrected_but_not_voided() -> None:
    """Everything rests on it: a dossier that should not be is ended, not unsaid."""
    assert refused(CLOSED, void(1)).rule == "founding-fact"
    (fact,) = decided(CLOSED, correct(1, "at", "2017-07-10T08:30:00+07:00"))
    assert fact.value == "2017-07-10T01:30:00Z"


def test_a_correction_is_the_same_however_its_value_is_spelt() -> None:
    """What is said is what the readers of our log write: they need no reader of every spelling."""
    for field, spellings in (
        ("at", ("2017-07-10T03:30:00Z", "2017-07-10T10:30:00.0000000+07:00", "2017-07-10t03:30:00.0000009z")),
        ("stars", ("5", "5.0")),
    ):
        facts = [decided(CLOSED, correct(3, field, value))[0] for value in spellings]
        assert [fact.value for fact in facts] == [spellings[0]] * len(spellings)
        said = [*CLOSED, Said(facts[0], LEADER.id, on(len(CLOSED) + 1), NOW)]
        assert [decided(said, correct(3, field, value)) for value in spellings] == [[]] * len(spellings)


def test_nobody_corrects_their_own() -> None:
    """Not even a leader."""
    said = [
        *past(received()),
        Said(
            DeadlineExtended(case_id=CASE, appointment=NOW, reason="bad-weather", leader=LEADER.id),
            LEADER.id,
            on(2),
            NINE + HOUR,
        ),
    ]
    for command in (void(2), correct(2, "reason", "staff-short")):
        assert refused(said, command).rule == "own-fact"
    assert len(decided(said, void(2, OTHER))) == 1


@pytest.mark.parametrize(
    ("command", "rule", "field"),
    [
        (void(9), "no-such-fact", "fact"),
        (correct(9, "stars", "5"), "no-such-fact", "fact"),
        (correct(3, "colour", "red"), "no-such-field", "field"),
        (correct(3, "case_id", case_id(2)), "no-such-field", "field"),
        (correct(1, "documents", "land-title"), "no-such-field", "field"),
        (correct(3, "stars", "6"), "value-does-not-fit", "value"),
        (correct(3, "stars", "five"), "value-does-not-fit", "value"),
        (correct(3, "at", "2017-07-10"), "value-does-not-fit", "value"),
        (correct(3, "at", "2017-07-10T10:00:00"), "value-does-not-fit", "value"),
        (correct(3, "stars", "1"), "nothing-to-correct", "value"),
        (correct(3, "at", "2017-07-10T04:00:00Z"), "nothing-to-correct", "value"),
        (correct(3, "at", "2018-07-10T04:00:00Z"), "time-in-future", "value"),
        (correct(3, "at", "2017-07-10T01:59:00Z"), "out-of-order", "value"),
        (correct(1, "at", "2017-07-10T03:30:00Z"), "out-of-order", "value"),
    ],
)
def test_what_cannot_be_corrected_is_refused_with_the_field(command: Command, rule: str, field: str) -> None:
    """Each refusal has its name and says what to do instead."""
    no = refused(CLOSED, command)
    assert (no.rule, no.field) == (rule, field)


def test_an_answer_is_moved_to_another_question_that_came_before_it() -> None:
    """Not to a later one, to a voided one, or to one that nobody asked: it would be its own cause."""
    asked, answer = SupplementRequested(case_id=CASE, gaps=()), SupplementReceived(case_id=CASE, answers=on(2))
    said = past(received(), asked, asked, answer, asked)
    assert len(decided(said, correct(4, "answers", on(3)))) == 1
    for other in (on(5), on(4), "route-x@1"):
        assert refused(said, correct(4, "answers", other)).rule == "answers-nothing"
    said.append(Said(decided(said, void(3))[0], LEADER.id, on(6), NOW))
    assert refused(said, correct(4, "answers", on(3))).rule == "answers-nothing"


def brought(number: int) -> SupplementReceived:
    return SupplementReceived(case_id=CASE, answers=on(number))


ASKED = SupplementRequested(case_id=CASE, gaps=())
TWICE = past(received(), ASKED, brought(2), ASKED, brought(4), CaseClosed(case_id=CASE))


def test_an_answer_is_not_moved_to_a_question_that_has_its_answer_or_to_what_is_no_question() -> None:
    """Re-decided with the correction, the answer or another one would be refused."""
    for other in (on(2), on(1), on(3)):
        assert refused(TWICE, correct(5, "answers", other)).rule == "answers-nothing"
    unanswered = past(received(), ASKED, CaseClosed(case_id=CASE), CaseReopened(case_id=CASE, reason="left-out"),
                      ASKED, brought(5))  # fmt: skip
    assert refused(unanswered, correct(6, "answers", on(2))).rule == "answers-nothing"  # it ended with its cycle


def test_an_answer_whose_question_was_voided_is_moved_to_the_one_that_stands() -> None:
    """The way out names it."""
    said = past(received(), ASKED, ASKED, brought(2))
    said.append(Said(decided(said, void(2))[0], LEADER.id, on(5), NOW))
    assert on(3) in (refused(said, correct(4, "answers", on(1))).way_out or "")
    assert len(decided(said, correct(4, "answers", on(3)))) == 1


@pytest.mark.parametrize(
    ("number", "hours"),
    [
        (2, 2.5),  # a question after its answer
        (3, 0.5),  # an answer before its question
        (4, 1.5),  # a question while another is open
        (6, 3.5),  # the end before what was said in between
        (5, 5.5),  # an answer after the end
    ],
)
def test_a_corrected_time_passes_nothing_that_depends_on_the_order(number: int, hours: float) -> None:
    """The way out is the time between its neighbours; at one of them it is still in order, as it was said."""
    no = refused(TWICE, correct(number, "at", (NINE + hours * HOUR).isoformat()))
    assert (no.rule, no.field) == ("out-of-order", "value")
    ends = [NINE + (number - 2) * HOUR, NINE + number * HOUR if number < len(TWICE) else NOW]
    for at in ends:
        assert f"{at:%Y-%m-%dT%H:%M}" in (no.way_out or "")
        assert len(decided(TWICE, correct(number, "at", at.isoformat()))) == 1


def test_what_stands_in_the_way_is_corrected_first() -> None:
    """Both were entered late: the question first, then its answer; the other way about is refused."""
    said = TWICE
    assert refused(said, correct(5, "at", (NINE + 2.5 * HOUR).isoformat())).rule == "out-of-order"
    for number, hours in ((4, 2.2), (5, 2.5)):
        fact = decided(said, correct(number, "at", (NINE + hours * HOUR).isoformat()))[0]
        said = [*said, Said(fact, LEADER.id, on(len(said) + 1), NOW)]
    assert [one.at for one in amend(said).facts[3:5]] == [NINE + 2.2 * HOUR, NINE + 2.5 * HOUR]


def test_a_history_that_was_never_in_order_is_still_corrected() -> None:
    """A fact told late may have passed others: only what a correction adds is refused."""
    said = past(received(), ASKED, brought(2), CaseClosed(case_id=CASE), rated(stars=1))
    said[3] = said[3]._replace(at=NINE + 0.5 * HOUR)
    for command in (correct(2, "at", (NINE + 1.5 * HOUR).isoformat()), correct(4, "at", said[2].at.isoformat())):  # type: ignore[union-attr]
        assert len(decided(said, command)) == 1


def test_a_correction_loses_nothing_that_was_said_since() -> None:
    """Facts between a wrong one and its correction, and after that, stand as if it had been said right."""
    wrong, right = (DeadlineExtended(case_id=CASE, appointment=NOW + n * HOUR, reason="bad-weather", leader=OTHER.id)
                    for n in (0, 24))  # fmt: skip
    since = [ASKED, brought(3), CaseClosed(case_id=CASE), rated(stars=1)]
    said = past(received(), wrong, *since[:2])
    fact = decided(said, correct(2, "appointment", right.appointment.isoformat()))[0]
    later = [Said(one, CLERK, on(number), NOW) for number, one in enumerate(since[2:], 6)]
    told = [*said, Said(fact, LEADER.id, on(5), NOW), *later]
    meant = [*past(received(), right, *since[:2]), *later]
    assert case.fold(told) == case.fold(meant)
    told.append(Said(decided(told, void(7))[0], LEADER.id, on(8), NOW))
    assert case.fold(told) == case.fold(meant[:-1])


def test_a_correction_is_neither_voided_nor_corrected() -> None:
    """The first fact is corrected again instead."""
    said = [*CLOSED, Said(decided(CLOSED, correct(3, "stars", "5"))[0], LEADER.id, on(4), NOW)]
    assert refused(said, void(4, OTHER)).rule == "is-a-correction"
    assert refused(said, correct(4, "value", "4", OTHER)).rule == "is-a-correction"


def test_a_voided_fact_is_past_correcting() -> None:
    """Whoever wants it back says it again."""
    said = [*CLOSED, Said(decided(CLOSED, void(3))[0], LEADER.id, on(4), NOW)]
    assert refused(said, void(3, OTHER)).rule == "voided-before"
    assert refused(said, correct(3, "stars", "5")).rule == "voided-before"


def test_of_a_dossier_of_which_nothing_was_said_nothing_is_corrected() -> None:
    """It is not found, rather than a fact of it."""
    assert refused([], void(1)).rule == "no-such-dossier"


COMMANDS = st.lists(
    st.one_of(
        st.builds(void, st.integers(1, 9), st.sampled_from([LEADER, OTHER])),
        st.builds(
            correct,
            st.integers(1, 9),
            st.sampled_from(["at", "stars", "reason"]),
            st.sampled_from(["3", "5", "2017-07-10T04:30:00Z", "bad-weather"]),
            st.sampled_from([LEADER, OTHER]),
        ),
    ),
    max_size=12,
)


@given(COMMANDS)
def test_whatever_is_accepted_takes_effect_and_again_says_nothing(commands: list[Any]) -> None:
    """No accepted correction is idle, and of one field one correction stands."""
    said = [
        *CLOSED,
        Said(
            DeadlineExtended(case_id=CASE, appointment=NOW, reason="staff-short", leader=LEADER.id),
            LEADER.id,
            on(4),
            NINE + 4 * HOUR,
        ),
    ]
    for number, command in enumerate(commands):
        state: Past = DECIDER.fold(said)
        try:
            facts = DECIDER.decide(command, state)
        except Refused:
            continue
        at = datetime(2017, 8, 1, tzinfo=UTC) + number * HOUR
        said += [Said(fact, command.by.id, on(len(said) + 1), at) for fact in facts]
        assert list(DECIDER.decide(command, DECIDER.fold(said))) == []
    for one, why in amend(said).idle:
        # What was corrected first may be voided later.
        assert why == "corrects-voided", one


def test_of_what_begins_and_ends_cycles_only_the_last_that_stands_can_be_voided() -> None:
    """Others count on the earlier ones: the later is voided first."""
    said = past(
        received(), CaseClosed(case_id=CASE), CaseReopened(case_id=CASE, reason="left-out"), CaseClosed(case_id=CASE)
    )
    turns = (CaseClosed, CaseReopened)
    decider = correcting(case, follows, founds=lambda fact: isinstance(fact, ApplicationReceived), turns=turns)
    with pytest.raises(Refused) as no:
        decider.decide(void(3), decider.fold(said))
    assert no.value.rule == "turned-since"
    assert on(4) in (no.value.way_out or "")
    last = decider.decide(void(4), decider.fold(said))
    then = [*said, Said(last[0], LEADER.id, on(5), NOW)]
    assert [fact.voids for fact in decider.decide(void(3), decider.fold(then))] == [on(3)]
