"""The equivalent curl command of a call, and its other forms."""

from daemon.curl.command import curl_command, needs_file
from daemon.curl.forms import call_as
from daemon.curl.shell import quote

__all__ = ["call_as", "curl_command", "needs_file", "quote"]
