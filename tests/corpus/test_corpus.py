"""Real errors from public threads, where the collection is at hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from daemon.explain import Catalogue
from daemon.model import Failure

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
CORPUS = next(
    (
        p.parent / "shared" / "corpus" / "dev.jsonl"
        for p in (ROOT, *ROOT.parents)
        if (p.parent / "shared" / "corpus").is_dir()
    ),
    None,
)


def benchmark() -> ModuleType:
    """Load benchmarks/corpus.py, which is not a package."""
    spec = importlib.util.spec_from_file_location("corpus_benchmark", ROOT / "benchmarks" / "corpus.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["corpus_benchmark"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(CORPUS is None or not CORPUS.is_file(), reason="needs a folder shared/corpus beside the checkout")
def test_the_collection_is_recognised() -> None:
    """At least 98 % where the label is sure, 95 % over all, and no advice that is plainly wrong."""
    assert CORPUS is not None
    module = benchmark()
    score = module.measure(Catalogue.load(), module.rows(CORPUS))
    report = module.report(score, wrong=True)
    assert score.sure_right >= 0.98 * score.sure, report
    assert score.right >= 0.95 * score.total, report
    assert score.stated_right >= 0.98 * score.stated, report
    assert score.invented < 0.01 * score.silent, report
    assert score.retry_wrong == 0, report
    assert score.confident_wrong == 0, report


@pytest.mark.skipif(CORPUS is None or not CORPUS.is_file(), reason="needs a folder shared/corpus beside the checkout")
@pytest.mark.parametrize(("fold", "right", "confident"), [("provider", 0.66, 8), ("source", 0.86, 7)])
def test_what_was_not_foreseen(fold: str, right: float, confident: int) -> None:
    """Without the rules made for a provider, or for one source, the general ones are seldom wrong with certainty."""
    assert CORPUS is not None
    module = benchmark()
    catalogue = Catalogue.load()
    errors = list(module.rows(CORPUS))
    folds = list(module.by_provider(errors) if fold == "provider" else module.by_source(errors, catalogue))
    scores = [module.measure(catalogue.without(rules) if rules else catalogue, own) for _, own, rules in folds]
    assert sum(score.total for score in scores) == len(errors)
    assert sum(score.right for score in scores) >= right * len(errors)
    assert sum(score.confident_wrong for score in scores) <= confident


def test_folds_take_away_what_was_made_for_them(tmp_path: Path) -> None:
    """By source: a rule that only one source has needed is taken away there, one that two needed is not."""
    module = benchmark()
    catalogue = Catalogue.load()
    thread = "https://github.com/{}/issues/1"
    texts = {"a/a": "402 Insufficient Balance", "b/b": "402 Insufficient Balance", "c/c": "503 overloaded"}
    errors = [
        {
            "id": project,
            "provider": project[0],
            "form": "text",
            "text": text,
            "subtype": "x",
            "source": thread.format(project),
        }
        for project, text in texts.items()
    ]
    assert {name: rules for name, _, rules in module.by_source(errors, catalogue)} == {
        "a/a": (), "b/b": (), "c/c": ("generic.overloaded",),
    }  # fmt: skip
    assert module.source_of({"source": "https://docs.example.com/x"}) == "docs.example.com"
    assert [fold[2] for fold in module.by_provider(errors)] == [("a.",), ("b.",), ("c.",)]
    assert "all together" in list(module.leave_out(catalogue, module.by_source(errors, catalogue), True))[-1]


def test_the_benchmark_counts_right(tmp_path: Path) -> None:
    """Two errors of our own, one with a wrong label on purpose: the figures say so."""
    module = benchmark()
    (tmp_path / "own.jsonl").write_text(
        '{"id": "a", "provider": "x", "form": "text", "text": "402 Insufficient Balance", '
        '"subtype": "insufficient_quota", "label_confidence": "sure"}\n'
        '{"id": "b", "provider": "x", "form": "http", "status": 402, "body": "{}", '
        '"subtype": "tokens", "label_confidence": "sure", "limit": 5}\n'
    )
    catalogue = Catalogue.load()
    score = module.measure(catalogue, module.rows(tmp_path / "own.jsonl"))
    assert (score.total, score.right, score.sure, score.sure_right) == (2, 1, 2, 1)
    assert (score.stated, score.stated_right, score.retry_wrong) == (1, 0, 1)
    assert "50.0 %" in module.report(score, wrong=False)
    assert catalogue.classify(Failure(status=402, body=b"{}")).subtype == "insufficient_quota"
