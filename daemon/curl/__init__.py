"""The equivalent curl command of a call, and its other forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daemon.curl.command import curl_command, needs_file
    from daemon.curl.forms import call_as
    from daemon.curl.shell import quote

__all__ = ["call_as", "curl_command", "needs_file", "quote"]

_HOME = {"call_as": "forms", "curl_command": "command", "needs_file": "command", "quote": "shell"}


def __getattr__(name: str) -> Any:
    """Load a part when it is asked for: most calls are never repeated by hand."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
