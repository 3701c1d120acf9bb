"""The oracle: working time, due instants, classes and custody, minute by minute and obviously right.

It shares no code with `deadlines` or `sla`; it reads the contracts' facts and has its own list of holidays. It
only knows July 2017 to March 2018 and facts on whole minutes. Times are minutes since 2017-07-01 00:00 local.
"""

from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oracle.righted import put_right

from events.contracts.terms import Promise
from events.store.envelope import RecordedEvent

ZERO = datetime(2017, 6, 30, 17, 0, tzinfo=UTC)
DAYS_OFF = {
    date(2017, 9, 2), date(2017, 9, 4), date(2018, 1, 1),
    *(date(2018, 2, day) for day in range(14, 21)),
}  # fmt: skip
SERVICES = {"LV-RES-URBAN@2017-07-01": 3, "LV-RES-RURAL@2017-07-01": 5, "MV-CONNECT@2017-07-01": 7}
MATTERS = {("QN-SGTVT", "road-trench"): 10}

WORKED: list[int] = []
"""Every worked minute, in order."""
WORKING_DAYS: list[int] = []
"""Every working day, in days since 2017-07-01."""

for _day in range(270):
    _date = date(2017, 7, 1) + timedelta(days=_day)
    if _date.weekday() < 5 and _date not in DAYS_OFF:
        WORKING_DAYS.append(_day)
        for _minute in range(1440):
            if 7 * 60 <= _minute < 11 * 60 + 30 or 13 * 60 + 30 <= _minute < 17 * 60:
                WORKED.append(_day * 1440 + _minute)
IS_WORKED = set(WORKED)
PLACE = {minute: number for number, minute in enumerate(WORKED)}


def minute(instant: datetime) -> int:
    """Minutes since 2017-07-01 00:00 local."""
    return int((instant - ZERO).total_seconds()) // 60


def first_worked_from(at: int) -> int:
    """The place in WORKED of the first worked minute at or after an instant."""
    while at not in IS_WORKED:
        at += 1
    return PLACE[at]


@dataclass
class Due:
    """A due instant that a pause pushes forward one worked minute at a time."""

    at: int
    counted_after: int
    """Pauses move it only by worked minutes at or after this."""

    def push(self) -> None:
        """One more worked minute belongs to somebody else."""
        # `at` is the end of a worked minute or lies outside working time: the next worked minute starts at or after it.
        self.at = WORKED[first_worked_from(self.at)] + 1


def due_of(limit: Any, received: int) -> Due:
    """A limit counted from receipt."""
    if limit.unit == "working_days":
        day = received // 1440
        if limit.amount == 0:
            late = received % 1440 > 15 * 60
            days = [d for d in WORKING_DAYS if d > day or (d == day and not late)]
            return Due(days[0] * 1440 + 17 * 60, (day + 1) * 1440)
        days = [d for d in WORKING_DAYS if d > day]
        return Due(days[limit.amount - 1] * 1440 + 17 * 60, (day + 1) * 1440)
    minutes = limit.amount * (60 if limit.unit == "working_hours" else 1)
    return Due(WORKED[first_worked_from(received) + minutes - 1] + 1, received)


def class_a(finished: int, due: int) -> str:
    """By date."""
    if finished // 1440 < due // 1440:
        return "ahead"
    return "on-time" if finished // 1440 == due // 1440 else "overdue"


def class_b(finished: int, due: int) -> str:
    """By half-day session."""
    if finished > due:
        return "overdue"
    at = due
    while at % 1440 not in (7 * 60, 13 * 60 + 30) or at // 1440 not in WORKING_DAYS:
        at -= 1
    return "ahead" if finished < at else "on-time"


def class_c(ended: int, due: int, own: int, all_requests: int) -> str:
    """Decision 766: the end of processing up to the due instant, and no second request for papers of one dossier.

    A run that asked for nothing has no part in a second request.
    """
    return "overdue" if ended > due or (own > 0 and all_requests > 1) else "on-time"


