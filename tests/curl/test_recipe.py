"""Every flag of the recipe is there for a reason: without it the server sees other bytes, or the person another answer.

The list below is complete: a test collects the options of commands of all kinds and finds each of them here.
"""

from __future__ import annotations

import gzip
import random
import re
import select
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from curl.hostile import random_request
from curl.shells import finish, run, shell, surroundings
from daemon.curl import curl_command
from daemon.curl.command import curl_words
from daemon.curl.request import plain_request

FULL = (("Content-Type", "application/json"), ("Authorization", "Bearer CANARY-k"), ("X-Empty", ""), ("X-Last", "1"))
MUTANTS = {
    "-q": (" -q", {}),
    "--globoff": (" --globoff", {"target": "/a[1-3]"}),
    "--path-as-is": (" --path-as-is", {"target": "/v1/../b"}),
    "--noproxy": (" --noproxy '*'", {}),
    "-H Accept:": (" -H Accept:", {}),
    "-H User-Agent:": (" -H User-Agent:", {}),
    "-H Expect:": (" -H Expect:", {"body": b"x" * 1_100_000}),
    "-H Content-Type:": (" -H Content-Type:", {"headers": FULL[1:], "body": b"{}"}),
    "-X": (" -X PUT", {"method": "PUT"}),
    "-I": (" -I", {"method": "HEAD", "body": b""}),
    "--request-target": (" --request-target '/v1/\xe9'", {"target": "/v1/\xe9"}),
    "--data-raw": (" --data-raw", {}),
    "--data-binary": (" --data-binary", {"body": b"a\r\nb\0c\n"}),
    "the empty field": ("-H 'X-Empty;'", {}),
    "a field": (" -H 'X-Last: 1'", {}),
    "the key": (" -H @-", {}),
}
ELSEWHERE = {"-sS", "-N", "--compressed", "--http1.1", "--cacert", "--unix-socket", "--proxy", "-H"}
"""Each has a test of its own below; of -H the fields above."""


@pytest.mark.parametrize("name", MUTANTS)
def test_without_it_other_bytes_arrive(name, recorder, make_call, expected, tmp_path):
    """The recipe sends the right bytes, and without this flag it does not."""
    drop, changes = MUTANTS[name]
    asked = {"method": "POST", "target": "/v1/x", "headers": FULL, "body": b'{"a":1}\n', **changes}
    call = make_call(**asked, url=recorder.url)
    (tmp_path / "b").write_bytes(asked["body"])
    command = curl_command(call, key_variable="K", body_file=str(tmp_path / "b"))
    assert drop in command
    want = expected(recorder.url, *asked.values())
    assert run(shell("sh"), command, tmp_path, {"K": "CANARY-k"}) == ""
    assert recorder.raw == [want]
    recorder.raw.clear()
    run(shell("sh"), command.replace(drop, "", 1), tmp_path, {"K": "CANARY-k"})
    assert recorder.raw != [want]


def test_the_list_is_complete(make_call):
    """No command has an option of which nobody has shown that it is needed."""
    rng, seen = random.Random("options"), set()
    ways = ({}, {}, {"proxy": "http://p:1"}, {"ca_file": "/ca"})
    for n in range(400):
        call = make_call(*random_request(rng, "CANARY-k"), stream=n % 2 == 0)
        plain = plain_request(call, key_variable="K", body_file="/b", **ways[n % 4])
        for line in curl_words(plain, via_socket="/s" if n % 4 == 1 else None):
            values = set()
            for place, word in enumerate(line):
                takes = word in MUTANTS or word in ELSEWHERE
                if place not in values and word.startswith("-"):
                    seen.add(word)
                    if takes and word not in ("-q", "-sS", "-N", "-I", "--globoff", "--path-as-is", "--http1.1"):
                        values.add(place + 1)
    assert seen == {name for name in MUTANTS if re.fullmatch(r"-\S+", name)} | ELSEWHERE


def test_data_binary_is_not_data(recorder, make_call, expected, tmp_path):
    """With -d a body file loses its line ends and NUL; and -d takes what begins with @ for a file's name."""
    (tmp_path / "b").write_bytes(b"a\r\nb\0c\n")
    call = make_call(body=b"a\r\nb\0c\n", url=recorder.url)
    command = curl_command(call, key_variable=None, body_file=str(tmp_path / "b"))
    run(shell("sh"), command.replace("--data-binary", "-d"), tmp_path)
    want = expected(recorder.url, "POST", "/v1/chat/completions", (), call.body)
    assert recorder.raw != [want]
    run(shell("sh"), command, tmp_path)
    assert recorder.raw[-1] == want
    (tmp_path / "secret").write_text("CANARY-file")
    for flag, read in (("--data-raw", False), ("-d", True)):
        inline = curl_command(make_call(body=b"x@secret", url=recorder.url), key_variable=None)
        run(shell("sh"), inline.replace("--data-raw x@", f"{flag} @"), tmp_path)
        assert (b"CANARY-file" in recorder.raw[-1]) is read


