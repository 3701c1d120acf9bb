"""Tells the story of one case as recorded facts: by hand in a test, or drawn by hypothesis."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

from hypothesis import strategies as st

from events.contracts import corrections, field, intake, name_of, routing, write
from events.contracts.terms import Limit, Promise
from events.store.envelope import Cause, RecordedEvent

CASE = "000.00.02.H49-170710-0001"
HERE = timezone(timedelta(hours=7))
WHY: Any = {"reason": "entered-wrongly", "leader": "staff-qn-01"}
MODULES = {"case": intake, "route": routing, "workorder": field}


def local(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, *, year: int = 2017) -> datetime:
    """A local time of Quang Ninh as a UTC instant."""
    return datetime(year, month, day, hour, minute, second, tzinfo=HERE).astimezone(UTC)


def promise(service: str = "LV-RES-URBAN@2017-07-01", policy: Literal["PAUSE", "RESTART"] = "PAUSE") -> Promise:
    """A promise by the catalogue."""
    return Promise(calendar="VN-PAC@2017.1", clock_policy=policy, service=service)


class Story:
    """The facts of one case, told one after another. Each call gives the event's id."""

    def __init__(self, case_id: str = CASE, *, foreign: bool = False) -> None:
        """`foreign`: another system tells all of it, so every fact is a stream of its own."""
        self.case_id, self.foreign = case_id, foreign
        self.facts: list[RecordedEvent] = []
        self._versions: dict[str, int] = {}

    def __repr__(self) -> str:
        lines = (f"{f.at.astimezone(HERE):%m-%d %H:%M:%S} {f.id} ← {f.cause.causation} {f.fact}" for f in self.facts)
        return "\n  ".join(["", *lines])

    def tell(
        self, fact: Any, at: datetime, *, category: str | None = None, cause: str = "start", late: int = 0,
        by: str = "staff-193-02",
    ) -> str:  # fmt: skip
        """Adds a fact that happened at `at` and was recorded `late` seconds later."""
        name, schema = name_of(fact)
        if self.foreign:
            category = "foreign"
        category = category or next(key for key, module in MODULES.items() if hasattr(module, name))
        stream = f"{category}-{self.case_id}"
        if category == "foreign":
            stream = f"foreign-{hashlib.sha256(f'{len(self.facts)}'.encode()).hexdigest()}"
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        data = write(fact)
        recorded = RecordedEvent(
            stream=stream,
            version=version,
            subject=self.case_id,
            type=name,
            schema=schema,
            fact=fact,
            data=data,
            cause=Cause(correlation=self.case_id, causation=cause, actor=by),
            at=at,
            recorded_at=at + timedelta(seconds=late),
            hash=hashlib.sha256(data).digest(),
        )
        self.facts.append(recorded)
        return recorded.id

    # -- the usual facts, with as few words as a test needs -----------------------------------

    def received(self, at: datetime, pledge: Promise | None = None, **more: Any) -> str:
        usual = {"counter": "PAC-193", "organisation": "PC-QN", "sector": "electricity", "district": "DL-193"}
        told = {"case_id": self.case_id, "channel": "counter", "promise": pledge, **usual, **more}
        return self.tell(intake.ApplicationReceived(**told), at)

    def forwarded(self, at: datetime, to: str, *, by: str = "PAC-193", hours: int | None = None, **more: Any) -> str:
        limit = None if hours is None else Limit(amount=hours, unit="working_hours")
        return self.tell(
            routing.DossierForwarded(
                case_id=self.case_id, from_unit=by, to_unit=to, step=more.pop("step", "assign"), limit=limit, **more
            ),
            at,
        )

    def acknowledged(self, at: datetime, unit: str) -> str:
        return self.tell(routing.DossierAcknowledged(case_id=self.case_id, unit=unit, step="assign"), at)

    def supplement(self, at: datetime) -> str:
        return self.tell(intake.SupplementRequested(case_id=self.case_id, gaps=()), at)

    def supplemented(self, at: datetime, answers: str) -> str:
        return self.tell(intake.SupplementReceived(case_id=self.case_id, answers=answers), at, cause=answers)

    def works(self, at: datetime) -> str:
        return self.tell(routing.CustomerActionRequested(case_id=self.case_id, action="own-works"), at)

    def worked(self, at: datetime, answers: str) -> str:
        return self.tell(routing.CustomerActionCompleted(case_id=self.case_id, answers=answers), at)

    def referred(self, at: datetime, agency: str = "QN-SGTVT", matter: str = "road-trench", **more: Any) -> str:
        return self.tell(routing.AgencyReferred(case_id=self.case_id, agency=agency, matter=matter, **more), at)

    def replied(self, at: datetime, agency: str = "QN-SGTVT", answers: str | None = None) -> str:
        fact = routing.AgencyReplied(case_id=self.case_id, agency=agency, answers=answers, outcome="agreed")
        return self.tell(fact, at)

    def obstructed(self, at: datetime, fault: Any, agency: str | None = None) -> str:
        return self.tell(
            field.WorkObstructed(
                case_id=self.case_id, work_order="wo-1", fault=fault, agency=agency, reason="bad-weather"
            ),
            at,
        )

    def resumed(self, at: datetime, answers: str) -> str:
        return self.tell(field.WorkResumed(case_id=self.case_id, work_order="wo-1", answers=answers), at)

    def returned(self, at: datetime, by: str = "PAC-193") -> str:
        return self.tell(routing.DossierReturned(case_id=self.case_id, from_unit=by, by="zalo"), at)

    def closed(self, at: datetime) -> str:
        return self.tell(intake.CaseClosed(case_id=self.case_id), at)

    def reopened(self, at: datetime, due: datetime | None = None) -> str:
        return self.tell(intake.CaseReopened(case_id=self.case_id, reason="result-wrong", due=due), at)

    def extended(self, at: datetime, appointment: datetime) -> str:
        return self.tell(
            intake.DeadlineExtended(
                case_id=self.case_id, appointment=appointment, reason="bad-weather", leader="staff-193-01"
            ),
            at,
        )

    def withdrawn(self, at: datetime) -> str:
        return self.tell(intake.ApplicationWithdrawn(case_id=self.case_id, reason="customer-request"), at)

    def refused(self, at: datetime) -> str:
        return self.tell(intake.ApplicationRefused(case_id=self.case_id, reason="outside-area"), at)

    def stopped(self, at: datetime) -> str:
        return self.tell(intake.ProcessingStopped(case_id=self.case_id, reason="no-supplement"), at)

    def rated(self, at: datetime, stars: int) -> str:
        return self.tell(intake.CustomerRated(case_id=self.case_id, stars=stars), at)

    # -- what a leader puts right ----------------------------------------------------------------

    def voided(self, at: datetime, target: str, **more: Any) -> str:
        """The fact never happened; said in its own stream."""
        fact = corrections.FactVoided(case_id=self.case_id, voids=target, kind=self._kind(target), **WHY)
        return self.tell(fact, at, **self._beside(target), **more)

    def corrected(self, at: datetime, target: str, field: str, value: str | datetime, **more: Any) -> str:
        """One field of the fact was wrong."""
        text = value.isoformat() if isinstance(value, datetime) else value
        fact = corrections.FactCorrected(
            case_id=self.case_id, corrects=target, kind=self._kind(target), field=field, value=text, **WHY
        )
        return self.tell(fact, at, **{**self._beside(target), **more})

    def reclassified(self, at: datetime, service: str) -> str:
        """The receipt names the wrong service."""
        return self.tell(
            intake.ServiceReclassified(case_id=self.case_id, service=service, **WHY), at, by=str(WHY["leader"])
        )

    def _kind(self, target: str) -> str:
        return next((fact.type for fact in self.facts if fact.id == target), "CaseClosed")

    def _beside(self, target: str) -> dict[str, Any]:
        category = target.partition("-")[0]
        return {"category": category if category in MODULES else "case", "by": WHY["leader"]}