def class_d(worked: int, limit: Any) -> str:
    """Minutes of work against the minutes of the limit; eight hours make a day."""
    minutes = limit.amount
    for unit, size in (("working_hours", 60), ("working_days", 8 * 60)):
        if limit.unit == unit:
            minutes = minutes * size
    return "ahead" if worked < minutes else "overdue" if worked > minutes else "on-time"


@dataclass
class Stay:
    unit: str
    entered: int
    due: Due | None
    limit: Any = None
    left: int | None = None
    utility: int = 0


@dataclass
class Referral:
    agency: str
    due: int | None
    replied: int | None = None


@dataclass
class Run:
    """One cycle."""

    start: int
    counts_from: int
    due: Due | None
    unit: str = "PAC-193"
    outcome: str = "open"
    end: int | None = None
    waiting: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Opening event → whose entry it is, and whether it is a supplement asked for in time."""
    referrals: dict[str, Referral] = field(default_factory=dict)
    stays: list[Stay] = field(default_factory=list)
    moving: dict[str, bool] = field(default_factory=dict)
    """Which clocks (promise, step) the present pause moves: those that had not run out when it began."""
    seconds: dict[str, int] = field(default_factory=lambda: {"utility": 0, "customer": 0, "agency": 0})
    emptied: int | None = None
    """When the waiting set was last emptied: a pause that begins at that very minute goes on as the same pause."""
    supplements: int = 0
    extended: bool = False
    closed: int | None = None
    service: str | None = None
    revision: int = 1
    corrections: int = 0
    acknowledged: bool = False
    obstacles: set[str] = field(default_factory=set)
    """The company's own, which stop no clock."""
    apologies: int = 0
    """Extensions, too late ones as well: what comes next at one instant asks for no due."""

    def paused_before_due(self) -> bool:
        return self.due is not None and bool(self.waiting) and self.moving["promise"]


LIFE = [
    "ApplicationReceived", "SupplementReceived", "CustomerActionCompleted", "AgencyReplied", "WorkResumed",
    "DossierAcknowledged", "SupplementRequested", "DeadlineExtended", "WorkObstructed", "CustomerActionRequested",
    "AgencyReferred", "DossierForwarded", "DossierReturned", "ApplicationRefused", "ApplicationWithdrawn",
    "ProcessingStopped", "CaseClosed", "CustomerRated", "CaseReopened",
]  # fmt: skip
"""What comes before what at one instant, where nothing else decides."""


def parents(fact: RecordedEvent, known: dict[str, RecordedEvent]) -> list[RecordedEvent]:
    """Its cause and the question that it answers, as far as they are known."""
    cause = None if fact.stream.startswith("foreign-") else fact.cause.causation
    return [known[name] for name in (cause, getattr(fact.fact, "answers", None)) if name in known]


def by_instant(known: dict[str, RecordedEvent]) -> dict[datetime, list[RecordedEvent]]:
    """Facts by effective instant: none happens before its parents."""

    def effective(fact: RecordedEvent) -> datetime:
        return max([fact.at, *(effective(parent) for parent in parents(fact, known))])

    found: dict[datetime, list[RecordedEvent]] = {}
    for fact in known.values():
        found.setdefault(effective(fact), []).append(fact)
    return dict(sorted(found.items()))


