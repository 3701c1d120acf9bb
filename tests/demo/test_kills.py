"""Whatever is killed in the middle of the demo and started again: no verdict and no fact changes but Message* ones."""

import asyncio

import pytest
from demo.quarter import Facts, Left, hurt, without_messages, without_rebuilds

from local.demo.player import Player
from local.stack import Stack
from local.wait import until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(900)]

KILLED_AFTER = 150  # actions


@pytest.mark.parametrize("part", ["intake", "routing", "field", "sla", "zalo", "kafka"])
def test_a_killed_part_changes_no_fact(part: str, left: Left) -> None:
    async def kill(stack: Stack, player: Player) -> None:
        async def far_enough() -> bool:
            return player.done >= KILLED_AFTER

        assert await until(far_enough, within=300)
        await stack.kill(part)
        await stack.start(part)  # takes its time, in which people go on asking

    killed = asyncio.run(hurt(kill))
    assert killed.outcome == left.outcome, killed.screen
    assert undisturbed(killed) == undisturbed(left)


def undisturbed(left: Left) -> Facts:
    return without_rebuilds(without_messages(left.facts))
