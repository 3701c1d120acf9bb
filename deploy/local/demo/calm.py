"""When everything that was done has had its effect everywhere: nothing is unsent, unheard or unapplied in any service.

The services are asked one after the other, so one quiet look proves nothing: a fact may be on its way to a service
that was asked before. Two looks in a row that are quiet and count the same do (Mattern's method of four counters).
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from events.contracts.channels import hears
from local.demo.doors import Doors
from local.errors import LocalError

LAST, OTHERS = "sla", ("intake", "routing", "field")  # who has news last is asked first, and may spare the others
SERVICES = (*OTHERS, LAST)
# Who hears whom. A service whose /followers says `hears` is taken at its word.
HEARS: Mapping[str, tuple[str, ...]] = {service: hears(service) for service in SERVICES}
PAUSE = 0.03  # seconds between looks
EARLY = 0.5  # of the usual time until the first look
MEMORY = 6  # how many waits make the usual time
AFTER_TROUBLE = 1.5  # seconds of quiet that are wanted when a service was away: it may not know yet what it has sent
LONGEST = 180.0  # seconds until we give up

Look = tuple[Any, ...]
Place = tuple[str, str]  # topic, partition


class Calm:
    """Waits until all followers of all services have caught up."""

    def __init__(self, doors: Doors, prefix: str = "") -> None:
        self._doors, self._prefix = doors, prefix
        self._published: dict[Place, int] = {}  # the most that was ever said to be published
        self._unanswered = 0
        self._usual = 0.0  # seconds that it took lately
        self.looks = 0

    async def wait(self) -> None:
        """Raises LocalError, saying who is behind, when it does not get calm."""
        began = time.monotonic()
        await asyncio.sleep(
            self._usual * EARLY
        )  # a look costs every service some work: none that is sure to be in vain
        before: Look | None = None
        since = began
        while True:
            look, behind = await self._look()
            now = time.monotonic()
            if look is None or look != before:
                before, since = look, now
                if look is not None:
                    self._usual += (now - began - self._usual) / MEMORY
            elif self._doors.unanswered == self._unanswered:
                return
            elif now - since >= AFTER_TROUBLE:
                self._unanswered = self._doors.unanswered
                return
            if now - began > LONGEST:
                raise LocalError(f"not everything has had its effect after {LONGEST:.0f} s: {behind}")
            if look is None or self._doors.unanswered != self._unanswered:
                await asyncio.sleep(PAUSE)

    async def _look(self) -> tuple[Look | None, str]:
        """What was published and heard, if all of it has been applied; otherwise None and who is behind."""
        self.looks += 1
        standings = {LAST: await self._doors.look(LAST, "/followers")}
        if (behind := _behind(standings)) is not None:
            return None, behind
        waiting, *others = await asyncio.gather(
            self._doors.look("intake", "/messages/waiting"),
            *(self._doors.look(service, "/followers") for service in OTHERS),
        )
        standings |= zip(OTHERS, others, strict=True)
        if (behind := _behind(standings)) is not None:
            return None, behind
        if waiting is None or waiting["waiting"]:
            return None, f"{waiting['waiting']} messages are to be sent" if waiting else "intake does not answer"
        for standing in standings.values():
            for topic, places in standing["published"].items():
                for partition, offset in places.items():
                    place = topic, partition
                    self._published[place] = max(offset, self._published.get(place, 0))
        for service, standing in standings.items():
            heard = standing.get("hears") or [self._prefix + topic for topic in HEARS[service]]
            for (topic, partition), offset in self._published.items():
                if topic in heard and standing["heard"].get(topic, {}).get(partition, 0) < offset:
                    return None, f"{service} has not heard all of {topic} {partition}"
        return tuple((standing["published"], standing["heard"]) for standing in standings.values()), ""


def _behind(standings: Mapping[str, Any]) -> str | None:
    """Who does not answer, or has not applied all that it knows of."""
    for service, standing in standings.items():
        if standing is None:
            return f"{service} does not answer"
        for follower in standing["followers"]:
            if follower["behind_events"]:
                return f"{follower['name']} is {follower['behind_events']} behind: {follower['trouble']}"
    return None
