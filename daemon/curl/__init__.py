"""The equivalent curl command of a call, and its other forms."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.lazily import lazily

if TYPE_CHECKING:
    from daemon.curl.command import curl_command, needs_file
    from daemon.curl.forms import call_as
    from daemon.curl.shell import quote

__all__ = ["call_as", "curl_command", "needs_file", "quote"]

_HOME = {"call_as": "forms", "curl_command": "command", "needs_file": "command", "quote": "shell"}

__getattr__ = lazily(__name__, _HOME)
"""Most calls are never repeated by hand."""
