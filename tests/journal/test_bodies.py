"""Files of bodies."""

import os

import pytest

from daemon.journal.bodies import Bodies


def test_kept_read_and_dropped(tmp_path):
    """A body comes back whole from a private file and is gone after drop."""
    bodies = Bodies(tmp_path)
    bodies.keep("c1", "request", b"\0data")
    bodies.keep("c1", "request", b"again")
    assert bodies.path("c1", "request").read_bytes() == b"again"
    assert bodies.path("c1", "request").stat().st_mode & 0o777 == 0o600
    assert bodies.folder.stat().st_mode & 0o777 == 0o700
    bodies.drop(["c1", "never"])
    assert list(bodies.folder.iterdir()) == []


def test_an_id_cannot_leave_the_folder(tmp_path):
    """Slashes and dots in an id name a file in the folder all the same."""
    bodies = Bodies(tmp_path / "journal")
    for odd in ("../../x", "/etc/passwd", "..", "a\0b"):
        assert bodies.path(odd, "request").resolve().parent == (tmp_path / "journal" / "bodies").resolve()


def test_a_link_in_the_place_is_not_followed(tmp_path):
    """A symbolic link that waits under the body's name is replaced, its target untouched."""
    bodies = Bodies(tmp_path)
    bodies.folder.mkdir()
    target = tmp_path / "target"
    target.write_text("mine")
    bodies.path("c1", "request").symlink_to(target)
    bodies.path("c1", "request").with_suffix(".request-half").symlink_to(target)
    bodies.keep("c1", "request", b"data")
    assert target.read_text() == "mine"
    assert bodies.path("c1", "request").read_bytes() == b"data"


def test_a_failed_write_leaves_nothing(tmp_path):
    """Without a folder to write to it raises OSError and leaves no half file."""
    (tmp_path / "bodies").write_text("in the way")
    with pytest.raises(OSError, match="bodies"):
        Bodies(tmp_path).keep("c1", "request", b"x")


def test_sweep(tmp_path):
    """What no row speaks of goes, half-written files too."""
    bodies = Bodies(tmp_path)
    assert bodies.sweep(lambda name: False) == 0
    for name in ("c1", "c2"):
        bodies.keep(name, "request", b"x")
    (bodies.folder / "c3.request-half").write_bytes(b"x")
    assert bodies.sweep(lambda name: name == "c1.request") == 2
    assert [path.name for path in bodies.folder.iterdir()] == ["c1.request"]


def test_sweep_leaves_what_is_new(tmp_path):
    """Files from after that instant stay: their rows may still be on their way."""
    bodies = Bodies(tmp_path)
    for name, at in (("old", 1000.0), ("new", 3000.0)):
        bodies.keep(name, "request", b"x")
        os.utime(bodies.path(name, "request"), (at, at))
    assert bodies.sweep(lambda name: False, before=2000.0) == 1
    assert bodies.read("new", "request") == b"x"
