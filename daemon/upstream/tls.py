"""Whom we trust."""

from __future__ import annotations

import ssl
from pathlib import Path

from daemon.errors import ConfigError
from daemon.phrases import phrase


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """A verifying TLS context. Raises ConfigError when it would trust nobody: OpenSSL says nothing about that."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as error:
        raise ConfigError(phrase("config.ca_file", file=str(ca_file), why=str(error))) from error
    if not context.cert_store_stats()["x509_ca"] and not context.get_ca_certs():
        # A directory of hashed certificates is only read when it is needed: that is not the same as having none.
        paths = ssl.get_default_verify_paths()
        if not (paths.capath and Path(paths.capath).is_dir() and any(Path(paths.capath).iterdir())):
            raise ConfigError(phrase("config.no_ca"))
    return context
