"""Asks for the token count of an OpenAI chat stream and takes the extra chunk out again (setting `include_usage`).

OpenAI sends the count in one more chunk with empty `choices`; clients that did not ask for it may stumble over that.
"""

from __future__ import annotations

import json
import re
from typing import Final

from daemon.providers.dialect import encoded

_EVENT_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_HOLD: Final = 64 * 1024
"""The chunk with the count is small; of a larger event nothing is held back."""


def asking_for_usage(body: bytes) -> bytes:
    """BODY of a streamed chat request with `stream_options.include_usage`; as it was when it is no JSON object.

    Where there are no `stream_options`, they are put in front and all other bytes stay.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(document, dict) or not document:
        return body
    options = document.get("stream_options")
    if options is None and "stream_options" not in document:
        return body.replace(b"{", b'{"stream_options":{"include_usage":true},', 1)
    document["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    return encoded(document)


class UsageChunkRemover:
    """Passes a stream on without the chunk that only holds the count. Feed it every chunk, then `rest()`."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What of the stream may go on now: whole events, less the one."""
        self._held += chunk
        out = []
        start = 0
        for end in _EVENT_END.finditer(self._held):
            event = self._held[start : end.end()]
            start = end.end()
            if not _only_usage(event):
                out.append(event)
        self._held = self._held[start:]
        if len(self._held) > _HOLD:
            out.append(self._held)
            self._held = b""
        return b"".join(out)

    def rest(self) -> bytes:
        """What is left at the end of the stream."""
        left, self._held = self._held, b""
        return b"" if _only_usage(left) else left


def _only_usage(event: bytes) -> bool:
    if len(event) > _HOLD or b'"usage"' not in event or not event.lstrip().startswith(b"data:"):
        return False
    try:
        document = json.loads(event.lstrip().removeprefix(b"data:"))
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("choices") == [] and bool(document.get("usage"))
