"""A cycle's ledger as a picture: one lane per clock, time from left to right, the due instant as a line. SVG, pure."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from html import escape

from deadlines.instants import DAY, day_of, instant_of, midnight, second_of
from sla.explain.explain import CycleExplanation, Line
from sla.i18n.labels import CLOCKS
from sla.i18n.texts import Text, local
from sla.judging.ledger import LedgerClock

WIDTH, LEFT, TOP, LANE, GAP = 960, 150, 26, 26, 8  # user units; the lanes begin right of their names
LANES: dict[LedgerClock, tuple[Text, str]] = {
    "utility": (CLOCKS["utility"], "#1b6ca8"),
    "customer": (CLOCKS["customer"], "#c77700"),
    "agency": (CLOCKS["agency"], "#6a4c93"),
    "not counted": (CLOCKS["not counted"], "#9aa0a6"),
}
LATE = "#b3261e"
XOf = Callable[[datetime], float]
DAYS = 14  # labels of dates at most: beyond that every second, third, … day gets one


def timeline(cycle: CycleExplanation) -> str:
    """The picture. Every stretch names itself (Vietnamese and English), so that nothing depends on its colour."""
    if not cycle.lines:
        return ""
    begin, end = cycle.lines[0].start, cycle.lines[-1].end
    due = cycle.row.due_at
    last = max(end, due) if due is not None else end
    whole = max((last - begin).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        return round(LEFT + (WIDTH - LEFT - 10) * (at - begin).total_seconds() / whole, 1)

    height = TOP + len(LANES) * (LANE + GAP) + 22
    parts = [*_days(begin, last, x, height), *_lanes(cycle.lines, x)]
    if due is not None:
        parts.append(_mark(x(due), height, LATE, Text(f"Hạn {local(due)}", f"Due {local(due)}")))
    if cycle.row.released_at is not None:
        at = cycle.row.released_at
        parts.append(_mark(x(at), height, "currentColor", Text(f"Trả {local(at)}", f"Released {local(at)}"), "4 3"))
    said = escape(f"{cycle.verdict.vi} / {cycle.verdict.en}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-size="11">'
        f"<title>{said}</title>\n" + "\n".join(parts) + "\n</svg>"
    )


def _lanes(lines: tuple[Line, ...], x: XOf) -> Iterator[str]:
    for number, (clock, (name, colour)) in enumerate(LANES.items()):
        y = TOP + number * (LANE + GAP)
        yield f'<text x="4" y="{y + 12}" fill="currentColor">{escape(name.vi)}</text>'
        yield f'<text x="4" y="{y + 24}" fill="currentColor" opacity=".7" lang="en">{escape(name.en)}</text>'
        for line in lines:
            if line.clock == clock:
                late = clock == "utility" and line.after_due
                words = f"{local(line.start)} – {local(line.end)}: {line.text.vi} / {line.text.en}"
                yield (
                    f'<rect x="{x(line.start)}" y="{y}" width="{max(x(line.end) - x(line.start), 0.5):.1f}" '
                    f'height="{LANE}" fill="{LATE if late else colour}"><title>{escape(words)}</title></rect>'
                )


def _days(begin: datetime, end: datetime, x: XOf, height: int) -> Iterator[str]:
    """A thin line at each local midnight, a date beside some of them."""
    first, last = day_of(second_of(begin)) + 1, day_of(second_of(end))
    every = max(1, (last - first) // DAYS + 1)
    for day in range(first, last + 1):
        at = instant_of(midnight(day))
        yield f'<line x1="{x(at)}" y1="{TOP - 6}" x2="{x(at)}" y2="{height - 20}" stroke="currentColor" opacity=".15"/>'
        if (day - first) % every == 0:
            date = f"{at + timedelta(seconds=DAY // 2):%d/%m}"
            yield f'<text x="{x(at)}" y="{height - 6}" fill="currentColor">{date}</text>'


def _mark(at: float, height: int, colour: str, text: Text, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    anchor, beside = ("end", at - 4) if at > WIDTH / 2 else ("start", at + 4)
    return (
        f'<line x1="{at}" y1="6" x2="{at}" y2="{height - 20}" stroke="{colour}" stroke-width="2"{dashed}/>'
        f'<text x="{beside}" y="{10 if dashes else 20}" text-anchor="{anchor}" fill="{colour}">{escape(text.vi)}'
        f"<title>{escape(text.en)}</title></text>"
    )
