"""What is fuzzed: each target takes bytes, and raises only when something is wrong.

The tests run them on the inputs in their own list; `python -m benchmarks.fuzz` lets atheris look for more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from daemon.doors.framing import Framer, FramingError
from daemon.doors.parsing import NotHttp, RequestParser
from daemon.explain import Catalogue
from daemon.model import Failure
from daemon.redact import Redactor
from daemon.upstream.parser import AnswerParser

MOST = 1 << 16


def framing(data: bytes) -> None:
    """The same messages come out however the bytes are cut; nothing but FramingError is raised."""
    assert _fed(data, len(data) or 1) == _fed(data, 1) == _fed(data, 7)


def _fed(data: bytes, size: int) -> tuple[list[bytes], bool]:
    """The messages until the bytes end or are refused, and whether they were."""
    framer, out = Framer(MOST), []
    try:
        for at in range(0, len(data), size):
            out += [bytes(message) for message in framer.feed(data[at : at + size])]
    except FramingError:
        return [], True
    return out, False


@cache
def _catalogue() -> Catalogue:
    return Catalogue.load()


def matching(data: bytes) -> None:
    """Any body of any answer is classified, whatever stands in it."""
    status = 400 + (data[0] if data else 0) % 200
    finding = _catalogue().classify(Failure(status=status, body=data[1:]))
    assert finding.subtype


def redaction(data: bytes) -> None:
    """A key that stands in a text is gone afterwards, and nothing is raised for bytes that are no text."""
    redactor = Redactor(b"fuzz")
    key = "CANARY-fuzz-0123456789abcdef"
    middle = len(data) // 2
    cleaned = redactor.scrub_bytes(data[:middle] + key.encode() + data[middle:], [redactor.secret(key)])
    assert key.encode() not in cleaned


def answers(data: bytes) -> None:
    """An answer of a provider is read alike however it is cut, and nothing is raised."""
    assert _answered(data, len(data) or 1) == _answered(data, 1) == _answered(data, 7)


def _answered(data: bytes, size: int) -> tuple[object, ...]:
    """The head, the body, and whether that is whole or broken."""
    parser = AnswerParser("POST")
    body = b"".join([parser.feed(data[at : at + size]) for at in range(0, len(data), size)])
    return parser.head, body, parser.done, parser.broken, parser.excess


def requests(data: bytes) -> None:
    """A request is read alike however it is cut, and nothing but NotHttp is raised."""
    assert _requested(data, len(data) or 1) == _requested(data, 1) == _requested(data, 7)


def _requested(data: bytes, size: int) -> tuple[object, ...]:
    """The head, the body, whether that is whole, and what is behind it; nothing where it is no request."""
    parser, body, at = RequestParser(), b"", 0
    try:
        while at < len(data) and not parser.done:
            body += parser.feed(data[at : at + size])
            at += size
    except NotHttp:
        return ()
    return parser.request, body, parser.done, parser.rest + data[at:] if parser.done else b""


TARGETS: dict[str, Callable[[bytes], None]] = {
    "framing": framing,
    "matching": matching,
    "redaction": redaction,
    "answers": answers,
    "requests": requests,
}
