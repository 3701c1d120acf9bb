"""Plays a plan through the public doors in simulated time: day by day, and within a day in rounds.

A dossier's next action at another door must see what the services made of the one before, so after each round
everything has to have had its effect everywhere. Receptions of one counter go in sequence, which makes the codes the
same in every run; everything else of a round goes on at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from local.demo.calm import Calm
from local.demo.doors import OPERATOR, Doors
from local.demo.script import VIETNAM, Action, Dossier, Plan, Segment, local_day
from local.errors import LocalError

AT_ONCE = 16  # people who act at the same moment

Tell = Callable[[date, int], None]  # the day, and how many actions are done


class Player:
    """One plan on one running system."""

    def __init__(self, doors: Doors, calm: Calm, plan: Plan, tell: Tell = lambda day, done: None) -> None:
        self._doors, self._calm, self._plan, self._tell = doors, calm, plan, tell
        self.codes: dict[int, str] = {}  # the dossier's number → its code
        self._orders: dict[int, str] = {}
        self.done = 0

    async def play(self) -> None:
        """Raises Refusal or another LocalError when the system does not do what the script says."""
        rounds = self._plan.rounds()
        errands: dict[date, list[tuple[int, Action]]] = {}
        for number, action in enumerate(self._plan.errands):
            errands.setdefault(local_day(action.at), []).append((number, action))
        for day in self._plan.days():
            todays = rounds.get(day, [])
            for place in range(max(len(todays), 1 if day in errands else 0)):
                jobs = [self._segments(job) for job in _jobs(todays[place] if place < len(todays) else [])]
                if place == 0:
                    jobs += [self._errand(number, action) for number, action in errands.get(day, [])]
                await _at_once(jobs)
                await self._calm.wait()
                self._tell(day, self.done)
            await self._end_of(day)
            self._tell(day, self.done)

    async def _end_of(self, day: date) -> None:
        """Midnight: the ticker says what the hours have brought."""
        midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=VIETNAM)
        answer = await self._doors.post("sla", "/clock", {"now": midnight.isoformat()}, who=OPERATOR)
        if answer.get("said", 1):
            await self._calm.wait()

    async def _segments(self, segments: Iterable[Segment]) -> None:
        for segment in segments:
            for number, action in enumerate(segment.actions, start=segment.first):
                await self._act(segment.dossier, number, action)
                self.done += 1

    async def _errand(self, number: int, action: Action) -> None:
        key = f"demo-{self._plan.seed}-errand-{number:04d}"
        if action.door == "zalo":
            await self._doors.say(action.who, action.body["text"], now=action.at, message=key)
        else:
            await self._doors.post(action.door, action.path, action.body, who=action.who, now=action.at, key=key)
        self.done += 1

    async def _act(self, dossier: Dossier, number: int, action: Action) -> None:
        key = self._key(dossier, number)
        order = await self._order(dossier) if action.door == "field" else ""
        words = {"{case}": self.codes.get(dossier.number, ""), "{order}": order}
        if "submission" in action.body:
            words["{submission}"] = f"zalo-{self._key(dossier, 0)}"
        if "previous_case" in action.body:
            words |= {f"{{case {known}}}": code for known, code in self.codes.items()}
        body = _filled(action.body, words)
        if action.door == "zalo":
            sorted_as = await self._doors.say(action.who, body["text"], now=action.at, message=key)
            if sorted_as == "quarantined":
                raise LocalError(f"the door did not understand {action.does} of dossier {dossier.name}")
            self._orders.pop(dossier.number, None)
            return
        path = _filled(action.path, words)
        answer = await self._doors.post(
            action.door, path, body, who=action.who, now=action.at, key=key, refused=action.refused
        )
        if "case_id" in answer:
            self.codes[dossier.number] = answer["case_id"]
        if action.door == "routing":
            self._orders.pop(dossier.number, None)
            for fact in answer["facts"]:
                if fact["type"] == "DossierForwarded":
                    stream, _, version = fact["id"].rpartition("@")
                    self._orders[dossier.number] = f"wo-{stream.removeprefix('route-')}-{version}"

    async def _order(self, dossier: Dossier) -> str:
        """The team's open work order: named by the hand-over, or found in the team's list after one over Zalo."""
        if dossier.number not in self._orders:
            found = await self._doors.get("field", f"/workorders?case={self.codes[dossier.number]}&open=true")
            if not found:
                raise LocalError(f"no team has a work order for {self.codes[dossier.number]}")
            self._orders[dossier.number] = found[-1]["work_order"]
        return self._orders[dossier.number]

    def _key(self, dossier: Dossier, number: int) -> str:
        return f"demo-{self._plan.seed}-{dossier.name}-{number:02d}"


def _jobs(segments: Sequence[Segment]) -> list[list[Segment]]:
    """What goes in sequence: the receptions of one counter by the clock; every other segment is a job of its own."""
    receptions: dict[str, list[Segment]] = {}
    others: list[list[Segment]] = []
    for segment in segments:
        if segment.actions[0].does == "receive":
            receptions.setdefault(segment.dossier.counter, []).append(segment)
        else:
            others.append([segment])
    by_clock = [sorted(jobs, key=lambda one: one.actions[0].at) for jobs in receptions.values()]
    return sorted(by_clock, key=len, reverse=True) + others


async def _at_once(jobs: Sequence[Any]) -> None:
    """Run the jobs, a few at a time; the first failure ends them all."""
    left = deque(jobs)

    async def worker() -> None:
        while left:
            await left.popleft()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(left))):
                group.create_task(worker())
    except* LocalError as failures:
        raise failures.exceptions[0] from None
    finally:
        for job in left:
            job.close()


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    """The value with each placeholder replaced by its word."""
    match value:
        case str():
            for placeholder, word in words.items():
                value = value.replace(placeholder, word)
            return value
        case Mapping():
            return {name: _filled(one, words) for name, one in value.items()}
        case list() | tuple():
            return [_filled(one, words) for one in value]
        case _:
            return value
