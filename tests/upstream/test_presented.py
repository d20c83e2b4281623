"""Certificates that are not trusted, read for two of their fields: real ones, odd ones, and what is none."""

from __future__ import annotations

import random
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.upstream.presented import MOST, Presented, presented
from hostile.test_faults import certificate_folder

__all__ = ["certificate_folder"]

NAME, COMPANY, UNIT, COUNTRY = b"\x55\x04\x03", b"\x55\x04\x0a", b"\x55\x04\x0b", b"\x55\x04\x06"


def der(kind: int, *inside: bytes) -> bytes:
    """An element of DER."""
    data = b"".join(inside)
    if len(data) < 0x80:
        return bytes([kind, len(data)]) + data
    size = (len(data).bit_length() + 7) // 8
    return bytes([kind, 0x80 | size]) + len(data).to_bytes(size, "big") + data


def name(*attributes: tuple[bytes, int, bytes]) -> bytes:
    """A name of X.500: attributes with the kinds of their texts."""
    return der(0x30, *[der(0x31, der(0x30, der(6, which), der(form, text))) for which, form, text in attributes])


def certificate(
    issuer: bytes, until: bytes = b"300102030405Z", form: int = 0x17, *, version: bytes = der(0xA0, der(2, b"\x02"))
) -> bytes:
    """As much of a certificate as is read, and a tail."""
    times = der(0x30, der(0x17, b"200102030405Z"), der(form, until))
    return der(0x30, der(0x30, version, der(2, b"\x01"), der(0x30), issuer, times, name((NAME, 0x0C, b"subject"))))


def of(folder: Path, file: str) -> bytes:
    """The bytes of a certificate of FOLDER."""
    return ssl.PEM_cert_to_DER_cert((folder / f"{file}.pem").read_text())


@pytest.mark.parametrize("file", ["authority", "provider", "stranger"])
def test_real_certificates(certificate_folder: Path, file: str) -> None:
    """The same is read as by OpenSSL."""
    asked = ["openssl", "x509", "-in", f"{file}.pem", "-noout", "-issuer", "-enddate", "-nameopt", "multiline"]
    told = subprocess.run(asked, cwd=certificate_folder, capture_output=True, check=True, text=True).stdout
    shown = presented(of(certificate_folder, file))
    assert shown is not None
    assert f"= {shown.issuer}" in told
    assert f"{shown.until:%b} {shown.until.day:2} {shown.until:%H:%M:%S} {shown.until.year} GMT" in told


@pytest.mark.parametrize(
    ("issuer", "said"),
    [
        (
            name((COUNTRY, 0x13, b"US"), (COMPANY, 0x0C, b"Middle Box Inc."), (NAME, 0x0C, b"Middle Box Root")),
            "Middle Box Root",
        ),
        (name((COUNTRY, 0x13, b"US"), (COMPANY, 0x13, b"Middle Box Inc.")), "Middle Box Inc."),
        (name((UNIT, 0x13, b"Unit")), "Unit"),
        (name((NAME, 0x1E, "한국".encode("utf-16-be"))), "한국"),
        (name((NAME, 0x14, "Zürich".encode("latin-1"))), "Zürich"),
        (name((NAME, 0x0C, b"a\x1b[31m\r\nb")), "a [31m  b"),
        (name((NAME, 0x0C, b"x" * 5000)), "x" * 60),
    ],
)
def test_how_issuers_are_called(issuer: bytes, said: str) -> None:
    """By their common name, else their organization, else their unit; short, and nothing that drives a terminal."""
    assert presented(certificate(issuer)) == Presented(said, datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("until", "form", "year"),
    [(b"491231235959Z", 0x17, 2049), (b"500101000000Z", 0x17, 1950), (b"20500101000000Z", 0x18, 2050)],
)
def test_both_forms_of_a_time(until: bytes, form: int, year: int) -> None:
    """Two digits of a year stand for 1950 to 2049 (RFC 5280, 4.1.2.5.1)."""
    shown = presented(certificate(name((NAME, 0x0C, b"a")), until, form))
    assert shown is not None
    assert shown.until.year == year


def test_a_certificate_of_the_first_version() -> None:
    """It does not say its version."""
    assert presented(certificate(name((NAME, 0x0C, b"a")), version=b"")) is not None


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x84\xff\xff\xff\xff",
        b"0" * (MOST + 1),
        certificate(name()),
        certificate(name((COUNTRY, 0x13, b"US"))),
        certificate(name((NAME, 0x0C, b"a")), b"soon"),
        certificate(name((NAME, 0x0C, b"a")), b"301399999999Z"),
        certificate(name((NAME, 0x0C, b"a")), form=0x0C),
    ],
)
def test_what_is_no_certificate(odd: bytes) -> None:
    """Nothing is said of it, and nothing breaks."""
    assert presented(odd) is None


def test_damaged_certificates(certificate_folder: Path) -> None:
    """Cut at any place, or with any byte changed, it says nothing or something, and never breaks."""
    whole, chance = of(certificate_folder, "stranger"), random.Random(1)
    for end in range(len(whole)):
        assert presented(whole[:end]) is None
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] = chance.randrange(256)
        presented(bytes(damaged))
