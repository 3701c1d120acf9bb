"""`onedoor events …`: the facts, as they stand on the topics, or all of one dossier with what became of each."""

import asyncio
import difflib
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer

from events.contracts import CATALOGUE
from events.contracts.channels import CHANNELS
from events.errors import OnedoorError, Unreadable
from events.kafka.cloudevent import from_cloudevent
from events.kafka.topics import LOG_TOPICS
from local.places import home
from onedoor.client import Service, running, session
from onedoor.instants import instant
from onedoor.lines import broken, compact, line
from onedoor.screen import local_time, wide
from onedoor.topics.records import Record, Topics

ByService = Annotated[Service | None, typer.Option("--service", help="Only what this service said.")]
ByType = Annotated[str | None, typer.Option("--type", help="Only facts of this type, as in the catalogue.")]
AsJson = Annotated[bool, typer.Option("--json", help="One CloudEvent a line, for programs.")]

NONE_MATCHED, TROUBLE = 1, 2  # as grep says it
LONG = 20_000  # records from which on it is told how many were read
EVERY = 0.5  # seconds between two words about it
SKEW = timedelta(minutes=1)  # between the clocks of a service and its database; a record is written after its fact

events = typer.Typer(help="The facts, as they were said.", no_args_is_help=True, rich_markup_mode=None)


