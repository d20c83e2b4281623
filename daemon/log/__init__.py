"""The log: one line a call at `info`, a block of lines a call at `debug`."""

from daemon.log.calls import CallLog
from daemon.log.later import record_of
from daemon.log.output import LEVELS, Output, set_up, take_down

__all__ = ["LEVELS", "CallLog", "Output", "record_of", "set_up", "take_down"]
