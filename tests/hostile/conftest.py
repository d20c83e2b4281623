"""What the tests with hostile input share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage.canary import Canary


@pytest.fixture
def place(canary: Canary) -> Iterator[Path]:
    """A folder of our own with a short name, since a socket's path is at most 103 bytes. It is searched for keys."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    yield folder
    canary.search(folder)
    shutil.rmtree(folder, ignore_errors=True)
