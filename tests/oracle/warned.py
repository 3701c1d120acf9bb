"""What is to be said of promises, and when: a function of the facts, of how they arrived, and of the ticks.

It takes the judge's rows for granted (other oracles look at those) and shares nothing with the ticker, its timers and
what they decide; working time is counted day by day. It knows 2017 and 2018.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from events.envelope import Recorded
from sla.judge import Rules, judge
from sla.rows import CycleRow

ZERO = datetime(2016, 12, 31, 17, tzinfo=UTC)
DAY = 86400
SESSIONS = ((7 * 3600, 11 * 3600 + 1800), (13 * 3600 + 1800, 17 * 3600))
DAYS_OFF = {
    date(2017, 9, 4), date(2018, 1, 1), date(2018, 4, 25), date(2018, 4, 30), date(2018, 5, 1), date(2018, 9, 3),
    *(date(2018, 2, day) for day in range(14, 21)),
}  # fmt: skip
WORKED = [
    (day := date(2017, 1, 1) + timedelta(days=number)).weekday() < 5 and day not in DAYS_OFF for number in range(730)
]


class Word(NamedTuple):
    """Something said of a cycle: the threshold, `missed` or `withdrawn`; and the instant that it is about."""

    what: str
    cycle: int
    revision: int
    due: datetime
    at: datetime


def second(instant: datetime) -> int:
    """Seconds since 2017-01-01 00:00 local."""
    return int((instant - ZERO).total_seconds())


def worked(start: int, end: int) -> int:
    """The working seconds between two instants."""
    return sum(
        max(0, min(day * DAY + closes, end) - max(day * DAY + opens, start))
        for day in range(start // DAY, end // DAY + 1)
        if WORKED[day]
        for opens, closes in SESSIONS
    )


def before(end: int, seconds: int) -> datetime:
    """The earliest instant at which only so many working seconds are left before `end`."""
    for day in range(end // DAY, 0, -1):
        for opens, closes in reversed(SESSIONS if WORKED[day] else ()):
            last = min(day * DAY + closes, end)
            inside = last - (day * DAY + opens)
            if inside > seconds:
                return ZERO + timedelta(seconds=last - seconds)
            seconds -= max(0, inside)
    raise AssertionError("before 2017")


@dataclass
class Told:
    """One case: what was heard of it, what is to be said when, and what was said."""

    facts: list[Recorded] = field(default_factory=list)
    waiting: list[Word] = field(default_factory=list)
    said: list[Word] = field(default_factory=list)

    def misses(self) -> dict[int, Word]:
        """By cycle, the miss that was said and not taken back."""
        standing: dict[int, Word] = {}
        for word in self.said:
            if word.what == "missed":
                standing[word.cycle] = word
            elif word.what == "withdrawn":
                del standing[word.cycle]
        return standing


ESCALATED = (("leader", 2),)
"""What is said of a miss so many working days after it."""


class Oracle:
    """Facts are heard in batches, and between two of them time goes on in ticks."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.cases: dict[str, Told] = defaultdict(Told)

    def hear(self, batch: Iterable[Recorded]) -> None:
        """Every case that a fact of the batch is about is looked at again, once."""
        touched = {}
        for fact in batch:
            touched[fact.subject] = case = self.cases[fact.subject]
            case.facts.append(fact)
        for case in touched.values():
            rows = {row.cycle: row for row in judge(case.facts, self.rules).cycles}
            for cycle, miss in sorted(case.misses().items()):
                if disproved(miss, rows.get(cycle)):
                    case.said.append(Word("withdrawn", cycle, miss.revision, miss.due, miss.due))
            last = rows.get(len(rows))
            withdrawn = sum(word.what == "withdrawn" for word in case.said)
            case.waiting = sorted(instants(last, withdrawn), key=lambda word: word.at) if last else []

    def tick(self, now: datetime) -> int:
        """Everything whose instant has come is said, in order of the instants; returns how much that is."""
        return sum(self._tick(case, now) for case in self.cases.values())

    def _tick(self, case: Told, now: datetime) -> int:
        passed = [word for word in case.waiting if word.at <= now]
        case.waiting = [word for word in case.waiting if word.at > now]
        before_it = len(case.said)
        for word in passed:
            miss = case.misses().get(word.cycle)
            told = [one for one in case.said if (one.what, one.cycle) == (word.what, word.cycle)]
            if word.what == "missed":
                again = miss is not None
            elif word.what in dict(ESCALATED):
                assert miss is not None, "a step comes after the miss"
                missed = len(case.said) - 1 - case.said[::-1].index(miss)
                again = word.what in [one.what for one in case.said[missed:] if one.cycle == word.cycle]
                word = word._replace(due=miss.due, revision=0)
            else:
                # Once of a revision, not of one that moved nothing, and not of a promise that is broken already.
                again = bool(told) and (word.due == told[-1].due or word.revision in [one.revision for one in told])
                again = again or (miss is not None and word.due <= miss.due)
            if not again:
                case.said.append(word)
        return len(case.said) - before_it


def disproved(miss: Word, row: CycleRow | None) -> bool:
    """No such cycle, no such due, a later due, or an end in time."""
    if row is None or row.due_at is None or row.due_at > miss.due:
        return True
    return row.ended_at is not None and row.ended_at <= miss.due


def instants(row: CycleRow, withdrawn: int) -> Iterator[Word]:
    """What is to be said of a cycle as it stands; the miss first, for nobody is warned of what is missed already."""
    if row.ended_at is not None or row.due_at is None:
        return
    revision = row.revision + withdrawn
    yield Word("missed", row.cycle, revision, row.due_at, row.due_at)
    for step, days in ESCALATED:
        after = [day for day in range(second(row.due_at) // DAY + 1, len(WORKED)) if WORKED[day]][days - 1]
        yield Word(step, row.cycle, 0, row.due_at, ZERO + timedelta(seconds=after * DAY + SESSIONS[-1][1]))
    target = row.due_at
    if row.extended_at is not None:
        assert row.appointment is not None
        target = row.appointment
    start, end = second(row.received_at), second(target)
    time = worked(start, end)
    for begins, ends in zip(row.pauses_from, row.pauses_to, strict=True):
        time -= worked(max(start, second(begins)), min(end, second(ends)))
    for what, left in (("half", time // 2), ("four-fifths", time // 5), ("one-day", 8 * 3600)):
        at = before(end, left)
        if what == "one-day" and time <= 8 * 3600:
            continue
        if row.extended_at is None or at > row.extended_at:
            yield Word(what, row.cycle, revision, target, at)
