"""Whom we trust, and that nobody is an error."""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.errors import ConfigError
from daemon.upstream import check_authorities, tls_context
from daemon.upstream.tls import Trust
from hostile.test_faults import certificate_folder

__all__ = ["certificate_folder"]


def test_a_missing_ca_file_is_a_clear_error(tmp_path: Path) -> None:
    """The setting is named."""
    with pytest.raises(ConfigError, match="ca_file"):
        tls_context(tmp_path / "none.pem")


USELESS = {
    "missing": None,
    "a text": b"Dear reader, there is no certificate in here.\n",
    "a key": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "not base64": b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n",
    "no certificate in it": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "cut off": b"-----BEGIN CERTIFICATE-----\nAAAA\n",
}


@pytest.mark.parametrize("look", [check_authorities, tls_context], ids=["at the start", "in full"])
@pytest.mark.parametrize("what", USELESS)
def test_a_named_file_that_is_useless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, look: Callable[[Path | None], object]
) -> None:
    """Whether a setting or SSL_CERT_FILE names it: which of both, the file, why, and the mend. OpenSSL says nothing."""
    file, content = tmp_path / "ca.pem", USELESS[what]
    if content is not None:
        file.write_bytes(content)
    why = "No such file" if content is None else "no certificate is in it"
    with pytest.raises(ConfigError, match=rf"ca_file: .*ca\.pem cannot be used \({why}.*give a PEM file"):
        look(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ConfigError, match=rf"SSL_CERT_FILE: .*ca\.pem cannot be used \({why}.*unset the variable"):
        look(None)


def test_a_named_file_that_is_good(certificate_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with words before the certificate; and a setting counts before the variable."""
    file = certificate_folder / "with-words.pem"
    file.write_bytes("Größte Autorität\n".encode() + (certificate_folder / "authority.pem").read_bytes())
    check_authorities(file)
    check_authorities(None)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    check_authorities(None)
    assert Trust(None).store == str(file)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    check_authorities(file)
    assert tls_context(file).cert_store_stats()["x509_ca"] == 1
    assert Trust(file).store == str(file)


def long_list(folder: Path, damaged: bytes) -> tuple[Path, int]:
    """A list of 140 in which one that is DAMAGED stands behind the 69th, and the line at which it begins."""
    good = b"# an authority\n" + (folder / "authority.pem").read_bytes() + b"\n"
    file = folder / "long.pem"
    file.write_bytes(good * 69 + damaged + good * 70)
    return file, good.count(b"\n") * 69 + 1


DAMAGED = {
    "not base64": USELESS["not base64"],
    "no certificate in it": USELESS["no certificate in it"],
    "no end": b"-----BEGIN CERTIFICATE-----\nAAAA\n",
    "not text": b"-----BEGIN CERTIFICATE-----\n\xff\xfe\n-----END CERTIFICATE-----\n",
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_certificate_far_down(certificate_folder: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """With one of 140 damaged OpenSSL uses none, and says nothing of it where SSL_CERT_FILE names the list. Whoever has
    the whole list looked at, or makes the first connection, hears which: file, line, and what to do. The start looks
    at the first one alone: to read all of them takes as long as all the rest of it."""
    file, line = long_list(certificate_folder, DAMAGED[what] or b"")
    said = rf"{re.escape(str(file))}:{line} .*delete it from its BEGIN line"
    check_authorities(file)
    with pytest.raises(ConfigError, match="ca_file: .*" + said):
        check_authorities(file, whole=True)
    with pytest.raises(ConfigError, match="ca_file: .*" + said):
        tls_context(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ConfigError, match="SSL_CERT_FILE: .*" + said):
        check_authorities(None, whole=True)
    with pytest.raises(ConfigError, match="SSL_CERT_FILE: .*" + said):
        tls_context(None)


def test_a_long_list_that_is_good(certificate_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said of it; nor of certificates with a trust of OpenSSL's own kind, which only a file can bring."""
    openssl = ["openssl", "x509", "-in", "authority.pem", "-addtrust", "serverAuth"]
    trusted = subprocess.run(openssl, cwd=certificate_folder, capture_output=True, check=True).stdout
    assert b"BEGIN TRUSTED CERTIFICATE" in trusted
    file, _ = long_list(certificate_folder, trusted)
    check_authorities(file, whole=True)
    assert tls_context(file).cert_store_stats()["x509_ca"] >= 1
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    check_authorities(None, whole=True)
    tls_context(None)


def test_the_system_s_list_has_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be named, and it is read once, when it is first needed."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    trust = Trust(None)
    assert Path(trust.store).is_absolute()
    assert trust.context() is trust.context()


def test_trusting_nobody_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL takes an empty list silently: then no provider could be verified."""
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with pytest.raises(ConfigError, match="ca-certificates"):
        tls_context(None)


def test_a_context_verifies() -> None:
    """There is no way around verification."""
    context = tls_context(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