# -- drawn stories ------------------------------------------------------------------------------

PROMISES = st.sampled_from(
    [
        promise(),
        promise("MV-CONNECT@2017-07-01"),
        promise("LV-RES-RURAL@2017-07-01", "RESTART"),
        Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", working_days=0),
        Promise(calendar="VN-PAC@2017.1", clock_policy="RESTART", working_days=2),
        Promise(calendar="VN-PAC@2017.1", clock_policy="RESTART", due=local(7, 13, 12, 20)),
        Promise(calendar="VN-PAC@2017.1", clock_policy="PAUSE", due=local(7, 15, 9)),
        None,
    ]
)
STARTS = st.sampled_from([local(7, 10), local(7, 14, 12), local(8, 30), local(12, 28)])
LIMITS = st.sampled_from(
    [
        None,
        Limit(amount=4, unit="working_hours"),
        Limit(amount=90, unit="working_minutes"),
        Limit(amount=1, unit="working_days"),
    ]
)
UNITS = st.sampled_from(["DL-193", "TC-193", "PCQN-KT", "PAC-193"])
AGENCIES = st.sampled_from(["QN-SGTVT", "QN-SXD", "QN-NONE"])
# Mostly minutes to hours, sometimes days, so that nights, weekends and the holiday of September are crossed.
# Often no time passes at all: many systems keep minutes, or only days.
GAPS = st.one_of(st.just(0), st.integers(0, 40), st.integers(30, 600), st.integers(300, 4000))
MOVES = [
    "forward",
    "forward",
    "forward",
    "ack",
    "supplement",
    "supplemented",
    "works",
    "worked",
    "refer",
    "reply",
    "obstruct",
    "resume",
    "answer",
    "answer",
    "answer",
    "return",
    "close",
    "reopen",
    "withdraw",
    "refuse",
    "stop",
    "extend",
    "rate",
    "return",
    "void",
    "void",
    "correct",
    "correct",
    "correct",
    "reclassify",
]
SERVICES = st.sampled_from(
    ["LV-RES-URBAN@2017-07-01", "LV-RES-RURAL@2017-07-01", "MV-CONNECT@2017-07-01", "NO-SUCH@2017-07-01"]
)
# Values that fit and some that do not; `at` and `answers` are drawn from the story.
VALUES = {
    "to_unit": ["TC-193", "PCQN-KT"],
    "agency": ["QN-SXD", "QN-SGTVT"],
    "fault": ["customer", "utility", "weather"],
    "stars": ["5", "9"],
    "colour": ["red"],
}


