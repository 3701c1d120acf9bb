"""Whose time was used: the shares of a delay, and the ledger that tiles a cycle for print."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from deadlines.calendar import Calendar
from deadlines.instants import Second
from sla.judging.rows import Clock, Span

LedgerClock = Clock | Literal["not counted"]
LedgerKind = Literal["worked", "closed hours", "holiday", "day of receipt", "paused"]


class Interval(NamedTuple):
    """One line of the ledger. The lines of a cycle tile it without gap or overlap.

    `unit` is the unit in charge and `holder` whose time it is. `seconds` are seconds of working time on a clock,
    and of the elapsed time where the clock is "not counted". `why` says what a pause waited for.
    """

    cycle: int
    start: Second
    end: Second
    unit: str
    holder: str
    clock: LedgerClock
    kind: LedgerKind
    why: str | None
    seconds: int
    because: str


def intervals(spans: Sequence[Span], calendar: Calendar, counts_from: Second) -> Iterator[Interval]:
    """The printed ledger of one cycle. Closed hours, holidays and the day of receipt go before any other kind."""
    for span in spans:
        for start, end, kind in calendar.segments(span.start, span.end):
            counted = max(start, min(end, counts_from)) if kind == "worked" else end
            if start < counted:
                uncounted: LedgerKind = "day of receipt" if kind == "worked" else kind
                yield _interval(span, start, counted, "not counted", uncounted, None)
            if counted < end:
                counts: LedgerKind = "worked" if span.clock == "utility" else "paused"
                yield _interval(span, counted, end, span.clock, counts, span.why)


def _interval(
    span: Span, start: Second, end: Second, clock: LedgerClock, kind: LedgerKind, why: str | None
) -> Interval:
    return Interval(span.cycle, start, end, span.unit, span.holder, clock, kind, why, end - start, span.because)


def charge(delay: int, overruns: Mapping[str, int], held: Mapping[str, int]) -> dict[str, int]:
    """Shares a delay among the units of the utility, in whole seconds that sum to it.

    Units that overran their own step limits share it in proportion to their overrun, each at most its overrun;
    what is left goes to the units in charge between due and release by the utility time they held.
    """
    overrun = sum(overruns.values())
    shares = apportion(min(delay, overrun), overruns)
    for unit, seconds in apportion(delay - min(delay, overrun), held).items():
        shares[unit] = shares.get(unit, 0) + seconds
    return dict(sorted((unit, seconds) for unit, seconds in shares.items() if seconds))


def apportion(whole: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Whole parts in proportion to the weights: largest remainder, ties by name."""
    total = sum(weights.values())
    if not whole or not total:
        return {}
    parts = {name: whole * weight // total for name, weight in weights.items()}
    rest = whole - sum(parts.values())
    by_remainder = sorted(weights, key=lambda name: (-(whole * weights[name] % total), name))
    for name in by_remainder[:rest]:
        parts[name] += 1
    return parts
