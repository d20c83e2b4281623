"""Bodies in files: `ID.request` and `ID.answer`, readable for the user alone, gone when their call's row goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from daemon.whole import whole_file

Part = Literal["request", "answer"]


class Bodies:
    """The folder `bodies` beside the database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bodies"

    def path(self, call_id: str, part: Part) -> Path:
        """Where that body is, or would be."""
        return self.folder / f"{quote(call_id, safe='', errors='replace')}.{part}"

    def keep(self, call_id: str, part: Part, data: bytes) -> None:
        """Write DATA, whole or not at all. Raises OSError."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self.path(call_id, part)
        half = path.with_suffix(f".{part}-half")
        with whole_file(path, half) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def read(self, call_id: str, part: Part) -> bytes | None:
        """The body, or None when it is not there."""
        try:
            return self.path(call_id, part).read_bytes()
        except OSError:
            return None

    def drop(self, call_ids: Iterable[str]) -> None:
        """Delete the bodies of these calls."""
        for call_id in call_ids:
            for part in ("request", "answer"):
                with suppress(OSError):
                    self.path(call_id, part).unlink()

    def files(self) -> list[Path]:
        """All that is in the folder."""
        return list(self.folder.iterdir()) if self.folder.is_dir() else []

    def sweep(self, is_kept: Callable[[str], bool], before: float = float("inf")) -> int:
        """Delete files from BEFORE that instant (Unix time) whose NAME.part no row speaks of (a crash came between file
        and row); return how many."""
        orphans = [path for path in self.files() if not is_kept(path.name) and _written_at(path) < before]
        for path in orphans:
            with suppress(OSError):
                path.unlink()
        return len(orphans)


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
