"""What the doors' tests share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of our own with a short name, since a socket's path is at most 103 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
