"""Who besides the user may touch a file of theirs."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest

from daemon.owner import mode_for_others, own_group


def test_the_private_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one in which the user is, and that has the user's name; not another one, nor one that nobody knows."""
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: SimpleNamespace(pw_name="me"))
    monkeypatch.setattr(grp, "getgrgid", lambda gid: SimpleNamespace(gr_name="me"))
    assert own_group(os.getegid())
    assert not own_group(os.getegid() + 1)
    monkeypatch.setattr(grp, "getgrgid", lambda gid: SimpleNamespace(gr_name="staff"))
    assert not own_group(os.getegid())


def test_a_group_without_a_name() -> None:
    """It is nobody's."""
    assert not own_group(2**31 - 7)


def test_a_mode_for_others(tmp_path: Path) -> None:
    """Anything that group or others may do counts; what only the owner may does not."""
    tmp_path.chmod(0o700)
    assert mode_for_others(tmp_path.stat()) == ""
    tmp_path.chmod(0o710)
    assert mode_for_others(tmp_path.stat()) == "0710"
    tmp_path.chmod(0o701)
    assert mode_for_others(tmp_path.stat()) == "0701"
