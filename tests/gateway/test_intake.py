"""From a request as a door heard it to the call that goes upstream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daemon.errors import UnknownHost
from daemon.gateway.intake import Intake, group_of, new_id, provider_of, unknown_host
from daemon.model import Estimate, Origin, Priority
from daemon.redact import Redactor
from gateway.scripted import KEY, incoming

ORIGIN = Origin("api.openai.com", "https://api.openai.com", "openai")


def intake(origin: Origin | None = ORIGIN) -> Intake:
    """An intake that knows one host."""
    return Intake(
        origin_of=lambda host: origin if origin is not None and host == origin.host else None,
        weigh=lambda origin, ask: Estimate(1.0, 1.0, 2.0),
        redactor=Redactor(b"test"),
        language="ko",
        explain="field",
        wall=lambda: 5.0,
    )


def received(**more: Any) -> Any:
    """A call."""
    return intake().receive(incoming(**more))


def scope_key(*headers: tuple[str, str], target: str = "/v1/models") -> str:
    """The bucket of a call with HEADERS."""
    return str(received(headers=headers, target=target).scope.key)


def test_a_call_as_it_is_received() -> None:
    """Everything that a door heard, and what is read from the body."""
    call = received(client="emacs", ref="r", priority=Priority.BATCH, deadline_s=3.0)
    assert (call.method, str(call.target), call.model, call.ask.kind) == (
        "POST", "/v1/chat/completions", "gpt-4o", "chat",
    )  # fmt: skip
    assert (call.client, call.ref, call.priority, call.deadline_s) == ("emacs", "r", Priority.BATCH, 3.0)
    assert (call.language, call.explain, call.arrived_at) == ("ko", "field", 5.0)
    assert call.estimate.total == 3.0
    assert json.loads(call.body)["model"] == "gpt-4o"
    assert received(language="en", explain="off").explain == "off"


def test_no_key_is_visible() -> None:
    """Neither the call nor what the door heard shows a key."""
    target = f"/v1beta/models?key={KEY}"
    heard = incoming(target=target)
    assert KEY not in repr(heard)
    call = intake().receive(heard)
    assert KEY not in repr(call)
    assert call.target.reveal() == target
    assert dict(call.headers)["Authorization"].reveal() == f"Bearer {KEY}"


def test_a_key_as_the_model() -> None:
    """Who pastes a key into the model's place finds it in the body that goes out and nowhere else: models are shown."""
    for key in (KEY, "sk-proj-CANARY0123456789abcdefgh"):
        call = received(body=json.dumps({"model": key, "messages": []}).encode())
        assert key.encode() in call.body
        assert key not in f"{call.model} {call.scope.group} {call.ask}"


def test_an_unknown_host_is_told_how_to_allow_it() -> None:
    """The line of configuration is in the message, which stays short whatever the host is."""
    with pytest.raises(UnknownHost) as refusal:
        received(host="relay.example.com")
    assert "upstreams: [{host: 'relay.example.com', provider: openai-compatible}]" in refusal.value.message
    assert len(refusal.value.message) <= 180
    with pytest.raises(UnknownHost) as refusal:
        received(host="x" * 16_000)
    assert len(refusal.value.message) < 400


def test_an_origin_with_a_wrong_provider() -> None:
    """A provider that does not exist is said with the name to use instead."""
    with pytest.raises(UnknownHost, match="openai-compatible"):
        provider_of(Origin("h", "https://h", "nobody"))


def test_the_bucket_of_a_key() -> None:
    """The same key is the same bucket wherever it stands with it; another key, organisation or project is another."""
    one = scope_key(("Authorization", f"Bearer {KEY}"))
    assert one == scope_key(("authorization", f"Bearer {KEY}"), ("X-Other", "1"), ("Cookie", "a=b"))
    others = [
        scope_key(("Authorization", f"Bearer {KEY}2")),
        scope_key(("Authorization", f"Bearer {KEY}"), ("OpenAI-Organization", "o1")),
        scope_key(("Authorization", f"Bearer {KEY}"), ("OpenAI-Organization", "o2")),
        scope_key(("Authorization", f"Bearer {KEY}"), ("OpenAI-Project", "o1")),
        scope_key(("Authorization", f"Bearer {KEY}"), ("x-api-key", f"{KEY}3")),
    ]
    assert len({one, *others}) == 6
    assert scope_key() == "-"
    assert scope_key(("Cookie", "session=CANARY-cookie")) == "-"
    assert scope_key(target=f"/v1/models?key={KEY}") == one
    assert KEY not in one


