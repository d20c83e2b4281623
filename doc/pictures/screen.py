"""A captured terminal screen as SVG: `tmux capture-pane -e` text in, a picture that stays text out. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

CELL_W, CELL_H, BASELINE = 8.4, 18.0, 13.5
"""Pixels, for a monospace font of 14 px (its characters are 0.6 em wide)."""
MARGIN, BAR, GAP = 16.0, 30.0, 14.0
"""Around the text; the window's title bar; between two windows of one picture."""

INK, PAPER, EDGE, TITLE = "#24292f", "#ffffff", "#d0d7de", "#57606a"
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"

SIXTEEN = (
    "#24292f", "#b3261e", "#1a7f37", "#8a6100", "#0550ae", "#8250df", "#1b7c83", "#6e7781",
    "#57606a", "#cf222e", "#2da44e", "#bf8700", "#218bff", "#a475f9", "#3192aa", "#8c959f",
)  # fmt: skip

BLOCKS = {"█": 1.0, "▓": 0.6, "▒": 0.35, "░": 0.15}
"""Drawn as rectangles of this opacity: fonts leave gaps between them."""

_SGR = re.compile(r"\x1b\[([\d;:]*)m")
_OTHER = re.compile(r"\x1b(?:\[[\d;?]*[A-Za-ln-z]|[()].|\]8;[^\x1b\x07]*(?:\x07|\x1b\\))|[\x0e\x0f]")


@dataclass(frozen=True)
class Style:
    """How a run of characters looks; None: the terminal's own colour."""

    ink: str | None = None
    paper: str | None = None
    bold: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False

    def colours(self) -> tuple[str, str | None]:
        """Ink, and paper unless it is the window's."""
        if self.inverse:
            return self.paper or PAPER, self.ink or INK
        return self.ink or INK, self.paper


@dataclass(frozen=True)
class Run:
    """Neighbouring characters of one style; columns from 0."""

    column: int
    text: str
    style: Style

    @property
    def width(self) -> int:
        """Columns that it takes: wide characters take two."""
        return sum(map(columns, self.text))


@dataclass(frozen=True)
class Window:
    """One screen of the picture."""

    title: str
    lines: Sequence[str]
    """As captured, with colours."""


