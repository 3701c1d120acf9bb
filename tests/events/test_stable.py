"""An open transaction that holds a partition for longer than it may is told once, and so is its end."""

from events.kafka.stable_offsets import LONGEST, StableOffsets, Stand

ONE, OTHER = ("inbound", 0), ("inbound", 1)


def test_a_stable_offset_that_stands_is_told_once_and_when_it_goes_on() -> None:
    stable = StableOffsets()
    held, free = [Stand(ONE, 5, 9), Stand(OTHER, 3, 3)], [Stand(ONE, 9, 9), Stand(OTHER, 3, 3)]
    assert stable.see(held, 100.0) == (set(), set())
    assert stable.see(held, 100.0 + LONGEST) == (set(), set())
    assert stable.seconds(100.0 + LONGEST) == {ONE: LONGEST}
    assert stable.see(held, 101.0 + LONGEST) == ({ONE}, set())
    assert stable.see(held, 102.0 + LONGEST) == (set(), set())
    assert stable.see(free, 103.0 + LONGEST) == (set(), {ONE})
    assert stable.seconds(103.0 + LONGEST) == {}


def test_transactions_that_end_in_time_are_no_trouble() -> None:
    """The stable offset is behind all the while, and moves."""
    stable = StableOffsets()
    for number in range(100):
        assert stable.see([Stand(ONE, number, number + 5)], number * LONGEST) == (set(), set())
    assert stable.seconds(99 * LONGEST) == {ONE: 0.0}


def test_a_partition_that_is_read_by_another_is_nobody_s_trouble_here() -> None:
    stable = StableOffsets()
    stable.see([Stand(ONE, 0, 1)], 0.0)
    assert stable.see([Stand(ONE, 0, 1)], LONGEST + 1) == ({ONE}, set())
    assert stable.see([], LONGEST + 2) == (set(), {ONE})
