"""What becomes of a call when its provider fails: twelve faults at four moments, each as doc/faults.md says it.

A call is never lost without a word and never sent twice, but for a refusal that was answered in full; a cut stream
never looks whole; and a silence that was too long is named with its setting.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hostile.faults import FAULTS, STAGES, Certificates, Stage, observe

PAGE = Path(__file__).resolve().parents[2] / "doc" / "faults.md"


def outcomes() -> dict[tuple[str, str], str]:
    """The table of the manual: (fault, stage) to outcome."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if " | " in line]
    heads = next(row for row in rows if row[1:] == list(STAGES))
    rows = [row for row in rows if len(row) == len(heads) and row is not heads]
    return {(row[0], stage): cell for row in rows for stage, cell in zip(STAGES, row[1:], strict=True)}


@pytest.fixture(scope="session")
def certificate_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a provider that it has signed, and a stranger with a certificate of his own."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing; install it: apt install openssl")
    folder = tmp_path_factory.mktemp("certificates")

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    names = ("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 wants it said
    run(*new, *signs, "-subj", "/CN=authority", "-keyout", "authority.key", "-out", "authority.pem")
    run(*new, "-subj", "/CN=stranger", *names, "-keyout", "stranger.key", "-out", "stranger.pem")
    run(*new, "-subj", "/CN=provider", *names, "-keyout", "provider.key", "-out", "provider.pem",
        "-CA", "authority.pem", "-CAkey", "authority.key", "-addext", "basicConstraints=critical,CA:FALSE")  # fmt: skip
    return folder


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_fault(
    fault: str, stage: Stage, place: Path, monkeypatch: pytest.MonkeyPatch, certificate_folder: Path
) -> None:
    """What the client sees, and how often the provider got it, is what the manual says."""
    seen = await observe(fault, stage, place, monkeypatch, Certificates(certificate_folder))
    assert seen == outcomes()[fault, stage]


def test_the_table_is_whole() -> None:
    """Each fault has an outcome at each stage, and nothing else stands there."""
    assert set(outcomes()) == {(fault, stage) for fault in FAULTS for stage in STAGES}
