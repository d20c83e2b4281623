"""What went wrong, in words that hold nothing of the request."""

from __future__ import annotations

import errno
import socket
import ssl

from daemon.upstream.faults import cut, failure_of, lost, no_name, no_tls, no_way, not_http, too_late
from upstream.calling import call_to

AGAIN = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_each_has_its_kind_and_says_whether_bytes_went() -> None:
    """The kind decides what is told, and `sent` whether the call may go again."""
    faults = [
        (no_way(ConnectionRefusedError(errno.ECONNREFUSED, "x"), "h", 1), "refused", False, "h:1: Connection refused"),
        (no_way(OSError(errno.ENETUNREACH, "x"), "h", 1), "offline", False, "h:1: Network is unreachable"),
        (no_way(OSError(errno.EHOSTUNREACH, "x"), "h", 1), "offline", False, "h:1: No route to host"),
        (no_way(OSError(errno.EMFILE, "x"), "h", 1), "unreachable", False, "h:1: Too many open files"),
        (no_name(AGAIN, "h", known=False), "offline", False, "the name h cannot be looked up"),
        (no_name(UNKNOWN, "h", known=False), "dns", False, "the name h cannot be looked up"),
        (no_name(UNKNOWN, "h", known=True), "offline", False, "the name h cannot be looked up"),
        (no_name(UnicodeError(), "h", known=True), "dns", False, "the name h cannot be looked up"),
        (no_way(ConnectionAbortedError("x"), "h", 1), "unreachable", False, "h:1: ConnectionAbortedError"),
        (no_tls(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong"), "h", 1, "/ca"), "tls", False, None),
        (no_tls(ConnectionResetError(), "h", 1, "/ca"), "tls", False,
         "no secure connection to h:1: it hung up before there was one; perhaps it knows only old versions of TLS"),
        (lost(ConnectionResetError(errno.ECONNRESET, "x")), "reset", True, "Connection reset by peer"),
        (lost(None), "reset", True, "the connection was closed before an answer came"),
        (not_http(), "bad_answer", True, "the answer is not valid HTTP"),
        (cut(), "truncated", True, "the connection was closed before the answer was complete"),
        (too_late("connect_timeout", "connect", 0.5, sent=False), "connect_timeout", False,
         "no connection within 0.5 s (setting timeouts.connect)"),
    ]  # fmt: skip
    for fault, kind, sent, detail in faults:
        assert (fault.kind, fault.sent) == (kind, sent)
        assert detail is None or fault.detail == detail


def test_a_certificate_is_named_with_its_host() -> None:
    """And with why it cannot be trusted, by words and number but without OpenSSL's tail, and by whose list."""
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_message = "Hostname mismatch, certificate is not valid for 'h'."
    error.verify_code = 62
    fault = no_tls(error, "h", 443, "/my/ca.pem")
    assert (fault.kind, fault.detail) == (
        "tls",
        "the certificate of h cannot be trusted (Hostname mismatch, code 62); "
        "trusted are the authorities in /my/ca.pem (setting ca_file)",
    )


def test_a_failure_knows_its_call() -> None:
    """Host, provider and model are the call's."""
    failure = failure_of(call_to(1), "reset", "why", sent=True, status=200)
    assert (failure.host, failure.provider, failure.model) == ("api.example.com", "openai", "m")
    assert (failure.fault, failure.detail, failure.sent, failure.status) == ("reset", "why", True, 200)
