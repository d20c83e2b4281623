"""Asking for the token count of a stream, and taking its chunk out again."""

import json

import pytest

from daemon.providers.usage_chunk import UsageChunkRemover, asking_for_usage

TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":null}\n\n'
COUNT = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
DONE = b"data: [DONE]\n\n"


def test_all_other_bytes_stay() -> None:
    """The options are put in front; spaces, order and escapes of the rest are the client's."""
    body = b'\n{ "model": "m",  "stream": true, "x": "\\u00e9" }'
    changed = asking_for_usage(body)
    assert changed.endswith(body.lstrip()[1:])
    assert json.loads(changed)["stream_options"] == {"include_usage": True}


def test_options_that_are_there_are_kept() -> None:
    """Only the one option is set."""
    changed = asking_for_usage(b'{"stream_options": {"include_obfuscation": false}}')
    assert json.loads(changed)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert json.loads(asking_for_usage(b'{"stream_options": null}'))["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_request_stays(body: bytes) -> None:
    """Bodies that cannot be read are not touched."""
    assert asking_for_usage(body) == body


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_only_the_count_is_taken_out(step: int, end: bytes) -> None:
    """Wherever the chunks end, with either line end, all else passes byte for byte."""
    stream = (b": note\n\n" + TEXT + COUNT + DONE).replace(b"\n", end)
    expected = (b": note\n\n" + TEXT + DONE).replace(b"\n", end)
    remover = UsageChunkRemover()
    out = b"".join(remover.feed(stream[at : at + step]) for at in range(0, len(stream), step)) + remover.rest()
    assert out == expected


def test_an_unfinished_end_passes() -> None:
    """A cut stream keeps its last bytes; a count without its empty line is taken out too."""
    remover = UsageChunkRemover()
    assert remover.feed(TEXT + b'data: {"choi') == TEXT
    assert remover.rest() == b'data: {"choi'
    remover.feed(COUNT.rstrip())
    assert remover.rest() == b""


def test_nothing_large_is_held_back() -> None:
    """An endless event flows on."""
    remover = UsageChunkRemover()
    assert len(remover.feed(b"data: " + b"x" * 100_000)) > 100_000
