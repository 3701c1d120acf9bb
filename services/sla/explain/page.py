"""The explanation of a case as a page for paper and screen: verdict, picture, ledger, sums, who held it. Pure."""

from collections.abc import Iterable
from html import escape

from sla.explain.explain import CycleExplanation, Explanation, Line, Sums
from sla.explain.timeline import LANES, timeline
from sla.i18n.paper import sheet_of_paper, two
from sla.i18n.texts import Text, local

LEDGER = (
    Text("Từ", "From"), Text("Đến", "To"), Text("Nội dung", "What"), Text("Đồng hồ", "Clock"),
    Text("Phút", "Minutes"), Text("Công ty: cộng dồn", "Company so far"), Text("Sự kiện", "Event"),
)  # fmt: skip
SAID = ' class="said"'
AFTER = Text("Sau hạn", "After the due instant")
UNTIL = Text("Đến hạn", "Until the due instant")


def page(it: Explanation) -> str:
    """The whole page, Vietnamese first."""
    cycles = "".join(_cycle(it, one) for one in it.cycles)
    put_right = _list(Text("Đã sửa", "Put right"), (text for _, text in it.corrections))
    noticed = _list(Text("Ghi chú", "Noticed"), (text for _, text in it.findings))
    title = Text(f"Giải trình hồ sơ {it.case_id}", f"Dossier {it.case_id} explained")
    return sheet_of_paper(title, cycles + put_right + noticed)


def _cycle(it: Explanation, one: CycleExplanation) -> str:
    heading = f"<h2>{two(one.verdict)}</h2>\n"
    if len(it.cycles) > 1:
        heading = f"<h2>{two(Text(f'Lần {one.row.cycle}', f'Cycle {one.row.cycle}'))}</h2>\n<p>{two(one.verdict)}</p>\n"
    why = _list(Text("Vì sao quá hạn", "Why it is late"), (held.text for held in one.why_overdue))
    numbers = LEDGER[4:6]
    head = "".join(f'<th scope="col"{"" if text in numbers else SAID}>{two(text)}</th>' for text in LEDGER)
    rows = "\n".join(_row(line) for line in one.lines)
    return (
        f'<section>\n{heading}<div class="scroll" tabindex="0">{timeline(one)}</div>\n{why}'
        f'<div class="scroll" tabindex="0"><table>\n<caption>{two(Text("Sổ theo dõi thời gian", "Ledger"))}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n"
        f"<tfoot>{_sums(UNTIL, one.to_due)}{_sums(AFTER, one.after_due)}</tfoot>\n</table></div>\n</section>\n"
    )


def _row(line: Line) -> str:
    clock, _ = LANES[line.clock]
    late = f"<b>{two(AFTER)}</b>" if line.after_due and line.clock == "utility" else ""
    return (
        f'<tr><th scope="row">{local(line.start)}</th><td class="said when">{local(line.end)}</td>'
        f'<td class="said">{two(line.text)}{late}</td><td class="said">{two(clock)}</td><td>{line.minutes}</td>'
        f'<td>{line.utility_so_far // 60}</td><td class="said when">{escape(line.because)}</td></tr>'
    )


def _sums(when: Text, sums: Sums) -> str:
    names = [(name, seconds // 60) for (name, _), seconds in zip(LANES.values(), sums, strict=True)]
    said = Text(
        "; ".join(f"{name.vi} {minutes} phút" for name, minutes in names),
        "; ".join(f"{name.en} {minutes} min" for name, minutes in names),
    )
    return f'<tr><th scope="row" colspan="4">{two(when)}</th><td class="said" colspan="3">{two(said)}</td></tr>'


def _list(title: Text, sentences: Iterable[Text]) -> str:
    items = "".join(f"<li>{two(sentence)}</li>" for sentence in sentences)
    return f"<h3>{two(title)}</h3>\n<ul>{items}</ul>\n" if items else ""
