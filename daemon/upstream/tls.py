"""Whom we trust."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path
from typing import Final

from daemon.errors import ConfigError
from daemon.phrases import phrase

_VARIABLE: Final = "SSL_CERT_FILE"
"""Read by OpenSSL itself, which says nothing when it names a file that is no good."""
_BEGINS: Final = re.compile(rb"^-----BEGIN ((?:X509 |TRUSTED )?)CERTIFICATE-----", re.MULTILINE)
_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN ((?:X509 |TRUSTED )?)CERTIFICATE-----.*?-----END \1CERTIFICATE-----", re.DOTALL
)


class Trust:
    """Whom connections trust. It is read when it is first needed: the system's list takes tens of milliseconds."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """For a connection. Raises ConfigError."""
        if self._context is None:
            self._context = tls_context(self._ca_file)
        return self._context

    @property
    def store(self) -> str:
        """Where the trusted authorities are, for people."""
        paths = ssl.get_default_verify_paths()
        return str(self._ca_file or os.environ.get(_VARIABLE) or paths.cafile or paths.capath or paths.openssl_cafile)


def looking() -> ssl.SSLContext:
    """A context that believes everything: to see whose certificate it was that had been refused, and never to send."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def check_authorities(ca_file: Path | None, *, whole: bool = False) -> None:
    """Look at the file that somebody has named, by the setting `ca_file` or in SSL_CERT_FILE. Raises ConfigError when
    it cannot be read or holds no certificate.

    Of a long one only the beginning is understood, unless the WHOLE is asked for: 140 certificates take 30 ms and more
    (measured), and a start has no time for that.
    """
    file = _named(ca_file)
    if file is None:
        return
    try:
        found = _CERTIFICATE.search(file.read_bytes())
        if found is None:
            raise _useless(ca_file, file, phrase("config.no_certificate"))
        if not found[1]:
            first = ssl.PEM_cert_to_DER_cert(found[0].decode("ascii"))
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=first)
        if whole:
            _check_each(ca_file, file)
    except (OSError, ValueError) as error:
        raise _useless(ca_file, file, _why(error)) from error


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """A verifying TLS context. Raises ConfigError when it would trust nobody: OpenSSL says nothing about that."""
    check_authorities(ca_file)
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        if not context.cert_store_stats()["x509"]:  # OpenSSL says nothing of a list that SSL_CERT_FILE names
            _check_each(ca_file, _named(ca_file))
    except OSError as error:
        _check_each(ca_file, ca_file)
        raise _useless(ca_file, ca_file or Path(), _why(error)) from error
    if not context.cert_store_stats()["x509_ca"] and not context.get_ca_certs():
        # A directory of hashed certificates is only read when it is needed: that is not the same as having none.
        paths = ssl.get_default_verify_paths()
        if not (paths.capath and Path(paths.capath).is_dir() and any(Path(paths.capath).iterdir())):
            raise ConfigError(phrase("config.no_ca"))
    return context


def _named(ca_file: Path | None) -> Path | None:
    """The file that somebody has named."""
    variable = os.environ.get(_VARIABLE)
    return ca_file or (Path(variable) if variable else None)


def _check_each(ca_file: Path | None, file: Path | None) -> None:
    """Raise ConfigError for a certificate in FILE that OpenSSL does not understand: with one such it uses none of them.
    Raises OSError."""
    line = _damaged(file.read_bytes()) if file is not None else None
    if line is not None:
        name = _VARIABLE if ca_file is None else "ca_file"
        raise ConfigError(phrase("config.damaged_certificate", name=name, place=f"{file}:{line}"))


def _damaged(data: bytes) -> int | None:
    """The line at which the first certificate begins that is damaged. What only a file can bring (TRUSTED) is taken for
    good if it has an end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    begins = [*_BEGINS.finditer(data)]
    for begin, behind in zip(begins, [*[one.start() for one in begins[1:]], len(data)], strict=True):
        found = _CERTIFICATE.match(data, begin.start(), behind)
        try:
            if found is None:
                raise ValueError
            if not begin[1]:
                context.load_verify_locations(cadata=found[0].decode("ascii"))
        except (ssl.SSLError, ValueError):
            return data.count(b"\n", 0, begin.start()) + 1
    return None


def _useless(ca_file: Path | None, file: Path, why: str) -> ConfigError:
    if ca_file is None:
        return ConfigError(phrase("config.cert_file", file=str(file), why=why))
    return ConfigError(phrase("config.ca_file", file=str(file), why=why))


def _why(error: OSError | ValueError) -> str:
    """In words; a certificate that OpenSSL does not understand is none."""
    if isinstance(error, ssl.SSLError | ValueError):
        return phrase("config.no_certificate")
    return error.strerror or type(error).__name__
