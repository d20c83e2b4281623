"""Small disks that can be full, and files that cannot be written. Only root can have them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

MAY_NOT = "only root may mount a small disk: run this test as root in a container that allows it (--cap-add SYS_ADMIN)"


def _mount(*arguments: str) -> None:
    """Mount, or skip the test with what it needs."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip(MAY_NOT)
    if subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode:
        pytest.skip(MAY_NOT)


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, str], Path]]:
    """`small_disk(folder, "2m")` makes FOLDER a disk of that size. Ask for it before what uses it."""
    mounted: list[Path] = []

    def make(folder: Path, size: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        _mount("-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder))
        mounted.append(folder)
        return folder

    yield make
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """`read_only(file)` lets nobody write FILE, root neither. Ask for it before what uses it."""
    mounted: list[Path] = []

    def make(file: Path) -> None:
        _mount("--bind", str(file), str(file))
        mounted.append(file)
        _mount("-o", "remount,bind,ro", str(file))

    yield make
    for file in reversed(mounted):
        subprocess.run(["umount", "-l", str(file)], check=True)


def fill(folder: Path) -> Path:
    """Take the last byte of FOLDER's disk; return the file to delete for room."""
    file = folder / "filler"
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as filler:
        for size in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(b"x" * size)
    return file
