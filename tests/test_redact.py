"""Secrets: sealed by name, taken out of texts by exact match and by shape.

SLUICE_REDACTIONS sets how many generated (key, form, place) are tried (default 2000; 20000 for a long run).
"""

from __future__ import annotations

import base64
import copy
import html
import json
import os
import pickle
import random
import re
import string
import time
from urllib.parse import quote

import pytest

from daemon.redact import KNOWN, KNOWN_LENGTH, Redactor, Sealed, Secret, scrub, scrub_bytes, withhold

COUNT = int(os.environ.get("SLUICE_REDACTIONS", "2000"))


@pytest.fixture
def redactor() -> Redactor:
    """A redactor."""
    return Redactor(b"install")


def test_a_secret_shows_only_its_name(redactor):
    """str, repr, format, f-strings, errors: nowhere the value; and it cannot be pickled or copied."""
    secret = redactor.secret("CANARY-1234567890")
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>40}",
        "{}".format(secret),  # noqa: UP032
        repr([secret]),
        repr({"a": secret}),
    ):
        assert "CANARY" not in shown
        assert secret.name in shown
    for escape in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            escape(secret)
    assert "CANARY" not in repr(Sealed("Bearer ", secret))
    assert not hasattr(secret, "__dict__")


def test_names_hold_within_one_installation():
    """The same key has one name here, another one elsewhere, and different keys have different names."""
    here, there = Redactor(b"a"), Redactor(b"b")
    assert here.secret("CANARY-1").name == here.secret("CANARY-1").name
    assert here.secret("CANARY-1").name != there.secret("CANARY-1").name
    assert len({here.secret(f"CANARY-{n}").name for n in range(2000)}) == 2000


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "x-api-key", "api-key", "X-Goog-Api-Key", "Cookie", "Set-Cookie", "Proxy-Authorization"),
        *("X-My-Token", "Ocp-Apim-Subscription-Key", "Helicone-Auth", "cf-aig-authorization", "X-Auth", "x-access-key"),
        *("X-Amz-Security-Token", "x-functions-key", "Client-Secret", "X-Password", "X-JWT-Assertion"),
    ],
)
def test_header_names_that_are_secret(name, redactor):
    """Known and invented names of credentials are sealed."""
    assert "CANARY" not in str(redactor.header(name, "CANARY-value"))


@pytest.mark.parametrize(
    "name",
    [
        *("Content-Type", "x-ratelimit-remaining-tokens", "anthropic-ratelimit-output-tokens-reset", "Idempotency-Key"),
        *("x-max-tokens", "OpenAI-Organization", "anthropic-beta", "x-stainless-lang", "Accept", "WWW-Authenticate"),
        *("X-Author", "ratelimit-policy"),
    ],
)
def test_header_names_that_are_not_secret(name, redactor):
    """Limits counted in tokens and everyday fields stay readable."""
    assert redactor.header(name, "value") == Sealed("value")


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer  ", "Basic ", "Token ", "Key "])
def test_the_scheme_stays_visible(scheme, redactor):
    """`Bearer` and its kin are no secret, and the value behind them comes back whole."""
    sealed = redactor.header("Authorization", scheme + "CANARY-value x")
    assert str(sealed).startswith(scheme + "«key:")
    assert sealed.reveal() == scheme + "CANARY-value x"


def test_targets_stay_byte_for_byte(redactor):
    """Only secret values of a query are sealed; odd queries come back as they were."""
    for raw in (
        "/v1/models?key=CANARY-k&alt=sse",
        "/x",
        "/x?",
        "/x?a&&b=&key=CANARY",
        "/x?%6bey=CANARY-1",
        "/x?sig=CANARY&a=b?c",
    ):
        sealed = redactor.target(raw)
        assert sealed.reveal() == raw
        assert "CANARY" not in str(sealed)
    assert str(redactor.target("/v1/models?pageToken=abc&max_tokens=5")) == "/v1/models?pageToken=abc&max_tokens=5"


def forms(key: str, rng: random.Random) -> list[str]:
    """KEY as it may stand in a text."""
    around = "".join(rng.choices(string.ascii_letters, k=rng.randint(0, 5)))
    return [
        key,
        quote(key, safe=""),
        re.sub("%..", lambda octet: octet[0].lower(), quote(key, safe="")),
        quote(key),
        json.dumps({"k": key}),
        json.dumps({"k": key}, ensure_ascii=False),
        json.dumps({"k": key}).replace("/", "\\/"),
        html.escape(key),
        base64.b64encode((around + key + around).encode()).decode(),
        base64.urlsafe_b64encode((around + key).encode()).decode(),
    ]


def test_no_form_of_a_key_stays(redactor):
    """Generated keys with hostile signs, in every form, at every place: neither the key nor its core is left."""
    rng = random.Random(1)
    alphabet = string.ascii_letters + string.digits + "-_+/=.:\"'\\&<>%é"
    for _ in range(COUNT):
        key = "CANARY" + "".join(rng.choices(alphabet, k=rng.randint(6, 60)))
        form = rng.choice(forms(key, rng))
        text = "".join(rng.choices('ab {}",:\n', k=20)) + form + "".join(rng.choices('ab {}",:\n', k=20))
        clean = scrub(text, [redactor.secret(key)])
        assert key not in clean, (key, text)
        core = base64.b64encode(key.encode()).decode()[8:-8]
        assert not core or core not in clean, (key, text)
        assert "«key:" in clean, (key, text)


