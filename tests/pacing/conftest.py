"""Puts this folder's own modules (virtual time, simulated providers) within reach of the tests beside it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
