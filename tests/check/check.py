"""The independent check: every verdict again, from the raw facts on Kafka and the catalogue's files alone.

It shares no code with the system and reads no due date in any event. The rules are those of the trade: the day of
receipt is not counted; a limit of n days ends at closing of the n-th working day; a pause that begins before due moves
due by its working time; release, not collection, ends the clock. It knows the year 2017 and no other, in which no
service counts its days anew after a supplement. Its exit code is 1 when any verdict disagrees.
    ONEDOOR_TOKEN=... python tests/check/check.py --bootstrap localhost:9092 --sla http://127.0.0.1:8104
"""

import argparse
import json
import os
import sys
import urllib.request
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Consumer, KafkaError, TopicPartition

TOPICS = ("intake.events", "routing.events", "field.events")
OPENS = ("SupplementRequested", "CustomerActionRequested", "AgencyReferred", "WorkObstructed")
ANSWERS = ("SupplementReceived", "CustomerActionCompleted", "AgencyReplied", "WorkResumed")
RELEASES = ("DossierReturned", "CaseClosed")
ENDS = (*RELEASES, "ApplicationRefused", "ApplicationWithdrawn", "ProcessingStopped")
# At one instant, of what can come next: this before that. What is not named here moves nothing that another needs.
FIRST = (
    "ApplicationReceived",
    *ANSWERS,
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
    *ENDS[2:],
    "CaseClosed",
    "DossierRecalled",
    "WorkOrderCancelled",
    "CustomerRated",
    "CaseReopened",
)
# Viet Nam's public holidays of 2017: New Year (observed), Tet, Hung Kings, Reunification and Labour, National Day.
HOLIDAYS = {date(2017, 1, 2), date(2017, 4, 6), date(2017, 5, 1), date(2017, 5, 2), date(2017, 9, 2), date(2017, 9, 4)}
HOLIDAYS |= {date(2017, 1, 26) + timedelta(days=number) for number in range(7)}
CATALOGUE = Path(__file__).parents[2] / "deploy" / "catalogue"
LOCAL = 7 * 3600  # seconds that Viet Nam is ahead of UTC


def second(iso: str) -> int:
    """Whole seconds since 1970, UTC."""
    return int(datetime.fromisoformat(iso).timestamp())


def shown(instant: int | None) -> str:
    return "-" if instant is None else datetime.fromtimestamp(instant + LOCAL, UTC).strftime("%Y-%m-%d %H:%M:%S")


class Year:
    """The worked sessions of 2017, as a list of (opens, closes)."""

    def __init__(self, hours: list[Any], weekdays: list[int]) -> None:
        self.sessions: list[tuple[int, int]] = []
        self.days: list[int] = []  # days since 1970 that are worked
        self.before = [0]  # seconds worked before each session
        for number in range(365):
            day = date(2017, 1, 1) + timedelta(days=number)
            if day.isoweekday() in weekdays and day not in HOLIDAYS:
                self.days.append((day - date(1970, 1, 1)).days)
                midnight = self.days[-1] * 86400 - LOCAL
                for opens, closes in hours:
                    self.sessions.append((midnight + clock(opens), midnight + clock(closes)))
                    self.before.append(self.before[-1] + clock(closes) - clock(opens))

    def worked(self, start: int, end: int) -> int:
        """Seconds of working time between two instants."""
        return max(0, self._until(end) - self._until(start))

    def _until(self, instant: int) -> int:
        place = bisect_right(self.sessions, (instant, 0)) - 1
        if place < 0:
            return 0
        opens, closes = self.sessions[place]
        return self.before[place] + min(instant, closes) - opens

    def later(self, instant: int, length: int) -> int:
        """The first instant by which so much more was worked."""
        for opens, closes in self.sessions:
            if closes > instant and length > 0:
                free = closes - max(opens, instant)
                if free >= length:
                    return max(opens, instant) + length
                length -= free
        return instant

    def closing(self, received: int, days: int) -> int:
        """When the n-th working day after the day of receipt closes."""
        last = [day for day in self.days if day > day_of(received)][days - 1]
        return max(closes for _, closes in self.sessions if day_of(closes) == last)


def clock(text: str) -> int:
    """Seconds after midnight of 07:00."""
    return int(text[:2]) * 3600 + int(text[3:5]) * 60


def day_of(second: int) -> int:
    return (second + LOCAL) // 86400


