"""ONE table of control operations, for both doors and the command line."""

from daemon.operations.desk import Desk, Operation
from daemon.operations.session import Session, Unanswered
from daemon.operations.table import OPERATIONS, operate

__all__ = ["OPERATIONS", "Desk", "Operation", "Session", "Unanswered", "operate"]
