"""What happened to each call."""

from daemon.journal.journal import Journal
from daemon.journal.reader import Reader, open_reader
from daemon.journal.rebuild import Kept, call_from_row
from daemon.journal.rows import Keeping

__all__ = ["Journal", "Keeping", "Kept", "Reader", "call_from_row", "open_reader"]
