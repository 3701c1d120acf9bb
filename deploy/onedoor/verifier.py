"""Checks a file of evidence without trusting whoever made it: `python verify.py FILE.zip [--key BASE64]`.

It needs Python 3.9 and nothing else. It checks that no fact was changed, dropped, added or put elsewhere (a chain of
hashes per stream, whose heads are in the signed seal of each day), and judges every dossier again from its facts and
the rules in the file, in plain arithmetic of its own. What is wrong is named by its place. Exit code 0: nothing was
changed; 1: something was; 2: this is no evidence.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
import zlib
from datetime import date, datetime, timedelta, timezone
from typing import Any, Iterator

LOCAL, DAY = 7 * 3600, 86400  # Viet Nam is seven hours ahead of UTC, all year
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MEMBERS = ["actor", "causationid", "correlationid", "hash", "id", "recordedtime", "subject", "time", "type"]
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,6}))?(?:Z|([+-]\d\d):?(\d\d))")
UNIT = re.compile(r"(?=.{1,24}$)[A-Z][A-Z0-9]*(-[A-Z0-9]+)*")
EVENT = re.compile(r"(?=.{1,160}$)[A-Za-z0-9][A-Za-z0-9._:/~+-]*@[1-9][0-9]*")


def micros(text: str) -> int:
    """An instant as microseconds since 1970. Raises ValueError."""
    found = INSTANT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no instant")
    day, clock, seconds, fraction, hours, minutes = found.groups()
    at = datetime.strptime(f"{day} {clock}{seconds or ':00'}+0000", "%Y-%m-%d %H:%M:%S%z")
    ahead = int(f"{(hours or '+00')[0]}1") * (int((hours or "+00")[1:]) * 60 + int(minutes or 0))
    return ((at - EPOCH) // timedelta(seconds=1) - ahead * 60) * 10**6 + int((fraction or "0").ljust(6, "0"))


def second(text: Any) -> Any:
    """The whole second of an instant; None of none."""
    return None if text is None else micros(text) // 10**6


def canonical(document: Any) -> bytes:
    """The one spelling of a document that is signed."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def unpacked(text: str) -> bytes:
    """The bytes of base64 in its one spelling: the last letter has bits that say nothing. Raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError(f"{text!r} is not base64 as it is written")
    return data


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# -- signatures: Ed25519, as in RFC 8032, section 6 ---------------------------------------------------

P, Q = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(one: Any, other: Any) -> Any:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, point: Any) -> Any:
    found = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            found = add(found, point)
        point, factor = add(point, point), factor >> 1
    return found


def point_of(data: bytes) -> Any:
    """The point in 32 bytes; None where there is none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of this key signed this message."""
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % Q
    one, other = times(s, BASE), add(r, times(h, a))
    same = (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0
    return bool(same)


# -- facts: what each hash is made of, and the tree over heads ----------------------------------------


class Fact:
    """One line. `previous` is not in it: a hash is made of the hash before it in the stream and of these."""

    def __init__(self, line: str) -> None:
        """Raises ValueError, KeyError or TypeError for what is no fact."""
        head, found, data = line.partition(',"data":')
        told = json.loads(head + "}") if found else json.loads(line)
        self.bytes = data[:-1].encode() if found else unpacked(told.pop("data_base64"))
        if sorted(told) != MEMBERS or (found and data[-1:] != "}"):
            raise ValueError(f"its members are not {', '.join(MEMBERS)} and data")
        self.id, self.hash, self.subject = told["id"], bytes.fromhex(told["hash"]), told["subject"]
        self.stream, _, version = self.id.rpartition("@")
        kind = re.fullmatch(r"onedoor\.(\w+)\.v(\d+)", told["type"])
        if kind is None or told["hash"] != self.hash.hex() or str(int(version)) != version:
            raise ValueError("type, hash or id is not spelt as it should be")
        self.version, self.type, self.schema = int(version), kind.group(1), int(kind.group(2))
        self.at, self.recorded, self.cause = micros(told["time"]), micros(told["recordedtime"]), told["causationid"]
        self.said = told["actor"], told["correlationid"], told["causationid"]
        self.data = json.loads(self.bytes)

    def linked(self, previous: bytes) -> bytes:
        """Its hash behind another: each field with its length in four bytes before it."""
        numbers = [(self.version, 4), (self.schema, 2), (self.at, 8), (self.recorded, 8)]
        version, schema, at, recorded = (number.to_bytes(size, "big", signed=True) for number, size in numbers)
        texts = [text.encode() for text in self.said]
        fields = [previous, self.stream.encode(), version, self.type.encode(), schema, at, recorded, *texts, self.bytes]
        return sha(b"".join(len(field).to_bytes(4, "big") + field for field in fields))


def root_of(leaf: str, index: int, size: int, path: list[str]) -> Any:
    """The root to which a path leads from a leaf (RFC 9162, 2.1.3); None where it leads nowhere."""
    reached, last = sha(b"\0" + leaf.encode()), size - 1
    if not 0 <= index <= last:
        return None
    for text in path:
        beside = bytes.fromhex(text)
        while last and index == last and index % 2 == 0:
            index, last = index // 2, last // 2
        if last == 0:
            return None
        reached = sha(b"\1" + (beside + reached if index % 2 else reached + beside))
        index, last = index // 2, last // 2
    while last and index == last and index % 2 == 0:
        index, last = index // 2, last // 2
    return reached.hex() if last == 0 else None


# -- working time, day by day -------------------------------------------------------------------------


class Beyond(Exception):
    """A day that no calendar has."""


def day_of(at: int) -> int:
    return (at + LOCAL) // DAY


def day_on(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def clock(text: str) -> int:
    return int(text[:2]) * 3600 + int(text[3:5]) * 60 + int(text[6:8])


class Calendar:
    """One version of a calendar: `sessions` of a local day, as seconds since 1970."""

    def __init__(self, terms: Any, rules: Any) -> None:
        self.terms, self.national = terms, rules["days"][terms["country"]]
        self.first, self.last = day_on(rules["first_day"]), day_on(rules["last_day"])
        self.cutoff = clock(terms["cutoff_at"])
        self.special = {one["on"]: one for one in terms["overrides"]}
        self.off, self.worked_instead = set(self.national["off"]), set(self.national["worked"])
        self._known: dict[int, list[tuple[int, int]]] = {}

    def sessions(self, day: int) -> list[tuple[int, int]]:
        if day not in self._known:
            on = (date(1970, 1, 1) + timedelta(days=day)).isoformat() if self.first <= day <= self.last else ""
            self._known[day] = [
                (day * DAY - LOCAL + clock(one["opens"]), day * DAY - LOCAL + (clock(one["closes"]) or DAY))
                for one in (self._hours(on, (day + 3) % 7 + 1) if on else [])
            ]
        return self._known[day]

    def _hours(self, on: str, weekday: int) -> Any:
        eras = [era for era in self.terms["hours"] if era["since"] <= on and (not era["until"] or on < era["until"])]
        if on in self.special and self.special[on]["day"] != "make-up":
            return self.special[on]["sessions"]
        if on in self.special or (on in self.worked_instead and on not in self.off):
            return min(eras, key=lambda era: min(era["weekdays"]))["sessions"] if eras else []
        own = [era["sessions"] for era in eras if weekday in era["weekdays"]]
        return own[0] if own and on not in self.off else []

    def worked(self, start: int, end: int) -> int:
        """Working seconds between two instants."""
        days = range(max(day_of(start), self.first), min(day_of(end), self.last) + 1)
        return sum(max(0, min(end, b) - max(start, a)) for day in days for a, b in self.sessions(day))

    def after(self, start: int, length: int) -> int:
        """The first instant by which so much more was worked."""
        day = max(day_of(start), self.first)
        while length:
            if day > self.last:
                raise Beyond
            for opens, closes in self.sessions(day):
                free = max(0, closes - max(opens, start))
                if length and free >= length:
                    return max(opens, start) + length
                length -= free
            day += 1
        return start

    def nth_after(self, day: int, count: int) -> int:
        """The n-th working day after a day."""
        if day < self.first:
            raise Beyond
        while count:
            day += 1
            if day > self.last:
                raise Beyond
            count -= bool(self.sessions(day))
        return day

    def due(self, amount: int, unit: str, at: int, cutoff: str) -> tuple[int, int]:
        """When a limit that is counted from `at` runs out, and from when on a pause moves that."""
        if unit != "working_days":
            return self.after(at, amount * (3600 if unit == "working_hours" else 60)), at
        day, late = day_of(at), (at + LOCAL) % DAY > self.cutoff
        if (amount == 0 and (late or not self.sessions(day))) or (amount and late and cutoff == "promise"):
            day = self.nth_after(day, 1)
        day = self.nth_after(day, amount) if amount else day
        closing = min(self.sessions(day)[-1][1], (day + 1) * DAY - LOCAL - 1)  # of 24:00 the last second before it
        return closing, (day_of(at) + 1) * DAY - LOCAL

    def session_start(self, at: int) -> int:
        """When the session began that holds an instant, or the last one before it."""
        for day in range(min(day_of(at), self.last), self.first - 1, -1):
            begun = [opens for opens, _ in self.sessions(day) if opens <= at]
            if begun:
                return begun[-1]
        raise Beyond


# -- the facts of a dossier as they stand, in their order ---------------------------------------------

CORRECTIONS = ("FactVoided", "FactCorrected", "ServiceReclassified")
ORDER = "onedoor.order.v2"
"""The order of the facts of a dossier that this program knows."""
LIFE = [
    "ApplicationReceived",
    "SupplementReceived",
    "CustomerActionCompleted",
    "AgencyReplied",
    "WorkResumed",
    "DossierAcknowledged",
    "StaffReplied",
    "SupplementRequested",
    "DeadlineExtended",
    "WorkOrderIssued",
    "VisitScheduled",
    "VisitMissed",
    "WorkStarted",
    "WorkObstructed",
    "WorkCompleted",
    "StepCompleted",
    "CustomerActionRequested",
    "AgencyReferred",
    "DossierEscalated",
    "DossierForwarded",
    "DossierReturned",
    "ApplicationRefused",
    "ApplicationWithdrawn",
    "ProcessingStopped",
    "CaseClosed",
    "DossierRecalled",
    "WorkOrderCancelled",
    "CustomerRated",
    "CaseReopened",
]
"""The facts that are judged, in the order in which those of one instant can follow each other. Messages and warnings
are not among them."""
ENDS = {
    "DossierReturned": "released", "CaseClosed": "closed", "ApplicationRefused": "refused",
    "ApplicationWithdrawn": "withdrawn", "ProcessingStopped": "stopped",
}  # fmt: skip
FAULTS = ("customer", "agency", "utility")
ANSWERS = ("SupplementReceived", "CustomerActionCompleted", "AgencyReplied", "WorkResumed")
MOVING = (
    *ENDS,
    *ANSWERS,
    *[
        "DossierForwarded",
        "DossierAcknowledged",
        "DeadlineExtended",
        "AgencyReferred",
        "WorkObstructed",
        "SupplementRequested",
        "CustomerActionRequested",
    ],
)
AGENCIES = ("AgencyReferred", "AgencyReplied", "WorkObstructed")


def fits(kind: str, name: str, value: str) -> bool:
    """Whether a corrected field counts in a verdict and takes this value."""
    if name in ("at", "due"):
        return bool(INSTANT.fullmatch(value)) and (name == "at" or kind == "CaseReopened")
    if name == "answers":
        return kind in ANSWERS and bool(EVENT.fullmatch(value))
    if name == "agency":
        return kind in AGENCIES and bool(UNIT.fullmatch(value))
    if name == "counter":
        return kind == "ApplicationReceived" and bool(UNIT.fullmatch(value))
    return name == "fault" and kind == "WorkObstructed" and value in FAULTS


def put_right(facts: list[Fact]) -> tuple[list[Fact], list[str]]:
    """The facts as corrected: voids first, then one field after the other; and the services named instead."""
    known = {fact.id: fact for fact in facts}
    standing = {id: fact for id, fact in known.items() if fact.type not in CORRECTIONS}
    said = sorted((one for one in facts if one.type in CORRECTIONS), key=lambda one: (one.at, one.stream, one.version))

    def target(one: Fact, name: str) -> Any:
        """What a correction is about, where it counts: in its own stream, or among those of other systems."""
        about = standing.get(one.data[name])
        foreign = about is not None and one.stream.startswith("foreign-") and about.stream.startswith("foreign-")
        return about if about is not None and (about.stream == one.stream or foreign) else None

    for one in said:
        if one.type == "FactVoided" and (about := target(one, "voids")) is not None:
            del standing[about.id]
    for one in said:
        if one.type == "FactCorrected" and (about := target(one, "corrects")) is not None:
            name, value = one.data["field"], one.data["value"]
            if not fits(about.type, name, value):
                continue
            right = standing[about.id] = Fact.__new__(Fact)
            right.__dict__.update(about.__dict__)
            if name != "at":
                right.data = {**about.data, name: value}
            elif micros(value) != about.at:
                right.at = micros(value)  # the message that brought it may have been late; what it told of was not
                right.cause = "" if about.cause.startswith("message-") else about.cause
    return list(standing.values()), [one.data["service"] for one in said if one.type == "ServiceReclassified"]


class Course:
    """How far a dossier has come, without a calendar: which of several facts of one instant can come next."""

    def __init__(self) -> None:
        self.begun = 0
        self.counter: Any = None
        self.running = self.released = self.collected = False
        self._open()

    def _open(self) -> None:
        self.unit, self.acknowledged, self.extended = self.counter, False, False
        self.asked: set[str] = set()
        self.obstacles: set[str] = set()
        self.referrals: list[tuple[str, str]] = []

    def fits(self, fact: Fact) -> Any:
        """None where it moves nothing, False where a unit that has it not acts or nothing was released, else True."""
        kind, data = fact.type, fact.data
        if kind == "ApplicationReceived":
            return None if self.begun else True
        if kind == "CaseReopened":
            return True if self.begun and not self.running else None
        if kind == "CaseClosed":
            return False if self.running else True if self.released and not self.collected else None
        if kind not in MOVING:
            return True if self.begun else None
        if not self.running:
            return None
        if kind in ("DossierForwarded", "DossierReturned"):
            return bool(data["from_unit"] == self.unit)
        if kind == "DossierAcknowledged":
            return True if data["unit"] == self.unit and not self.acknowledged else None
        if kind == "DeadlineExtended":
            return None if self.extended else True
        if kind == "AgencyReplied":
            return None if self._asked(data) is None else True
        if kind in ANSWERS:
            resumes = kind == "WorkResumed" and data["answers"] in self.obstacles
            return True if resumes or data["answers"] in self.asked else None
        return True

    def _asked(self, data: Any) -> Any:
        found = [one for one in self.referrals if (data.get("answers") or data["agency"]) in one]
        return found[0] if found else None

    def take(self, fact: Fact) -> None:
        """It happened."""
        kind, data = fact.type, fact.data
        if self.fits(fact) is None:
            return
        if kind in ("ApplicationReceived", "CaseReopened"):
            self.counter = data.get("counter", self.counter)
            self.begun, self.running, self.released, self.collected = self.begun + 1, True, False, False
            self._open()
        elif kind == "DossierForwarded":
            self.unit, self.acknowledged = data["to_unit"], False
        elif kind == "DossierAcknowledged":
            self.acknowledged = True
        elif kind == "DeadlineExtended":
            self.extended = True
        elif kind == "AgencyReferred":
            self.referrals.append((fact.id, data["agency"]))
            self.asked.add(fact.id)
        elif kind == "AgencyReplied":
            referral = self._asked(data)
            self.referrals.remove(referral)
            self.asked.discard(referral[0])
        elif kind == "WorkObstructed" and data["fault"] == "utility":
            self.obstacles.add(fact.id)
        elif kind in ("SupplementRequested", "CustomerActionRequested", "WorkObstructed"):
            self.asked.add(fact.id)
        elif kind in ANSWERS:
            self.asked.discard(data["answers"])
            self.obstacles.discard(data["answers"])
        elif kind in ENDS:
            self.running = False
            self.released = self.released or kind == "DossierReturned"
            self.collected = self.collected or kind == "CaseClosed"


def in_order(facts: list[Fact]) -> Iterator[tuple[int, Fact]]:
    """Facts with the second in which they count: none before its cause, nor before what it answers. Of one instant
    comes first what can: the rules are those of Course, then of LIFE, then the ids."""
    known = {fact.id: fact for fact in facts}
    at = {fact.id: fact.at for fact in facts}
    above = {fact.id: [id for id in _parents(fact) if id in known] for fact in facts}
    for _ in facts:
        for id, parents in above.items():
            at[id] = max([at[id], *(at[parent] for parent in parents)])
    course = Course()
    for instant in sorted(set(at.values())):
        left = sorted((fact for fact in facts if at[fact.id] == instant), key=lambda fact: (fact.stream, fact.version))
        while left:
            first = {fact.stream: fact for fact in reversed(left)}.values()
            ids = {fact.id for fact in left}
            free = [fact for fact in first if not ids & set(above[fact.id])] or list(first)
            chosen = min(free, key=lambda fact: _rank(course, fact)) if len(free) > 1 else free[0]
            left.remove(chosen)
            course.take(chosen)
            yield instant // 10**6, chosen


def _parents(fact: Fact) -> list[str]:
    cause = [] if fact.stream.startswith("foreign-") else [fact.cause]
    return [*cause, fact.data.get("answers")] if fact.type in ANSWERS else cause


def _rank(course: Course, fact: Fact) -> tuple[int, int, str, int]:
    return (True, False, None).index(course.fits(fact)), LIFE.index(fact.type), fact.stream, fact.version


# -- the verdict --------------------------------------------------------------------------------------


class Cycle:
    """One run, from receipt or reopening to release. `base` is its due before any pause."""

    def __init__(self, calendar: Calendar, start: int, counted: Any) -> None:
        self.calendar, self.start, self.since, self.counted = calendar, start, start, counted
        self.counts_from = counted[1] if counted else start
        self.waiting: dict[str, tuple[str, bool]] = {}
        self.referrals: list[tuple[str, str]] = []
        self.obstacles: set[str] = set()
        self.begun: Any = None
        self.pauses: list[tuple[int, int]] = []
        self.stretches: list[tuple[str, int, int]] = []
        self.supplements = 0
        self.outcome = "open"
        self.ended: Any = None
        self.closed: Any = None

    def due(self) -> Any:
        """The due instant; None without a promise, and while a pause that stops it is open."""
        if not self.counted:
            return None
        due, counts_from = self.counted
        try:
            for begins, ends in self.pauses:
                if begins < due and ends > counts_from:
                    due = self.calendar.after(due, self.calendar.worked(max(begins, counts_from), ends))
        except Beyond:
            return None
        return None if self.begun is not None and self.begun < due else due

    def run_to(self, at: int) -> None:
        """Time up to here belongs to whoever was waited for, or to the company."""
        whose = {who for who, _ in self.waiting.values()}
        clock = "customer" if "customer" in whose else "agency" if whose else "utility"
        if at > self.since:
            self.stretches.append((clock, max(self.since, self.counts_from), max(at, self.counts_from)))
            self.since = at

    def wait(self, id: str, who: str, at: int, restarts: bool = False) -> None:
        self.run_to(at)
        if not self.waiting:
            self.begun = at
            if self.pauses and self.pauses[-1][1] == at:  # two pauses that touch are one
                self.begun = self.pauses.pop()[0]
        self.waiting[id] = who, restarts

    def answer(self, id: str, at: int) -> bool:
        """Whether this answers a supplement that was asked for in time."""
        if id not in self.waiting:
            return False
        self.run_to(at)
        restarts = self.waiting.pop(id)[1]
        if not self.waiting:
            self.resume(at)
        return restarts

    def resume(self, at: int) -> None:
        if self.begun is not None and self.begun < at:
            self.pauses.append((self.begun, at))
        self.begun = None

    def end(self, outcome: str, at: int) -> None:
        self.run_to(at)
        self.resume(at)
        self.outcome, self.ended = outcome, at

    def verdict(self, number: int, last: int, supplements: int) -> dict[str, Any]:
        """What has to stand in the file. An open cycle is judged up to the dossier's last fact; `supplements` are those
        of all its cycles."""
        due, worked = self.due(), self.calendar.worked
        if self.ended is None:
            self.run_to(last)
        end = self.since if self.ended is None else self.ended
        spent = {"utility": 0, "customer": 0, "agency": 0}
        for clock, begins, ends in self.stretches:
            spent[clock] += worked(begins, ends)
        late = [
            (max(a, due), b) for clock, a, b in self.stretches if clock == "utility" and due is not None and b > due
        ]
        released = self.ended if self.outcome in ("released", "closed") else None
        by_date = by_session = by_766 = None
        if due is not None and released is not None:
            days = day_of(released) - day_of(due)
            by_date = "ahead" if days < 0 else "on-time" if days == 0 else "overdue"
            try:
                begun = self.calendar.session_start(due)
                by_session = "overdue" if released > due else "ahead" if released < begun else "on-time"
            except Beyond:
                by_session = None
        if due is not None and self.ended is not None:
            by_766 = "overdue" if self.ended > due or (self.supplements and supplements > 1) else "on-time"
        return {
            "cycle": number, "received_at": self.start, "determined": bool(self.counted), "due_at": due,
            "released_at": released, "ended_at": self.ended, "outcome": self.outcome, "closed_at": self.closed,
            "by_date": by_date, "by_session": by_session, "by_766": by_766, "supplements": self.supplements,
            **{f"{clock}_seconds": spent[clock] for clock in spent},
            "not_counted_seconds": end - self.start - sum(spent.values()),
            "delay_seconds": sum(worked(a, b) for a, b in late), "judged_to": end,
        }  # fmt: skip


class Judge:
    """The rules of the file, applied to one dossier after the other."""

    def __init__(self, rules: Any) -> None:
        self.rules = rules
        self.calendars = {id: Calendar(terms, rules) for id, terms in rules["calendars"].items()}
        self.promise: Any = None
        self.limit: Any = None

    def verdict(self, facts: list[Fact]) -> list[dict[str, Any]]:
        """The cycles of a dossier."""
        standing, services = put_right([one for one in facts if one.type in LIFE or one.type in CORRECTIONS])
        cycles: list[Cycle] = []
        receipt: Any = None
        last = 0
        for at, fact in in_order(standing):
            last = at
            cycle = cycles[-1] if cycles and cycles[-1].ended is None else None
            if fact.type == "ApplicationReceived" and receipt is None:
                receipt = fact.data
                self._pin(receipt, services)
                cycles.append(self._begin(at, self.promise and self.promise.get("due")))
            elif fact.type == "CaseReopened" and receipt is not None and cycle is None:
                stated = fact.data.get("due") if self.promise and self.promise.get("due") else None
                cycles.append(self._begin(at, stated))
            elif fact.type == "CaseClosed" and cycles:
                if cycles[-1].outcome in ("open", "released") and cycles[-1].closed is None:
                    if cycle is not None:
                        cycle.end("closed", at)
                    cycles[-1].closed = at
            elif cycle is not None:
                self._move(cycle, fact, at)
        supplements = sum(cycle.supplements for cycle in cycles)
        return [cycle.verdict(number, last, supplements) for number, cycle in enumerate(cycles, 1)]

    def _pin(self, receipt: Any, services: list[str]) -> None:
        """What the receipt promised, as far as the rules know it: by which calendar, how long, and what moves it."""
        own = self.rules["units"].get(receipt["counter"], self.rules["default_calendar"])
        promise = receipt.get("promise")
        for service in (one for one in services if one in self.rules["services"]):
            terms = self.rules["services"][service]
            calendar = promise["calendar"] if promise else terms["calendar"]
            promise = {"service": service, "calendar": calendar, "clock_policy": terms["clock_policy"]}
        self.promise, self.limit, self.cutoff, self.calendar = None, None, "transfer", self.calendars[own]
        if promise is None:
            return
        promise = self._revised(promise)
        if promise["calendar"] not in self.calendars:
            return
        self.promise, self.calendar = promise, self.calendars[promise["calendar"]]
        known = self.rules["services"].get(promise.get("service"))
        if promise.get("working_days") is not None:
            self.limit = {"amount": promise["working_days"], "unit": "working_days"}
        elif known:
            self.limit, self.cutoff = known["limit"], known["cutoff"]

    def _revised(self, pinned: Any) -> Any:
        """The promise that stands for the pinned one, where newer versions were published to stand for older ones."""
        revised, services = self.rules["revised"], self.rules["services"]
        service, calendar, policy = pinned.get("service"), pinned["calendar"], pinned["clock_policy"]
        if service in revised:
            older, newer = services.get(service), services[revised[service]]
            if older is None or calendar.partition("@")[0] == older["calendar"].partition("@")[0]:
                calendar = newer["calendar"]
            service, policy = revised[service], newer["clock_policy"]
        return {**pinned, "service": service, "calendar": revised.get(calendar, calendar), "clock_policy": policy}

    def _begin(self, at: int, stated: Any) -> Cycle:
        return Cycle(self.calendar, at, (second(stated), at) if stated else self._count(at))

    def _count(self, at: int) -> Any:
        try:
            return self.limit and self.calendar.due(self.limit["amount"], self.limit["unit"], at, self.cutoff)
        except Beyond:
            return None

    def _move(self, cycle: Cycle, fact: Fact, at: int) -> None:
        data, kind = fact.data, fact.type
        if kind == "SupplementRequested":
            due = cycle.due()
            cycle.supplements += 1
            cycle.wait(fact.id, "customer", at, restarts=due is None or due > at)
        elif kind == "CustomerActionRequested":
            cycle.wait(fact.id, "customer", at)
        elif kind == "AgencyReferred":
            cycle.referrals.append((fact.id, data["agency"]))
            cycle.wait(fact.id, "agency", at)
        elif kind == "AgencyReplied":
            asked = [one for one in cycle.referrals if (data.get("answers") or data["agency"]) in one]
            if asked:
                cycle.referrals.remove(asked[0])
                cycle.answer(asked[0][0], at)
        elif kind == "WorkObstructed" and data["fault"] == "utility":
            cycle.obstacles.add(fact.id)
        elif kind == "WorkObstructed":
            cycle.wait(fact.id, data["fault"], at)
        elif kind == "WorkResumed" and data["answers"] in cycle.obstacles:
            cycle.obstacles.discard(data["answers"])
        elif kind in ANSWERS:
            restarts = cycle.answer(data["answers"], at) and kind == "SupplementReceived"
            if restarts and self.promise is not None and self.promise["clock_policy"] == "RESTART" and self.limit:
                cycle.counted = self._count(at) or cycle.counted
        elif kind in ENDS:
            cycle.end(ENDS[kind], at)


# -- the file -----------------------------------------------------------------------------------------


class Evidence:
    """The file, and what was found wrong with it: `wrong` by place, `notes` for what is merely to be known."""

    def __init__(self, archive: zipfile.ZipFile, keys: list[str]) -> None:
        self.archive, self.keys, self.signers = archive, keys, set(keys)
        self.wrong: list[str] = []
        self.notes: list[str] = []
        self.unsigned: list[str] = []
        self.seals: dict[int, Any] = {}
        self.last_seal = self.scope = ""
        self.facts = self.dossiers = self.unsealed = 0

    def found(self, place: str, what: str) -> None:
        self.wrong.append(f"{place}: {what}")

    def read(self, name: str) -> Any:
        """The JSON of one of its files. Raises ValueError where it cannot be read."""
        return json.loads(self.bytes_of(name))

    def bytes_of(self, name: str) -> bytes:
        """One of its files. Raises ValueError where it cannot be read."""
        try:
            return self.archive.read(name)
        except (KeyError, zipfile.BadZipFile, zlib.error) as broken:
            raise ValueError(f"{name} cannot be read: {broken}") from broken

    def document(self, place: str, signed: Any) -> Any:
        """A signed document, once its signature is checked. One without a signature is remembered as such."""
        document, key, signature = signed["document"], signed["key"], signed["signature"]
        if key:
            self.signers.add(key)
        if not key and not signature:
            self.unsigned.append(place)
        elif self.keys and key not in self.keys:
            self.found(place, f"signed by {key}, which is not the key that was given")
        elif not signed_by(unpacked(key), canonical(document), unpacked(signature)):
            self.found(place, "was changed after it was signed")
        return document

    def guarded(self, place: str, work: Any, *given: Any) -> Any:
        """Do it; what is not even shaped as evidence is found, too."""
        try:
            return work(*given)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError, Beyond, RecursionError) as broken:
            self.found(place, f"is not made as evidence is: {broken!r}")
            return None

    def check(self) -> None:
        """Everything, in the order in which one thing answers to another."""
        names = self.archive.namelist()
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.found(name, "stands twice in the archive")
        self.guarded("seals.json", self._seals)
        document = self.guarded("rules.json", self._all_rules)
        judge = self.guarded("rules.json", Judge, document)
        digest = sha(canonical(document)).hex()
        cases = [name[9:-5] for name in names if name.startswith("dossiers/") and name.endswith(".json")]
        self.dossiers, self.scope = len(cases), f"dossier {', '.join(cases[:1])}"
        for case in cases:
            self.guarded(f"dossiers/{case}.json", self._dossier, case, judge, digest)
        if "month.json" in names:
            self.guarded("month.json", self._month, cases, digest)
        elif len(cases) != 1:
            self.found("month.json", f"is missing: nothing says of what these {len(cases)} dossiers are all")
        told = {"seals.json", "rules.json", "rules.ndjson", "month.json", "verify.py", "README.txt"}
        told |= {f"dossiers/{case}.{end}" for case in cases for end in ("json", "ndjson")}
        for name in sorted(set(names) - told):
            self.found(name, "does not belong here")
        if self.signers:
            for place in self.unsigned:  # what a later, signed seal names by its digest needs no signature of its own
                if not place.startswith("seals.json") or place == self.last_seal:
                    self.found(place, "is not signed, and should be")

    def _seals(self) -> None:
        """Each names the one before it by its digest."""
        before: Any = None
        for signed in self.read("seals.json")["seals"]:
            told = signed.get("document") or {}
            self.last_seal = place = f"seals.json: seal {told.get('number')} of {told.get('day')}"
            seal = self.document(place, signed)
            if before is not None:
                if seal["number"] != before["number"] + 1 or seal["day"] <= before["day"]:
                    self.found(place, f"stands behind seal {before['number']} of {before['day']}: one is missing")
                elif seal["previous"] != sha(canonical(before)).hex():
                    self.found(
                        f"seals.json: seal {before['number']} of {before['day']}", "is not what the next one names"
                    )
            self.seals[seal["number"]] = before = seal

    def _facts(self, name: str, case: str, document: Any, proofs: Any, beside: str) -> list[Fact]:
        """The facts of a file, checked one by one, against each other, the stated heads and the seals."""
        text = self.bytes_of(name)
        before, facts = len(self.wrong), []
        lines = text.split(b"\n")
        for number, line in enumerate(lines[:-1], 1):
            try:
                facts.append(Fact(line.decode()))
            except (ValueError, KeyError, TypeError, OverflowError, AttributeError) as broken:
                self.found(f"{name}, line {number}", f"is no fact: {broken}")
        self.facts += len(facts)
        hashes = {fact.id: fact.hash for fact in facts}
        missing = set(document["missing"])
        last: dict[str, int] = {}
        for fact in facts:
            place = f"{name}, {fact.id}"
            due = last.get(fact.stream, 0) + 1
            while f"{fact.stream}@{due}" in missing:
                due += 1
            if fact.version != due:
                self.found(place, f"stands where {fact.stream}@{due} should: one is missing, or two changed places")
            elif last and fact.stream < max(last):
                self.found(place, "stands behind another stream's facts: it changed its place")
            last[fact.stream] = fact.version
            previous = hashes.get(f"{fact.stream}@{fact.version - 1}", b"" if fact.version == 1 else None)
            if previous is not None and fact.linked(previous) != fact.hash:
                self.found(place, "its bytes, or those before it in its stream, do not give its hash")
            elif case and fact.subject != (fact.data.get("case_id") or fact.stream):
                self.found(place, f"says that it is about {fact.subject}")
        for head in document["heads"]:
            id = f"{head['stream']}@{head['version']}"
            if hashes.get(id, b"").hex() != head["hash"] or last.get(head["stream"]) != head["version"]:
                self.found(
                    f"{name}, {id}", f"should be the last of its stream, as {beside} states it: the end is missing"
                )
        for stream in sorted(set(last) - {head["stream"] for head in document["heads"]}):
            self.found(f"{name}, {stream}", f"is no stream of which {beside} knows")
        if len(self.wrong) == before and sha(text).hex() != document["events"]["sha256"]:
            self.found(name, f"is not the file whose SHA-256 {beside} states")
        for gap in sorted(missing):
            self.notes.append(f"{name}, {gap}: the system itself could not read this fact, and says so")
        self._proofs(name, beside, facts, hashes, proofs)
        return facts

    def _proofs(self, name: str, beside: str, facts: list[Fact], hashes: dict[str, bytes], proofs: Any) -> None:
        """Each proof leads from a fact in the file to the root of a day's seal."""
        sealed: dict[str, int] = {}
        for proof in proofs:
            id, seal = f"{proof['stream']}@{proof['version']}", self.seals.get(proof["seal"])
            place = f"{beside}, proof of {id} in seal {proof['seal']}"
            if seal is None:
                self.found(place, "there is no such seal in seals.json")
            elif id not in hashes:
                self.found(f"{name}, {id}", f"is covered by seal {seal['number']} of {seal['day']}, and is missing")
            elif root_of(f"{id} {hashes[id].hex()}", proof["index"], seal["streams"], proof["path"]) != seal["root"]:
                self.found(place, f"does not lead to the root of {seal['day']}: fact, proof or seal was changed")
            else:
                sealed[proof["stream"]] = max(sealed.get(proof["stream"], 0), proof["version"])
        self.unsealed += sum(fact.version > sealed.get(fact.stream, 0) for fact in facts)

    def _all_rules(self) -> Any:
        """The rules, once they are checked."""
        whole = self.read("rules.json")
        document = self.document("rules.json", whole["signed"])
        if document.get("order") != ORDER:
            self.found("rules.json, order", f"is {document.get('order')}; this program knows {ORDER} alone")
        self._rules(document, self._facts("rules.ndjson", "", document, whole["proofs"], "rules.json"))
        return document

    def _rules(self, document: Any, published: list[Fact]) -> None:
        """Each rule is that of its digest, and that which was published; and those stand for others that should."""
        entries = {**document["calendars"], **document["services"]}
        for id in sorted(set(entries) | set(document["digests"])):
            if id not in entries or document["digests"].get(id) != sha(canonical(entries[id])).hex():
                self.found(f"rules.json, {id}", "its terms are not those of its digest")
        revised: dict[str, str] = {}
        for fact in published:
            terms = fact.data["services"] if "services" in fact.data else [fact.data["calendar"]]
            for one in terms:
                there = entries.get(one["id"], {})
                if {**there, "until": None} != {**one, "until": None}:
                    self.found(f"rules.json, {one['id']}", f"is not what {fact.id} published")
            if fact.version <= document["applied"] and fact.data["policy"] == "as-revised":
                newest = {one["id"].partition("@")[0]: one["id"] for one in sorted(terms, key=lambda t: order(t["id"]))}
                for id in entries:
                    newer = newest.get(id.partition("@")[0])
                    if newer and order(id) < order(newer):
                        revised[id] = newer
        if revised != document["revised"]:
            self.found("rules.json, revised", "is not what the published facts say")

    def _dossier(self, case: str, judge: Judge, rules: str) -> None:
        """Its facts, and its verdict again."""
        name = f"dossiers/{case}.json"
        whole = self.read(name)
        document = self.document(name, whole["signed"])
        if document["case_id"] != case or document["rules"] != rules:
            self.found(name, "is of another dossier, or was judged by other rules than those of rules.json")
        before = len(self.wrong)
        facts = self._facts(f"dossiers/{case}.ndjson", case, document, whole["proofs"], name)
        if document["incomplete"]:
            self.notes.append(f"{name}: a fact of it is set aside, so the system concludes nothing, and says so")
            return
        if len(self.wrong) > before:
            self.notes.append(f"{name}: not judged again, because its facts are not what they were")
            return
        told = document["verdict"]
        judged = judge.verdict([fact for fact in facts if fact.subject == case])
        if len(told) != len(judged):
            self.found(name, f"{len(judged)} cycles follow from the facts, {len(told)} stand here")
        for ours, theirs in zip(judged, told):
            for field, value in ours.items():
                there = theirs.get(field)
                try:
                    same = value == (second(there) if field.endswith("_at") or field == "judged_to" else there)
                except (TypeError, ValueError):
                    same = False
                if not same:
                    at = field.endswith("_at") or field == "judged_to"
                    right = datetime.fromtimestamp(value, timezone.utc).isoformat() if at and value else value
                    self.found(f"{name}, cycle {ours['cycle']}, {field}", f"is {there}, and by the facts {right}")

    def _month(self, cases: list[str], rules: str) -> None:
        """The dossiers that count in the month are those of the file."""
        document = self.document("month.json", self.read("month.json"))
        self.scope = f"all dossiers that count in {document['month']}"
        for case in sorted(set(document["dossiers"]) ^ set(cases)):
            self.found(f"dossiers/{case}.json", "is missing" if case not in cases else "does not belong to the month")
        if document["rules"] != rules:
            self.found("month.json", "was drawn up under other rules than those of rules.json")


