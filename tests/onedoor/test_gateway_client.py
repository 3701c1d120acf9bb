"""Posting events with patience: a quota, a restart and a token that has run out are waited for, a refusal is not."""

import pytest
from stub_gateway import GONE, RATE, Gateway, door

from events.errors import OnedoorError
from onedoor.client import Said


async def test_a_quota_and_a_restart_are_waited_for_and_the_same_is_sent_again() -> None:
    gateway = Gateway([429, 503, GONE])
    async with door(gateway) as it:
        assert await it.say([b'{"id":"1"}', b'{"id":"2"}']) == [{"result": "accepted"}] * 2
        assert await it.say([b'{"id":"3"}']) == [{"result": "accepted"}]
    assert gateway.bodies == [b'[{"id":"1"},{"id":"2"}]'] * 4 + [b'[{"id":"3"}]']
    assert gateway.tokens == 1


async def test_a_token_that_has_run_out_is_renewed() -> None:
    gateway = Gateway([])
    async with door(gateway) as it:
        await it.say([b"{}"])
        gateway.answers = [401]
        assert await it.say([b"{}"]) == [{"result": "accepted"}]
    assert gateway.heard == ["Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.parametrize("status", [400, 401, 403, 413])
async def test_what_will_not_become_better_is_said_at_once(status: int) -> None:
    gateway = Gateway([status])
    async with door(gateway) as it:
        with pytest.raises(Said, match=f"^the gateway says {status}: no; ask$"):
            await it.say([b"{}"])
    assert len(gateway.bodies) == 1


async def test_patience_ends() -> None:
    async with door(gateway := Gateway([503] * 99)) as it:
        with pytest.raises(OnedoorError, match="give the command again later"):
            await it.say([b"{}"])
    assert len(gateway.bodies) == 8


async def test_the_pace_follows_the_quota_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    """Each batch is sent once, when there is room for it; who waits is told, and nothing is printed."""
    gateway, waits = Gateway([], left=100), list[float]()
    async with door(gateway) as it:
        for _ in range(8):
            assert len(await it.say([b"{}"] * 100, waits.append)) == 100
    assert (len(gateway.bodies), gateway.over) == (8, 0)
    assert waits
    assert all(0 < seconds <= 100 / RATE for seconds in waits)
    assert capfd.readouterr() == ("", "")


async def test_a_gateway_that_does_not_tell_its_quota_is_waited_for_as_it_says(
    capfd: pytest.CaptureFixture[str],
) -> None:
    gateway, waits = Gateway([], left=150, tells=False), list[float]()
    async with door(gateway) as it:
        for _ in range(2):
            assert len(await it.say([b"{}"] * 100, waits.append)) == 100
    assert (len(gateway.bodies), gateway.over) == (3, 1)
    assert waits == [1.0]
    assert capfd.readouterr() == ("", "")


async def test_a_quota_that_never_fills_is_an_error_and_no_loop() -> None:
    async with door(Gateway([429] * 1000)) as it:
        with pytest.raises(OnedoorError, match=r"429.*give the command again later"):
            await it.say([b"{}"])