@events.command()
def show(
    case: Annotated[str, typer.Argument(help="The dossier's code, as on its receipt.")],
    as_of: Annotated[
        str | None, typer.Option(help="As known at the end of a day (2017-07-20), or at an instant with its offset.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print every fact of a dossier in order, whoever said it; what was voided or corrected is marked.

    The time is when it happened, in Quang Ninh. Ordered as the judge takes them: a cause before its effect.

    \b
    onedoor events show 000.00.02.H49-170710-0001
    onedoor events show 000.00.02.H49-170710-0001 --as-of 2017-07-20
    onedoor events show 000.00.02.H49-170710-0001 --json | jq -r .type
    """
    told = asyncio.run(_ask(case, as_of))
    if as_json:
        for one in told["facts"]:
            print(compact(one["event"]))
        return
    console = wide()
    console.print(f"Hồ sơ · Dossier {told['case_id']}", style="bold", highlight=False)
    if "as_of" in told:
        final = "đã chốt · final" if told["final"] else "tạm tính · provisional"
        console.print(f"Theo dữ liệu đến · As known on {local_time(told['as_of'])} ({final})", highlight=False)
    for one in told["facts"]:
        fact = from_cloudevent(compact(one["event"]).encode())
        console.print(line(fact, one), soft_wrap=True)
    if told["incomplete"]:
        console.print("! a fact of this dossier is set aside: it could not be read or applied", style="yellow")


@events.command()
def tail(
    last: Annotated[int, typer.Option("--last", min=0, help="How many of the last facts.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is said, until Ctrl-C.")] = False,
    service: ByService = None,
    type: ByType = None,
    as_json: AsJson = False,
) -> None:
    """Print the last facts of all topics by the time of their records. Reads the broker; joins and commits nothing.

    With --type the topics are read from their beginning, so that rare facts are found.

    \b
    onedoor events tail
    onedoor events tail --follow --service sla
    onedoor events tail --last 3 --type GenerationSwapped
    onedoor events tail -f --json | jq -r '.type + " " + .subject'
    """
    wanted = _of_type(type)
    with topics_of(service) as topics:
        spans = topics.spans()
        begin = spans if type else {place: (max(low, high - last), high) for place, (low, high) in spans.items()}
        with Told(sum(high - low for low, high in begin.values())) as told:
            for record in deque(topics.read(begin, wanted, told.tell), maxlen=last):
                told.say(record, as_json)
            if follow:
                try:
                    for record in topics.follow({place: high for place, (_, high) in spans.items()}):
                        if wanted(record.value or b""):
                            told.say(record, as_json)
                except KeyboardInterrupt:
                    return


@events.command()
def grep(
    pattern: Annotated[str, typer.Argument(help="A regular expression over the record's JSON.")],
    service: ByService = None,
    since: Annotated[
        str | None, typer.Option(help="Recorded from a day (2017-07-20) or an instant on; local where no offset.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the facts whose JSON matches, by the time of their records. Exit 1: none did; 2: it could not be read.

    \b
    onedoor events grep 170710-0001
    onedoor events grep '"actor":"staff-193-02"' --service intake --since 2017-07-20
    onedoor events grep '"type":"onedoor.Fact(Voided|Corrected)' --json | jq .data
    """
    try:
        found = _grep(_compiled(pattern), service, None if since is None else instant(since), as_json)
    except OnedoorError as error:
        print(f"onedoor: {error}", file=sys.stderr)
        sys.exit(TROUBLE)
    if not found:
        sys.exit(NONE_MATCHED)


def _grep(pattern: re.Pattern[str], service: Service | None, since: datetime | None, as_json: bool) -> int:
    """How many facts matched."""
    found = 0
    with topics_of(service) as topics:
        spans = topics.spans()
        if since is not None:
            spans = topics.since(spans, since - SKEW)
        with Told(sum(high - low for low, high in spans.values())) as told:
            for record in topics.read(spans, lambda value: bool(pattern.search(text_of(value))), told.tell):
                if since is None or _recorded_since(record, since):
                    told.say(record, as_json)
                    found += 1
    return found


@contextmanager
def topics_of(service: Service | None) -> Iterator[Topics]:
    """The fact topics of the running system, or one service's. A topic that is missing is told of on stderr."""
    about = running(home())
    names = [about["topic_prefix"] + name for name in LOG_TOPICS if service in (None, speaker_of(name))]
    with Topics(about["kafka"], names) as topics:
        missing = topics.missing()
        if len(missing) == len(names):
            raise OnedoorError(f"{about['kafka']} has no topic {' and no topic '.join(missing)}")
        for name in missing:
            print(f"onedoor: there is no topic {name}; what was said on it is not shown", file=sys.stderr)
        yield topics


def speaker_of(topic: str) -> str:
    """The service that says the facts of a topic."""
    return next(channel.said_by[0] for channel in CHANNELS if channel.topic == topic)


def _of_type(type: str | None) -> Callable[[bytes], bool]:
    """Whether a record holds a fact of this type; every record where none is asked for. Raises OnedoorError."""
    if type is None:
        return lambda _: True
    if type not in CATALOGUE:
        near = difflib.get_close_matches(type, CATALOGUE, n=3, cutoff=0.5)
        raise OnedoorError(f"--type: there is no fact {type}" + (f"; perhaps {' or '.join(near)}" if near else ""))
    mark = f'"onedoor.{type}.v'.encode()  # decoding is dear, and most records have another type

    def wanted(value: bytes) -> bool:
        try:
            return mark in value and from_cloudevent(value).type == type
        except Unreadable:
            return False

    return wanted


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as invalid:
        raise OnedoorError(f"{pattern!r} is no regular expression: {invalid}") from invalid


def _recorded_since(record: Record, since: datetime) -> bool:
    """By when the fact was recorded; by when the record was written where it holds none."""
    try:
        return from_cloudevent(record.value or b"").recorded_at >= since
    except Unreadable:
        return record.time >= since.timestamp() * 1000


async def _ask(case: str, as_of: str | None) -> Mapping[str, Any]:
    async with session(home()) as client:
        query = {"as_of": as_of} if as_of else {}
        told: Mapping[str, Any] = await client.get("sla", f"/cases/{case}/facts", **query)
        return told


def text_of(value: bytes) -> str:
    """What a pattern is sought in: the record's bytes as text, whatever they are."""
    return value.decode(errors="replace")


class Told:
    """What is printed of records: facts on stdout, and while many are read their number on a terminal's stderr."""

    def __init__(self, expected: int) -> None:
        self.expected, self._next, self._written = expected, time.monotonic() + EVERY, False
        self._shows = expected >= LONG and sys.stderr.isatty()
        self._console = wide()

    def __enter__(self) -> "Told":
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def tell(self, read: int) -> None:
        """So many records were read."""
        if self._shows and time.monotonic() >= self._next:
            print(f"\r\x1b[Kread {read:,} of {self.expected:,} records", end="", file=sys.stderr, flush=True)
            self._next, self._written = time.monotonic() + EVERY, True

    def say(self, record: Record, as_json: bool) -> None:
        """Print a record. One that cannot be read is shown as such, with its place; no program takes it for a fact."""
        self._clear()
        try:
            fact = from_cloudevent(record.value or b"")
        except Unreadable as error:
            text = broken(record.place, record.value, str(error))
            if as_json:
                print(text.plain, file=sys.stderr, flush=True)
            else:
                self._console.print(text, soft_wrap=True)
            return
        if as_json:
            print(msgspec.json.format(record.value or b"", indent=-1).decode(), flush=True)
        else:
            self._console.print(line(fact), soft_wrap=True)

    def _clear(self) -> None:
        if self._written:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._written = False
