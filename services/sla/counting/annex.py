"""The overdue annex: per overdue dossier how late, whose doing and who held it; and the time that steps take. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from sla.counting.line import Item
from sla.counting.periods import Period
from sla.judging.rows import ChargeRow, CycleRow, ReferralRow, StayRow

Cause = Literal["staff", "other-agency", "customer", "mechanism"]

SUBJECTIVE: Final[frozenset[Cause]] = frozenset({"staff"})
"""Causes that the office itself answers for (chủ quan); the others are objective (khách quan)."""


class Held(NamedTuple):
    """A unit's share of a delay, in seconds."""

    unit: str
    seconds: int


class Late(NamedTuple):
    """One overdue dossier. The shares of `holders` add up to `delay_seconds`, working time on the utility's clock.

    `released_at` is None while it is open at the end of the period; its delay then stands as of the last fact of it
    that is known, and is charged to units in the record of the period in which it is released.
    """

    item: Item
    counter: str
    organisation: str
    service: str | None
    due_at: datetime
    released_at: datetime | None
    delay_seconds: int
    cause: Cause
    apology: bool
    unit: str
    """Who had it last in the period."""
    holders: tuple[Held, ...]

    @property
    def subjective(self) -> bool:
        """Whether the office itself answers for it."""
        return self.cause in SUBJECTIVE


class Delay(NamedTuple):
    """What a unit is charged with of the dossiers released overdue in the period."""

    unit: str
    dossiers: int
    seconds: int


class Dwell(NamedTuple):
    """How long a unit had dossiers in a step, in seconds of the utility's clock: stays that ended in the period.

    Percentiles by nearest rank: p50 is a length that was really taken, not a mean of two.
    """

    unit: str
    step: str
    stays: int
    p50: int
    p90: int
    longest: int


class Stayed(NamedTuple):
    """One stay that ended in the period: what a dwell is made of, in seconds of the utility's clock."""

    unit: str
    step: str
    item: Item
    seconds: int


class Parts:
    """Stays, referrals and charges by the cycle that they belong to."""

    def __init__(
        self, stays: Iterable[StayRow], referrals: Iterable[ReferralRow], charges: Iterable[ChargeRow]
    ) -> None:
        self.stays: defaultdict[tuple[str, int], list[StayRow]] = defaultdict(list)
        self.referrals: defaultdict[tuple[str, int], list[ReferralRow]] = defaultdict(list)
        self.charges: defaultdict[tuple[str, int], list[ChargeRow]] = defaultdict(list)
        for stay in stays:
            self.stays[stay.case_id, stay.cycle].append(stay)
        for referral in referrals:
            self.referrals[referral.case_id, referral.cycle].append(referral)
        for share in charges:
            self.charges[share.case_id, share.cycle].append(share)


def late(row: CycleRow, period: Period, parts: Parts) -> Late:
    """The line of an overdue dossier."""
    key = row.case_id, row.cycle
    assert row.due_at is not None
    held = [(stay.stay, stay.unit) for stay in parts.stays[key] if stay.entered_at < period.ends]
    shares = sorted(parts.charges[key], key=lambda share: (-share.seconds, share.unit))
    return Late(
        item=Item(*key),
        counter=row.counter,
        organisation=row.organisation,
        service=row.service,
        due_at=row.due_at,
        released_at=row.released_at if period.contains(row.released_at) else None,
        delay_seconds=row.delay_seconds,
        cause=cause(row, parts.stays[key], parts.referrals[key]),
        apology=row.extended_at is not None,
        unit=max(held)[1] if held else row.unit,
        holders=tuple(Held(share.unit, share.seconds) for share in shares),
    )


def cause(row: CycleRow, stays: Sequence[StayRow], referrals: Sequence[ReferralRow]) -> Cause:
    """Whose doing a delay is, by the first of these that holds:

    - staff: units overran the limits of their own steps by at least half of the delay;
    - other-agency: an agency answered after its own due, or never did;
    - the company's clock stood still from due to release: customer or other-agency, whoever's clock ran longer;
    - mechanism: no step was overrun and nobody else was late, so the steps together are longer than the promise, or
      only closed hours lay between.

    The trade asks for the four words and leaves their test open: the test is ours.
    """
    overrun = sum(stay.overrun_seconds for stay in stays)
    if row.delay_seconds and 2 * overrun >= row.delay_seconds:
        return "staff"
    if any(referral.class_a == "overdue" or (referral.replied_at is None and _too_late(referral, row))
           for referral in referrals):  # fmt: skip
        return "other-agency"
    if not row.delay_seconds and row.customer_seconds + row.agency_seconds:
        return "customer" if row.customer_seconds >= row.agency_seconds else "other-agency"
    return "mechanism"


def _too_late(referral: ReferralRow, row: CycleRow) -> bool:
    return referral.due_at is not None and referral.due_at < (referral.ended_at or row.judged_to)


def delays(annex: Iterable[Late]) -> tuple[Delay, ...]:
    """Delay by unit, the greatest first: the shares of all dossiers released overdue in the period."""
    seconds: defaultdict[str, int] = defaultdict(int)
    dossiers: defaultdict[str, int] = defaultdict(int)
    for one in annex:
        for held in one.holders if one.released_at is not None else ():
            seconds[held.unit] += held.seconds
            dossiers[held.unit] += 1
    found = [Delay(unit, dossiers[unit], seconds[unit]) for unit in seconds]
    return tuple(sorted(found, key=lambda delay: (-delay.seconds, delay.unit)))


def dwells(stays: Iterable[StayRow], period: Period) -> tuple[Dwell, ...]:
    """How long steps take, by unit and step."""
    lengths: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for (unit, step), seconds in dwelt(stays, period):
        lengths[unit, step].append(seconds)
    return tuple(dwell(unit, step, sorted(found)) for (unit, step), found in sorted(lengths.items()))


def dwelt(stays: Iterable[StayRow], period: Period) -> Iterator[tuple[tuple[str, str], int]]:
    """Unit and step of each stay that ended in the period, and its seconds on the utility's clock."""
    for stay in stays:
        if period.contains(stay.left_at) and not stay.incomplete:
            yield (stay.unit, stay.step), stay.utility_seconds


def dwell(unit: str, step: str, lengths: Sequence[int]) -> Dwell:
    """Of lengths in ascending order."""
    return Dwell(unit, step, len(lengths), nearest_rank(lengths, 50), nearest_rank(lengths, 90), lengths[-1])


def stayed(stays: Iterable[StayRow], period: Period) -> tuple[Stayed, ...]:
    """The stays that `dwells` counts, in order of case."""
    return tuple(
        sorted(
            Stayed(stay.unit, stay.step, Item(stay.case_id, stay.cycle, str(stay.stay)), stay.utility_seconds)
            for stay in stays
            if period.contains(stay.left_at) and not stay.incomplete
        )
    )


def nearest_rank(lengths: Sequence[int], percent: int) -> int:
    """The shortest of these ascending lengths that at least so many percent of them do not exceed."""
    return lengths[max(0, -(-percent * len(lengths) // 100) - 1)]
