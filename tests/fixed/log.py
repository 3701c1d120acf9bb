"""The fixed log, read as a rebuild reads it, and its cases judged. Needs neither broker nor database."""

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from oracle.judging import SHIPPED

from deadlines.published import STREAM, joined
from events.kafka.cloudevent import from_cloudevent
from events.store.envelope import RecordedEvent
from fixed.fingerprint import Row, case_hash, rows
from sla.judging.case import JUDGED
from sla.judging.case_rules import Rules, with_published
from sla.judging.judge import Judgement, judge

HERE: Final = Path(__file__).parent
PARTS: Final = ("demo", "made")
"""Each is one file, and is judged by the shipped catalogue and the rules that are published in it."""


class Part(NamedTuple):
    """The events of each case, each id once (of two bodies the first, as in a rebuild), and the rules."""

    cases: dict[str, list[RecordedEvent]]
    rules: Rules


class Case(NamedTuple):
    """A judged case. `own`: only our own services said something of it."""

    part: str
    case_id: str
    own: bool
    rows: list[Row]
    hash: int

    @property
    def told(self) -> Literal["own", "foreign"]:
        return "own" if self.own else "foreign"


def lines(name: str) -> Iterator[bytes]:
    """The CloudEvents of a part, in the order of arrival."""
    with gzip.open(HERE / f"{name}.ndjson.gz", "rb") as file:
        yield from (line.rstrip(b"\n") for line in file)


def read(events: Iterable[bytes]) -> Part:
    """CloudEvents as they stand on the topics. Raises Unreadable."""
    cases: defaultdict[str, dict[str, RecordedEvent]] = defaultdict(dict)
    published: dict[int, RecordedEvent] = {}
    for line in events:
        event = from_cloudevent(line)
        if event.type in JUDGED:
            cases[event.subject].setdefault(event.id, event)
        elif event.stream == STREAM:
            published[event.version] = event
    in_order = [published[version] for version in sorted(published)]
    catalogue = joined(SHIPPED, [one.fact for one in in_order]).build()
    rules = with_published(catalogue, in_order, len(in_order))
    return Part({case: list(own.values()) for case, own in sorted(cases.items())}, rules)


def judgements(part: Part) -> list[Judgement]:
    return [judge(events, part.rules) for events in part.cases.values()]


def judged() -> Iterator[Case]:
    """Every case of the log, part by part, by id."""
    for name in PARTS:
        part = read(lines(name))
        for events, judgement in zip(part.cases.values(), judgements(part), strict=True):
            own = not any(event.stream.startswith("foreign-") for event in events)
            found = rows(judgement)
            yield Case(name, judgement.case_id, own, found, case_hash(found))
