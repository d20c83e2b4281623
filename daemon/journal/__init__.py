"""What happened to each call."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.lazily import lazily

if TYPE_CHECKING:
    from daemon.journal.forgetting import Forgotten, Which
    from daemon.journal.journal import Journal
    from daemon.journal.offline import forget_offline
    from daemon.journal.reader import Reader, open_reader
    from daemon.journal.rebuild import Kept, call_from_row, call_of, not_kept
    from daemon.journal.rows import Keeping

__all__ = [
    "Forgotten", "Journal", "Keeping", "Kept", "Reader", "Which", "call_from_row", "call_of", "forget_offline",
    "not_kept", "open_reader",
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
    "not_kept": "rebuild",
    "open_reader": "reader",
}

__getattr__ = lazily(__name__, _HOME)
"""The command line needs the reader alone."""
