"""Corrections: what they make of the facts that they are about, in any order and however often."""

from datetime import UTC, datetime, timedelta
from random import Random

from contracts.given import CLERK, NINE, case_id, rated, received
from hypothesis import given
from hypothesis import strategies as st

from events.commands.amend import Amended, amend, as_corrected, fields_of, said_of
from events.commands.decider import Said
from events.contracts.catalogue import Fact, name_of, write
from events.contracts.corrections import FactCorrected, FactVoided
from events.contracts.intake import CaseClosed, DeadlineExtended, ServiceReclassified, SupplementReceived
from events.contracts.routing import DossierForwarded, DossierReturned
from events.store.envelope import Cause, RecordedEvent

CASE = case_id()
LEADER = "staff-qn-01"
HOUR = timedelta(hours=1)


def on(number: int, stream: str = "case") -> str:
    return f"{stream}-{CASE}@{number}"


def void(target: str, kind: str = "CaseClosed") -> FactVoided:
    return FactVoided(case_id=CASE, voids=target, kind=kind, reason="entered-wrongly", leader=LEADER)


def correct(target: str, field: str, value: str) -> FactCorrected:
    return FactCorrected(
        case_id=CASE, corrects=target, kind="CustomerRated", field=field, value=value, reason="entered-wrongly",
        leader=LEADER,
    )  # fmt: skip


def stream(*facts: Fact) -> list[Said]:
    """The facts as versions 1, 2, … of the case, an hour apart."""
    return [Said(fact, CLERK, on(number), NINE + number * HOUR) for number, fact in enumerate(facts, 1)]


def why(amended: Amended) -> list[str]:
    return [reason for _, reason in amended.idle]


def test_a_voided_fact_vanishes_and_the_correction_with_it() -> None:
    """What is left reads as if it had never been said."""
    amended = amend(stream(received(), CaseClosed(case_id=CASE), void(on(2))))
    assert [one.fact for one in amended.facts] == [received()]
    assert [(one.by.id, one.about.id, one.field) for one in amended.amendments] == [(on(3), on(2), None)]


def test_a_corrected_field_is_replaced_and_the_rest_stays() -> None:
    """The old value and the new one are told."""
    (_, mark), (change,), _ = amend(stream(received(), rated(stars=1), correct(on(2), "stars", "4")))
    assert mark == Said(rated(stars=4), CLERK, on(2), NINE + 2 * HOUR)
    assert (change.field, change.was, change.now) == ("stars", "1", "4")


def test_a_corrected_time_is_the_time_of_the_fact() -> None:
    """`at` belongs to the log's line, not to the data."""
    (_, mark), (change,), _ = amend(stream(received(), rated(), correct(on(2), "at", "2017-07-10T17:30:00+07:00")))
    assert mark.at == datetime(2017, 7, 10, 10, 30, tzinfo=UTC)
    assert mark.fact == rated()
    assert change.now == "2017-07-10T10:30:00Z"


def test_an_instant_a_choice_and_an_empty_field_can_be_corrected() -> None:
    """Each is written as in the fact's JSON."""
    extended = DeadlineExtended(case_id=CASE, appointment=NINE, reason="bad-weather", leader=LEADER)
    back = DossierReturned(case_id=CASE, from_unit="DL-193", by="zalo")
    (_, one, other), changes, idle = amend(
        stream(
            received(),
            extended,
            back,
            correct(on(2), "appointment", "2017-07-20T17:00:00+07:00"),
            correct(on(3), "by", "software"),
            correct(on(1), "appointment", "2017-07-13T17:00:00+07:00"),
        )
    )
    assert one.fact.appointment == datetime(2017, 7, 20, 10, tzinfo=UTC)
    assert (other.fact.by, idle) == ("software", [])
    assert [change.was for change in changes if change.about.id == on(1)] == [""]


def test_of_several_corrections_of_a_field_the_last_that_was_said_wins() -> None:
    """Last by when it happened, whatever its place in the stream."""
    facts = [
        *stream(received(), rated(stars=1)),
        Said(correct(on(2), "stars", "5"), LEADER, on(3), NINE + 9 * HOUR),
        Said(correct(on(2), "stars", "2"), LEADER, on(4), NINE + 8 * HOUR),
    ]
    assert amend(facts).facts[-1].fact.stars == 5


def test_a_void_wins_over_a_correction_that_is_said_later() -> None:
    """A second void finds nothing more to do."""
    amended = amend(
        stream(received(), rated(), void(on(2), "CustomerRated"), correct(on(2), "stars", "5"), void(on(2)))
    )
    assert [one.id for one in amended.facts] == [on(1)]
    assert sorted(why(amended)) == ["corrects-voided", "voided-before"]


