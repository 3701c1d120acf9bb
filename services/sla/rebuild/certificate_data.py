"""What a certificate is made of, fetched: the code, the holes, and how the differing cases were and are judged."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import deadlines
import events
import sla
from events.store.database import Connection, Pool
from sla.judging.case import JUDGED
from sla.judging.rows import shown
from sla.rebuild.certificate import Difference, Hole
from sla.rebuild.comparison import WHOLE
from sla.rebuild.generations import LAST_HEARD
from sla.rebuild.log_reader import Place

PACKAGES = (events, deadlines, sla)  # the code that reads, judges and writes
DISMISSED = "select place from parked where follower = 'hear' and settled = 'dismissed' order by id"
HEARD = "select topic, partition, next_offset from heard"
IDS = "select distinct topic, topic_id from heard where topic = any($1)"
PARKED = "select place, reason, subject from parked where follower = 'hear' and settled is null order by id"
VERDICTS = """
select generation, case_id, cycle, outcome, due_at, released_at, class_a, class_b, class_c, determined, incomplete
from cycles where generation = any($1) and case_id = any($2) order by case_id, cycle
"""


def code() -> str:
    """SHA-256 over the files of the packages that a rebuild runs, in order of their names."""
    found = hashlib.sha256()
    for package in PACKAGES:
        assert package.__file__ is not None
        folder = Path(package.__file__).parent  # `__path__` may begin with where compiled modules lie
        for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.sql")]):
            found.update(f"{package.__name__}/{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return found.hexdigest()


async def dismissed(pool: Pool, ends: Mapping[Place, int]) -> dict[Place, set[int]]:
    """The offsets below `ends` of records that an operator dismissed: they count in nothing, here as in the inbox."""
    found: dict[Place, set[int]] = {}
    for row in await pool.fetch(DISMISSED):
        place, offset = _placed(row["place"])
        if offset < ends.get(place, 0):
            found.setdefault(place, set()).add(offset)
    return found


async def heard(pool: Pool) -> dict[Place, int]:
    """How far every topic-partition has been heard."""
    return {(row["topic"], row["partition"]): row["next_offset"] for row in await pool.fetch(HEARD)}


async def made_again(pool: Pool, topics: Mapping[str, str]) -> list[str]:
    """Those of the topics that are others today than these ids say."""
    rows = await pool.fetch(IDS, [topic for topic, id in topics.items() if id])
    return sorted({row["topic"] for row in rows if row["topic_id"] not in ("", topics[row["topic"]])})


async def holes(
    pool: Pool, ends: Mapping[Place, int], unreadable: Mapping[str, str], only: Collection[str] | None = None
) -> tuple[Hole, ...]:
    """What counts in nothing although nobody dismissed it: records that cannot be read, and what else was parked on its
    way in, below `ends`; `only` of these cases, if not of all."""
    found = dict(sorted(unreadable.items()))
    for row in await pool.fetch(PARKED):
        place, offset = _placed(row["place"])
        if offset < ends.get(place, 0) and (only is None or row["subject"] in only):
            found.setdefault(row["place"], row["reason"])
    return tuple(Hole(place=place, reason=why) for place, why in found.items())


def _placed(place: str) -> tuple[Place, int]:
    """A record's place, topic/partition/offset, taken apart."""
    topic, partition, offset = place.rsplit("/", 2)
    return (topic, int(partition)), int(offset)


async def differences(
    connection: Connection | Pool, generation: int, replaced: int, differing: Collection[str]
) -> dict[str, Difference]:
    """The verdicts of cases that differ, before and after, and the fact of each that was heard last."""
    cases = sorted(differing)
    if not cases:
        return {}
    verdicts: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for row in await connection.fetch(VERDICTS, [replaced, generation], cases, timeout=WHOLE):
        own = dict(row)
        verdicts.setdefault((own.pop("generation"), own.pop("case_id")), []).append(shown(own))
    heard = {row["subject"]: row["id"] for row in await connection.fetch(LAST_HEARD, cases, JUDGED, timeout=WHOLE)}
    return {
        case: Difference(
            case_id=case, heard=heard.get(case, ""), before=_of(verdicts, replaced, case),
            after=_of(verdicts, generation, case),
        )
        for case in cases
    }  # fmt: skip


def _of(
    verdicts: Mapping[tuple[int, str], Sequence[Mapping[str, Any]]], generation: int, case: str
) -> tuple[Mapping[str, Any], ...]:
    return tuple(verdicts.get((generation, case), ()))
