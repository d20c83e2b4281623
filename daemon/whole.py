"""A file that is whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, half: Path) -> Iterator[BinaryIO]:
    """A file, for us alone, that gets the name PATH when the block ends; until then it is HALF, in the same folder.

    When anything fails nothing is left of it, and what was at PATH stays. A link at HALF is replaced, not followed.
    Raises OSError.
    """
    half.unlink(missing_ok=True)
    fd = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            yield file
        half.replace(path)
    except BaseException:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise
