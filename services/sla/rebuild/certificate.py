"""What a rebuild vouches for: by which code and rules it made which rows of which records; and what differed. Pure.

The same records give the same rows, so anybody who folds up to these offsets again must get this hash.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from events.signing import digest, listed, sign
from events.text_safety import printable
from sla.i18n.texts import local


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """The records that were folded: offsets from `first` up to (not with) `end`. `records` is how many were read; none
    where the inbox was read instead, which has what was heard up to `end`."""

    topic: str
    partition: int
    first: int
    end: int
    records: int


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """A record (topic/partition/offset) that counts in nothing, and why."""

    place: str
    reason: str


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Judged rows and their fingerprint, which no order of theirs changes: 16 hexadecimal digits."""

    rows: int
    hash: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A case whose rows differ: its cycles' verdicts in the live generation and in the new one, and the fact of the
    case that was heard last."""

    case_id: str
    heard: str
    before: tuple[Mapping[str, Any], ...]
    after: tuple[Mapping[str, Any], ...]


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """The dossiers that differ: how many, and the digest of the list of them, which is kept beside the certificate."""

    count: int
    digest: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One rebuild. `folded` are the rows as of the partitions' ends; `compared` those at the cut at which both
    generations stood (null where nothing was compared), after what was heard meanwhile."""

    generation: int
    taken_from: int | None = None
    """The generation whose rows were taken over, where one went back; then nothing was folded."""
    source: str = "kafka"
    """What the facts were read from: kafka; segments, and Kafka for what they do not have; or the inbox."""
    known_on: datetime | None = None
    """What was recorded later was left out; null: nothing was."""
    named: tuple[str, ...] | None = None
    """The cases that alone were folded and compared; null: all."""
    replaces: int | None = None
    swapped: bool = False
    put_right: bool = False
    """Whether the rows of the named cases were taken into the generation that was live."""
    asked_by: str
    made_at: datetime
    code: str
    """SHA-256 over the program files that read, judge and write."""
    rules: Mapping[str, str]
    """By id@version of every calendar and service: the SHA-256 of its terms."""
    published: int
    """How many published rules have moved what they move."""
    partitions: tuple[Partition, ...]
    topics: Mapping[str, str] = {}
    """The id that Kafka gave each topic: offsets mean other records in one that was made again under its name."""
    records: int
    unreadable: int
    cases: int
    folded: Rows
    compared: Rows | None = None
    holes: tuple[Hole, ...]
    holes_accepted: str | None
    """Why an operator goes over the holes, as a code; null: nobody does."""
    dismissed: tuple[str, ...]
    """Records (topic/partition/offset) that count in nothing because an operator dismissed them."""
    stuck: Mapping[str, str]
    """Cases that could not be judged, and why."""
    differences: Differences | tuple[Difference, ...] | None = None
    """A certificate of before the list was kept beside it holds the list."""
    differences_accepted: bool

    def document(self) -> dict[str, Any]:
        """As plain JSON values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def partitions(ends: Mapping[tuple[str, int], int], records: Mapping[tuple[str, int], int]) -> tuple[Partition, ...]:
    """What was folded of each topic-partition, every one from its beginning."""
    return tuple(
        Partition(topic=topic, partition=number, first=0, end=end, records=records.get((topic, number), 0))
        for (topic, number), end in sorted(ends.items())
    )


class Vouched(NamedTuple):
    """A signed certificate, and the list of differences that it knows by their digest: JSON, as kept and handed out."""

    certificate: bytes
    differences: bytes


def signed(certificate: Certificate, key: Ed25519PrivateKey | None, differences: Sequence[Difference] = ()) -> Vouched:
    """The certificate of a rebuild that found these differences."""
    whole = replace(certificate, differences=Differences(count=len(differences), digest=digest(differences)))
    return Vouched(msgspec.json.encode(sign(whole.document(), key)), listed(differences))


def told(document: Mapping[str, Any], differences: Sequence[Difference]) -> Iterable[str]:
    """A certificate for people, line by line, with the list beside it."""
    one = msgspec.convert(document, Certificate)
    outcome = "swapped in" if one.swapped else "put right" if one.put_right else "a trial: nothing was swapped"
    yield f"Certificate of generation {one.generation}, {outcome}"
    yield f"made {local(one.made_at)}, asked for by {one.asked_by}"
    yield f"code {one.code[:16]}, {len(one.rules)} calendars and services, {one.published} published rules applied"
    yield ""
    if one.taken_from is not None:
        yield f"rows of generation {one.taken_from} taken over, {one.cases:,} dossiers; nothing was folded"
    elif one.source == "inbox":
        yield f"{one.records:,} facts of the inbox, heard of {len(one.partitions)} partitions, {one.cases:,} dossiers"
    else:
        where = ", from segments where they have them" if one.source == "segments" else ""
        yield f"{one.records:,} records of {len(one.partitions)} partitions{where}, {one.cases:,} dossiers"
    for part in one.partitions:
        read = "" if one.source == "inbox" else f", {part.records:,} records"
        yield f"  {part.topic}/{part.partition}: {part.first:,} up to {part.end:,}{read}"
    if one.known_on is not None:
        yield f"what was recorded up to {local(one.known_on)}"
    if one.named is not None:
        yield f"of these dossiers alone: {', '.join(map(printable, one.named))}"
    yield f"{one.folded.rows:,} rows, hash {one.folded.hash}"
    if one.compared is not None:
        yield f"compared with generation {one.replaces}: {one.compared.rows:,} rows, hash {one.compared.hash}"
    yield ""
    yield f"{one.unreadable:,} records could not be read, {len(one.dismissed)} more were dismissed"
    yield f"{len(one.holes)} holes" + (f", gone over because {one.holes_accepted}" if one.holes_accepted else "")
    yield from (f"  {hole.place}: {printable(hole.reason)}" for hole in one.holes)
    yield from (f"  {case_id} could not be judged: {printable(why)}" for case_id, why in one.stuck.items())
    count = one.differences.count if isinstance(one.differences, Differences) else len(differences)
    accepted = "; accepted" if count and one.differences_accepted else ""
    yield f"{count:,} dossiers differ from the live ones{accepted}"
    for difference in differences:
        yield f"  {difference.case_id}, last heard {difference.heard}"
        yield from (f"    before: {_verdict(cycle)}" for cycle in difference.before)
        yield from (f"    after:  {_verdict(cycle)}" for cycle in difference.after)


def _verdict(cycle: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'–' if value is None else value}" for name, value in cycle.items())