SIGNED = "AWS4-HMAC-SHA256 Credential={id}/20261101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature={of}"


@pytest.mark.parametrize(
    "form",
    [
        SIGNED,
        "TC3-HMAC-SHA256 Credential={id}/2026-11-01/hunyuan/tc3_request, SignedHeaders=content-type, Signature={of}",
        "ACS3-HMAC-SHA256 Credential={id},SignedHeaders=host;x-acs-action,Signature={of}",
        "SDK-HMAC-SHA256 Access={id}, SignedHeaders=host;x-sdk-date, Signature={of}",
        "bce-auth-v1/{id}/2026-11-01T00:00:00Z/1800/host/{of}",
    ],
)
def test_the_bucket_of_a_signature(form: str) -> None:
    """A signature is another one with each call: its calls are of one account, that of the key's id which stands in
    it; another id is another account. All of the signature is a secret all the same."""
    keys = [
        scope_key(("Authorization", form.format(id=who, of=signature * 32)), ("X-Amz-Security-Token", signature * 99))
        for who, signature in (("AKIDEXAMPLE01", "ab"), ("AKIDEXAMPLE01", "cd"), ("AKIDEXAMPLE02", "ab"))
    ]
    assert keys[0] == keys[1] != keys[2]
    call = received(headers=(("Authorization", form.format(id="AKIDEXAMPLE01", of="ab" * 32)),))
    assert [str(value) for _, value in call.headers] == [str(secret) for secret in call.secrets()]
    assert "AKIDEXAMPLE01" not in repr(call) + keys[0]


@pytest.mark.parametrize("name", ["X-Session-Token", "x-signature", "x-csrf-token", "X-Tracking-Token"])
def test_what_is_secret_beside_a_key(name: str) -> None:
    """A token of a session, or a signature over the body, does not make an account of each call. Alone it may be the
    only key that a gateway knows, so it tells accounts apart."""
    key = ("Authorization", f"Bearer {KEY}")
    assert scope_key(key, (name, "CANARY-one")) == scope_key((name, "CANARY-two"), key) == scope_key(key)
    assert scope_key((name, "CANARY-one")) != scope_key((name, "CANARY-two"))


def test_the_order_of_fields_is_no_account() -> None:
    """A client may write its fields in any order, and a key twice."""
    key, organisation = ("Authorization", f"Bearer {KEY}"), ("OpenAI-Organization", "o1")
    assert scope_key(key, organisation) == scope_key(organisation, key)
    assert scope_key(key, ("x-api-key", KEY)) == scope_key(key) == scope_key(key, target=f"/v1/models?key={KEY}")


def test_groups_of_models() -> None:
    """A configured group, else the model itself; a call without a model has none."""
    origin = Origin("h", "https://h", "openai", groups=(("mini", ("gpt-4o-mini*", "o4-mini")), ("all", ("gpt-*",))))
    models = ["gpt-4o-mini-2024", "o4-mini", "gpt-4o", "other", None]
    assert [group_of(origin, model) for model in models] == ["mini", "mini", "all", "other", ""]


def test_ids() -> None:
    """Short, easy to type, and different."""
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 9 and one[0] == "c" and one.isalnum() and one.islower() for one in ids)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\x00", b"[" * 100_000, b'{"model":5}', b'{"model":null}'])
def test_any_body_makes_a_call(body: bytes) -> None:
    """A body that cannot be read is passed on as it is."""
    call = received(body=body)
    assert call.body == body
    assert call.model is None


def test_a_slip_of_a_known_host() -> None:
    """The host that was probably meant comes before how to allow the one that was written."""
    said = str(unknown_host("api.opnai.com"))
    assert said.index("Did you mean api.openai.com?") < said.index("add to config.yaml")
    assert "mean" not in str(unknown_host("relay.example.com"))
