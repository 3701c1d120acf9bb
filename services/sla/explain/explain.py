"""Why a case stands where it stands, as data: every line of its ledger with its event, and the sums down to due.

All texts are in Vietnamese and English. `why_overdue` says who held an overdue case, and for how long.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from deadlines.catalogue import Catalogue
from deadlines.entries import Name
from deadlines.errors import UnknownId
from deadlines.instants import instant_of, second_of
from sla.explain.putright import correction
from sla.i18n.labels import CLASSES, FINDINGS, OTHER_FINDING, OUTCOMES, TIMES, reason_of
from sla.i18n.texts import Text, local
from sla.judging.judge import Judgement, Rules, ledger
from sla.judging.ledger import Interval, LedgerClock
from sla.judging.rows import Amendment, CycleRow, Finding


class Line(NamedTuple):
    """One line of the explanation. `utility_so_far` is the company's time up to the end of the line."""

    start: datetime
    end: datetime
    unit: str
    holder: str
    clock: LedgerClock
    kind: str
    after_due: bool
    seconds: int
    minutes: int
    utility_so_far: int
    because: str
    text: Text


class Sums(NamedTuple):
    """Seconds by clock; they add up to the elapsed time."""

    utility: int
    customer: int
    agency: int
    not_counted: int


class Held(NamedTuple):
    """A unit's part in a delay: what it is charged, and by how much it overran its own step limits."""

    unit: str
    name: Text
    charged: int
    overrun: int
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleExplanation:
    """One cycle explained: the verdict in words, the ledger, and the sums before and after due."""

    row: CycleRow
    verdict: Text
    lines: tuple[Line, ...]
    to_due: Sums
    after_due: Sums
    why_overdue: tuple[Held, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A case explained. `corrections` tells what was put right, in the order of saying."""

    case_id: str
    cycles: tuple[CycleExplanation, ...]
    corrections: tuple[tuple[Amendment, Text], ...]
    findings: tuple[tuple[Finding, Text], ...]


def explain(judgement: Judgement, rules: Rules) -> Explanation:
    """The whole explanation of a case. Pure: the same judgement gives the same lines."""
    intervals = ledger(judgement, rules)
    return Explanation(
        case_id=judgement.case_id,
        cycles=tuple(
            _cycle(judgement, row, [part for part in intervals if part.cycle == row.cycle], rules.catalogue)
            for row in judgement.cycles
        ),
        corrections=tuple((one, correction(one, rules.catalogue)) for one in judgement.amendments),
        findings=tuple((finding, FINDINGS.get(finding.what, OTHER_FINDING)) for finding in judgement.findings),
    )


def why_overdue(judgement: Judgement, cycle: int, catalogue: Catalogue) -> tuple[Held, ...]:
    """WHY a case is overdue: the units whose time made the delay, largest share first.

    The shares are those that `ledger.charge` gave; they add up to the delay, the utility's working time after the due
    instant, in seconds. Empty when there was none: released in time, or before anybody worked again after due.
    """
    held = []
    for charge in judgement.charges:
        if charge.cycle != cycle:
            continue
        overrun = sum(s.overrun_seconds for s in judgement.stays if s.cycle == cycle and s.unit == charge.unit)
        name = _name(catalogue, charge.unit)
        text = Text(
            f"{name.vi} giữ hồ sơ quá hạn {_length(charge.seconds).vi}"
            + (f", vượt thời hạn của bước {_length(overrun).vi}" if overrun else ""),
            f"{name.en} made the dossier late by {_length(charge.seconds).en}"
            + (f", over its own step limits by {_length(overrun).en}" if overrun else ""),
        )
        held.append(Held(charge.unit, name, charge.seconds, overrun, text))
    return tuple(sorted(held, key=lambda part: (-part.charged, part.unit)))


def _cycle(judgement: Judgement, row: CycleRow, parts: list[Interval], catalogue: Catalogue) -> CycleExplanation:
    due = None if row.due_at is None else second_of(row.due_at)
    lines: list[Line] = []
    totals = {False: dict.fromkeys(_CLOCKS, 0), True: dict.fromkeys(_CLOCKS, 0)}
    utility = 0
    for part in _split(parts, due):
        late = due is not None and part.start >= due
        totals[late][part.clock] += part.seconds
        utility += part.seconds if part.clock == "utility" else 0
        lines.append(
            Line(
                start=instant_of(part.start),
                end=instant_of(part.end),
                unit=part.unit,
                holder=part.holder,
                clock=part.clock,
                kind=part.kind,
                after_due=late,
                seconds=part.seconds,
                minutes=part.seconds // 60,
                utility_so_far=utility,
                because=part.because,
                text=_line_text(part, catalogue),
            )
        )
    return CycleExplanation(
        row=row,
        verdict=_verdict(row),
        lines=tuple(lines),
        to_due=Sums(*totals[False].values()),
        after_due=Sums(*totals[True].values()),
        why_overdue=why_overdue(judgement, row.cycle, catalogue),
    )


def _split(parts: list[Interval], due: int | None) -> Iterator[Interval]:
    """Cuts the line in which due falls, so that the sums run down to the very instant."""
    for part in parts:
        if due is not None and part.start < due < part.end:
            yield part._replace(end=due, seconds=due - part.start)
            yield part._replace(start=due, seconds=part.end - due)
        else:
            yield part


def _line_text(part: Interval, catalogue: Catalogue) -> Text:
    if part.clock == "not counted":
        return TIMES[part.kind]
    if part.clock == "utility":
        name = _name(catalogue, part.unit)
        return Text(f"{name.vi} xử lý hồ sơ", f"{name.en} works on the dossier")
    why = reason_of(catalogue, part.why or "")
    if part.clock == "customer":
        return Text(f"Chờ khách hàng: {why.vi}", f"Waiting for the customer: {why.en}")
    name = _name(catalogue, part.holder)
    return Text(f"Chờ {name.vi}: {why.vi}", f"Waiting for {name.en}: {why.en}")


def _verdict(row: CycleRow) -> Text:
    if row.incomplete:
        return Text("Chưa đủ dữ liệu để kết luận", "Incomplete: a fact of this case is in dispute")
    if row.outcome in ("refused", "withdrawn", "stopped"):
        return OUTCOMES[row.outcome]
    if not row.determined:
        return Text("Không xác định: không có thời hạn", "Undetermined: there is no promise to judge by")
    if row.due_at is None:
        return Text("Tạm dừng, thời hạn chưa chạy tiếp", "Paused: the promise's clock stands still")
    due = local(row.due_at)
    delay = _length(row.delay_seconds)
    if row.released_at is None:
        if row.judged_to > row.due_at:
            return Text(f"Đang giải quyết, quá hạn từ {due}, đã chậm {delay.vi}",
                        f"Open, overdue since {due}, late by {delay.en} so far")  # fmt: skip
        return Text(f"Đang giải quyết, hạn {due}", f"Open, due {due}")
    words = CLASSES[row.class_a or "on-time"]
    vi, en = (
        f"{words.vi}: có kết quả {local(row.released_at)}, hạn {due}",
        f"released {local(row.released_at)}, due {due}",
    )
    if row.delay_seconds > 0 and row.class_a == "overdue":
        vi, en = f"{vi}, chậm {delay.vi}", f"{en}, late by {delay.en}"
    elif row.delay_seconds > 0:  # by date it is on time; the hour of due had passed
        vi, en = f"{vi}, cùng ngày hẹn, sau giờ hẹn {delay.vi}", f"{en}, on the day but {delay.en} after the hour"
    return Text(vi, f"{words.en}: {en}")


def _length(seconds: int) -> Text:
    """A length of working time in hours and minutes."""
    hours, minutes = divmod(seconds // 60, 60)
    return Text(f"{hours} giờ {minutes} phút làm việc", f"{hours} h {minutes} min of working time")


def _name(catalogue: Catalogue, unit: str) -> Text:
    try:
        name: Name = catalogue.unit(unit).name
    except UnknownId:
        return Text(unit, unit)
    return Text(name.vi, name.en)


_CLOCKS: Final[tuple[LedgerClock, ...]] = ("utility", "customer", "agency", "not counted")
