"""Whatever is killed in the middle of the demo and started again: no verdict and no fact changes but Message* ones."""

import asyncio
from functools import partial

import pytest
from demo.quarter import Facts, Left, hurt, without_messages, without_rebuilds

from local.demo.player import Player
from local.stack import Stack
from local.wait import until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(900)]

KILLED_AFTER = {"intake": 60, "kafka": 120, "field": 180, "routing": 240, "zalo": 300, "sla": 360}  # of 440 actions


def test_a_killed_part_changes_no_fact(left: Left) -> None:
    """Every part once, each when the ones before are at work again: a quarter takes long to play."""

    async def kill(stack: Stack, player: Player) -> None:
        for part, after in KILLED_AFTER.items():
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
