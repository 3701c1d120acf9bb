"""Why a case stands where it stands, as data: every line of its ledger with its event, and the sums down to due.

All texts are in Vietnamese and English. `why_overdue` says who held an overdue case, and for how long.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from deadlines.catalogue import Catalogue
from deadlines.entries import Name
from deadlines.errors import UnknownId
from deadlines.instants import instant_of, second_of
from sla.judge import Judgement, Rules, ledger
from sla.ledger import Interval, LedgerClock
from sla.putright import correction
from sla.rows import Amendment, CycleRow, Finding
from sla.texts import Text, local, reason_of


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
        findings=tuple((finding, _FINDINGS.get(finding.what, _OTHER_FINDING)) for finding in judgement.findings),
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
        return _KINDS[part.kind]
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
        return _OUTCOMES[row.outcome]
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
    words = _CLASSES[row.class_a or "on-time"]
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
_KINDS: Final = {
    "closed hours": Text("Ngoài giờ làm việc", "Outside working hours"),
    "holiday": Text("Ngày nghỉ lễ", "Public holiday"),
    "day of receipt": Text("Ngày tiếp nhận, không tính", "Day of receipt, not counted"),
}
_CLASSES: Final = {
    "ahead": Text("Trước hạn", "Ahead of time"),
    "on-time": Text("Đúng hạn", "On time"),
    "overdue": Text("Quá hạn", "Overdue"),
}
_OUTCOMES: Final[dict[Literal["refused", "withdrawn", "stopped"], Text]] = {
    "refused": Text("Kết thúc không có kết quả: từ chối", "Ended without result: refused"),
    "withdrawn": Text("Kết thúc không có kết quả: khách hàng rút hồ sơ", "Ended without result: withdrawn"),
    "stopped": Text("Kết thúc không có kết quả: dừng xử lý", "Ended without result: stopped"),
}
_OTHER_FINDING: Final = Text("Cần xem lại", "Worth a look")
_FINDINGS: Final = {
    "no-receipt": Text("Hồ sơ không có sự kiện tiếp nhận", "The case has no receipt"),
    "before-receipt": Text("Sự kiện trước khi tiếp nhận, không tính", "Before receipt: moved nothing"),
    "received-again": Text("Tiếp nhận lần nữa, không tính", "Received a second time: moved nothing"),
    "after-end": Text("Sau khi kết thúc, không tính", "After the end of the cycle: moved nothing"),
    "answers-nothing": Text("Trả lời cho yêu cầu không tồn tại", "Answers nothing that was open"),
    "answered-by-another": Text("Cơ quan khác trả lời", "Another agency answered"),
    "acknowledged-again": Text("Xác nhận nhận lần nữa", "Acknowledged a second time"),
    "acknowledged-by-another": Text("Đơn vị khác xác nhận nhận", "Acknowledged by a unit not in charge"),
    "forwarded-by-another": Text("Đơn vị không giữ hồ sơ đã giao", "Handed over by a unit not in charge"),
    "returned-by-another": Text("Đơn vị không giữ hồ sơ đã trả", "Returned by a unit not in charge"),
    "extended-twice": Text("Gia hạn lần thứ hai, không tính", "A second extension does not count"),
    "extended-after-due": Text("Gia hạn sau khi quá hạn, không tính", "An extension after due does not count"),
    "reopened-while-open": Text("Mở lại khi chưa kết thúc, không tính", "Reopened while open: moved nothing"),
    "due-ignored": Text("Thời hạn tính lại theo quy định", "The stated due gives way to the pinned limit"),
    "appointment-differs": Text("Ngày hẹn khác thời hạn tính được", "The receipt's appointment is not the due instant"),
    "agency-unnamed": Text("Vướng mắc không nêu tên cơ quan", "An agency's obstacle that names no agency"),
    "unknown-service": Text("Thủ tục không có trong danh mục", "The catalogue does not know the service"),
    "unknown-calendar": Text("Lịch làm việc không có trong danh mục", "The catalogue does not know the calendar"),
    "corrects-nothing": Text("Sửa một sự kiện không có trong hồ sơ", "Corrects a fact that is not in the case"),
    "corrects-correction": Text("Sửa một việc sửa, không tính", "Corrects a correction: does not count"),
    "corrects-anothers": Text("Sửa sự kiện của nơi khác, không tính", "Corrects what another said: does not count"),
    "corrects-voided": Text("Sửa một sự kiện đã hủy, không tính", "Corrects what was voided: does not count"),
    "voided-before": Text("Sự kiện đã hủy trước đó", "It was voided before"),
    "does-not-fit": Text("Giá trị sửa không hợp lệ, không tính", "The corrected value does not fit: does not count"),
    "beyond-calendar": Text("Ngoài phạm vi lịch", "Beyond the years of the calendar"),
}
