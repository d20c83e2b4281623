"""Answers on disk: private, bounded, whole or gone."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.cache import Answer, AnswerCache

ONE = Answer(
    "c1", 1000.0, 200, "OK", (("Content-Type", "text/plain"), ("X-Dup", "a"), ("X-Dup", "b")), False, b"hi\n\x00"
)
NAME = "0" * 32


class Clock:
    """A clock that stands where it is put."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache(folder: Path, **more: float) -> tuple[AnswerCache, Clock]:
    """A cache with small bounds."""
    clock = Clock()
    bounds = {"max_age_s": 60.0, "max_bytes": 10_000, "max_body": 1_000, **more}
    return AnswerCache(folder, clock=clock, **bounds), clock  # type: ignore[arg-type]


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """Status, fields in order with duplicates, and each byte of the body; for the user alone."""
    kept, _ = cache(tmp_path)
    assert kept.get(NAME) is None
    assert not kept.folder.exists()
    assert kept.put(NAME, ONE)
    assert kept.get(NAME) == ONE
    (file,) = kept.folder.iterdir()
    assert (file.stat().st_mode & 0o777, kept.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert cache(tmp_path)[0].get(NAME) == ONE


def test_it_is_given_for_so_long(tmp_path: Path) -> None:
    """Then it is deleted; so is one from the future, after the clock was set back."""
    for later in (60.1, -1.0):
        kept, clock = cache(tmp_path)
        kept.put(NAME, ONE)
        clock.now = 1060.0
        assert kept.get(NAME) == ONE
        clock.now = 1000.0 + later
        assert kept.get(NAME) is None
        assert list(kept.folder.iterdir()) == []


def test_what_nobody_asks_for_again_goes_too(tmp_path: Path) -> None:
    """When the cache is used first, and about once an hour: what is older than the age is deleted, and counted off."""
    before, _ = cache(tmp_path, max_age_s=600.0)
    kept, clock = cache(tmp_path, max_age_s=600.0)
    for name, at in (("1" * 32, 399.0), ("2" * 32, 401.0)):
        before.put(name, ONE)
        os.utime(before._path(name), (at, at))
    (kept.folder / "x.half").write_bytes(b"")
    os.utime(kept.folder / "x.half", (399.0, 399.0))
    (kept.folder / "notes.txt").write_text("not ours")
    os.utime(kept.folder / "notes.txt", (1.0, 1.0))
    kept.get(NAME)
    assert sorted(file.name[0] for file in kept.folder.iterdir()) == ["2", "n"]
    clock.now += 3599.0
    kept.get(NAME)
    assert before._path("2" * 32).exists()
    clock.now += 1.0
    kept.put(NAME, ONE)
    assert sorted(file.name[0] for file in kept.folder.iterdir()) == ["0", "n"]
    assert kept._bytes == kept.health()["bytes"]


def test_a_clock_that_was_set_back_does_not_stop_it(tmp_path: Path) -> None:
    """Then it looks at the next use."""
    kept, clock = cache(tmp_path, max_age_s=600.0)
    kept.put(NAME, ONE)
    os.utime(kept._path(NAME), (100.0, 100.0))
    clock.now = 900.0
    kept.get("1" * 32)
    assert not kept._path(NAME).exists()


def test_without_a_folder_nothing_is_looked_for(tmp_path: Path) -> None:
    """A daemon whose cache is off makes none."""
    kept, _ = cache(tmp_path)
    assert kept.expire() == 0
    assert not kept.folder.exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other form", "head"])
def test_what_is_damaged_is_deleted(tmp_path: Path, damage: str) -> None:
    """A part never looks whole, and one bit that fell over is noticed."""
    kept, _ = cache(tmp_path)
    kept.put(NAME, ONE)
    (file,) = kept.folder.iterdir()
    data = file.read_bytes()
    changed = {
        "cut": data[:-1], "flipped": data[:-1] + bytes([data[-1] ^ 1]), "empty": b"",
        "other form": b"\n".join([b"x", b"{}", b""]), "head": data.replace(b'"status": 200', b'"status": 201'),
    }[damage]  # fmt: skip
    file.write_bytes(changed)
    assert kept.get(NAME) is None
    assert not file.exists()


def test_the_oldest_go_when_there_is_no_room(tmp_path: Path) -> None:
    """The bound holds after each answer, also for files that were there before; replaced ones are counted once."""
    kept, _ = cache(tmp_path)
    big = replace(ONE, body=b"x" * 900)
    for i in range(30):
        assert kept.put(f"{i:032x}", big)
        os.utime(kept._path(f"{i:032x}"), (960 + i, 960 + i))
        assert sum(file.stat().st_size for file in kept.folder.iterdir()) <= 10_000
    assert kept.get(f"{29:032x}") == big
    assert kept.get(f"{0:032x}") is None
    again, _ = cache(tmp_path)
    for _ in range(50):
        again.put(NAME, big)
    assert again.health()["bytes"] == sum(file.stat().st_size for file in kept.folder.iterdir()) <= 10_000
    assert again.health()["answers"] > 5


def test_what_is_too_large_is_not_kept(tmp_path: Path) -> None:
    """Neither above the bound for one answer nor above that for all."""
    kept, _ = cache(tmp_path)
    assert not kept.put(NAME, replace(ONE, body=b"x" * 1001))
    kept, _ = cache(tmp_path, max_bytes=100, max_body=1000)
    assert not kept.put(NAME, replace(ONE, body=b"x" * 101))


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    """Nothing is kept, nothing breaks."""
    (tmp_path / "answers").write_text("a file where the folder should be")
    kept, _ = cache(tmp_path)
    assert not kept.put(NAME, ONE)
    assert kept.get(NAME) is None
    assert kept.clear() == 0


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A link that somebody put where the half-written file goes is replaced, not followed."""
    kept, _ = cache(tmp_path)
    kept.folder.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    kept._path(NAME).with_suffix(".half").symlink_to(victim)
    assert kept.put(NAME, ONE)
    assert victim.read_text() == "mine"
    assert kept.get(NAME) == ONE


def test_clearing(tmp_path: Path) -> None:
    """All answers go, and halves of some; other files stay."""
    kept, _ = cache(tmp_path)
    kept.put(NAME, ONE)
    (kept.folder / "x.half").write_bytes(b"")
    (kept.folder / "notes.txt").write_text("not ours")
    assert kept.clear() == 2
    assert [file.name for file in kept.folder.iterdir()] == ["notes.txt"]
    assert kept.health()["answers"] == 0