def order(id: str) -> tuple[int, ...]:
    """Versions in their order: the numbers of 2017.1 or of 2017-07-01."""
    return tuple(int(part) for part in re.split(r"[.-]", id.partition("@")[2]))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", help="the evidence, as `onedoor evidence` wrote it")
    parser.add_argument(
        "--key", action="append", default=[], help="a public key that is trusted (base64; may be repeated)"
    )
    given = parser.parse_args()
    try:
        archive = zipfile.ZipFile(given.file)
    except (OSError, zipfile.BadZipFile) as unreadable:
        print(f"{given.file}: {unreadable}", file=sys.stderr)
        return 2
    it = Evidence(archive, given.key)
    it.check()
    print(f"{it.scope}: {it.dossiers} judged again, {it.facts} facts and {len(it.seals)} seals of days checked")
    days = sorted(seal["day"] for seal in it.seals.values())
    print(
        f"seals from {days[0]} to {days[-1]}; {it.unsealed} facts are not sealed yet"
        if days
        else "nothing is sealed yet"
    )
    for key in sorted(it.signers):
        print(f"signed by {key}" + ("" if key in given.key else ": is this the key that they publish? (--key)"))
    if not it.signers:
        print("nothing is signed: whoever made this file could have made up all of it")
    for note in it.notes:
        print(f"note: {note}")
    for wrong in it.wrong:
        print(f"CHANGED · BỊ THAY ĐỔI  {wrong}")
    print("NOT AS IT WAS · KHÔNG CÒN NGUYÊN VẸN" if it.wrong else "UNCHANGED · NGUYÊN VẸN")
    return 1 if it.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
