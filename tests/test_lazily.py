"""Rooms that load a part when it is asked for."""

from __future__ import annotations

import sys

import pytest

from daemon.lazily import lazily


def test_a_part_is_loaded_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before; and a name that the room does not have is refused as any module refuses it."""
    monkeypatch.delitem(sys.modules, "daemon.curl.shell", raising=False)
    part = lazily("daemon.curl", {"quote": "shell"})
    assert "daemon.curl.shell" not in sys.modules
    assert part("quote") is sys.modules["daemon.curl.shell"].quote
    with pytest.raises(AttributeError, match=r"module 'daemon\.curl' has no attribute 'lost'"):
        part("lost")