def test_what_a_correction_cannot_do_leaves_the_facts_as_they_are() -> None:
    """Unknown facts, corrections, another service's facts, and values that the fact would not take."""
    facts = stream(
        received(),
        rated(),
        void(on(77)),
        void(on(3)),
        void(f"route-{CASE}@1"),
        correct(on(2), "stars", "6"),
        correct(on(2), "colour", "red"),
        correct(on(2), "case_id", case_id(2)),
        correct(on(1), "documents", "land-title"),
        correct(on(2), "at", "yesterday"),
        ServiceReclassified(case_id=CASE, service="MV-CONNECT@2017-07-01", reason="service-mistaken", leader=LEADER),
        void(on(11)),
    )
    handed = DossierForwarded(case_id=CASE, from_unit="PAC-193", to_unit="DL-193", step="assign")
    amended = amend([*facts, Said(handed, CLERK, f"route-{CASE}@1", NINE)])
    assert [one.id for one in amended.facts] == [on(1), on(2), on(11), f"route-{CASE}@1"]
    assert amended.facts[:2] == facts[:2]
    assert amended.amendments == []
    assert sorted(why(amended)) == sorted(
        ["corrects-nothing", "corrects-correction", "corrects-anothers", "corrects-correction", *["does-not-fit"] * 5]
    )


def test_another_systems_fact_is_corrected_by_another_stream_of_theirs() -> None:
    """Each foreign fact is a stream of its own, so the stream cannot be the same."""
    told = Said(rated(stars=1), "emitter-x", f"foreign-{'a' * 64}@1", NINE)
    mended = Said(correct(told.id, "stars", "5"), "emitter-x", f"foreign-{'b' * 64}@1", NINE)
    assert [one.fact for one in amend([mended, told]).facts] == [rated(stars=5)]


def test_fields_that_name_the_thing_or_hold_many_values_are_not_offered() -> None:
    """A dossier's code is no field that could be corrected."""
    assert fields_of(SupplementReceived(case_id=CASE, answers=on(2))) == ["answers"]
    assert "documents" not in fields_of(received())
    assert "appointment" in fields_of(received())


def test_a_loaded_stream_is_corrected_in_place() -> None:
    """Version, bytes and hash stay what was said."""
    past = [_recorded(said) for said in stream(received(), rated(stars=1), correct(on(2), "stars", "4"))]
    first, mark = as_corrected(past)
    assert (first, mark.fact, mark.version) == (past[0], rated(stars=4), 2)
    assert (mark.data, mark.hash) == (past[1].data, past[1].hash)
    assert as_corrected(past[:2]) == past[:2]


TARGETS = st.integers(1, 9).map(on) | st.just("route-none@1")
FACTS = st.one_of(
    st.integers(1, 5).map(lambda stars: rated(stars=stars)),
    st.builds(CaseClosed, case_id=st.just(CASE)),
    TARGETS.map(void),
    TARGETS.map(void),
    st.builds(correct, TARGETS, st.sampled_from(["stars", "at", "colour"]),
              st.sampled_from(["1", "5", "9", "2017-07-10T11:00:00+07:00", "2017-07-10T12:00:00Z"])),
)  # fmt: skip
TIMES = st.integers(0, 5).map(lambda hours: NINE + hours * HOUR)
SAID = st.lists(st.tuples(FACTS, TIMES), max_size=9).map(
    lambda told: [Said(fact, CLERK, on(number), at) for number, (fact, at) in enumerate(told, 1)]
)


@given(SAID, st.randoms(use_true_random=False))
def test_corrections_are_a_set_whatever_their_order(said: list[Said], random: Random) -> None:
    """The facts keep their order, and it is all that the order of saying decides."""
    shuffled = said[:]
    random.shuffle(shuffled)
    amended, again = amend(said), amend(shuffled)
    assert sorted(again.facts, key=lambda one: one.id) == sorted(amended.facts, key=lambda one: one.id)
    assert again.amendments == amended.amendments
    assert sorted(again.idle, key=lambda one: one[0].id) == sorted(amended.idle, key=lambda one: one[0].id)


@given(SAID)
def test_every_correction_either_does_something_or_says_why_not(said: list[Said]) -> None:
    """None is lost; nothing that was voided is left; nothing else is gone."""
    amended = amend(said)
    corrections = {one.id for one in said if isinstance(one.fact, FactVoided | FactCorrected)}
    done = [one.by.id for one in amended.amendments]
    assert sorted([*done, *(one.id for one, _ in amended.idle)]) == sorted(corrections)
    voided = {one.about.id for one in amended.amendments if one.field is None}
    assert {one.id for one in amended.facts} == {one.id for one in said} - corrections - voided


def _recorded(said: Said) -> RecordedEvent:
    name, schema = name_of(said.fact)
    data = write(said.fact)
    assert said.at is not None
    made = RecordedEvent(
        stream=f"case-{CASE}", version=int(said.id.rpartition("@")[2]), subject=CASE, type=name, schema=schema,
        fact=said.fact, data=data, cause=Cause(correlation="x", causation="x", actor=said.by), at=said.at,
        recorded_at=said.at, hash=data[:8],
    )  # fmt: skip
    assert said_of(made) == said
    return made
