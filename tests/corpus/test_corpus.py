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
    assert score.confident_wrong <= 0.01 * score.total, report


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
