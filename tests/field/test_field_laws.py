"""Laws of the field: what is heard never raises; one open order per dossier; nothing after an end."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from events.actor import Actor
from events.commands.decider import Said
from events.contracts.catalogue import Fact
from events.contracts.field import (
    VisitMissed,
    VisitScheduled,
    WorkCompleted,
    WorkObstructed,
    WorkOrderCancelled,
    WorkOrderIssued,
    WorkResumed,
    WorkStarted,
)
from events.contracts.routing import DossierForwarded, DossierRecalled, DossierReturned, StepCompleted
from events.contracts.terms import Exhibit
from events.errors import Refused
from events.store.envelope import Cause, RecordedEvent
from field import policy
from field.decide import Asked, Complete, Heard, MissVisit, Obstruct, Resume, ScheduleVisit, Start, workorder
from field.state import Ended, case_of, follows, order_of
from routing.state import order_of as order_of_routing

CASE = "000.00.02.H49-170710-0001"
NINE = datetime(2017, 7, 11, 2, tzinfo=UTC)
ORDERS = [f"wo-{CASE}-{number}" for number in range(1, 5)]

actors = st.sampled_from(
    [
        Actor(id=f"staff-{unit}-{n}", roles=frozenset({"team"}), unit=unit)
        for unit in ("TC-193", "KS-22")
        for n in (1, 2)
    ]
)
ids = st.sampled_from(ORDERS)
times = st.integers(0, 5).map(lambda hours: NINE + timedelta(hours=hours))
faults = st.sampled_from(("customer", "agency", "utility"))
routed = st.one_of(
    st.builds(DossierForwarded, case_id=st.just(CASE), from_unit=st.just("DL-193"),
              to_unit=st.sampled_from(("TC-193", "KS-22")), step=st.just("install"),
              work=st.sampled_from(("install", None))),
    st.builds(StepCompleted, case_id=st.just(CASE), unit=st.just("TC-193"), step=st.just("install")),
    st.builds(DossierRecalled, case_id=st.just(CASE), from_unit=st.just("TC-193"), because=st.just("case-x@2")),
    st.builds(DossierReturned, case_id=st.just(CASE), from_unit=st.just("DL-193"), by=st.just("zalo")),
)  # fmt: skip
shown = st.sampled_from(((), (Exhibit(reference="e"),)))
asked: st.SearchStrategy[Asked] = st.one_of(
    st.builds(ScheduleVisit, work_order=ids, starts=times, ends=times, at=times, by=actors),
    st.builds(MissVisit, work_order=ids, fault=faults, reason=st.just("customer-absent"), at=times, by=actors),
    st.builds(Start, work_order=ids, by=actors),
    st.builds(Obstruct, work_order=ids, fault=faults, agency=st.sampled_from((None, "UBND-193")),
              reason=st.just("bad-weather"), by=actors),
    st.builds(Resume, work_order=ids, by=actors),
    st.builds(Complete, work_order=ids, evidence=shown, handed_over=st.booleans(), by=actors),
)  # fmt: skip


def heard(fact: Fact, version: int) -> RecordedEvent:
    cause = Cause(correlation="c", causation="c", actor="staff-193-01")
    return RecordedEvent(
        stream=f"route-{CASE}", version=version, subject=CASE, type="", schema=1, fact=fact, data=b"", cause=cause,
        at=NINE, recorded_at=NINE, hash=b"",
    )  # fmt: skip


def say(past: list[Said], command: Asked | Heard, by: str) -> bool:
    """Decide and say what follows from what was said; again at once, nothing more. False when it was refused."""
    try:
        facts = workorder.decide(command, workorder.fold(past))
    except Refused:
        return False
    for fact in facts:
        said = Said(fact, by, f"workorder-{CASE}@{len(past) + 1}")
        assert follows(workorder.fold(past), said)
        past.append(said)
    if facts:
        assert list(workorder.decide(command, workorder.fold(past))) == []
    return True


@given(st.lists(st.one_of(routed, asked, asked), max_size=50))
def test_one_order_is_open_and_nothing_follows_an_end(steps: list[Fact | Asked]) -> None:
    past: list[Said] = []
    version = 0
    for step in steps:
        if isinstance(step, policy.HEARD):
            version += 1
            for case_id, command in policy.follow_dossiers(heard(step, version)):
                assert case_id == CASE
                assert say(past, command, "policy-field"), "what is heard is never refused"
        elif isinstance(step, Asked):
            say(past, step, step.by.id)
        open_ones = [one for one in workorder.fold(past).by_id.values() if not isinstance(one, Ended)]
        assert len(open_ones) <= 1
    ended: set[str] = set()
    for said in past:
        assert said.fact.work_order not in ended
        if isinstance(said.fact, WorkCompleted | WorkOrderCancelled):
            ended.add(said.fact.work_order)
    answered = {said.fact.answers for said in past if isinstance(said.fact, WorkResumed)}
    obstacles = {said.id for said in past if isinstance(said.fact, WorkObstructed)}
    assert answered <= obstacles


facts = st.one_of(
    st.builds(WorkOrderIssued, case_id=st.just(CASE), work_order=ids, team=st.just("TC-193"), work=st.just("install"),
              because=st.just("route-x@1")),
    st.builds(VisitScheduled, case_id=st.just(CASE), work_order=ids, starts=times, ends=times),
    st.builds(VisitMissed, case_id=st.just(CASE), work_order=ids, fault=faults, reason=st.just("customer-absent")),
    st.builds(WorkStarted, case_id=st.just(CASE), work_order=ids),
    st.builds(WorkObstructed, case_id=st.just(CASE), work_order=ids, fault=faults, reason=st.just("bad-weather")),
    st.builds(WorkResumed, case_id=st.just(CASE), work_order=ids, answers=st.just(f"workorder-{CASE}@1")),
    st.builds(WorkOrderCancelled, case_id=st.just(CASE), work_order=ids, because=st.just("route-x@2")),
    st.none(),  # a type that this version does not know
)  # fmt: skip


@given(st.lists(facts, max_size=30), routed)
def test_any_facts_fold_and_what_is_heard_after_them_never_raises(past: list[Fact], fact: Fact) -> None:
    state = workorder.fold(Said(one, "anybody", f"workorder-{CASE}@{n}") for n, one in enumerate(past, 1))
    for _, command in policy.follow_dossiers(heard(fact, 9)):
        workorder.decide(command, state)


@given(st.integers(1, 10_000))
def test_routing_and_field_call_an_order_by_the_same_name(version: int) -> None:
    forward = f"route-{CASE}@{version}"
    assert order_of(forward) == order_of_routing(forward)
    assert case_of(order_of(forward)) == CASE
