"""An emitter's allowance: a minute's worth at once, then as fast as it fills; one emitter's is not another's."""

from gateway.told import EVERYTHING, OTHER
from hypothesis import given
from hypothesis import strategies as st

from events.gateway.rate_limit import Quotas

SIXTY = EVERYTHING.model_copy(update={"per_minute": 60})


def test_a_minutes_worth_may_come_at_once_and_then_one_a_second() -> None:
    quotas = Quotas()
    assert [quotas.wait(SIXTY, 1, 100.0) for _ in range(60)] == [0.0] * 60
    assert quotas.wait(SIXTY, 1, 100.0) == 1.0
    assert quotas.wait(SIXTY, 3, 101.0) == 2.0
    assert quotas.wait(SIXTY, 1, 101.0) == 0.0
    assert quotas.wait(SIXTY, 60, 101.0) == 60.0
    assert quotas.wait(SIXTY, 60, 999.0) == 0.0


def test_a_batch_that_is_longer_than_a_minutes_worth_passes_when_the_minute_is_whole() -> None:
    quotas = Quotas()
    assert quotas.wait(SIXTY, 120, 0.0) == 0.0
    assert quotas.wait(SIXTY, 1, 0.0) == 61.0
    assert quotas.wait(SIXTY, 120, 119.0) == 1.0
    assert quotas.wait(SIXTY, 120, 120.0) == 0.0


def test_what_is_left_is_told_in_headers_that_a_sender_can_keep_its_pace_by() -> None:
    quotas = Quotas()
    policy = {"RateLimit-Policy": '"events";q=60;w=60'}
    assert quotas.headers(SIXTY, 0.0) == {**policy, "RateLimit": '"events";r=60'}
    quotas.wait(SIXTY, 50, 0.0)
    assert quotas.headers(SIXTY, 2.5) == {**policy, "RateLimit": '"events";r=12'}
    quotas.wait(SIXTY, 120, 60.0)
    assert quotas.headers(SIXTY, 60.0) == {**policy, "RateLimit": '"events";r=0'}


def test_one_emitter_does_not_use_up_anothers() -> None:
    quotas = Quotas()
    assert quotas.wait(SIXTY, 60, 0.0) == 0.0
    assert quotas.wait(SIXTY, 1, 0.0) > 0
    assert quotas.wait(OTHER, 1, 0.0) == 0.0


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 30)), max_size=50))
def test_nobody_gets_more_than_a_minutes_worth_and_what_filled_since(asks: list[tuple[int, float]]) -> None:
    quotas, now, taken = Quotas(), 0.0, 0
    for events, pause in asks:
        now += pause
        wait = quotas.wait(SIXTY, events, now)
        taken += events if wait == 0 else 0
        assert taken <= 60 + now + 1e-6
        if wait:
            assert quotas.wait(SIXTY, events, now + wait + 1e-6) == 0.0
            taken, now = taken + events, now + wait + 1e-6
