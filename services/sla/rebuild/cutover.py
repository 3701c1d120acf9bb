"""A filled generation becomes the live one: it catches up, is compared at one cut, and is swapped if that is right."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from events import signing
from events.clock import now
from events.commands.handle import Moment
from events.operations.operator_action import OperatorAction
from events.settings import Settings
from events.store.database import Pool
from events.store.envelope import Cause, RecordedEvent
from events.subscriptions.follower import Follower, Following
from events.subscriptions.log_reader import LogPosition
from sla.judging.judge import Rules
from sla.live.projector import Stuck, building
from sla.live.watermarks import passed
from sla.rebuild import certificate_data, generations
from sla.rebuild.certificate import Certificate, Difference, Rows, signed
from sla.rebuild.comparison import Comparing
from sla.rebuild.log_reader import Place

BEGIN = "insert into bookmarks (name, shard, epoch, tx, position) values ($1, 0, $2, $3, $4)"
PHASE = "update generations set phase = $2 where id = $1"
STUCK = "update generations set stuck = $2 where id = $1"
Source = Literal["kafka", "inbox", "segments"]
log = structlog.get_logger("sla.exchange")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one run is to do, and for whom.

    `accept`: swap even if rows differ. `holes`: why one may go over records that cannot be read. `dry_run`: swap
    nothing. `until`: fold up to these offsets, `known_on`: what was recorded up to this instant; and compare with
    nothing, because nothing live stands there. `duty`: the share of the time in which the workers work. `cases`: look
    at these alone, and put them right where they are. `source`: what the facts are read from; `segments`: Kafka for
    what is not in them.
    """

    generation: int
    actor: str
    accept: bool = False
    holes: str | None = None
    dry_run: bool = False
    until: Mapping[Place, int] | None = None
    known_on: datetime | None = None
    source: Source = "kafka"
    duty: float = 1.0
    cases: frozenset[str] | None = None

    @property
    def alone(self) -> bool:
        """Whether what comes of it stands where nothing live stands."""
        return self.until is not None or self.known_on is not None


async def catching_up(
    pool: Pool, rules: Rules, generation: int, stuck: Stuck, since: LogPosition
) -> Follower[RecordedEvent]:
    """The judge of a new generation, which follows the inbox from a mark on; what it cannot judge is `stuck`."""
    follower = building(rules, generation, stuck)
    await pool.execute(BEGIN, follower.name, *since)
    return follower


async def exchange(
    pool: Pool,
    settings: Settings,
    asked: Asked,
    follower: Follower[RecordedEvent],
    ceiling: int,
    stuck: Stuck,
    told: Certificate,
) -> None:
    """Compare with the live generation once both are past `ceiling`, swap, and keep the certificate of it.

    Raises Unexplained when rows differ and nobody accepted, Cancelled when somebody called it off.
    """
    generation = asked.generation
    comparing = Comparing(pool, Following(pool, follower), generation, asked.cases)
    await pool.execute(PHASE, generation, "comparing, once the live judge is past the cut")
    while not await comparing.begin(ceiling):
        await generations.raise_if_cancelled(pool, generation)
        await asyncio.sleep(0.02)
    known: dict[str, Difference] = {}
    if asked.accept or asked.dry_run:  # as many as may be before the judge is held up
        known = await certificate_data.differences(pool, generation, comparing.live, comparing.differing)
    began = time.monotonic()
    async with pool.acquire() as connection, connection.transaction():
        found = await comparing.finish(connection, stuck)
        if stuck:
            await pool.execute(STUCK, generation, msgspec.json.encode(stuck).decode())
        if (stuck or found.differing) and not (asked.accept or asked.dry_run):
            raise generations.Unexplained(_unexplained(stuck, found.differing))
        late = comparing.touched.intersection(found.differing)
        known |= await certificate_data.differences(connection, generation, found.replaced, late)
        differences = tuple(known[case_id] for case_id in found.differing)
        told = replace(
            told, replaces=found.replaced, compared=Rows(rows=found.rows, hash=found.hash), stuck=dict(stuck),
            swapped=not asked.dry_run and asked.cases is None, put_right=not asked.dry_run and asked.cases is not None,
        )  # fmt: skip
        vouched = signed(told, key(settings), differences)
        if asked.dry_run:
            await generations.checked(connection, generation, found, vouched)
            return
        moment = await _moment(pool, settings)
        if asked.cases is not None:
            cause = Cause(
                correlation=f"generation-{generation}", causation=f"generation-{generation}", actor=asked.actor
            )
            order = OperatorAction(service="sla", cause=cause, moment=moment)
            await generations.put_right(connection, generation, found, order, vouched)
            return
        await generations.swap(
            connection, generation, found, events=told.records, actor=asked.actor, at=moment.now,
            recorded_at=moment.recorded_at, stuck=stuck, vouched=vouched,
        )  # fmt: skip
    held = round(time.monotonic() - began, 3)  # seconds for which the live judge waited
    log.info("swapped", generation=generation, differences=len(found.differing), held=held)


def key(settings: Settings) -> Ed25519PrivateKey | None:
    """What certificates are signed with, if anything."""
    return signing.load_key(settings.onedoor_signing_key) if settings.onedoor_signing_key else None


def _unexplained(stuck: Stuck, differing: Sequence[str]) -> str:
    if stuck:
        case_id, why = next(iter(stuck.items()))
        return f"{len(stuck)} cases could not be judged, the first is {case_id}: {why}"
    return f"{len(differing)} cases differ from the live ones, the first is {differing[0]}"


async def _moment(pool: Pool, settings: Settings) -> Moment:
    if not settings.log_clock:
        return Moment(now=now(), recorded_at=None)
    at = await passed(pool, log_clock=True) or now()
    return Moment(now=at, recorded_at=at)
