"""The daemon as a process with the setting `listen`: off by default, told where, and its token told nowhere."""

from __future__ import annotations

import http.client
import json
import re
import socket
from typing import Any

import pytest

from stage.visitors import exchange
from stage.world import CHATS, HOSTS, KEYS, config

pytestmark = pytest.mark.e2e
STATUS = b"GET /_sluice/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def told(daemon: Any) -> Any:
    """What the daemon says of itself by its socket."""
    return json.loads(exchange(daemon.socket, STATUS).partition(b"\r\n\r\n")[2])["daemon"]


def test_off_by_default(sluice: Any) -> None:
    """No port, no token."""
    daemon = sluice()
    assert (told(daemon)["listen"], told(daemon)["token_file"]) == (None, None)
    assert not (daemon.state_dir / "token").exists()


def test_both_languages_by_tcp(sluice: Any, sandbox: Any) -> None:
    """A chat and a JSON-RPC session with the token; without it 403. The log tells where the token is, not what."""
    provider = sandbox()
    daemon = sluice(config(provider.url, more="listen: 127.0.0.1:0\n"), log_level="debug")
    about = told(daemon)
    token = (daemon.state_dir / "token").read_text().strip()
    port = int(about["listen"].rpartition(":")[2])
    assert about["token_file"] == str(daemon.state_dir / "token")

    path = f"/to/{HOSTS['openai']}{CHATS[0].path}"
    body = json.dumps(CHATS[0].body("gpt-4o-mini")).encode()
    fields = {"Authorization": f"Bearer {KEYS['openai']}", "Content-Type": "application/json"}
    codes = []
    for more in ({"X-Sluice-Token": token}, {"Proxy-Authorization": f"Bearer {token}"}, {}, {"X-Sluice-Token": "x"}):
        visitor = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        visitor.request("POST", path, body, {**fields, **more})
        answer = visitor.getresponse()
        codes.append(answer.status)
        answer.read()
        visitor.close()
    assert codes == [200, 200, 403, 403]
    assert [seen.status for seen in provider.seen] == [200, 200]
    assert token not in str([seen.headers for seen in provider.seen])

    with socket.create_connection(("127.0.0.1", port), 30) as visitor_socket:
        visitor_socket.sendall(json.dumps({"id": 1, "method": "hello", "params": {"token": token}}).encode() + b"\n")
        assert json.loads(visitor_socket.makefile("rb").readline())["result"]["protocol"] == 1

    shown = daemon.run("status").stdout
    assert f"by TCP at {about['listen']}; the token is in {about['token_file']}" in shown
    daemon.stop()
    assert re.search(rf"also at {about['listen']}, .*{re.escape(about['token_file'])}", daemon.stderr)
    wrote = [path for path in daemon.state_dir.rglob("*") if path.is_file() and path.name != "token"]
    said = shown + daemon.stdout + daemon.stderr + "".join(path.read_bytes().decode("latin-1") for path in wrote)
    assert token not in said


def test_a_port_that_is_taken(sluice: Any) -> None:
    """One line that names the setting, and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        daemon = sluice(f"listen: 127.0.0.1:{taken.getsockname()[1]}\n", begin=False)
        with pytest.raises(AssertionError, match="exit code 1"):
            daemon.begin()
    assert re.search(r"listen: 127\.0\.0\.1:\d+ cannot be used", daemon.stderr)


def test_one_daemon_at_a_port(sluice: Any) -> None:
    """A second daemon of the same user, with places of its own and the same `listen`, does not share the port in
    silence: one line that names the setting, and exit code 1. That is so as well when it takes the place of a third,
    which listens nowhere; and the first one still has every visitor."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    first = sluice(f"listen: 127.0.0.1:{port}\n")
    second = sluice(f"listen: 127.0.0.1:{port}\n", begin=False)
    with pytest.raises(AssertionError, match="exit code 1"):
        second.begin()
    assert f"listen: 127.0.0.1:{port} cannot be used" in second.stderr
    third = sluice()
    third.config.write_text(f"listen: 127.0.0.1:{port}\n")
    done = third.run("serve", "--replace")
    assert done.returncode == 1
    assert f"listen: 127.0.0.1:{port} cannot be used" in done.stderr
    assert told(third)["pid"] == third.pid
    with socket.create_connection(("127.0.0.1", port), 30) as visitor:
        token = (first.state_dir / "token").read_text().strip()
        visitor.sendall(json.dumps({"id": 1, "method": "hello", "params": {"token": token}}).encode() + b"\n")
        assert json.loads(visitor.makefile("rb").readline())["result"]["pid"] == first.pid
