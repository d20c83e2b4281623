"""The equivalent curl command of a call."""

from daemon.curl.command import curl_command, needs_file
from daemon.curl.shell import quote

__all__ = ["curl_command", "needs_file", "quote"]
