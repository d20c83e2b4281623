"""What happened to each call."""

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
