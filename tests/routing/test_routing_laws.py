"""Laws of the hands: what is heard never raises and is done once; custody is one chain; facts always fold."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deadlines.load import load
from events.actor import Actor
from events.commands.amend import EARLIEST
from events.commands.decider import Said
from events.contracts.catalogue import Fact
from events.contracts.routing import (
    AgencyReferred,
    AgencyReplied,
    CustomerActionCompleted,
    CustomerActionRequested,
    DossierForwarded,
    DossierRecalled,
    DossierReturned,
    StepCompleted,
)
from events.errors import Refused
from routing.decide import (
    Acknowledge,
    Command,
    CompleteCustomerAction,
    CompleteStep,
    Forward,
    RecordReply,
    Refer,
    RequestCustomerAction,
    Return,
    route,
)
from routing.onward import Begin, BeginAgain, Escalate, Heard, NoteDone, NoteReceived, NoteWorkDone, Recall
from routing.plan import Plans
from routing.state import follows

CASE = "000.00.02.H49-170710-0001"
PLANS = Plans(load(Path(__file__).parents[2] / "deploy" / "catalogue"))
DECIDER = route(PLANS)
UNITS = ("DL-193", "TC-193", "PCQN-KD", "PCQN-KT", "KS-22", "TC-22", "PAC-193")
ACTORS = tuple(
    Actor(id=f"staff-{unit}-{number}", roles=frozenset({"officer"}), unit=unit) for unit in UNITS for number in (1, 2)
)
SERVICES = ("LV-RES-URBAN@2017-07-01", "MV-CONNECT@2017-07-01")

actors = st.sampled_from(ACTORS)
units = st.sampled_from(UNITS[:-1])
numbers = st.integers(1, 12)
agencies = st.sampled_from(("UBND-193", "QN-SGTVT"))
plans = st.sampled_from(SERVICES).map(lambda service: PLANS.of(service, "DL-193"))
heard: st.SearchStrategy[Heard] = st.one_of(
    st.builds(Begin, case_id=st.just(CASE), counter=st.just("PAC-193"), plan=plans),
    st.builds(BeginAgain, case_id=st.just(CASE)),
    st.builds(NoteReceived, case_id=st.just(CASE), unit=units),
    st.builds(NoteDone, case_id=st.just(CASE), unit=units),
    st.builds(NoteDone, case_id=st.just(CASE), unit=units),
    st.builds(NoteWorkDone, case_id=st.just(CASE), work_order=numbers.map(lambda n: f"wo-{CASE}-{n}")),
    st.builds(Recall, case_id=st.just(CASE), because=numbers.map(lambda n: f"case-{CASE}@{n}")),
    st.builds(
        Escalate,
        case_id=st.just(CASE),
        cycle=st.integers(1, 2),
        due=st.just(EARLIEST),
        because=numbers.map(lambda n: f"promise-{CASE}@{n}"),
    ),
)
answers = st.none() | numbers.map(lambda n: f"route-{CASE}@{n}")
asked: st.SearchStrategy[Command] = st.one_of(
    st.builds(Acknowledge, case_id=st.just(CASE), by=actors),
    st.builds(CompleteStep, case_id=st.just(CASE), by=actors),
    st.builds(Forward, case_id=st.just(CASE), to_unit=units, to_team=st.booleans(), by=actors),
    st.builds(RequestCustomerAction, case_id=st.just(CASE), action=st.just("own-works"), by=actors),
    st.builds(CompleteCustomerAction, case_id=st.just(CASE), answers=answers, by=actors),
    st.builds(Refer, case_id=st.just(CASE), agency=agencies, matter=st.just("x"), limit=st.none(), by=actors),
    st.builds(
        RecordReply, case_id=st.just(CASE), agency=agencies, outcome=st.just("agreed"), answers=answers, by=actors
    ),
    st.builds(Return, case_id=st.just(CASE), by=actors),
)  # fmt: skip


def play(commands: list[Command]) -> list[Fact]:
    """Decide one after the other; every accepted command, asked again at once, says nothing more.

    Whatever is said follows from what was said before, as corrections see it; by hand a dossier goes on at any time.
    """
    past: list[Said] = []
    for command in commands:
        by = command.by.id if hasattr(command, "by") else "policy-routing-hand-on"
        try:
            facts = DECIDER.decide(command, DECIDER.fold(past))
        except Refused:
            assert hasattr(command, "by"), "what is heard is never refused"
            continue
        for fact in facts:
            said = Said(fact, by, f"route-{CASE}@{len(past) + 1}")
            assert follows(DECIDER.fold(past), said) or isinstance(command, Forward)
            past.append(said)
        if facts and not isinstance(command, Begin | BeginAgain) and _repeatable(command):
            assert list(DECIDER.decide(command, DECIDER.fold(past))) == []
    return [said.fact for said in past]


def _repeatable(command: Command) -> bool:
    """NHAN and XONG carry no step: written again at the next step of the same unit they mean that one."""
    return not isinstance(command, CompleteStep | NoteDone | NoteReceived)


@given(st.lists(st.one_of(heard, heard, asked), max_size=40))
def test_custody_is_one_chain(commands: list[Command]) -> None:
    """Each hand-over comes from the unit that the one before went to; a cycle starts at the counter."""
    cycles: list[list[Fact]] = []
    ended = True
    for fact in play(commands):
        if ended:
            assert isinstance(fact, DossierForwarded), "a cycle begins with a hand-over"
            assert fact.from_unit == "PAC-193"
            cycles.append([])
        cycles[-1].append(fact)
        ended = isinstance(fact, DossierReturned | DossierRecalled)
    for cycle in cycles:
        hands = [fact for fact in cycle if isinstance(fact, DossierForwarded)]
        assert all(one.to_unit == other.from_unit for one, other in pairwise(hands))


@given(st.lists(st.one_of(heard, asked), max_size=40))
def test_nothing_is_returned_while_somebody_is_waited_for(commands: list[Command]) -> None:
    asked_for = 0
    plan = PLANS.of(SERVICES[0], "DL-193")
    assert plan is not None
    for fact in play([Begin(case_id=CASE, counter="PAC-193", plan=plan), *commands]):
        asked_for += isinstance(fact, AgencyReferred | CustomerActionRequested)
        asked_for -= isinstance(fact, AgencyReplied | CustomerActionCompleted)
        if isinstance(fact, DossierReturned):
            assert asked_for == 0
        if isinstance(fact, DossierReturned | DossierRecalled):
            asked_for = 0


facts = st.one_of(
    st.builds(
        DossierForwarded, case_id=st.just(CASE), from_unit=units, to_unit=units, step=st.sampled_from(("assign", "x"))
    ),
    st.builds(StepCompleted, case_id=st.just(CASE), unit=units, step=st.just("assign")),
    st.builds(AgencyReferred, case_id=st.just(CASE), agency=agencies, matter=st.just("x")),
    st.builds(AgencyReplied, case_id=st.just(CASE), agency=agencies, outcome=st.just("agreed"), answers=answers),
    st.builds(DossierReturned, case_id=st.just(CASE), from_unit=units, by=st.just("zalo")),
    st.none(),  # a type that this version does not know
)  # fmt: skip


@given(st.lists(facts, max_size=20), heard)
def test_any_facts_fold_and_what_is_heard_after_them_never_raises(past: list[Fact], command: Heard) -> None:
    said = [Said(fact, "anybody", f"route-{CASE}@{number}") for number, fact in enumerate(past, 1)]
    DECIDER.decide(command, DECIDER.fold(said))
