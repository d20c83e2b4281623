"""ONE table of control operations, for both doors and the command line."""

from daemon.operations.desk import Desk, Operation, Session
from daemon.operations.table import OPERATIONS, operate

__all__ = ["OPERATIONS", "Desk", "Operation", "Session", "operate"]
