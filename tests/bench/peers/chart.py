"""Bars, longest first, as an SVG that needs nothing and can be read in the dark."""

from collections.abc import Collection, Mapping
from html import escape

BAR, GAP, LEFT, WIDTH, RIGHT = 20, 8, 190, 480, 90
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.bar{fill:#8a9ba8}.ours{fill:#c2410c}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.bar{fill:#6b7b88}.ours{fill:#f97316}}"
)


def chart(rates: Mapping[str, float], ours: Collection[str]) -> str:
    """Events a second of each side, from zero."""
    longest_first = sorted(rates.items(), key=lambda one: -one[1])
    height = len(rates) * (BAR + GAP) + GAP
    most = max(rates.values(), default=1)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" role="img">',
        "<title>Events a second of each side</title>",
        f"<style>{STYLE}</style>",
    ]
    for number, (name, rate) in enumerate(longest_first):
        top = GAP + number * (BAR + GAP)
        length = rate / most * WIDTH
        lines += [
            f'<text x="{LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{"ours" if name in ours else "bar"}" x="{LEFT}" y="{top}" width="{length:.1f}" '
            f'height="{BAR}"/>',
            f'<text x="{LEFT + length + 6:.1f}" y="{top + 15}">{rate:,.0f}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