def test_silent(recorder, make_call, tmp_path):
    """With -sS nothing is told but errors; without it a progress meter runs over the answer, and with -s none is."""
    command = curl_command(make_call(body=b"{}", url=recorder.url), key_variable=None)
    assert run(shell("sh"), command, tmp_path) == ""
    assert "Total" in run(shell("sh"), command.replace(" -sS", ""), tmp_path)
    nobody = command.replace(recorder.url, "http://127.0.0.1:9")
    assert "curl: (7)" in run(shell("sh"), nobody, tmp_path)
    assert run(shell("sh"), nobody.replace(" -sS", " -s"), tmp_path) == ""


def test_compressed(recorder, make_call, tmp_path):
    """A call that asked for gzip gets text to read; without --compressed it is bytes."""
    zipped = gzip.compress(b"readable")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Length: "
    recorder.answer = head + str(len(zipped)).encode() + b"\r\n\r\n" + zipped
    command = curl_command(
        make_call("GET", headers=(("Accept-Encoding", "gzip"),), url=recorder.url), key_variable=None
    )
    assert finish(shell("sh"), command, tmp_path).stdout == b"readable"
    assert finish(shell("sh"), command.replace(" --compressed", ""), tmp_path).stdout == zipped
    assert recorder.raw[0] == recorder.raw[1]


@pytest.mark.parametrize("kept", [True, False])
def test_a_stream_is_seen_as_it_comes(kept, make_call, tmp_path):
    """With -N the first words are there while the provider still writes; without it they wait in curl's buffer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url, go_on = f"http://127.0.0.1:{listener.getsockname()[1]}", threading.Event()
        threading.Thread(target=_two_pieces, args=(listener, go_on), daemon=True).start()
        command = curl_command(make_call("GET", url=url, stream=True), key_variable=None)
        assert " -N" in command
        (tmp_path / "script").write_text(command if kept else command.replace(" -N", ""))
        argv = [*shell("sh"), str(tmp_path / "script")]
        with subprocess.Popen(argv, env=surroundings(tmp_path), stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            ready = select.select([process.stdout], [], [], 20 if kept else 0.5)[0]
            assert bool(ready) is kept
            go_on.set()
            assert process.stdout.read() == b"firstlast"


def _two_pieces(listener: socket.socket, go_on: threading.Event) -> None:
    """Answer one request with `first`, and with `last` when told to go on."""
    client, _ = listener.accept()
    with client:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nfirst")
        go_on.wait(30)
        client.sendall(b"last")


def test_http_1_and_the_authority(make_recorder, make_call, expected, tmp_path):
    """Over TLS a server that offers HTTP/2 gets HTTP/1.1 all the same, and --cacert names who vouches for it."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is missing: apt install openssl")
    shell("sh")
    ask = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")]
    subprocess.run([*ask, *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    recorder = make_recorder(context)
    call = make_call("GET", "/v1/x", url=recorder.url)
    command = curl_command(call, key_variable=None, ca_file=str(tmp_path / "ca.pem"))
    assert run(shell("sh"), command, tmp_path) == ""
    want = expected(recorder.url, "GET", "/v1/x", (), b"")
    assert recorder.raw == [want]
    two = command.replace(" --http1.1", "") + " --max-time 5"
    run(shell("sh"), two, tmp_path)
    assert recorder.raw[1:] != [want]
    assert recorder.raw[1].startswith(b"PRI * HTTP/2.0")
    assert "certificate" in run(shell("sh"), re.sub(r" --cacert \S+", "", command), tmp_path)


def test_the_way(recorder, make_recorder, make_call, tmp_path):
    """--unix-socket and --proxy take the request where they say; without them it goes elsewhere."""
    there = make_recorder(path=tmp_path / "s")
    call = make_call("GET", "/v1/x", url=recorder.url)
    through = curl_command(call, key_variable=None, via_socket=str(tmp_path / "s"))
    run(shell("sh"), through, tmp_path)
    assert (len(there.raw), len(recorder.raw)) == (1, 0)
    run(shell("sh"), re.sub(r" --unix-socket \S+", "", through), tmp_path)
    assert (len(there.raw), len(recorder.raw)) == (1, 1)
    proxied = curl_command(make_call("GET", "/v1/x", url="http://127.0.0.1:9"), key_variable=None, proxy=recorder.url)
    run(shell("sh"), proxied, tmp_path)
    assert recorder.raw[-1].startswith(b"GET http://127.0.0.1:9/v1/x HTTP/1.1\r\n")
    run(shell("sh"), re.sub(r" --proxy \S+", "", proxied), tmp_path, {"http_proxy": ""})
    assert len(recorder.raw) == 2
