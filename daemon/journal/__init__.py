"""What happened to each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daemon.journal.forgetting import Forgotten, Which
    from daemon.journal.journal import Journal
    from daemon.journal.offline import forget_offline
    from daemon.journal.reader import Reader, open_reader
    from daemon.journal.rebuild import Kept, call_from_row, call_of
    from daemon.journal.rows import Keeping

__all__ = [
    "Forgotten", "Journal", "Keeping", "Kept", "Reader", "Which", "call_from_row", "call_of", "forget_offline",
    "open_reader",
]  # fmt: skip

_HOME = {
    "Forgotten": "forgetting",
    "Journal": "journal",
    "Keeping": "rows",
    "Kept": "rebuild",
    "Reader": "reader",
    "Which": "forgetting",
    "call_from_row": "rebuild",
    "call_of": "rebuild",
    "forget_offline": "offline",
    "open_reader": "reader",
}


def __getattr__(name: str) -> Any:
    """Load a part when it is asked for: the command line needs the reader alone."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
