"""What a rebuild keeps of the records that it reads."""

from collections.abc import Collection

import pytest
from msgspec.structs import replace
from oracle.telling import local
from sla_at_work import on_the_wire, story

from events.contracts.intake import CustomerRated, MessageDelivered
from events.store.envelope import RecordedEvent
from sla.rebuild import log_reader
from sla.rebuild.log_reader import Facts, Partition, shares
from sla.rebuild.spill import SpillFiles


def _read(values: Collection[bytes], dismissed: Collection[int] = ()) -> Facts:
    partition = Partition(0, ("intake.events", 3), len(values), frozenset(dismissed))
    found = Facts([partition])
    for offset, value in enumerate(values):
        found.add(partition, offset, b"any", value)
    return found


def _kept(found: Facts) -> list[RecordedEvent]:
    return [fact for own in found.cases.values() for fact in own.values()]


def test_facts_are_kept_by_case_each_once() -> None:
    """Kafka may hold a record twice; of two bodies of one id the first stands, as in the inbox."""
    receipt, other = story(1).facts[0], story(2).facts[0]
    fork = replace(receipt, hash=bytes(32))
    found = _read([on_the_wire(one) for one in (receipt, other, fork, receipt)])
    assert _kept(found) == [receipt, other]
    assert (found.records, found.undecodable) == (4, 0)


def test_what_the_judge_never_looks_at_is_counted_and_not_decoded() -> None:
    """Messages are a quarter of the log."""
    told = story()
    told.tell(
        MessageDelivered(message_id="m-1", case_id=told.case_id, provider_id="z-1"),
        local(7, 10, 10), category="message",
    )  # fmt: skip
    receipt, message = map(on_the_wire, told.facts)
    found = _read([receipt, message[:-20]])
    assert _kept(found) == told.facts[:1]
    assert (found.records, found.undecodable) == (2, 0)


def test_a_type_that_only_begins_like_a_message_is_looked_at() -> None:
    """What cannot be told from its first bytes is decoded, and then it is unreadable."""
    whole = on_the_wire(story().facts[0])
    found = _read([whole.replace(b".ApplicationReceived.v1", b".MessageDelivered"), b"", b"\xff\x00"])
    assert found.undecodable == 3


def test_what_cannot_be_read_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are counted, the first of them are listed."""
    monkeypatch.setattr(log_reader, "LISTED", 2)
    found = _read([b"not an event"] * 3)
    assert found.undecodable == 3
    assert list(found.unreadable) == ["intake.events/3/0", "intake.events/3/1"]
    assert all(reason.startswith("not a CloudEvent of ours") for reason in found.unreadable.values())


def test_what_was_dismissed_counts_in_nothing() -> None:
    """Whoever can read it today."""
    told = story()
    told.tell(CustomerRated(case_id=told.case_id, stars=5), local(7, 11))
    found = _read([*map(on_the_wire, told.facts), b"poison"], dismissed=[1, 2])
    assert _kept(found) == told.facts[:1]
    assert (found.records, found.undecodable, found.unreadable) == (3, 0, {})


def test_what_was_recorded_later_counts_in_nothing() -> None:
    """But in the number of records."""
    told = story()
    told.tell(CustomerRated(case_id=told.case_id, stars=5), local(7, 11))
    first, later = told.facts
    assert first.recorded_at < later.recorded_at
    partition = Partition(0, ("intake.events", 3), 2, frozenset())
    found = Facts([partition], known_on=first.recorded_at)
    for offset, fact in enumerate((later, first)):
        found.add(partition, offset, b"any", on_the_wire(fact))
    assert (_kept(found), found.records) == ([first], 2)


def test_partitions_of_one_number_stay_together() -> None:
    """Partition p of every topic holds the same cases."""
    ends = {("a", 1): 5, ("b", 0): 7, ("b", 1): 2, ("a", 0): 1}
    assert shares(ends) == [{("b", 0): 7, ("a", 0): 1}, {("a", 1): 5, ("b", 1): 2}]
    assert shares({}) == []


def test_what_is_too_much_for_memory_is_laid_aside() -> None:
    """Each case is in one part, whole and in order; each record counts once, and what cannot be read is named."""
    stories = [story(number) for number in range(1, 30)]
    for one in stories:
        one.tell(CustomerRated(case_id=one.case_id, stars=5), local(7, 11))
    partitions = [Partition(number, ("abc"[number], 4), 99, frozenset()) for number in range(3)]
    found = Facts(partitions, aside=SpillFiles(3))
    for offset, one in enumerate(stories):
        receipt, rating = one.facts
        found.add(partitions[0], offset, one.case_id.encode(), on_the_wire(receipt))
        found.add(partitions[2], offset, one.case_id.encode(), on_the_wire(rating))
        found.add(partitions[1], offset, one.case_id.encode(), b"{}")
    parts = [found, *found.rest()]
    assert [one.records for one in parts] == [3 * 29, 0, 0]
    assert all(one.cases for one in parts)
    cases = {case: [*own.values()] for one in parts for case, own in one.cases.items()}
    assert sum(len(one.cases) for one in parts) == len(cases)
    assert cases == {one.case_id: one.facts for one in stories}
    assert sum(one.undecodable for one in parts) == 29
    assert {place for one in parts for place in one.unreadable} == {f"b/4/{offset}" for offset in range(29)}
    assert list(found.rest()) == []


def test_only_the_wanted_cases_are_kept_by_their_key() -> None:
    """The others are counted, and not decoded."""
    receipt, other = story(1).facts[0], story(2).facts[0]
    partition = Partition(0, ("intake.events", 3), 2, frozenset())
    found = Facts([partition], only={other.subject.encode()})
    for offset, fact in enumerate((receipt, other)):
        found.add(partition, offset, fact.subject.encode(), on_the_wire(fact))
    assert _kept(found) == [other]
    assert found.records == 2
