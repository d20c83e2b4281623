"""Whom we trust, and that nobody is an error."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from daemon.errors import ConfigError
from daemon.upstream import tls_context


def test_a_missing_ca_file_is_a_clear_error(tmp_path: Path) -> None:
    """The setting is named."""
    with pytest.raises(ConfigError, match="ca_file"):
        tls_context(tmp_path / "none.pem")


def test_trusting_nobody_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL takes a missing SSL_CERT_FILE silently for an empty list: then no provider could be verified."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with pytest.raises(ConfigError, match="ca-certificates"):
        tls_context(None)


def test_a_context_verifies() -> None:
    """There is no way around verification."""
    context = tls_context(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