def columns(character: str) -> int:
    """How many columns a terminal gives to CHARACTER."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def runs(lines: Sequence[str]) -> Iterator[tuple[int, Run]]:
    """(row, run) of a captured screen. A style holds until it is changed, also into the next line."""
    style = Style()
    for row, line in enumerate(lines):
        column = 0
        for i, piece in enumerate(_SGR.split(_OTHER.sub("", line))):
            if i % 2:
                style = styled(style, [int(code or 0) for code in re.split("[;:]", piece)])
            elif piece:
                run = Run(column, piece, style)
                column += run.width
                yield row, run


def styled(style: Style, codes: list[int]) -> Style:
    """STYLE after the codes of one `CSI ... m`."""
    while codes:
        code = codes.pop(0)
        if code in (38, 48):
            colour = _extended(codes)
            style = replace(style, ink=colour) if code == 38 else replace(style, paper=colour)
        elif code == 0:
            style = Style()
        elif code in _FLAGS:
            style = _FLAGS[code](style)
        elif code in _INKS:
            style = replace(style, ink=_INKS[code])
        elif code in _PAPERS:
            style = replace(style, paper=_PAPERS[code])
    return style


_FLAGS: dict[int, Callable[[Style], Style]] = {
    1: lambda style: replace(style, bold=True),
    3: lambda style: replace(style, italic=True),
    4: lambda style: replace(style, underline=True),
    7: lambda style: replace(style, inverse=True),
    22: lambda style: replace(style, bold=False),
    23: lambda style: replace(style, italic=False),
    24: lambda style: replace(style, underline=False),
    27: lambda style: replace(style, inverse=False),
}
_INKS: dict[int, str | None] = {39: None, **{30 + i: SIXTEEN[i] for i in range(8)}}
_INKS |= {90 + i: SIXTEEN[8 + i] for i in range(8)}
_PAPERS: dict[int, str | None] = {49: None, **{40 + i: SIXTEEN[i] for i in range(8)}}
_PAPERS |= {100 + i: SIXTEEN[8 + i] for i in range(8)}


def _extended(codes: list[int]) -> str:
    """The colour that follows 38 or 48; takes its numbers from CODES."""
    if codes.pop(0) == 2:
        red, green, blue = codes.pop(0), codes.pop(0), codes.pop(0)
        return f"#{red:02x}{green:02x}{blue:02x}"
    number = codes.pop(0)
    if number < 16:
        return SIXTEEN[number]
    if number >= 232:
        return "#" + f"{8 + 10 * (number - 232):02x}" * 3
    levels = (0, 95, 135, 175, 215, 255)
    return "#" + "".join(f"{levels[(number - 16) // step % 6]:02x}" for step in (36, 6, 1))


def svg(windows: Sequence[Window], width: int, about: str) -> str:
    """The picture: WINDOWS below each other, WIDTH columns; ABOUT is read to those who cannot see it."""
    wide = 2 * MARGIN + width * CELL_W
    body, top = [], 0.0
    for window in windows:
        high = BAR + 2 * MARGIN + len(window.lines) * CELL_H
        body += [f'<g transform="translate(0 {top:g})">', *_window(window, wide, high), "</g>"]
        top += high + GAP
    head = f'viewBox="0 0 {wide:g} {top - GAP:g}" width="{wide:g}" height="{top - GAP:g}"'
    style = f"text {{ font: 14px {FONT}; white-space: pre }} rect {{ shape-rendering: crispEdges }}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {head} role="img" aria-label="{escape(about)}">',
            f"<title>{escape(about)}</title>",
            f"<style>{style}</style>",
            *body,
            "</svg>\n",
        ]
    )


def _window(window: Window, wide: float, high: float) -> Iterator[str]:
    yield (
        f'<rect x="0.5" y="0.5" width="{wide - 1:g}" height="{high - 1:g}" rx="8" fill="{PAPER}" stroke="{EDGE}"/>'
        f'<path d="M0.5 {BAR:g}H{wide - 0.5:g}" stroke="{EDGE}"/>'
    )
    yield f'<text x="{MARGIN:g}" y="{BAR - 10:g}" fill="{TITLE}">{escape(window.title)}</text>'
    for row, run in runs(window.lines):
        yield from _run(run, BAR + MARGIN + row * CELL_H)


def _run(run: Run, y: float) -> Iterator[str]:
    """The paper of a run, then its words, each at its own column whatever the font's width is."""
    ink, paper = run.style.colours()
    if paper:
        yield _rect(run.column, run.width, y, paper)
    for found in re.finditer(r"[█▓▒░]+|[^\s█▓▒░]+(?: [^\s█▓▒░]+)*", run.text):
        column = run.column + sum(map(columns, run.text[: found.start()]))
        width = sum(map(columns, found[0]))
        if found[0][0] in BLOCKS:
            for part in re.finditer(r"(.)\1*", found[0]):
                yield _rect(column + part.start(), len(part[0]), y, ink, BLOCKS[part[1]])
            continue
        yield (
            f'<text x="{MARGIN + column * CELL_W:g}" y="{y + BASELINE:g}" textLength="{width * CELL_W:g}" '
            f'lengthAdjust="spacingAndGlyphs" fill="{ink}"{_look(run.style)}>{escape(found[0], quote=False)}</text>'
        )


def _look(style: Style) -> str:
    """The attribute for what is more than a colour; empty for plain words."""
    wanted = (
        ("font-weight:bold", style.bold),
        ("font-style:italic", style.italic),
        ("text-decoration:underline", style.underline),
    )
    words = ";".join(rule for rule, holds in wanted if holds)
    return f' style="{words}"' if words else ""


def _rect(column: int, width: int, y: float, colour: str, opacity: float = 1.0) -> str:
    seen = "" if opacity == 1.0 else f' fill-opacity="{opacity:g}"'
    x = MARGIN + column * CELL_W
    return f'<rect x="{x:g}" y="{y:g}" width="{width * CELL_W:g}" height="{CELL_H:g}" fill="{colour}"{seen}/>'
