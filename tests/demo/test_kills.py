"""Whatever is killed in the middle of the demo and started again: no verdict and no fact changes but Message* ones."""

import asyncio
from functools import partial

import pytest
from demo.quarter import Facts, Left, hurt, without_messages, without_rebuilds

from local.demo.player import Player
from local.stack import Stack
from local.wait import until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(900)]

KILLED_AFTER = (100, 200, 320)  # of some 440 actions


@pytest.mark.parametrize("parts", [("intake", "kafka", "field"), ("routing", "zalo", "sla")], ids=" then ".join)
def test_a_killed_part_changes_no_fact(parts: tuple[str, str, str], left: Left) -> None:
    """One after the other, each when the ones before are at work again: a quarter takes long to play."""

    async def kill(stack: Stack, player: Player) -> None:
        for part, after in zip(parts, KILLED_AFTER, strict=True):
            assert await until(partial(_is_past, player, after), within=300)
            await stack.kill(part)
            await stack.start(part)  # takes its time, in which people go on asking

    killed = asyncio.run(hurt(kill))
    assert killed.outcome == left.outcome, killed.screen
    assert undisturbed(killed) == undisturbed(left)


async def _is_past(player: Player, actions: int) -> bool:
    return player.done >= actions


def undisturbed(left: Left) -> Facts:
    return without_rebuilds(without_messages(left.facts))
