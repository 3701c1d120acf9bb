"""The judge: from the facts of one case alone to its verdicts, its clocks and the ledger behind them. Pure.

It takes the facts as a set, so late, repeated and reordered facts need no special path, and it never refuses:
a fact that can move nothing is shown as a finding.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain

import msgspec

from deadlines.instants import Second, second_of
from events.store.envelope import RecordedEvent
from sla.judging.arrangement import Arranged, arrange
from sla.judging.case import MOVES, Case
from sla.judging.case_rules import Rules
from sla.judging.ledger import Interval, intervals
from sla.judging.row_builder import Instants, left
from sla.judging.rows import Amendment, ChargeRow, CycleRow, Finding, ReferralRow, Span, StayRow

__all__ = ["Judgement", "Rules", "judge", "ledger"]


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the facts of one case say. Equal sets of facts and rules give equal judgements.

    A case without ApplicationReceived exists, has no cycles and says so as a finding (`no-receipt`).
    """

    case_id: str
    received: bool
    incomplete: bool
    cycles: tuple[CycleRow, ...]
    stays: tuple[StayRow, ...]
    referrals: tuple[ReferralRow, ...]
    charges: tuple[ChargeRow, ...]
    findings: tuple[Finding, ...]
    amendments: tuple[Amendment, ...]
    spans: tuple[Span, ...]
    calendar: str
    counts_from: tuple[Second, ...]
    """Per cycle: when the day of receipt ended and time began to count."""
    endings: tuple[str | None, ...]
    """Per cycle: the event that ended it."""


def judge(
    facts: Iterable[RecordedEvent], rules: Rules, now: datetime | None = None, *, incomplete: bool = False
) -> Judgement:
    """Judges the facts of one case.

    Without `now` an open cycle is judged up to the last fact of the case, messages and corrections apart, so that the
    rows are a pure function of the facts; with it, up to that instant. `incomplete`: a fact of the case is parked
    elsewhere.
    """
    arranged = arrange(facts)
    case = Case(rules, arranged.corrections)
    last: Second = 0
    instants = Instants()
    for effective, _, _, id, fact in arranged.facts:
        move = MOVES.get(type(fact))
        if move is not None:
            last = second_of(effective)
            if move is not Case.noted:
                if not effective.microsecond:
                    instants[last] = effective
                move(case, fact, id, last)
    if now is not None:
        last = max(last, second_of(now))
    case.amend()
    return _judgement(case, last, incomplete or arranged.forked, arranged, instants)


def ledger(judgement: Judgement, rules: Rules) -> tuple[Interval, ...]:
    """The printed ledger of every cycle, made only when somebody asks for it."""
    if not judgement.cycles:
        return ()
    calendar = rules.catalogue.calendar(judgement.calendar)
    return tuple(
        chain.from_iterable(
            intervals([span for span in judgement.spans if span.cycle == number], calendar, counts_from)
            for number, counts_from in enumerate(judgement.counts_from, 1)
        )
    )


def _judgement(case: Case, to: Second, incomplete: bool, arranged: Arranged, instants: Instants) -> Judgement:
    receipt, findings, facts = case.receipt, case.findings, arranged.facts
    case_id = receipt.case_id if receipt else arranged.case_id
    if receipt is None:
        findings = [Finding(facts[0][3] if facts else "", "no-receipt"), *findings]
    cycles, stays, referrals, charges, spans = [], [], [], [], []  # fmt: skip
    supplements = sum([cycle.supplements for cycle in case.cycles])
    for cycle in case.cycles:
        rows = left(cycle, case_id, incomplete, to, instants, supplements)
        cycles.append(rows.cycle)
        stays += rows.stays
        referrals += rows.referrals
        charges += rows.charges
        spans += cycle.spans
    return Judgement(
        case_id=case_id,
        received=receipt is not None,
        incomplete=incomplete,
        cycles=tuple(cycles),
        stays=tuple(stays),
        referrals=tuple(referrals),
        charges=tuple(charges),
        findings=tuple(findings),
        amendments=tuple(case.amendments),
        spans=tuple(spans),
        calendar=case.calendar.id if case.calendar else "",
        counts_from=tuple(case.starts),
        endings=tuple([cycle.because if cycle.ended is not None else None for cycle in case.cycles]),
    )
