"""What went wrong on the way, as data: its kind, its words, and whether bytes of the request had gone out."""

from __future__ import annotations

import os
import ssl

from daemon.model import Call, Failure, Headers, TransportFault
from daemon.phrases import phrase
from daemon.upstream.eyeballs import no_network
from daemon.upstream.presented import Presented


class Fault(Exception):
    """Something went wrong with a connection. Never leaves this room."""

    def __init__(self, kind: TransportFault, detail: str, *, sent: bool = True) -> None:
        """SENT: bytes of the request may have gone out."""
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.sent = sent


class Untrusted(Fault):
    """A certificate that nobody vouches for."""

    def __init__(self, host: str, why: str, code: str, store: str) -> None:
        """WHY, CODE: what OpenSSL says. STORE: where the authorities are that are trusted."""
        super().__init__("tls", phrase("fault.certificate", host=host, why=why, code=code, store=store), sent=False)
        self._said = host, why, code, store

    def by(self, shown: Presented) -> Fault:
        """The same, with whose certificate it is and until when it is valid."""
        host, why, code, store = self._said
        until = shown.until.strftime("%Y-%m-%d %H:%M UTC")
        words = phrase(
            "fault.certificate_of", host=host, why=why, code=code, issuer=shown.issuer, until=until, store=store
        )
        return Fault(self.kind, words, sent=False)


class StreamCut(Exception):
    """The answer ended before its end. `failure` says how."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


def failure_of(
    call: Call,
    fault: TransportFault,
    detail: str,
    *,
    sent: bool,
    status: int | None = None,
    headers: Headers = (),
    body: bytes = b"",
) -> Failure:
    """A Failure of this call's transport."""
    return Failure(
        status=status,
        headers=headers,
        body=body,
        host=call.origin.host,
        provider=call.origin.provider,
        model=call.model,
        fault=fault,
        sent=sent,
        detail=detail,
    )


def too_late(kind: TransportFault, setting: str, seconds: float, *, sent: bool) -> Fault:
    """A silence that was too long. SETTING: `connect`, `first_byte` or `idle`."""
    return Fault(kind, phrase(f"fault.{setting}", seconds=f"{seconds:g}"), sent=sent)


def no_way(error: OSError, host: str, port: int) -> Fault:
    """No connection came to be: nothing was sent. Says it without a word of the request."""
    kind: TransportFault = "offline" if no_network(error) else "unreachable"
    if isinstance(error, ConnectionRefusedError):
        kind = "refused"
    return Fault(kind, f"{host}:{port}: {_said(error)}", sent=False)


def no_name(error: Exception, host: str, *, known: bool) -> Fault:
    """HOST could not be looked up. KNOWN: it could before."""
    return Fault("offline" if no_network(error, known=known) else "dns", phrase("fault.no_name", host=host), sent=False)


def no_tls(error: OSError, host: str, port: int, store: str) -> Fault:
    """The connection stood, and no secure one came to be on it. STORE: where the authorities are that are trusted."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = (getattr(error, "verify_message", None) or type(error).__name__).partition(",")[0]
        return Untrusted(host, why, str(getattr(error, "verify_code", "?")), store)
    if isinstance(error, ssl.SSLError):
        why = (getattr(error, "reason", None) or type(error).__name__).replace("_", " ").lower()
        return Fault("tls", phrase("fault.no_tls", host=f"{host}:{port}", why=why), sent=False)
    return Fault("tls", phrase("fault.tls_ended", host=f"{host}:{port}"), sent=False)


def lost(error: Exception | None, *, sent: bool = True) -> Fault:
    """The connection ended before an answer came."""
    return Fault("reset", _said(error) if isinstance(error, OSError) else phrase("fault.closed"), sent=sent)


def not_http(rule: str = "") -> Fault:
    """What came is no answer, by that RULE (a phrase `fault.broken_RULE`). It is not repeated: it may hold a key."""
    return Fault("bad_answer", phrase(f"fault.broken_{rule}" if rule else "fault.not_http"))


def cut() -> Fault:
    """The body ended before its end."""
    return Fault("truncated", phrase("fault.cut"))


def _said(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) or not error.errno:
        return error.strerror or type(error).__name__
    return os.strerror(error.errno)
