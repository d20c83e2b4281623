"""The comparison as a picture: what each gateway adds to a call, and how many calls a second it passes on.

Written as SVG by hand: a dozen bars need no library. The scale is logarithmic, since the slowest gateway adds hundreds
of times what the fastest does.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.toll.bounds import number
from benchmarks.toll.contenders import CONTENDERS
from benchmarks.toll.found import Found
from benchmarks.toll.table import row

INK, SOFT, OURS, OTHERS = "#24292f", "#57606a", "#1f6feb", "#c9ced6"
WIDTH, LINE, NAME, BAR = 872, 24, 190, 560
Bars = list[tuple[str, float, bool]]
"""Title, value, whether it is ours."""


def draw(found: Found, path: Path) -> None:
    """Write the picture. Raises ValueError when no contender was measured."""
    panels = [
        ("What a gateway adds to a call, in milliseconds (median; shorter is better)", bars(found, "p50")),
        ("Calls a second, 50 at once (longer is better)", bars(found, "per_s")),
    ]
    if not any(values for _, values in panels):
        raise ValueError("nothing was measured that could be drawn")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture(panels), encoding="utf-8")


def bars(found: Found, column: str) -> Bars:
    """A bar for each gateway that was measured."""
    out: Bars = []
    for name, contender in CONTENDERS.items():
        values = row(found.results, name)[column] if name in found.results.rounds and name != "direct" else []
        if values and statistics.median(values) > 0:
            title = contender.title.replace("*", "").replace("`", "")
            out.append((title, statistics.median(values), contender.kind == "sluice"))
    return out


def picture(panels: Sequence[tuple[str, Bars]]) -> str:
    """Panels below each other."""
    lines, y = [], 16
    for title, values in panels:
        lines += _panel(title, values, y)
        y += 30 + LINE * len(values) + 18
    about = "; ".join(title for title, _ in panels)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
        f'aria-label="{escape(about)}">\n<title>{escape(about)}</title>\n'
        "<style>text { font: 13px system-ui, 'DejaVu Sans', sans-serif }</style>\n"
        f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>\n'
    )
    return head + "\n".join(lines) + "\n</svg>\n"


def _panel(title: str, values: Bars, y: float) -> list[str]:
    lines = [f'<text x="8" y="{y + 12}" font-weight="bold" fill="{INK}">{escape(title)}</text>']
    if not values:
        return lines
    low = min(value for _, value, _ in values) / 2
    high = max(value for _, value, _ in values)
    for place, (name, value, ours) in enumerate(values):
        top = y + 30 + LINE * place
        length = max(2.0, BAR * math.log(value / low) / math.log(high / low))
        lines += [
            f'<text x="{NAME - 8}" y="{top + 12}" text-anchor="end" fill="{INK}">{escape(name)}</text>',
            f'<rect x="{NAME}" y="{top}" width="{length:.1f}" height="16" fill="{OURS if ours else OTHERS}"/>',
            f'<text x="{NAME + length + 6:.1f}" y="{top + 12}" fill="{SOFT}">{number(value)}</text>',
        ]
    return lines
