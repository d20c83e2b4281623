"""How well failures are recognised: classify recorded errors and compare with their labels.

    python benchmarks/corpus.py FILE [--wrong] [--leave-out provider|source]

FILE holds JSON lines: `form` http gives status, headers and body to the catalogue; form text gives the text alone.
The provider is never given. `--leave-out` asks how the rules do on what they were not written for. By provider: for
each provider of the file the rules with its name are taken away, and its errors are classified by what is left. By
source (the project or site of the thread an error was quoted in): the rules that no error of another source has
needed are taken away.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from daemon.explain import Catalogue
from daemon.model import Failure, Finding

FACTS = ("window", "limit", "used", "requested", "retry_after_s", "model")


@dataclass
class Score:
    """What came out of one run."""

    total: int = 0
    right: int = 0
    sure: int = 0
    sure_right: int = 0
    unknown: int = 0
    confident_wrong: int = 0
    stated: int = 0
    stated_right: int = 0
    silent: int = 0
    invented: int = 0
    retry_wrong: int = 0
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


RULES_OF = {
    "anthropic": ("anthropic.", "claude."), "gemini": ("google.",), "vertex": ("vertex.", "google."),
    "azure-openai": ("azure.",), "new-api": ("relay.",), "litellm-proxy": ("litellm.",), "nvidia-nim": ("relay.",),
    "nvidia": ("relay.",), "opencode-zen": ("relay.",), "cloudflare": ("edge.",), "cloudflare-edge": ("edge.",),
    "github-models": ("github_models.",), "gpt4free": ("g4f.", "github_models."), "chatgpt-web": ("openai.",),
    "chatgpt2api": ("relay.",), "huawei-maas": ("edge.",), "watsonx": ("watsonx.", "watson."), "other": ("app.",),
}  # fmt: skip
"""Rules that were written for a provider, where the beginning of their ids is not its name."""


def own_rules(provider: str) -> tuple[str, ...]:
    """Return the beginnings of the ids of the rules written for PROVIDER."""
    return RULES_OF.get(provider, (f"{provider}.",))


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the errors in the file at PATH."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def failure(row: dict[str, Any]) -> Failure:
    """Return what the catalogue may see of ROW."""
    if row["form"] == "text":
        return Failure(text=row["text"])
    headers = tuple((name, str(value)) for name, value in (row.get("headers") or {}).items())
    return Failure(status=row.get("status"), headers=headers, body=(row.get("body") or "").encode())


def measure(catalogue: Catalogue, errors: Iterable[dict[str, Any]]) -> Score:
    """Classify ERRORS and count."""
    families = {entry["subtype"]: entry["retry"] for entry in catalogue.subtypes()}
    score = Score()
    for row in errors:
        seen = failure(row)
        start = time.perf_counter()
        finding = catalogue.classify(seen)
        score.seconds.append(time.perf_counter() - start)
        _count(score, row, finding, families)
    return score


def _count(score: Score, row: dict[str, Any], finding: Finding, retry_of: dict[str, str]) -> None:
    right = finding.subtype == row["subtype"]
    sure = row.get("label_confidence") == "sure"
    score.total += 1
    score.right += right
    score.sure += sure
    score.sure_right += sure and right
    score.unknown += finding.subtype == "unknown" and not right
    score.confident_wrong += not right and finding.subtype != "unknown" and finding.confidence == "sure"
    if sure and finding.retry != "unknown" and finding.retry != retry_of.get(row["subtype"]):
        score.retry_wrong += 1
    if not right:
        score.wrong.append(
            f"{row['id']}: said {finding.subtype} ({finding.confidence}, {finding.rule}), "
            f"label {row['subtype']} ({row.get('label_confidence')})"
        )
    for name in FACTS:
        _count_fact(score, row, name, getattr(finding, name))


def _count_fact(score: Score, row: dict[str, Any], name: str, said: Any) -> None:
    label = row.get(name)
    if label is None:
        score.silent += 1
        score.invented += said is not None
        if said is not None:
            score.wrong.append(f"{row['id']}: {name} {said!r} is not in the label")
        return
    if isinstance(label, str):
        same = said == label
    else:
        same = said is not None and math.isclose(said, label, rel_tol=1e-6, abs_tol=1e-6)
    score.stated += 1
    score.stated_right += same
    if not same:
        score.wrong.append(f"{row['id']}: {name} {said!r}, label {label!r}")


def percent(part: int, whole: int) -> str:
    """Return PART of WHOLE for people."""
    return f"{100 * part / whole:5.1f} % ({part}/{whole})" if whole else "    - (0/0)"


def report(score: Score, wrong: bool) -> str:
    """Return the figures, with the list of what was wrong when asked for."""
    times = sorted(score.seconds)
    late = times[int(0.99 * (len(times) - 1))]
    lines = [
        f"subtype, label sure      {percent(score.sure_right, score.sure)}",
        f"subtype, all             {percent(score.right, score.total)}",
        f"confident and wrong      {percent(score.confident_wrong, score.total)}",
        f"unknown, label is not    {percent(score.unknown, score.total)}",
        f"facts stated, right      {percent(score.stated_right, score.stated)}",
        f"facts said, not stated   {percent(score.invented, score.silent)}",
        f"wait/change/never wrong  {score.retry_wrong}",
        f"time a call              p50 {1000 * statistics.median(times):.2f} ms, p99 {1000 * late:.2f} ms",
    ]
    return "\n".join(lines + (["", *score.wrong] if wrong else []))


def source_of(row: dict[str, Any]) -> str:
    """Return the project, else the site, that ROW was quoted in."""
    address = urlsplit(str(row.get("source") or ""))
    parts = [part for part in address.path.split("/") if part]
    return "/".join(parts[:2]) if address.netloc == "github.com" else address.netloc or "-"


Fold = tuple[str, list[dict[str, Any]], tuple[str, ...]]
"""Name, errors, and the beginnings of the ids of the rules that they must do without."""


def by_provider(errors: list[dict[str, Any]]) -> Iterator[Fold]:
    """Yield for each provider its errors and the rules with its name."""
    for provider in sorted({row["provider"] for row in errors}):
        yield provider, [row for row in errors if row["provider"] == provider], own_rules(provider)


def by_source(errors: list[dict[str, Any]], catalogue: Catalogue) -> Iterator[Fold]:
    """Yield for each source its errors and the rules that decided none from elsewhere."""
    users: dict[str, set[str]] = {}
    for row in errors:
        users.setdefault(catalogue.classify(failure(row)).rule or "-", set()).add(source_of(row))
    for source in sorted({source_of(row) for row in errors}):
        alone = tuple(rule for rule, sources in users.items() if sources == {source})
        yield source, [row for row in errors if source_of(row) == source], alone


def leave_out(catalogue: Catalogue, folds: Iterable[Fold], wrong: bool) -> Iterator[str]:
    """Yield a line for each fold, and one for all together."""
    right = total = confident = unknown = 0
    for name, errors, rules in folds:
        score = measure(catalogue.without(rules) if rules else catalogue, errors)
        right, total = right + score.right, total + score.total
        confident, unknown = confident + score.confident_wrong, unknown + score.unknown
        if score.right < score.total or not wrong:
            yield f"{name:32} right {percent(score.right, score.total)}  confident and wrong {score.confident_wrong}"
        if wrong:
            yield from (f"    {line}" for line in score.wrong if ": said " in line)
    yield f"all together: right {percent(right, total)}, unknown {unknown}, confident and wrong {confident}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How well failures are recognised.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--wrong", action="store_true", help="list what was wrong")
    parser.add_argument("--leave-out", choices=("provider", "source"), help="each without the rules made for it")
    options = parser.parse_args(arguments)
    catalogue = Catalogue.load()
    errors = list(rows(options.file))
    for row in errors:  # a daemon that runs has compiled its patterns: the first look at each error is not measured
        catalogue.classify(failure(row))
    if options.leave_out:
        folds = by_provider(errors) if options.leave_out == "provider" else by_source(errors, catalogue)
        print("\n".join(leave_out(catalogue, folds, options.wrong)))
        return 0
    print(report(measure(catalogue, errors), options.wrong))
    return 0


if __name__ == "__main__":
    sys.exit(main())