def test_a_key_that_begins_with_another_key(redactor):
    """The longer one is taken out first: no end of it is left behind."""
    short, long = redactor.secret("CANARY-abc"), redactor.secret("CANARY-abc-and-more")
    for order in ((short, long), (long, short)):
        assert "more" not in scrub("it was CANARY-abc-and-more.", order)


@pytest.mark.parametrize(
    "shape",
    ["sk-CANARY0" + "a" * 30, "sk-proj-CANARY1" + "b" * 40, "sk-ant-api03-CANARY2" + "c" * 60, "AIzaCANARY" + "d" * 30,
     "gsk_CANARY" + "e" * 30, "xai-CANARY" + "f" * 30, "hf_CANARY" + "g" * 30, "ghp_CANARY" + "h" * 30,
     "AKIACANARY" + "0" * 10, "nvapi-CANARY" + "i" * 30, "pplx-CANARY" + "j" * 30, "Bearer CANARY" + "k" * 20,
     "xoxb-CANARY" + "l" * 20, "-----BEGIN RSA PRIVATE KEY-----\nCANARY" + "m" * 60 + "\n-----END RSA PRIVATE KEY-----",
     "-----BEGIN PRIVATE KEY-----\\nCANARY" + "n" * 60],
)  # fmt: skip
def test_the_second_net(shape):
    """Keys that came with no call are known by their shape."""
    assert "CANARY" not in scrub(f'pasted "{shape}" here')


def test_ordinary_words_stay():
    """Texts about tasks, tokens and bearers are not touched."""
    for text in (
        *("the task-force-of-disk-and-risk-averse-people", "sk-loading-spinner-container-inner", "a bearer token"),
        *("Bearer «key:abcdefghijklmnop»", "desk-0123456789-0123456789-0123456789", "gh_actions", "AIza"),
    ):
        assert scrub(text) == text


def test_short_and_dummy_keys_do_not_blot_out_words(redactor):
    """`x`, `none` and `ollama` as keys leave texts readable."""
    secrets = [redactor.secret(value) for value in ("x", "none", "ollama")]
    assert scrub("ollama says: none of the text is x", secrets) == "ollama says: none of the text is x"


def test_bytes_that_are_no_text(redactor):
    """Binary bodies come through, without the key."""
    data = b"\xff\0CANARY-12345\xfe"
    assert scrub_bytes(data, [redactor.secret("CANARY-12345")]).startswith(b"\xff\0\xc2\xabkey:")
    assert scrub_bytes(bytes(range(256))) == bytes(range(256))


def test_surrogates_do_not_raise(redactor):
    """Keys with raw bytes, or with surrogates that no byte stands for, can be named and scrubbed."""
    for value in ("CANARY-\udcff-1", "CANARY-\ud800-1"):
        secret = redactor.secret(value)
        assert value not in scrub(f"x {value} y", [secret])


def test_large_texts_are_quick():
    """Five megabytes of words take a fraction of a second: a search holds the interpreter, and so the event loop."""
    text = "the task of the risk-averse model is to write words and code; " * 80_000
    start = time.process_time()
    scrub(text, [Secret("CANARY-1234567890", "key:a")])
    assert time.process_time() - start < 1.0


def test_the_last_few_secrets_are_known_again(redactor):
    """The same key is one `Secret` for call after call, its forms made once; few are held, and no long ones."""
    secret = redactor.secret("CANARY-1234567890")
    assert redactor.secret("CANARY-1234567890") is secret
    assert secret.forms() is redactor.secret("CANARY-1234567890").forms()
    for n in range(5 * KNOWN):
        assert redactor.secret(f"CANARY-{n}") == Redactor(b"install").secret(f"CANARY-{n}")
        redactor.secret("CANARY" + "x" * KNOWN_LENGTH)
        assert len(redactor._known) <= KNOWN
    assert all(len(value) <= KNOWN_LENGTH for value in redactor._known)
    assert redactor.secret("CANARY-1234567890") == secret


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Content-Type",
            "accept",
            "Accept-Encoding",
            "User-Agent",
            "anthropic-version",
            "Anthropic-Beta",
            "OpenAI-Beta",
        ),
        *(
            "OpenAI-Organization",
            "openai-project",
            "x-stainless-retry-count",
            "X-Request-ID",
            "HTTP-Referer",
            "X-Title",
        ),
        *("Idempotency-Key", "x-goog-user-project", "X-Amz-Date", "x-portkey-provider", "Copilot-Integration-Id"),
    ],
)
def test_header_fields_that_are_kept(name, redactor):
    """What clients are known to send is kept as it is, so that a call can be repeated."""
    value = redactor.header(name, "v 1")
    assert withhold(name, value) is value


@pytest.mark.parametrize(
    "name",
    ["X-Pass", "X-Session", "X-Sid", "X-Custom", "My-Content-Type", "X-Accept", "Content-Type-2", "X-Pin", "x-user"],
)
def test_header_fields_that_are_withheld(name, redactor):
    """Whatever a gateway calls its password: of a name that nobody knows only the length of the value is kept."""
    kept = withhold(name, redactor.header(name, "CANARY-value"))
    assert (kept.withheld, str(kept), kept.reveal()) == (12, "«12 characters»", "")
    assert "CANARY" not in repr(kept)
    assert kept == withhold(name, kept)
    assert kept.secrets() == ()


def test_nothing_is_withheld_twice(redactor):
    """An empty value says nothing, and a secret already has a name that tells it from others."""
    for name, value in (("X-Empty", ""), ("X-Token", "CANARY-token"), ("Authorization", "Bearer CANARY-key")):
        sealed = redactor.header(name, value)
        assert withhold(name, sealed) is sealed
