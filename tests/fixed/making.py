"""How the fixed log was made: `python tests/fixed/making.py SEGMENTS`. It is made once; nothing makes it again.

SEGMENTS is what `onedoor events export` wrote of `onedoor demo --cases 300 --seed 2017`; it becomes demo.ndjson.gz.
made.ndjson.gz holds dossiers of the tests' generators, by number: year (1 on), quarter (10001 on), drawn (20001 on).
Ours are put right now and then; others are told by another system, which keeps half hours, hours or days.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from gzip import GzipFile
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.made import row
from hypothesis import HealthCheck, Phase, given, seed, settings
from oracle.judging import SHIPPED
from oracle.quarter import quarter, told_late
from oracle.swapped import NEWER, URBAN, services
from oracle.telling import HERE as LOCAL
from oracle.telling import Story, stories
from oracle.year import BEGIN, year

from deadlines.published import STREAM
from events.contracts.catalogue import name_of, write
from events.contracts.channels import OTHERS
from events.kafka.archive import Segment
from events.kafka.cloudevent import from_cloudevent, source_of, to_cloudevent
from events.store.envelope import Cause, RecordedEvent, link
from fixed.log import HERE

SEED: Final = 2017
YEAR, QUARTER, DRAWN = 700, 500, 800
SAID_BY: Final = {"case": "intake", "route": "routing", "workorder": "field", "foreign": "intake", "rules": "sla"}
OURS, THEIRS = "000.00.02.H49", "000.00.30.H49"
SYSTEM: Final = "urn:quangninh:so-xay-dung:mot-cua"
AGENCY: Final = "urn:quangninh:ubnd-ha-long:giay-phep"
STEPS: Final = (timedelta(minutes=30), timedelta(hours=1), timedelta(days=1))
"""What other systems keep of an instant."""
DAYS: Final = 20  # at most, from what happened to its record


def main() -> None:
    _write("demo", _demo(Path(sys.argv[1])))
    _write("made", _made())


def _demo(segments: Path) -> list[bytes]:
    found = []
    for file in sorted(segments.glob("*/*/*.ndjson.gz")):
        first, _, end = file.name.partition(".")[0].partition("-")
        found += [kept.value for kept in Segment(int(first), int(end), file).records()]
    return _in_order_of_arrival(found)


def _made() -> list[bytes]:
    random = Random(SEED)
    told = [
        *((number, _as_services_say(one, random)) for number, one in enumerate(year(YEAR, SHIPPED, SEED), 1)),
        *((number, _as_services_say(one, random)) for number, one in enumerate(quarter(QUARTER, SEED), 10_001)),
        *((number, one) for number, one in enumerate(_drawn(DRAWN), 20_001)),
    ]
    told_late([one for _, one in told], days=DAYS)
    events = [_published()]
    for number, story in told:
        foreign = random.random() < (0.5 if number > 20_000 else 0.35)
        events += _theirs(story, number, random) if foreign else _ours(story, number, random)
    said = list(_as_said(events))
    return [*_in_order_of_arrival(said), *random.sample(said, len(said) // 50)]  # some arrive twice


def _drawn(count: int) -> list[Story]:
    """Dossiers that no service would say: answers to nothing, events after the end, rings of corrections."""
    found: list[Story] = []

    @seed(SEED)
    @settings(
        max_examples=2 * count,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(stories())
    def draw(story: Story) -> None:
        if story.facts:
            found.append(story)

    draw()
    return found[:count]


def _as_services_say(story: Story, random: Random) -> Story:
    """Half of the first hand-overs are routing's answer to the receipt, at its very instant. Some are opened again,
    most of them with a supplement before and after. A quarter is put right."""
    if random.random() < 0.5:
        receipt, handed = story.facts[:2]
        cause = msgspec.structs.replace(handed.cause, causation=receipt.id)
        story.facts[1] = msgspec.structs.replace(handed, at=receipt.at, cause=cause)
    types = {one.type for one in story.facts}
    if "DossierReturned" in types and random.random() < (0.4 if "SupplementRequested" in types else 0.04):
        _opened_again(story, random)
    while random.random() < 0.25:
        _put_right(story, random)
    return story


def _opened_again(story: Story, random: Random) -> None:
    now = max(one.at for one in story.facts)

    def later(hours: int) -> datetime:
        nonlocal now
        now += timedelta(minutes=random.randrange(1, hours * 60))
        return now

    story.reopened(later(200))
    if random.random() < 0.8:
        asked = story.supplement(later(30))
        if random.random() < 0.9:
            story.supplemented(later(100), asked)
    story.returned(later(60))


def _put_right(story: Story, random: Random) -> None:
    now = max(one.at for one in story.facts) + timedelta(hours=random.randrange(1, 400))
    about = random.choice([one for one in story.facts[1:] if one.type not in ("FactVoided", "FactCorrected")])
    match random.randrange(5):
        case 0:
            story.reclassified(now, random.choice(["LV-RES-URBAN@2017-07-01", "MV-CONNECT@2017-07-01"]))
        case 1:
            story.voided(now, about.id)
        case 2 if again := [one for one in story.facts if one.type == "DossierReturned"]:
            story.voided(now, again[-1].id)
            story.returned(now + timedelta(minutes=1))
        case _:
            moved = about.at + timedelta(minutes=random.randrange(-600, 600))
            story.corrected(now, about.id, "at", moved)


def _ours(story: Story, number: int, random: Random) -> Iterator[RecordedEvent]:
    """Said by our services, each stream recorded in its order; of replies of agencies some come through the gateway."""
    case_id = f"{OURS}-170710-{number:05d}"
    recorded: dict[str, datetime] = {}
    replies = [one.id for one in story.facts if one.type == "AgencyReplied"]
    through = set(replies) if number < 20_000 and random.random() < 0.5 else set()
    for event in story.facts:
        if event.id in through:
            answer = msgspec.structs.replace(event, data=_without_answers(event))
            yield _renamed(_foreign(answer, AGENCY, f"{number}-{event.id}", "system-UBND-193"), story.case_id, case_id)
            continue
        last = recorded[event.stream] = max(event.recorded_at, recorded.get(event.stream, event.recorded_at))
        cause = msgspec.structs.replace(event.cause, causation="start") if event.cause.causation in through else None
        kept = msgspec.structs.replace(event, recorded_at=last, cause=cause or event.cause)
        yield _renamed(kept, story.case_id, case_id)


def _theirs(story: Story, number: int, random: Random) -> Iterator[RecordedEvent]:
    """Said by another system, a stream for each event: what our services alone may say is left out."""
    case_id, step = f"{THEIRS}-170710-{number:05d}", random.choice(STEPS)
    said = [one for one in story.facts if one.type in OTHERS]
    streams = {one.id: _stream(SYSTEM, f"{number}-{at}") for at, one in enumerate(said)}
    ids = {old: f"{stream}@1" for old, stream in streams.items()}
    for at, event in enumerate(said):
        local = event.at.astimezone(LOCAL)
        kept = msgspec.structs.replace(event, at=event.at - (local - local.min.replace(tzinfo=LOCAL)) % step)
        yield _renamed(_foreign(kept, SYSTEM, f"{number}-{at}", "system-SXD"), story.case_id, case_id, ids)


def _foreign(event: RecordedEvent, source: str, id: str, actor: str) -> RecordedEvent:
    cause = Cause(correlation=f"{source}/{id}", causation=f"{source}/{id}", actor=actor)
    return msgspec.structs.replace(event, stream=_stream(source, id), version=1, cause=cause)


def _stream(source: str, id: str) -> str:
    return f"foreign-{hashlib.sha256(f'{source}{chr(0)}{id}'.encode()).hexdigest()}"


def _without_answers(event: RecordedEvent) -> bytes:
    told: dict[str, Any] = msgspec.json.decode(event.data)
    return msgspec.json.encode({name: value for name, value in told.items() if name != "answers"})


def _renamed(event: RecordedEvent, old: str, new: str, ids: dict[str, str] | None = None) -> RecordedEvent:
    data = event.data.decode()
    for before, after in (ids or {}).items():
        data = data.replace(f'"{before}"', f'"{after}"')
    cause = msgspec.structs.replace(
        event.cause,
        correlation=event.cause.correlation.replace(old, new),
        causation=event.cause.causation.replace(old, new),
    )
    return msgspec.structs.replace(
        event, stream=event.stream.replace(old, new), subject=new, data=data.replace(old, new).encode(), cause=cause
    )


def _published() -> RecordedEvent:
    """Two working days instead of three for a household in town, for dossiers that pinned the older version too."""
    fact = services(replace(URBAN, until=NEWER.since), NEWER, policy="as-revised")
    name, schema = name_of(fact)
    return RecordedEvent(
        stream=STREAM,
        version=1,
        subject=STREAM,
        type=name,
        schema=schema,
        fact=fact,
        data=write(fact),
        cause=Cause(correlation="start", causation="start", actor="staff-onedoor-01"),
        at=BEGIN,
        recorded_at=BEGIN,
        hash=b"",
    )


def _as_said(events: Iterable[RecordedEvent]) -> Iterator[bytes]:
    """As CloudEvents, each stream chained by its hashes."""
    last: dict[str, bytes] = {}
    for event in sorted(events, key=lambda one: (one.stream, one.version)):
        last[event.stream] = link(last.get(event.stream, b""), event)
        whole = msgspec.structs.replace(event, hash=last[event.stream])
        yield to_cloudevent(row(whole), source_of(SAID_BY[event.stream.partition("-")[0]]))


def _in_order_of_arrival(said: Iterable[bytes]) -> list[bytes]:
    def place(body: bytes) -> tuple[datetime, str, int]:
        event = from_cloudevent(body)
        return event.recorded_at, event.stream, event.version

    return sorted(said, key=place)


def _write(name: str, bodies: Iterable[bytes]) -> None:
    with (HERE / f"{name}.ndjson.gz").open("wb") as file, GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.writelines(body + b"\n" for body in bodies)


if __name__ == "__main__":
    main()
