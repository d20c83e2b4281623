"""daemon/whole.py: a file is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.whole import whole_file


def test_it_gets_its_name_at_the_end(tmp_path: Path) -> None:
    """Until then what was there before is there; afterwards it is ours alone, and nothing stands beside it."""
    path, half, other = tmp_path / "a", tmp_path / "a.half", tmp_path / "other"
    path.write_bytes(b"before")
    other.write_bytes(b"other")
    half.symlink_to(other)
    with whole_file(path, half) as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert other.read_bytes() == b"other"
    assert sorted(tmp_path.iterdir()) == [path, other]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_nothing_is_left_of_a_half(tmp_path: Path, error: type[BaseException]) -> None:
    """Whatever ends the block, the file from before stays, alone."""
    path = tmp_path / "a"
    path.write_bytes(b"before")

    def fail() -> None:
        with whole_file(path, tmp_path / "a.half") as file:
            file.write(b"after")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