@st.composite
def stories(
    draw: st.DrawFn,
    longest: int = 14,
    *,
    corrections: bool = True,
    foreign: bool = True,
    promises: st.SearchStrategy[Promise | None] = PROMISES,
    starts: st.SearchStrategy[datetime] = STARTS,
) -> Story:
    """A case with every kind of fact, sensible or not: answers to nothing, facts after the end, clocks behind.

    `foreign`: one in four is told by another system. `promises` and `starts` are what the receipt is drawn from.
    """
    moves = MOVES if corrections else [move for move in MOVES if move not in ("void", "correct", "reclassify")]
    story = Story(foreign=foreign and not draw(st.integers(0, 3)))
    now = draw(starts)
    now += timedelta(minutes=draw(st.integers(0, 2880)))
    if draw(st.integers(0, 19)):
        story.received(now, draw(promises))
    for move in draw(st.lists(st.sampled_from(moves), max_size=longest)):
        now += timedelta(minutes=draw(GAPS))
        # A clock that is behind says an earlier time than its cause did; the order must repair it.
        at = now - timedelta(minutes=draw(st.integers(1, 90))) if not draw(st.integers(0, 9)) else now
        _move(draw, story, move, at)
        if len(story.facts) > 1 and draw(st.booleans()):
            _caused_by(story, draw(st.sampled_from([fact.id for fact in story.facts[:-1]])))
    return story


