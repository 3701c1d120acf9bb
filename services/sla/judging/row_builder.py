"""What a judged cycle leaves behind: its rows, with the verdicts and the shares of a delay.

A rebuild makes some millions of rows: those of cycles and stays are filled by position, in the order of their columns.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from deadlines import verdict
from deadlines.calendar import Calendar
from deadlines.errors import OutsideCalendar
from deadlines.instants import Second, instant_of
from deadlines.promise import NEVER, Pause, count, moved
from deadlines.verdict import Class
from events.contracts.terms import Limit
from sla.judging.cycle import Cycle, Referral, Stay, Stretch
from sla.judging.ledger import charge
from sla.judging.rows import ChargeRow, CycleRow, ReferralRow, StayRow


class Instants(dict[Second, datetime]):
    """The UTC instants of a case's seconds, each made once; a fact's own are put in and need not be made."""

    def __missing__(self, second: Second) -> datetime:
        made = self[second] = instant_of(second)
        return made


class Left(NamedTuple):
    """The rows of one cycle."""

    cycle: CycleRow
    stays: list[StayRow]
    referrals: list[ReferralRow]
    charges: list[ChargeRow]


def left(cycle: Cycle, case_id: str, incomplete: bool, to: Second, at: Instants, supplements: int) -> Left:
    """The rows of a cycle, an open one judged up to `to`; `at` gives the instants of its seconds.

    `supplements` counts the requests of all cycles of the dossier: a reopening does not give a second one away.
    """
    due = cycle.due()
    if cycle.ended is None:
        cycle.run_to(to)
        cycle.stay.last = len(cycle.stretches)
    end = cycle.since if cycle.ended is None else cycle.ended
    pauses = cycle.all_pauses()
    stays = [_stay(cycle, case_id, incomplete, at, number, stay, pauses) for number, stay in enumerate(cycle.stays, 1)]
    referrals = [_referral(cycle, case_id, incomplete, at, referral, end) for referral in cycle.referrals]
    delay, charges = 0, []
    if due is not None and end > due:
        held = _worked_after(cycle.calendar.mark(due), cycle.stretches)
        delay = sum(held.values())
        overruns: dict[str, int] = {}
        for row in stays:
            if row.overrun_seconds:
                overruns[row.unit] = overruns.get(row.unit, 0) + row.overrun_seconds
        charges = [
            ChargeRow(case_id, cycle.number, unit, seconds) for unit, seconds in charge(delay, overruns, held).items()
        ]
    return Left(_cycle(cycle, case_id, incomplete, at, due, end, delay, pauses, supplements), stays, referrals, charges)


def _cycle(
    cycle: Cycle,
    case_id: str,
    incomplete: bool,
    at: Instants,
    due: Second | None,
    end: Second,
    delay: int,
    pauses: Sequence[Pause],
    supplements: int,
) -> CycleRow:
    receipt, ended, acts = cycle.receipt, cycle.ended, cycle.acts
    # Due only ever moves forward, and never past a pause that did not move it: the last due tells them apart.
    stopping = [pause for pause in pauses if due is None or pause.begins < due] if cycle.counted else []
    used = cycle.utility_seconds + cycle.customer_seconds + cycle.agency_seconds
    by_date, by_session = _classes(cycle.calendar, cycle.released, due)
    return CycleRow(
        case_id,
        cycle.number,
        receipt.counter,
        receipt.organisation,
        receipt.sector,
        receipt.district,
        receipt.promise.service if receipt.promise else None,
        cycle.field,
        receipt.channel,
        at[cycle.start],
        cycle.counted is not None,
        incomplete,
        None if due is None else at[due],
        at[cycle.paused] if due is None and cycle.counted and cycle.paused is not None else None,
        tuple([at[pause.begins] for pause in stopping]),
        tuple([at[pause.ends] for pause in stopping if pause.ends != NEVER]),
        cycle.appointment,
        None if cycle.extended is None else at[cycle.extended],
        cycle.supplements,
        None if cycle.released is None else at[cycle.released],
        None if ended is None else at[ended],
        cycle.outcome,
        by_date,
        by_session,
        None if ended is None or due is None else verdict.by_766(ended, due, cycle.supplements, supplements),
        cycle.utility_seconds,
        cycle.customer_seconds,
        cycle.agency_seconds,
        end - cycle.start - used,
        delay,
        cycle.unit,
        cycle.holder,
        cycle.clock if ended is None else None,
        cycle.why if ended is None else None,
        cycle.stay.step,
        cycle.stars,
        None if cycle.closed is None else at[cycle.closed],
        cycle.revision,
        at[end],
        cycle.corrections,
        tuple([act for act, _ in acts]),
        tuple([at[second] for _, second in acts]),
    )


def _stay(
    cycle: Cycle, case_id: str, incomplete: bool, at: Instants, number: int, stay: Stay, pauses: Sequence[Pause]
) -> StayRow:
    left, limit, calendar = stay.left, stay.limit, cycle.calendar
    due = by_minutes = None
    if limit is not None:
        inside = _inside(pauses, stay.at, NEVER if left is None else left) if pauses else ()
        due = _moved(calendar, limit, stay.at, inside)
        if left is not None:
            by_minutes = verdict.by_minutes(stay.utility // 60, verdict.minutes_of(limit))
    by_date, by_session = _classes(calendar, left, due)
    ack_due = _moved(calendar, stay.ack_limit, stay.at, ()) if stay.ack_limit else None
    overrun = 0
    if due is not None and (left is None or left > due):
        overrun = sum(_worked_after(calendar.mark(due), cycle.stretches[stay.first : stay.last]).values())
    return StayRow(
        case_id,
        cycle.number,
        number,
        stay.unit,
        stay.step,
        at[stay.at],
        stay.by,
        limit is not None,
        incomplete,
        None if due is None else at[due],
        None if left is None else at[left],
        by_date,
        by_session,
        by_minutes,
        None if ack_due is None else at[ack_due],
        None if stay.acknowledged is None else at[stay.acknowledged],
        stay.utility,
        overrun,
        stay.paused,
    )


def _referral(
    cycle: Cycle, case_id: str, incomplete: bool, at: Instants, referral: Referral, end: Second
) -> ReferralRow:
    ended = cycle.ended if referral.replied is None else None
    replied = referral.replied
    by_date, by_session = _classes(cycle.calendar, replied, referral.due)
    return ReferralRow(
        case_id=case_id,
        cycle=cycle.number,
        referral=referral.id,
        agency=referral.agency,
        matter=referral.matter,
        referred_at=at[referral.at],
        determined=referral.due is not None,
        incomplete=incomplete,
        due_at=None if referral.due is None else at[referral.due],
        replied_at=None if replied is None else at[replied],
        ended_at=None if ended is None else at[ended],
        reply=referral.reply,
        class_a=by_date,
        class_b=by_session,
        seconds=cycle.calendar.worked(referral.at, end if replied is None else replied),
    )


def _inside(pauses: Sequence[Pause], start: Second, end: Second) -> list[Pause]:
    return [
        Pause(max(pause.begins, start), min(pause.ends, end))
        for pause in pauses
        if pause.ends > start and pause.begins < end
    ]


def _moved(calendar: Calendar, limit: Limit, start: Second, pauses: Sequence[Pause]) -> Second | None:
    try:
        counted = count(calendar, limit, start)
        return moved(calendar, counted, pauses) if pauses else counted.due
    except OutsideCalendar:
        return None


def _classes(calendar: Calendar, finished: Second | None, due: Second | None) -> tuple[Class | None, Class | None]:
    """Classifiers A and B of what is finished and has a due."""
    if finished is None or due is None:
        return None, None
    try:
        return verdict.by_date(finished, due), verdict.by_session(calendar, finished, due)
    except OutsideCalendar:
        return verdict.by_date(finished, due), None


def _worked_after(mark: int, stretches: Iterable[Stretch]) -> dict[str, int]:
    """Counted working time on the utility clock after a mark of the calendar, by unit in charge."""
    held: dict[str, int] = {}
    for unit, begins, ends in stretches:
        if ends > mark:
            held[unit] = held.get(unit, 0) + ends - (begins if begins > mark else mark)
    return held
