"""Rows 24 to 27 and 46 of the table: what a provider can answer, and who it can be."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from daemon.pacing import PacingSettings
from hostile.faults import Certificates
from hostile.house import KEY, house, post
from hostile.test_faults import certificate_folder
from stage.origin import Visit, raw

__all__ = ["certificate_folder"]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
BAD: dict[str, bytes] = {
    "a header of 100 KiB": OK + b"X-A: " + b"x" * 102_400 + b"\r\n\r\n",
    "NUL in a header": OK + b"X-A: a\0b\r\nContent-Length: 0\r\n\r\n",
    "CR in a header": OK + b"X-A: a\rX-Evil: 1\r\nContent-Length: 0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunks": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a flood of 1xx": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3000 + OK + b"Content-Length: 2\r\n\r\n{}",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


def error_in(answer: bytes) -> Any:
    """The error of an answer."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


@pytest.mark.parametrize("name", BAD)
async def test_an_answer_that_is_no_answer(place: Path, name: str) -> None:
    """Row 24: 502, explained with the rule that it breaks, without a word of what came; sent once."""
    async with house(place, raw(BAD[name], then="close")) as home:
        answer = await home.ask(post())
        assert home.asked == 1
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert error_in(answer)["sluice"]["subtype"] == "bad_answer"
    assert "not valid HTTP (" in json.dumps(error_in(answer))
    assert b"Evil" not in answer
    assert b"OpenSSH" not in answer


async def test_a_204_with_a_body(place: Path) -> None:
    """Row 24: what follows an answer that has no body is not taken for the next answer."""
    first = True

    async def answer(visit: Visit) -> None:
        nonlocal first
        while True:
            await visit.request()
            evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
            good = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
            await visit.send(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n" + evil if first else good)
            first = False

    async with house(place, answer) as home:
        await home.ask(post("Connection: close", target="/v1/files"))
        second = await home.ask(post("Connection: close", target="/v1/files"))
    assert second.endswith(b"good")


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + b"x" * (8 << 20),
        b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"a"}}]}\r\rdata: [DONE]\r\r',
        b"\0" * 1000,
    ],
    ids=["8 MiB without an end of line", "not UTF-8", "CR alone", "NUL"],
)
async def test_a_strange_stream(place: Path, body: bytes) -> None:
    """Row 25: it passes untouched, however it is to be read."""
    async with house(place, raw(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)) as home:
        answer = await home.ask(post("Connection: close", body=b'{"model":"m","stream":true}'))
    assert answer.partition(b"\r\n\r\n")[2] == body


async def test_an_error_that_repeats_the_key(place: Path, canary: Any) -> None:
    """Row 26: the client gets it as it is; what is told of the call has no key."""
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}}).encode()
    data = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    async with house(place, raw(data % (len(body), body))) as home:
        answer = await home.ask(post("X-Sluice-Explain: off"))
        canary.see("an explanation", repr([event.explanation for event in home.ended()]))
    assert answer.partition(b"\r\n\r\n")[2] == body


async def test_a_redirect(place: Path) -> None:
    """Row 27: it is not followed, and the key goes nowhere else; a chat gets an error, a plain request the redirect."""
    data = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"

    async def answer(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(data)

    async with house(place, answer) as home:
        chat = await home.ask(post("Connection: close"))
        plain = await home.ask(post("Connection: close", target="/v1/models").replace(b"POST", b"GET"))
        assert home.asked == 2
    assert int(chat.split(b" ")[1]) >= 400
    assert b"\r\nLocation:" not in chat.partition(b"\r\n\r\n")[0]
    assert plain.startswith(b"HTTP/1.1 302 ")


# ---- TLS


def context(folder: Path, kind: str) -> ssl.SSLContext:
    """The server side of a TLS connection that must not come to be."""
    certificates = Certificates(folder)
    if kind in ("stranger", "expired", "elsewhere"):
        certificates.show(kind)
    if kind == "old":
        certificates.context.minimum_version = ssl.TLSVersion.TLSv1
        certificates.context.maximum_version = ssl.TLSVersion.TLSv1
        certificates.context.set_ciphers("ALL:@SECLEVEL=0")
    return certificates.context


def signed(folder: Path, name: str, san: str, *dates: str) -> None:
    """A certificate of our authority."""
    if (folder / f"{name}.pem").exists():
        return

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=c\n[c]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\npolicy=p\ndefault_md=sha256\n"
        "copy_extensions=copy\n[p]\ncommonName=supplied\n"
    )
    (folder / "index").write_text("")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
        "-addext", f"subjectAltName={san}", "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
    run("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "authority.pem", "-keyfile", "authority.key", *dates,
        "-in", f"{name}.csr", "-out", f"{name}.pem")  # fmt: skip


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("stranger", "self-signed certificate, code 18"),
        ("expired", "certificate has expired, code 10"),
        ("elsewhere", "IP address mismatch, code 64"),
        ("old", "protocol version|only old versions of TLS"),
        ("portal", "wrong version number"),
    ],
)
async def test_a_tls_connection_that_must_not_be(place: Path, certificate_folder: Path, kind: str, words: str) -> None:
    """Row 46: 502 with the cause, the host and the list of authorities; the handshake comes first, so no byte of the
    request was sent."""
    signed(
        certificate_folder, "expired", "IP:127.0.0.1", "-startdate", "20200101000000Z", "-enddate", "20200102000000Z"
    )
    signed(certificate_folder, "elsewhere", "DNS:portal.example", "-days", "2")
    tls = None if kind == "portal" else context(certificate_folder, kind)

    async def page(visit: Visit) -> None:
        visit.heads.append(await visit.reader.read(1 << 16))
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>")

    ca_file = certificate_folder / "authority.pem"
    pacing = PacingSettings(tries=1)
    async with house(place, page, pacing=pacing, url="https://127.0.0.1:{port}", tls=tls, ca_file=ca_file) as home:
        answer = await home.ask(post())
        heard = b"".join(head for visit in home.provider.visits for head in visit.heads)
    assert answer.startswith(b"HTTP/1.1 502 ")
    told = error_in(answer)["sluice"]
    assert told["subtype"] == "tls"
    assert "127.0.0.1" in told["why"]
    assert re.search(words, told["why"])
    named = f"trusted are the authorities in {ca_file} (setting ca_file)"
    assert (named in told["why"]) is (kind not in ("old", "portal"))
    assert KEY.encode() not in heard
    assert b"POST" not in heard