@dataclass
class Cycle:
    """One run from receipt or reopening to release. `base` is its due before any pause."""

    start: int
    base: int | None
    counts_from: int
    waiting: dict[str, str | None] = field(default_factory=dict)  # opening event → the agency, None: the customer
    referrals: dict[str, str] = field(default_factory=dict)  # questions to agencies without a reply
    begun: int | None = None  # when the open pause began
    pauses: list[tuple[int, int]] = field(default_factory=list)
    spent: dict[str, int] = field(default_factory=lambda: {"utility": 0, "customer": 0, "agency": 0})
    since: int = 0
    ended: int | None = None
    released: bool = False

    def due(self, year: Year) -> int | None:
        if self.base is None:
            return None
        due = self.base
        for begins, ends in self.pauses:
            if begins < due:
                due = year.later(due, year.worked(max(begins, self.counts_from), max(ends, self.counts_from)))
        return None if self.begun is not None and self.begun < due else due

    def pass_to(self, year: Year, at: int) -> None:
        """Time up to `at` belongs to whoever is waited for, or to the utility."""
        clock = "utility" if not self.waiting else "customer" if None in self.waiting.values() else "agency"
        self.spent[clock] += year.worked(max(self.since, self.counts_from), max(at, self.counts_from))
        self.since = max(self.since, at)

    def resume(self, at: int) -> None:
        """Nobody is waited for any longer."""
        if self.begun is not None:
            if self.pauses and self.pauses[-1][1] == self.begun:  # two that touch are one
                self.begun = self.pauses.pop()[0]
            self.pauses.append((self.begun, at))
            self.begun = None


class Judge:
    """The rules of the catalogue's files, applied to the facts of one dossier."""

    def __init__(self, catalogue: Path) -> None:
        files = {name: yaml.safe_load((catalogue / f"{name}.yaml").read_text()) for name in ("services", "calendars")}
        self.services = {one["id"]: one for one in files["services"]["services"]}
        hours = files["calendars"]["calendars"][0]["hours"][0]
        self.year = Year(hours["sessions"], hours["weekdays"])

    def cycles(self, facts: list[dict[str, Any]]) -> list[Cycle]:
        found: list[Cycle] = []
        receipt: dict[str, Any] | None = None
        facts, services = put_right(facts)
        services = [service for service in services if service in self.services]
        for at, fact in in_order(facts):
            kind, data = fact["type"].split(".")[1], fact["data"]
            cycle = found[-1] if found and found[-1].ended is None else None
            if kind == "ApplicationReceived" and receipt is None:
                if services:
                    data = {**data, "promise": {"service": services[-1]}}
                receipt = data
                found.append(self._begin(data, at))
            elif kind == "CaseReopened" and receipt is not None and cycle is None:
                found.append(self._begin(receipt, at))
            elif cycle is not None:
                self._move(cycle, kind, fact, at)
        return found

    def _begin(self, receipt: dict[str, Any], at: int) -> Cycle:
        promise = receipt.get("promise") or {}
        service = self.services.get(promise.get("service"), {"limit": {"amount": promise.get("working_days")}})
        days = service["limit"]["amount"]
        if not days:  # no promise to judge by, or one that states its due: that is never read here
            return Cycle(at, None, at, since=at)
        return Cycle(at, self.year.closing(at, days), (day_of(at) + 1) * 86400 - LOCAL, since=at)

    def _move(self, cycle: Cycle, kind: str, fact: dict[str, Any], at: int) -> None:
        data, agency = fact["data"], fact["data"].get("agency")
        if "fault" in data:  # a corrected fault may leave an agency behind, or lack one
            agency = (agency or "agency") if data["fault"] == "agency" else None
        cycle.pass_to(self.year, at)
        if kind in OPENS and data.get("fault") != "utility":
            cycle.begun = cycle.begun if cycle.waiting else at
            cycle.waiting[fact["id"]] = agency
            if kind == "AgencyReferred":
                cycle.referrals[fact["id"]] = data["agency"]
        elif kind in ANSWERS:
            question = data.get("answers") or ""
            if kind == "AgencyReplied":
                asked = ((id, whose) for id, whose in cycle.referrals.items() if (question or whose) in (id, agency))
                question = next(asked, ("", ""))[0]
                cycle.referrals.pop(question, None)
            cycle.waiting.pop(question, None)
            if not cycle.waiting:
                cycle.resume(at)
        elif kind in ENDS:
            cycle.resume(at)
            cycle.ended, cycle.released = at, kind in RELEASES

    def verdict(self, cycle: Cycle) -> dict[str, Any]:
        """What has to stand in the SLA service's row."""
        due = cycle.due(self.year)
        released = cycle.ended if cycle.released else None
        by_date = by_session = None
        if due is not None and released is not None:
            one, other = day_of(released), day_of(due)
            by_date = "ahead" if one < other else "on-time" if one == other else "overdue"
            session = max(opens for opens, _ in self.year.sessions if opens <= due)
            by_session = "overdue" if released > due else "ahead" if released < session else "on-time"
        elapsed = (cycle.since if cycle.ended is None else cycle.ended) - cycle.start
        return {
            "due_at": due, "released_at": released, "by_date": by_date, "by_session": by_session,
            **{f"{clock}_seconds": spent for clock, spent in cycle.spent.items()},
            "not_counted_seconds": elapsed - sum(cycle.spent.values()),
        }  # fmt: skip


