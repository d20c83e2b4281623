"""Each system call of a daemon's life fails once. Here a part of them; `python -m benchmarks.reliability --only F17`
takes all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from faults.daemon_life import live, unwritten
from faults.injection import injected, spared

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc, which only Linux has")

STRIDE = 17
"""A prime, so that over the versions of the code all kinds of calls come by."""
KINDS = {
    "open", "flock", "write", "pwrite", "file write", "mkdir", "unlink", "rename", "replace", "fsync", "ftruncate",
    "fchmod", "chmod", "bind", "listen", "accept", "connect", "sqlite connect", "sqlite execute", "sqlite executemany",
    "sqlite executescript",
}  # fmt: skip
"""What a daemon's life asks of the system. A call that is missing has found a way past the faults."""


def test_an_untouched_life(sandbox: Any) -> None:
    """Without a fault all is answered, and there are enough points at which something could fail."""
    life = live(sandbox(requests_per_minute=None, tokens_per_minute=None).url)
    assert not life.wrong
    assert not life.refused
    assert life.faults.count >= 300, life.faults.kinds
    assert life.faults.kinds.keys() >= KINDS
    assert not unwritten(life.faults.files)
    codes = [answer.split(" ")[1] for answer in life.answers if answer.startswith("HTTP")]
    assert codes == 2 * ["200", "200", "200", "429", *6 * ["200"]]
    assert sum('"result"' in answer for answer in life.answers) == 4


def test_what_is_written_fails_where_it_would(tmp_path: Path) -> None:
    """A full disk shows when the buffer is written, so at a flush or at the close: what was buffered is not on disk,
    and the file is closed all the same. It is no other with a file that was opened by its descriptor."""
    for make in (
        lambda: (tmp_path / "named").open("wb"),
        lambda: os.fdopen(os.open(tmp_path / "by-number", os.O_WRONLY | os.O_CREAT), "wb"),
    ):
        with injected() as faults:
            with spared():
                file = make()
            faults.at = faults.count + 1
            file.write(b"x")
            assert not faults.failed
            with pytest.raises(OSError, match="No space"):
                file.close()
            assert file.closed
            assert faults.failed.startswith("file write")
    assert [path.stat().st_size for path in sorted(tmp_path.iterdir())] == [0, 0]


def test_one_call_fails(sandbox: Any) -> None:
    """No hang, nothing left open, held or half written, no fault that nobody caught; answered, or refused in words."""
    url = sandbox(requests_per_minute=None, tokens_per_minute=None).url
    wrong = []
    at = 1
    while True:
        life = live(url, at)
        if not life.faults.failed:
            break
        wrong += [f"{at} ({life.faults.failed}): {what}" for what in life.wrong]
        at += STRIDE
    assert not wrong, "\n".join(wrong)
    assert at > 300
