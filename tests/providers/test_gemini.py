"""Requests and conversations of Google's API."""

import json

from daemon.model import Chat, Message
from daemon.providers import gemini
from daemon.providers.dialect import ChatPath

PATH = ChatPath("/v1beta/models/{model}")


def test_generate() -> None:
    """Contents, system instruction, tools, images by their MIME type, and the settings."""
    found = gemini.ask(
        "generate",
        "/v1beta/models/g:streamGenerateContent",
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Hello"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                                           {"inline_data": {"mime_type": "audio/wav", "data": "BBBB"}}]},
                {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"x": "seen"}}}]},
            ],
            "tools": [{"functionDeclarations": [{"name": "look"}]}],
            "generationConfig": {"maxOutputTokens": 100, "candidateCount": 2},
        },
    )  # fmt: skip
    assert (found.stream, found.messages, found.images, found.max_output, found.choices) == (True, 3, 1, 100, 2)
    for text in ("Be brief.", "Hello", "look", "seen"):
        assert text in found.text
    assert "AAAA" not in found.text
    assert "BBBB" not in found.text
    assert gemini.ask("generate", "/v1beta/models/g:generateContent", {}).stream is False


def test_embeddings_and_images() -> None:
    """One or many contents; nothing is reserved for an answer."""
    one = {"content": {"parts": [{"text": "one"}]}}
    found = gemini.ask("embeddings", "/v1beta/models/e:batchEmbedContents", {"requests": [one, one, 3]})
    assert (found.text, found.max_output) == ("one\none", 0)
    images = gemini.ask("images", "/x:predict", {"instances": [{"prompt": "cat"}], "parameters": {"sampleCount": 3}})
    assert (images.text, images.choices) == ("cat", 3)


def test_a_conversation() -> None:
    """Roles and settings in Google's words; the model is in the path, streams are SSE."""
    messages = (Message("system", "s"), Message("user", "u"), Message("assistant", "a"))
    chat = Chat("models/g 1", messages, max_tokens=5, temperature=1.0, extra={"generationConfig": {"topK": 3}})
    request = gemini.chat_request(chat, PATH)
    assert request.target == "/v1beta/models/g%201:streamGenerateContent?alt=sse"
    assert json.loads(request.body) == {
        "contents": [{"role": "user", "parts": [{"text": "u"}]}, {"role": "model", "parts": [{"text": "a"}]}],
        "systemInstruction": {"parts": [{"text": "s"}]},
        "generationConfig": {"maxOutputTokens": 5, "temperature": 1.0, "topK": 3},
    }
    assert gemini.chat_request(Chat("g", (), stream=False), PATH).target == "/v1beta/models/g:generateContent"


def test_a_blocked_prompt_is_an_end() -> None:
    """A prompt that was refused has no candidates, and the reason is where others have the finish reason."""
    piece = gemini.piece({"promptFeedback": {"blockReason": "SAFETY"}}, "")
    assert piece is not None
    assert (piece.ended, piece.finish) == (True, "SAFETY")