def put_right(facts: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The facts after their corrections, which count in the stream of what they are about; and other services named."""
    known = {fact["id"]: fact for fact in facts}

    def saying(kind: str) -> list[dict[str, Any]]:
        """Corrections of a kind as they were said: the last one stands."""
        found = [fact for fact in known.values() if fact["type"].split(".")[1] == kind]
        return sorted(found, key=lambda fact: (second(fact["time"]), stream_of(fact["id"])))

    reclassified = saying("ServiceReclassified")
    about_facts = [*saying("FactVoided"), *saying("FactCorrected"), *reclassified]
    right = {id: fact for id, fact in known.items() if fact not in about_facts}
    for one in saying("FactVoided"):
        target = one["data"]["voids"]
        if stream_of(target)[0] == stream_of(one["id"])[0]:
            right.pop(target, None)
    for one in saying("FactCorrected"):
        target, name, value = one["data"]["corrects"], one["data"]["field"], one["data"]["value"]
        if target in right and stream_of(target)[0] == stream_of(one["id"])[0]:
            fact = right[target]
            if name != "at":
                right[target] = {**fact, "data": {**fact["data"], name: value}}
            else:  # the message that told of it may have been late; what it told of was not
                alone = {"causationid": ""} if fact["causationid"].startswith("message-") else {}
                right[target] = {**fact, "time": value, **alone}
    return list(right.values()), [one["data"]["service"] for one in reclassified]


def stream_of(id: str) -> tuple[str, int]:
    """The stream of a fact and its place there."""
    stream, _, version = id.rpartition("@")
    return stream, int(version)


class Way:
    """Where a dossier stands between two facts of one instant: what can come next moves it from here."""

    def __init__(self) -> None:
        self.state = "unreceived"  # open, released, over (ended without a result), collected
        self.counter = self.unit = ""
        self.told: set[str] = set()  # in this cycle: "acknowledged", "extended", and the questions that are open
        self.agencies: dict[str, str] = {}  # questions to agencies

    def question(self, data: dict[str, Any]) -> str:
        """The open question that an agency's reply answers."""
        named = data.get("answers")
        return next((id for id, one in self.agencies.items() if (named or one) in (id, data["agency"])), "")

    def can(self, kind: str, data: dict[str, Any]) -> bool:
        match kind:
            case "ApplicationReceived":
                return self.state == "unreceived"
            case "CaseReopened":
                return self.state not in ("unreceived", "open")
            case "CaseClosed":
                return self.state in ("open", "released")
            case "DossierAcknowledged":
                return self.state == "open" and data["unit"] == self.unit and "acknowledged" not in self.told
            case "DeadlineExtended":
                return self.state == "open" and "extended" not in self.told
            case "AgencyReplied":
                return self.state == "open" and self.question(data) != ""
            case _ if kind in ANSWERS:
                return self.state == "open" and data["answers"] in self.told
            case _ if kind in (*OPENS, *ENDS, "DossierForwarded"):
                return self.state == "open"
        return self.state != "unreceived"

    def go(self, id: str, kind: str, data: dict[str, Any]) -> None:
        if not self.can(kind, data):
            return
        match kind:
            case "ApplicationReceived" | "CaseReopened":
                self.counter = self.unit = data.get("counter", self.counter)
                self.state, self.told, self.agencies = "open", set(), {}
            case "CaseClosed":
                self.state = "collected"
            case "DossierReturned":
                self.state = "released"
            case "DossierForwarded":
                self.unit = data["to_unit"]
                self.told.discard("acknowledged")
            case "DossierAcknowledged":
                self.told.add("acknowledged")
            case "DeadlineExtended":
                self.told.add("extended")
            case "AgencyReplied":
                question = self.question(data)
                self.told.discard(question)
                del self.agencies[question]
            case _ if kind in ANSWERS:
                self.told.discard(data["answers"])
            case _ if kind in OPENS:
                self.told.add(id)
                if kind == "AgencyReferred":
                    self.agencies[id] = data["agency"]
            case _ if kind in ENDS:
                self.state = "over"


def in_order(facts: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Facts with their instants: none before its cause or what it answers. Of one instant comes first what can; a
    stream keeps its order. No messages."""
    known = {fact["id"]: fact for fact in facts if not fact["type"].startswith("onedoor.Message")}
    after = {
        id: {one for one in (fact["causationid"], fact["data"].get("answers")) if one in known}
        for id, fact in known.items()
    }
    times: dict[str, datetime] = {}

    def time(id: str) -> datetime:
        if id not in times:
            times[id] = max([datetime.fromisoformat(known[id]["time"]), *map(time, after[id])])
        return times[id]

    way, found, left = Way(), [], sorted(known, key=lambda id: (time(id), stream_of(id)))
    while left:
        tied = [id for id in left if times[id] == times[left[0]]]
        heads = {stream_of(id)[0]: id for id in reversed(tied)}.values()
        chosen = min((id for id in heads if not after[id] & set(tied)), key=lambda id: place(way, known[id]))
        left.remove(chosen)
        fact = known[chosen]
        way.go(chosen, fact["type"].split(".")[1], fact["data"])
        found.append((int(times[chosen].timestamp()), fact))
    return found


def place(way: Way, fact: dict[str, Any]) -> tuple[int, int, tuple[str, int]]:
    """The lowest comes next: what fits, what a unit does that has not the dossier, what moves nothing."""
    kind, data = fact["type"].split(".")[1], fact["data"]
    rank = FIRST.index(kind) if kind in FIRST else len(FIRST)
    by_another = kind in ("DossierForwarded", "DossierReturned") and data["from_unit"] != way.unit
    odd = by_another or (kind == "CaseClosed" and way.state == "open")
    return 2 if not way.can(kind, data) else int(odd), rank, stream_of(fact["id"])


def records(bootstrap: str, prefix: str) -> Iterator[dict[str, Any]]:
    """Every fact on the topics, once each."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "check", "enable.partition.eof": True}
    consumer = Consumer({**settings, "enable.auto.commit": False})
    topics = [(prefix + name, consumer.list_topics(prefix + name, timeout=10)) for name in TOPICS]
    places = [TopicPartition(name, one, 0) for name, about in topics for one in about.topics[name].partitions]
    consumer.assign(places)
    seen, left = set(), len(places)
    while left:
        for message in consumer.consume(5000, timeout=1):
            if error := message.error():
                if error.code() != KafkaError._PARTITION_EOF:
                    raise SystemExit(f"Kafka: {error}")
                left -= 1
                continue
            fact = json.loads(message.value() or b"")
            if fact["id"] not in seen:
                yield fact
            seen.add(fact["id"])
    consumer.close()


def rows(sla: str, token: str) -> dict[str, list[dict[str, Any]]]:
    """What GET /cases says, by dossier."""
    found: dict[str, list[dict[str, Any]]] = {}
    after = ""
    while after is not None:
        request = urllib.request.Request(f"{sla}/cases?after={after}&limit=1000")
        request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            page = json.load(answer)
        found |= {case["case_id"]: case["cycles"] for case in page["cases"]}
        after = page["next"]
    return found


def differences(expected: list[dict[str, Any]], said: list[dict[str, Any]]) -> list[str]:
    """Where the two disagree about one dossier, as sentences."""
    if len(expected) != len(said):
        return [f"{len(expected)} cycles follow from the facts, {len(said)} are judged"]
    found = []
    for number, (ours, theirs) in enumerate(zip(expected, said, strict=True), 1):
        for name, value in ours.items():
            other = second(theirs[name]) if name.endswith("_at") and theirs[name] else theirs[name]
            if other != value:
                text = shown if name.endswith("_at") else str
                found.append(f"cycle {number}: {name} is {text(value)} by the facts, {text(other)} in the row")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Judge every dossier again from the raw facts and compare.")
    parser.add_argument("--bootstrap", required=True, help="Kafka's bootstrap servers")
    parser.add_argument("--prefix", default="", help="what the topics' names begin with")
    parser.add_argument("--sla", required=True, help="address of the SLA service")
    arguments = parser.parse_args()
    facts: dict[str, list[dict[str, Any]]] = {}
    for fact in records(arguments.bootstrap, arguments.prefix):
        facts.setdefault(fact["subject"], []).append(fact)
    judge = Judge(CATALOGUE)
    judged = {case: [judge.verdict(one) for one in judge.cycles(own)] for case, own in facts.items()}
    expected = {case: cycles for case, cycles in judged.items() if cycles}
    said = rows(arguments.sla, os.environ.get("ONEDOOR_TOKEN", ""))
    cases = sorted(expected.keys() | said.keys())
    wrong = {case: differences(expected.get(case, []), said.get(case, [])) for case in cases}
    for case in cases:
        print(*(f"{case}: {sentence}\n" for sentence in wrong[case]), sep="", end="")
    print(f"{sum(not one for one in wrong.values()):,} of {len(cases):,} verdicts agree")
    return 1 if any(wrong.values()) or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
