"""What the sandbox remembers."""

from __future__ import annotations

import json

from daemon.sandbox.record import Seen


def shown(target: str = "/v1/x", *headers: tuple[bytes, bytes], account: str = "-") -> dict[str, object]:
    """The JSON of a request, through a JSON text."""
    seen = Seen("POST", target, headers, 1.0, b"\xff\x00", account=account)
    out: dict[str, object] = json.loads(json.dumps(seen.as_json()))
    return out


def test_headers_and_body_are_exact():
    """Order, case, duplicates and odd bytes come through JSON."""
    out = shown("/v1/x", (b"X-B", b"1"), (b"x-a", "é".encode()), (b"X-B", b"2"))
    assert out["headers"] == [["X-B", "1"], ["x-a", "Ã©"], ["X-B", "2"]]
    assert out["body_base64"] == "/wA="


def test_real_keys_do_not_show_and_test_keys_do():
    """A key shows as a digest that is the same for the same key; test keys are needed whole."""
    key = b"Bearer sk-real-000000000000000000000000"
    out = shown("/v1/x?key=realrealreal&a=b", (b"Authorization", key), account=key.decode())
    assert b"sk-real" not in json.dumps(out).encode()
    assert "realrealreal" not in str(out)
    assert out["headers"] == shown("/v1/x", (b"Authorization", key))["headers"]
    test = shown("/v1/x?key=CANARY-2", (b"Authorization", b"Bearer CANARY-1"))
    assert test["headers"] == [["Authorization", "Bearer CANARY-1"]]
    assert test["target"] == "/v1/x?key=CANARY-2"


def test_a_header_is_found_by_any_case():
    """The first of several."""
    seen = Seen("GET", "/", ((b"X-Api-Key", b"CANARY-1"), (b"x-api-key", b"2")), 0.0)
    assert seen.header("x-api-key") == "CANARY-1"
    assert seen.header("nothing") is None