class Oracle:
    """Walks through a case minute by minute."""

    def __init__(self, facts: list[RecordedEvent]) -> None:
        self.runs: list[Run] = []
        self.receipt: Any = None
        self.righted = put_right(facts, SERVICES)
        self.revision = 1 + self.righted.raised
        self.told = 0
        """Facts that move no clock: that a received dossier has come so far."""
        known = {fact.id: fact for fact in self.righted.facts}
        instants = by_instant(known)
        minutes = [minute(instant) for instant in instants]
        for at, until, together in zip(minutes, [*minutes[1:], *minutes[-1:]], instants.values(), strict=True):
            while together:
                fact = self._next(at, together, known)
                together.remove(fact)
                self._apply(at, fact)
            for now in range(at, until):
                self._pass(now)
        for about in self.righted.about if self.runs else []:
            begun = [run for run in self.runs if run.start <= minute(about)]
            (begun[-1] if begun else self.runs[0]).corrections += 1
        for run in self.runs:
            run.corrections += len(self.righted.services)

    @property
    def run(self) -> Run | None:
        return self.runs[-1] if self.runs and self.runs[-1].end is None else None

    def _next(self, at: int, together: list[RecordedEvent], known: dict[str, RecordedEvent]) -> RecordedEvent:
        """The fact of one instant that comes next, by the words of the rule."""

        def waits(fact: RecordedEvent) -> bool:
            earlier = any(one.stream == fact.stream and one.version < fact.version for one in together)
            return earlier or any(parent in together for parent in parents(fact, known))

        def rank(fact: RecordedEvent) -> tuple[int, int, str, int]:
            place = LIFE.index(fact.type) if fact.type in LIFE else len(LIFE)
            return self._unfit(at, fact), place, fact.stream, fact.version

        free = [fact for fact in together if not waits(fact)]
        return free[0] if len(free) == 1 else min(free, key=rank)

    def _unfit(self, at: int, recorded: RecordedEvent) -> int:
        """0: it fits; 1: it moves the dossier, but a unit that has it not acts, or nothing was released; 2: idle."""
        if not self._moves(at, recorded):
            return 2
        fact: Any = recorded.fact
        by_another = recorded.type in ("DossierForwarded", "DossierReturned") and fact.from_unit != self.runs[-1].unit
        return int(by_another or (recorded.type == "CaseClosed" and self.run is not None))

    def _moves(self, at: int, fact: RecordedEvent) -> bool:
        """Whether it changes anything: it is tried out on a copy."""
        trial = copy(self)
        trial.runs = deepcopy(self.runs)
        trial._apply(at, fact)
        return (trial.runs, trial.receipt, trial.told) != (self.runs, self.receipt, self.told)

    def _pass(self, now: int) -> None:
        """One minute goes by."""
        run = self.run
        if run is None or now not in IS_WORKED:
            return
        if run.waiting:
            if run.due is not None and run.moving["promise"] and now >= run.due.counted_after:
                run.due.push()
            step = run.stays[-1].due
            if step is not None and run.moving["step"] and now >= step.counted_after:
                step.push()
        if now < run.counts_from:
            return
        holders = [who for who, _ in run.waiting.values()]
        clock = "customer" if "customer" in holders else "agency" if holders else "utility"
        run.seconds[clock] += 60
        if clock == "utility":
            run.stays[-1].utility += 60

    def _apply(self, at: int, recorded: RecordedEvent) -> None:
        fact: Any = recorded.fact
        run = self.run
        kind = recorded.type
        if kind == "ApplicationReceived" and self.receipt is None:
            if self.righted.services:
                right = Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", service=self.righted.services[-1])
                fact = replace(fact, promise=right)
            self.receipt = fact
            self._open(at, minute(fact.promise.due) if fact.promise and fact.promise.due else None)
        elif kind == "CaseReopened" and self.receipt is not None and run is None:
            stated = self.receipt.promise is not None and self.receipt.promise.due is not None and fact.due is not None
            self.revision += 1
            self._open(at, minute(fact.due) if stated else None)
        elif kind == "CaseClosed" and self.runs and run is None:
            last = self.runs[-1]
            if last.outcome == "released" and last.closed is None:
                last.closed = at
        elif kind not in LIFE or kind == "CustomerRated":
            self.told += bool(self.runs)
        if run is None:
            return
        if kind == "DossierForwarded":
            run.acknowledged = False
            run.stays[-1].left = at
            step = due_of(fact.limit, at) if fact.limit else None
            run.stays.append(Stay(fact.to_unit, at, step, fact.limit))
            run.unit = fact.to_unit
            run.moving["step"] = True
        elif kind in ("SupplementRequested", "CustomerActionRequested"):
            run.supplements += kind == "SupplementRequested"
            self._wait(run, recorded.id, "customer", at, supplement=kind == "SupplementRequested")
        elif kind == "AgencyReferred":
            days = MATTERS.get((fact.agency, fact.matter))
            limit = fact.limit
            due = due_of(limit, at).at if limit else None
            if limit is None and days:
                after = [day for day in WORKING_DAYS if day > at // 1440]
                due = after[days - 1] * 1440 + 17 * 60
            run.referrals[recorded.id] = Referral(fact.agency, due)
            self._wait(run, recorded.id, "agency", at)
        elif kind == "DossierAcknowledged":
            run.acknowledged = run.acknowledged or fact.unit == run.unit
        elif kind == "WorkObstructed" and fact.fault == "utility":
            run.obstacles.add(recorded.id)
        elif kind == "WorkObstructed":
            self._wait(run, recorded.id, fact.fault, at)
        elif kind == "WorkResumed" and fact.answers in run.obstacles:
            run.obstacles.remove(fact.answers)
        elif kind in ("SupplementReceived", "CustomerActionCompleted", "WorkResumed"):
            self._answer(run, kind, fact.answers, at)
        elif kind == "AgencyReplied":
            for opened, referral in run.referrals.items():
                asked = opened == fact.answers if fact.answers else referral.agency == fact.agency
                if asked and referral.replied is None:
                    referral.replied = at
                    run.waiting.pop(opened, None)
                    run.emptied = at if not run.waiting else run.emptied
                    break
        elif kind == "DeadlineExtended":
            expired = run.due is not None and run.due.at <= at and not run.paused_before_due()
            if not run.extended and not expired:
                self.revision += 1
                run.revision = self.revision
            run.extended = run.extended or not expired
            run.apologies = 1
        elif kind in ENDS:
            run.outcome, run.end = ENDS[kind], at
            run.stays[-1].left = at
            if kind == "CaseClosed":
                run.closed = at

    def _open(self, at: int, stated: int | None) -> None:
        due = Due(stated, at) if stated is not None else self._limit(at)
        days = due is not None and stated is None
        run = Run(at, (at // 1440 + 1) * 1440 if days else at, due, stays=[Stay("PAC-193", at, None)])
        run.service = self.receipt.promise.service if self.receipt.promise else None
        run.revision = self.revision
        self.runs.append(run)

    def _limit(self, at: int) -> Due | None:
        promise = self.receipt.promise
        if promise is None or promise.due is not None:
            return None
        amount = promise.working_days if promise.working_days is not None else SERVICES[promise.service]
        return due_of(Days(amount), at)

    def _wait(self, run: Run, opened: str, who: str, at: int, *, supplement: bool = False) -> None:
        still = run.due is not None and (run.paused_before_due() or at < run.due.at)
        if not run.waiting and run.emptied != at:
            step = run.stays[-1].due
            run.moving = {"promise": still, "step": step is not None and at < step.at}
        run.waiting[opened] = (who, still and supplement)

    def _answer(self, run: Run, kind: str, answers: str, at: int) -> None:
        if answers not in run.waiting:
            return
        _, in_time = run.waiting.pop(answers)
        run.emptied = at if not run.waiting else run.emptied
        promise = self.receipt.promise
        asked_as_supplement = kind == "SupplementReceived"
        if asked_as_supplement and in_time and promise is not None and promise.clock_policy == "RESTART":
            anew = self._limit(at)
            if anew is not None:
                self.revision += 1
                run.revision = self.revision
                run.due = anew
                run.moving["promise"] = True


@dataclass
class Days:
    amount: int
    unit: str = "working_days"


ENDS = {
    "DossierReturned": "released",
    "CaseClosed": "closed",
    "ApplicationRefused": "refused",
    "ApplicationWithdrawn": "withdrawn",
    "ProcessingStopped": "stopped",
}