def _move(draw: st.DrawFn, story: Story, move: str, at: datetime) -> None:
    opened = [
        fact.id
        for fact in story.facts
        if fact.type in ("SupplementRequested", "CustomerActionRequested", "AgencyReferred", "WorkObstructed")
    ]
    earlier = draw(st.sampled_from([*opened[-3:], "route-none@1"]))
    if move == "forward":
        limit, unit = draw(LIMITS), draw(UNITS)
        fact = routing.DossierForwarded(
            case_id=story.case_id, from_unit=draw(UNITS), to_unit=unit, step="assign", limit=limit
        )
        story.tell(fact, at)
    elif move == "answer":
        kind = next((fact.type for fact in story.facts if fact.id == earlier), "")
        if kind == "SupplementRequested":
            story.supplemented(at, earlier)
        elif kind == "CustomerActionRequested":
            story.worked(at, earlier)
        elif kind == "AgencyReferred":
            story.replied(at, answers=earlier)
        else:
            story.resumed(at, earlier)
    elif move == "refer":
        story.referred(at, draw(AGENCIES), limit=draw(LIMITS))
    elif move == "reply":
        story.replied(at, draw(AGENCIES), draw(st.sampled_from([None, earlier])))
    elif move == "obstruct":
        fault = draw(st.sampled_from(["customer", "agency", "utility"]))
        story.obstructed(at, fault, draw(AGENCIES) if fault == "agency" else None)
    elif move == "extend":
        story.extended(at, at + timedelta(days=3))
    elif move == "void":
        story.voided(at, _wrong(draw, story))
    elif move == "correct":
        _correct(draw, story, at, [*opened, "route-none@1"])
    elif move == "reclassify":
        story.reclassified(at, draw(SERVICES))
    elif move == "reopen":
        story.reopened(at, draw(st.sampled_from([None, at + timedelta(days=2)])))
    else:
        _plain(draw, story, move, at, earlier)


def _wrong(draw: st.DrawFn, story: Story) -> str:
    """What is put right: any fact of the story, a correction too, or one that nobody heard of."""
    return str(draw(st.sampled_from([*(fact.id for fact in story.facts), "route-none@1"])))


def _correct(draw: st.DrawFn, story: Story, at: datetime, asked: list[str]) -> None:
    target = _wrong(draw, story)
    fact = next((one for one in story.facts if one.id == target), None)
    fields = [name for name in (*VALUES, "answers") if hasattr(fact.fact, name)] if fact else []
    field = draw(st.sampled_from(["at", "at", *fields, "colour"]))
    value: str | datetime
    if field == "at":
        moved = fact.at + timedelta(minutes=draw(st.integers(-3000, 3000))) if fact else at
        told: list[str | datetime] = [moved, moved, moved.astimezone(HERE), "yesterday"]
        value = draw(st.sampled_from(told))
    else:
        # An answer to a later question would be a ring of causes; the services refuse it.
        before = [one.id for one in story.facts[: story.facts.index(fact)]] if fact else []
        earlier = [id for id in asked if id in before] or ["route-none@1"]
        value = draw(st.sampled_from(earlier if field == "answers" else VALUES[field]))
    # Mostly where the fact was said; what is said elsewhere does not count.
    category = draw(st.sampled_from([None, None, None, "case"]))
    story.corrected(at, target, field, value, **({"category": category} if category else {}))


def _plain(draw: st.DrawFn, story: Story, move: str, at: datetime, earlier: str) -> None:
    match move:
        case "ack":
            story.acknowledged(at, draw(UNITS))
        case "supplement":
            story.supplement(at)
        case "supplemented":
            story.supplemented(at, earlier)
        case "works":
            story.works(at)
        case "worked":
            story.worked(at, earlier)
        case "resume":
            story.resumed(at, earlier)
        case "return":
            story.returned(at, draw(UNITS))
        case "close":
            story.closed(at)
        case "withdraw":
            story.withdrawn(at)
        case "refuse":
            story.refused(at)
        case "stop":
            story.stopped(at)
        case "rate":
            story.rated(at, draw(st.integers(1, 5)))


def _caused_by(story: Story, cause: str) -> None:
    last = story.facts[-1]
    if last.cause.causation == "start":
        story.facts[-1] = RecordedEvent(
            stream=last.stream,
            version=last.version,
            subject=last.subject,
            type=last.type,
            schema=last.schema,
            fact=last.fact,
            data=last.data,
            cause=Cause(correlation=last.cause.correlation, causation=cause, actor=last.cause.actor),
            at=last.at,
            recorded_at=last.recorded_at,
            hash=last.hash,
        )
