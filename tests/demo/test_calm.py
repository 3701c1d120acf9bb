"""Calm is only when nothing is on its way: two looks that are quiet and count the same."""

from typing import Any

import pytest

from local.demo.calm import LAST, SERVICES, Calm
from local.demo.doors import Doors

QUIET: dict[str, Any] = {
    "followers": [{"name": "f", "behind_events": 0, "trouble": None}],
    "published": {},
    "heard": {},
}


class Looks(Doors):
    """Services whose standings were written down beforehand, one per look."""

    def __init__(self, *looks: dict[str, Any], waiting: tuple[int, ...] = ()) -> None:
        super().__init__({}, "", "")
        self._looks, self._waiting, self.seen = list(looks), list(waiting), 0

    async def look(self, service: str, path: str) -> Any:
        if service == LAST:  # a look begins with it
            self.seen += 1
        if path == "/messages/waiting":
            return {"waiting": self._waiting.pop(0) if self._waiting else 0}
        return self._looks[min(self.seen, len(self._looks)) - 1].get(service, QUIET)


def says(offset: int) -> dict[str, Any]:
    return {**QUIET, "published": {"intake.events": {"3": offset}}}


def hears(offset: int) -> dict[str, Any]:
    return {**QUIET, "heard": {"intake.events": {"3": offset}}}


def all_hear(offset: int) -> dict[str, Any]:
    return {"intake": says(offset), "routing": hears(offset), "sla": hears(offset)}


async def test_two_quiet_looks_that_count_the_same_are_calm() -> None:
    doors = Looks(all_hear(4))
    await Calm(doors).wait()
    assert doors.seen == 2


async def test_what_was_published_must_be_heard_by_everyone_who_hears_it() -> None:
    deaf = {**all_hear(4), "sla": hears(3)}
    doors = Looks(deaf, deaf, all_hear(4))
    await Calm(doors).wait()
    assert doors.seen == 4


async def test_a_quiet_look_that_counts_more_than_the_one_before_is_not_enough() -> None:
    doors = Looks(all_hear(4), all_hear(5), all_hear(5))
    await Calm(doors).wait()
    assert doors.seen == 3


async def test_a_follower_that_is_behind_or_a_message_to_be_sent_is_not_calm() -> None:
    behind = {**all_hear(4), "field": {**QUIET, "followers": [{"name": "f", "behind_events": 1, "trouble": None}]}}
    doors = Looks(behind, all_hear(4), waiting=(0, 2))
    await Calm(doors).wait()
    assert doors.seen == 4


async def test_what_a_restarted_service_has_forgotten_that_it_published_still_counts() -> None:
    doors = Looks(
        {**all_hear(4), "routing": hears(3)}, {**all_hear(4), "intake": QUIET, "routing": hears(3)}, all_hear(4)
    )
    await Calm(doors).wait()
    assert doors.seen == 4


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_does_not_answer_is_waited_for(service: str) -> None:
    doors = Looks({**all_hear(4), service: None}, all_hear(4))
    await Calm(doors).wait()
    assert doors.seen == 3
