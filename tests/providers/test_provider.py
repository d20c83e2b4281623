"""The face of a provider."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import InvalidCall
from daemon.model import Ask, Chat, Message, Usage
from daemon.providers import Provider, load_providers, provider_for


def get(name: str) -> Provider:
    found = provider_for(name)
    assert found is not None
    return found


def test_gptels_body_begins_with_a_newline() -> None:
    """gptel 0.9.9.6 puts an empty line before the JSON; it is read all the same."""
    ask = get("openai").read_ask("POST", "/v1/responses", "application/json", b'\n{"model": "gpt-5", "input": "Hi"}')
    assert (ask.kind, ask.model, ask.text) == ("responses", "gpt-5", "Hi")


def test_curls_form_content_type_is_no_obstacle() -> None:
    """`curl -d` says that JSON is a form; the bytes decide."""
    body = b'{"model": "m", "messages": []}'
    ask = get("openai").read_ask("POST", "/v1/chat/completions", "application/x-www-form-urlencoded", body)
    assert ask.model == "m"


def test_the_model_in_the_path() -> None:
    """Gemini, Azure and Bedrock name the model in the path; a model in the body goes first."""
    assert get("gemini").read_ask("POST", "/v1beta/models/g:generateContent", None, b"{}").model == "g"
    azure = "/openai/deployments/d/chat/completions?api-version=1"
    assert get("azure").read_ask("POST", azure, None, b"{}").model == "d"
    assert get("azure").read_ask("POST", azure, None, b'{"model": "m"}').model == "m"
    assert get("bedrock").read_ask("POST", "/model/x%3A0/converse", None, b"{}").model == "x:0"


def test_a_file_upload() -> None:
    """Multipart bodies (speech to text, image edits) are asked for their model and the length of a recording only; the
    model may stand behind a long recording."""
    body = (
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n\0\1\2\r\n'
        b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--B--\r\n'
    )
    ask = get("openai").read_ask("POST", "/v1/audio/transcriptions", "multipart/form-data; boundary=B", body)
    assert (ask.kind, ask.model) == ("audio", "whisper-1")
    long = body.replace(b"\0\1\2", b"\0" * 2_000_000)
    ask = get("openai").read_ask("POST", "/v1/audio/transcriptions", "multipart/form-data; boundary=B", long)
    assert (ask.model, ask.audio_seconds) == ("whisper-1", 500.0)


def test_model_lists_cost_no_tokens() -> None:
    """Nothing is reserved for a list."""
    assert get("openai").read_ask("GET", "/v1/models", None, b"") == Ask("models", max_output=0)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b"null", b"\xff\xfe", b'{"model": ' + b"9" * 5000 + b"}", b"[" * 100_000,
     b'{"a":' * 100_000, b"\x1f\x8b\x08compressed", b'{"messages": [{"content": "\\ud800"}]}'],
)  # fmt: skip
def test_odd_bodies(body: bytes) -> None:
    """Deep, broken, compressed or empty bodies give an Ask and no exception."""
    for provider in load_providers().values():
        assert isinstance(provider.read_ask("POST", "/v1/chat/completions", "application/json", body), Ask)


@given(st.binary(max_size=300), st.sampled_from(
    ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1beta/models/g:generateContent", "/model/m/converse",
     "/api/chat", "/v1/embeddings"]))  # fmt: skip
def test_reading_never_raises(body: bytes, target: str) -> None:
    """Any bytes on any path, bare and inside an object."""
    provider = get("openai")
    for data in (body, b'{"messages": ' + body + b"}"):
        ask = provider.read_ask("POST", target, None, data)
        assert ask.text == "" or data.lstrip().startswith(b"{")
        provider.read_usage(data)
        provider.chat_answer(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["messages", "content", "model", "input", "tools", "parts", "text", "contents", "system", "n",
                         "generationConfig", "source", "type", "image", "options", "requests", "stream_options"]),
        inner, max_size=5),
    max_leaves=15,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["messages", "contents", "input", "system", "tools", "prompt", "n"]), JSON))
def test_any_json_is_read(document: dict[str, object]) -> None:
    """Fields of any type: the answer is an Ask with sane numbers."""
    body = json.dumps(document).encode()
    for target in ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/x/models/g:generateContent", "/api/chat",
                   "/model/m/converse", "/v1/embeddings", "/v1/completions", "/v1/images/generations"):  # fmt: skip
        ask = get("openai").read_ask("POST", target, None, body)
        assert ask.choices >= 0
        assert ask.images >= 0
        assert ask.max_output is None or ask.max_output >= 0


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("openai", ("Authorization", "Bearer ")),
        ("anthropic", ("x-api-key", "")),
        ("gemini", ("x-goog-api-key", "")),
        ("azure", ("api-key", "")),
        ("kagi", ("Authorization", "Bot ")),
    ],
)
def test_key_headers(name: str, header: tuple[str, str]) -> None:
    """Where each provider wants its key."""
    assert get(name).key_header() == header


@pytest.mark.parametrize("name", [n for n, p in load_providers().items() if p.chat])
@pytest.mark.parametrize("stream", [True, False])
def test_what_we_write_we_can_read(name: str, stream: bool) -> None:
    """A conversation written for a provider is read back with the same model, text and bounds."""
    provider = get(name)
    chat = Chat("m1", (Message("system", "Be brief."), Message("user", "안녕 🙂")), stream=stream, max_tokens=77)
    request = provider.chat_request(chat)
    ask = provider.read_ask(request.method, request.target, "application/json", request.body)
    assert (ask.model, ask.stream, ask.max_output, ask.text) == ("m1", stream, 77, "Be brief.\n안녕 🙂")
    assert request.target.startswith("/")
    assert not any(name.lower() in ("authorization", "x-api-key") for name, _ in request.headers)


def test_who_has_no_chat_says_so() -> None:
    """A provider whose chat cannot be spoken is refused with a way out."""
    with pytest.raises(InvalidCall, match=r"Kagi .* send the provider's own request"):
        get("kagi").chat_request(Chat("m", ()))


@pytest.mark.parametrize(
    ("document", "text", "finish"),
    [
        ({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}, "Hi", "stop"),
        ({"type": "message", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}, "Hi", "end_turn"),
        ({"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}, "Hi", "STOP"),
        ({"error": {"message": "no"}}, "", None),
        ([], "", None),
    ],
)
def test_whole_answers(document: object, text: str, finish: str | None) -> None:
    """Text and finish reason of answers without a stream."""
    assert get("openai").chat_answer(json.dumps(document).encode()) == (text, finish)


def test_usage_of_a_whole_answer() -> None:
    """The face reads usage too."""
    assert get("openai").read_usage(b'{"usage": {"prompt_tokens": 1, "completion_tokens": 2}}') == Usage(1, 2)
