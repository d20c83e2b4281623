"""The picture that explains it: what the provider allowed against what was used, over time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.race.bound import admissions
from benchmarks.race.running import Run

INK, ALLOWED, USED, REFUSED = "#24292f", "#c9ced6", "#1f6feb", "#d1242f"


def draw(runs: Sequence[tuple[str, str, Run]], path: Path) -> None:
    """Draw one panel for each (entrant, shape, run): entrants across, shapes down. Raises ImportError without
    matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= {"svg.hashsalt": "sluice", "svg.fonttype": "none", "font.family": "sans-serif"}
    from matplotlib import pyplot

    entrants = list(dict.fromkeys(name for name, _, _ in runs))
    shapes = list(dict.fromkeys(shape for _, shape, _ in runs))
    figure, axes = pyplot.subplots(
        len(shapes), len(entrants), figsize=(3.4 * len(entrants), 2.3 * len(shapes)), squeeze=False, sharex="row",
        sharey="row", layout="constrained",
    )  # fmt: skip
    for name, shape, run in runs:
        _panel(axes[shapes.index(shape)][entrants.index(name)], run)
    for column, name in enumerate(entrants):
        axes[0][column].set_title(name, fontsize=10, color=INK)
        axes[-1][column].set_xlabel("minutes of the provider", fontsize=8)
    for line, shape in enumerate(shapes):
        axes[line][0].set_ylabel(f"{WORDS[shape]}\ncalls", fontsize=8)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
    if path.suffix == ".svg":
        path.write_text(_shorter(path.read_text()))


WORDS = {"bucket": "refilled\nsteadily", "fixed": "fixed\nwindows", "sliding": "sliding\nwindow", "slices": "slices"}


def _shorter(svg: str) -> str:
    """The same with paths to a tenth of a point: enough for the eye, and half the bytes."""
    return re.sub(r'(?<= d=")[^"]+', lambda path: re.sub(r"(\d+\.\d)\d+", r"\1", path[0]), svg)


def _panel(axes: Any, run: Run) -> None:
    """Allowed as an area, used as a line, refusals as red marks on the line."""
    minute, start = run.settings.minute_s, run.start
    allowed = sorted((at - start) / minute for at, _ in admissions(run.jobs, run.settings, start))
    used = sorted((s["admitted"] - start) / minute for s in run.seen if s["admitted"] is not None)
    refused = [(s["arrived"] - start) / minute for s in run.seen if s["status"] == 429]
    end = max([*allowed, *used, *refused, 0.1]) * 1.04
    axes.fill_between(*_steps(allowed, end), step="post", color=ALLOWED, label="allowed by the provider")
    axes.plot(*_steps(used, end), drawstyle="steps-post", color=USED, linewidth=1.4, label="used")
    marks = [sum(1 for at in used if at <= when) for when in refused]
    across = [x for at in refused for x in (at, at, math.nan)]  # one path is small, markers are not
    up = [y for mark in marks for y in (mark - 4, mark + 4, math.nan)]
    axes.plot(across, up, color=REFUSED, linewidth=0.8, label="refused with 429")
    lost = len(run.jobs) - len(used)
    note = f"{len(refused)} refused, {max(0, lost)} never done"
    axes.text(0.98, 0.05, note, transform=axes.transAxes, ha="right", fontsize=8, color=REFUSED if refused else INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)
    axes.set_xlim(0, end)
    axes.set_ylim(0, None)


def _steps(instants: Sequence[float], end: float) -> tuple[list[float], list[int]]:
    """Instants as a rising staircase from 0 to END."""
    return [0.0, *instants, end], [0, *range(1, len(instants) + 1), len(instants)]
