"""What is to be said of promises, steps and agencies, and when: a function of the facts, of how they arrived, and of
the ticks.

It takes the judge's rows for granted (other oracles look at those) and shares nothing with the ticker, its timers and
what they decide; working time is counted day by day. It knows 2017 and 2018.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from events.contracts.routing import DossierForwarded
from events.store.envelope import RecordedEvent
from sla.judging.judge import Judgement, Rules, judge
from sla.judging.rows import CycleRow

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


class Clock(NamedTuple):
    """What runs: of a cycle's promise only the cycle; of a limit also whose it is and the event that began it."""

    cycle: int
    kind: str = "promise"
    unit: str = ""
    opened_by: str = ""


class Run(NamedTuple):
    """One clock as it stands: what it runs to (None: it is stopped), when it ended, and the working time it gives."""

    clock: Clock
    due: datetime | None
    ended: datetime | None
    time: int


class Word(NamedTuple):
    """Something said of a clock: the threshold, `missed` or `withdrawn`; and the instant that it is about."""

    what: str
    clock: Clock
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

    facts: list[RecordedEvent] = field(default_factory=list)
    waiting: list[Word] = field(default_factory=list)
    said: list[Word] = field(default_factory=list)

    def misses(self) -> dict[Clock, Word]:
        """By clock, the miss that was said and not taken back."""
        standing: dict[Clock, Word] = {}
        for word in self.said:
            if word.what == "missed":
                standing[word.clock] = word
            elif word.what == "withdrawn":
                del standing[word.clock]
        return standing


ESCALATED = (("leader", 2),)
"""What is said of the miss of a promise so many working days after it."""


class Oracle:
    """Facts are heard in batches, and between two of them time goes on in ticks."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.cases: dict[str, Told] = defaultdict(Told)

    def hear(self, batch: Iterable[RecordedEvent]) -> None:
        """Every case that a fact of the batch is about is looked at again, once."""
        touched = {}
        for fact in batch:
            touched[fact.subject] = case = self.cases[fact.subject]
            case.facts.append(fact)
        for case in touched.values():
            judged = judge(case.facts, self.rules)
            runs = {run.clock: run for run in clocks(judged, case.facts)}
            for clock, miss in sorted(case.misses().items()):
                if disproved(miss, runs.get(clock)):
                    case.said.append(Word("withdrawn", clock, miss.revision, miss.due, miss.due))
            words = (word for run in runs.values() for word in instants(run, judged.cycles[-1], case))
            case.waiting = sorted(words, key=lambda word: word.at)

    def tick(self, now: datetime) -> int:
        """Everything whose instant has come is said, in order of the instants; returns how much that is."""
        return sum(self._tick(case, now) for case in self.cases.values())

    def _tick(self, case: Told, now: datetime) -> int:
        passed = [word for word in case.waiting if word.at <= now]
        case.waiting = [word for word in case.waiting if word.at > now]
        before_it = len(case.said)
        for word in passed:
            miss = case.misses().get(word.clock)
            told = [one for one in case.said if (one.what, one.clock) == (word.what, word.clock)]
            if word.what == "missed":
                again = miss is not None
            elif word.what in dict(ESCALATED):
                assert miss is not None, "a step comes after the miss"
                missed = len(case.said) - 1 - case.said[::-1].index(miss)
                again = word.what in [one.what for one in case.said[missed:] if one.clock == word.clock]
                word = word._replace(due=miss.due, revision=0)
            else:
                # Once of a revision, not of one that moved nothing, and not of what is broken already.
                again = bool(told) and (word.due == told[-1].due or word.revision in [one.revision for one in told])
                again = again or (miss is not None and word.due <= miss.due)
            if not again:
                case.said.append(word)
        return len(case.said) - before_it


def clocks(judged: Judgement, facts: Iterable[RecordedEvent]) -> Iterator[Run]:
    """Every clock of a case, whether it runs or not."""
    for row in judged.cycles:
        yield Run(Clock(row.cycle), row.due_at, row.ended_at, promised(row))
    limits = {fact.id: fact.fact.limit for fact in facts if isinstance(fact.fact, DossierForwarded)}
    for stay in judged.stays:
        limit = limits.get(stay.entered_by)
        assert limit is None or limit.unit == "working_hours"
        time = limit.amount * 3600 if limit else 0
        yield Run(Clock(stay.cycle, "step", stay.unit, stay.entered_by), stay.due_at, stay.left_at, time)
    for asked in judged.referrals:
        clock = Clock(asked.cycle, "agency", asked.agency, asked.referral)
        time = worked(second(asked.referred_at), second(asked.due_at)) if asked.due_at else 0
        yield Run(clock, asked.due_at, asked.replied_at or asked.ended_at, time)


def promised(row: CycleRow) -> int:
    """The working time from receipt to the last word about when it is ready, without the pauses in between."""
    if row.due_at is None:
        return 0
    start, end = second(row.received_at), second(row.appointment if row.extended_at and row.appointment else row.due_at)
    paused = zip(row.pauses_from, row.pauses_to, strict=True)
    return worked(start, end) - sum(worked(max(start, second(a)), min(end, second(b))) for a, b in paused)


def disproved(miss: Word, run: Run | None) -> bool:
    """No such clock, no such due, a later due, or an end in time."""
    if run is None or run.due is None or run.due > miss.due:
        return True
    return run.ended is not None and run.ended <= miss.due


def instants(run: Run, row: CycleRow, case: Told) -> Iterator[Word]:
    """What is to be said of a clock of the last cycle, `row`, while that is open; the miss first, for nobody is warned
    of what is missed already. Only a promise is escalated, and only a promise can be put off with an apology."""
    clock, due = run.clock, run.due
    if clock.cycle != row.cycle or row.ended_at is not None or due is None or run.ended is not None:
        return
    revision = row.revision + sum((word.what, word.clock.kind) == ("withdrawn", clock.kind) for word in case.said)
    yield Word("missed", clock, revision, due, due)
    target, put_off = due, None
    if clock.kind == "promise":
        for step, days in ESCALATED:
            after = [day for day in range(second(due) // DAY + 1, len(WORKED)) if WORKED[day]][days - 1]
            yield Word(step, clock, 0, due, ZERO + timedelta(seconds=after * DAY + SESSIONS[-1][1]))
        if row.extended_at is not None:
            assert row.appointment is not None
            target, put_off = row.appointment, row.extended_at
    for what, left in (("half", run.time // 2), ("four-fifths", run.time // 5), ("one-day", 8 * 3600)):
        at = before(second(target), left)
        if what == "one-day" and run.time <= 8 * 3600:
            continue
        if put_off is None or at > put_off:
            yield Word(what, clock, revision, target, at)
