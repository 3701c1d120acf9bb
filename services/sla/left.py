"""What a judged cycle leaves behind: its rows, with the verdicts and the shares of a delay.

A rebuild makes some millions of them, so each look-up is made once a row and a row is filled by position.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from deadlines import verdict
from deadlines.calendar import Calendar
from deadlines.errors import OutsideCalendar
from deadlines.instants import Second, instant_of
from deadlines.promise import NEVER, Pause, count, moved
from deadlines.verdict import Class
from events.contracts.terms import Limit
from sla.custody import Cycle, Referral, Stay
from sla.ledger import charge
from sla.rows import ChargeRow, CycleRow, ReferralRow, StayRow


class Left(NamedTuple):
    """The rows of one cycle."""

    cycle: CycleRow
    stays: list[StayRow]
    referrals: list[ReferralRow]
    charges: list[ChargeRow]


def left(cycle: Cycle, case_id: str, incomplete: bool, to: Second) -> Left:
    """The rows of a cycle, an open one judged up to `to`."""
    due = cycle.due()
    if cycle.ended is None:
        cycle.run_to(to)
        cycle.stay.to = len(cycle.spans)
    end = cycle.since if cycle.ended is None else cycle.ended
    pauses = cycle.all_pauses()
    stays = [_stay(cycle, case_id, incomplete, number, stay, pauses) for number, stay in enumerate(cycle.stays, 1)]
    referrals = [_referral(cycle, case_id, incomplete, referral, end) for referral in cycle.referrals]
    delay, charges = 0, []
    if due is not None and end > due:
        held = _utility_after(cycle, due, 0, len(cycle.spans))
        delay = sum(held.values())
        overruns: dict[str, int] = {}
        for row in stays:
            if row.overrun_seconds:
                overruns[row.unit] = overruns.get(row.unit, 0) + row.overrun_seconds
        charges = [
            ChargeRow(case_id, cycle.number, unit, seconds) for unit, seconds in charge(delay, overruns, held).items()
        ]
    return Left(_cycle(cycle, case_id, incomplete, due, end, delay, pauses), stays, referrals, charges)


def _cycle(
    cycle: Cycle, case_id: str, incomplete: bool, due: Second | None, end: Second, delay: int, pauses: Sequence[Pause]
) -> CycleRow:
    receipt, ended, acts = cycle.receipt, cycle.ended, cycle.acts
    # Due only ever moves forward, and never past a pause that did not move it: the last due tells them apart.
    stopping = [pause for pause in pauses if due is None or pause.begins < due] if cycle.counted else []
    used = cycle.utility_seconds + cycle.customer_seconds + cycle.agency_seconds
    by_date, by_session = _classes(cycle.calendar, cycle.released, due)
    return CycleRow(
        case_id=case_id,
        cycle=cycle.number,
        counter=receipt.counter,
        organisation=receipt.organisation,
        sector=receipt.sector,
        district=receipt.district,
        service=receipt.promise.service if receipt.promise else None,
        field=cycle.field,
        channel=receipt.channel,
        received_at=instant_of(cycle.start),
        determined=cycle.counted is not None,
        incomplete=incomplete,
        due_at=_instant(due),
        waiting_since=_instant(cycle.paused) if due is None and cycle.counted else None,
        pauses_from=tuple([instant_of(pause.begins) for pause in stopping]),
        pauses_to=tuple([instant_of(pause.ends) for pause in stopping if pause.ends != NEVER]),
        appointment=cycle.appointment,
        extended_at=_instant(cycle.extended),
        supplements=cycle.supplements,
        released_at=_instant(cycle.released),
        ended_at=_instant(ended),
        outcome=cycle.outcome,
        class_a=by_date,
        class_b=by_session,
        class_c=None if ended is None or due is None else verdict.by_766(ended, due, cycle.supplements),
        utility_seconds=cycle.utility_seconds,
        customer_seconds=cycle.customer_seconds,
        agency_seconds=cycle.agency_seconds,
        not_counted_seconds=end - cycle.start - used,
        delay_seconds=delay,
        unit=cycle.unit,
        holder=cycle.holder,
        holder_clock=cycle.clock if ended is None else None,
        waiting_for=cycle.why if ended is None else None,
        step=cycle.stay.step,
        stars=cycle.stars,
        closed_at=_instant(cycle.closed),
        revision=cycle.revision,
        judged_to=instant_of(end),
        corrections=cycle.corrections,
        acts=tuple([act for act, _ in acts]),
        acts_at=tuple([instant_of(at) for _, at in acts]),
    )


def _stay(cycle: Cycle, case_id: str, incomplete: bool, number: int, stay: Stay, pauses: Sequence[Pause]) -> StayRow:
    left, limit, calendar = stay.left, stay.limit, cycle.calendar
    due = by_minutes = None
    if limit is not None:
        inside = _inside(pauses, stay.at, NEVER if left is None else left) if pauses else ()
        due = _moved(calendar, limit, stay.at, inside)
        if left is not None:
            by_minutes = verdict.by_minutes(stay.utility // 60, verdict.minutes_of(limit))
    by_date, by_session = _classes(calendar, left, due)
    late = due is not None and (left is None or left > due)
    return StayRow(
        case_id,
        cycle.number,
        number,
        stay.unit,
        stay.step,
        instant_of(stay.at),
        stay.by,
        limit is not None,
        incomplete,
        _instant(due),
        _instant(left),
        by_date,
        by_session,
        by_minutes,
        _instant(_moved(calendar, stay.ack_limit, stay.at, ())) if stay.ack_limit else None,
        _instant(stay.acknowledged),
        stay.utility,
        sum(_utility_after(cycle, due, stay.spans, stay.to).values()) if late and due else 0,
        stay.paused,
    )


def _referral(cycle: Cycle, case_id: str, incomplete: bool, referral: Referral, end: Second) -> ReferralRow:
    ended = cycle.ended if referral.replied is None else None
    replied = referral.replied
    by_date, by_session = _classes(cycle.calendar, replied, referral.due)
    return ReferralRow(
        case_id=case_id,
        cycle=cycle.number,
        referral=referral.id,
        agency=referral.agency,
        matter=referral.matter,
        referred_at=instant_of(referral.at),
        determined=referral.due is not None,
        incomplete=incomplete,
        due_at=_instant(referral.due),
        replied_at=_instant(replied),
        ended_at=_instant(ended),
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


def _utility_after(cycle: Cycle, due: Second, first: int, last: int) -> dict[str, int]:
    """Counted working time on the utility clock after an instant, by unit in charge."""
    held: dict[str, int] = {}
    mark = cycle.calendar.mark
    floor = max(mark(due), cycle.floor)
    for span in cycle.spans[first:last]:
        if span.clock == "utility" and span.end > due:
            worked = mark(span.end) - max(mark(span.start), floor)
            if worked > 0:
                held[span.unit] = held.get(span.unit, 0) + worked
    return held


def _instant(second: Second | None) -> datetime | None:
    return None if second is None else instant_of(second)
