"""Requests of Ollama's native API."""

from daemon.model import Chat
from daemon.providers import ollama
from daemon.providers.dialect import ChatPath


def test_chat_and_generate() -> None:
    """Streams are the default; images stand beside the text; the largest answer is an option."""
    chat = ollama.ask("chat", "/api/chat", {
        "model": "llama3.2", "messages": [{"role": "user", "content": "Hi", "images": ["AAAA", "BBBB"]}],
        "options": {"num_predict": 64}})  # fmt: skip
    assert (chat.model, chat.stream, chat.messages, chat.images, chat.max_output) == ("llama3.2", True, 1, 2, 64)
    assert chat.text == "Hi"
    generate = ollama.ask("completions", "/api/generate", {"model": "m", "prompt": "Hi", "stream": False})
    assert (generate.stream, generate.text, generate.wants_usage) == (False, "Hi", True)
    assert ollama.ask("embeddings", "/api/embed", {"model": "m", "input": ["a", "b"]}).text == "a\nb"


def test_a_conversation_goes_by_the_compatible_api() -> None:
    """Chat is OpenAI's form under /v1."""
    assert ollama.chat_request(Chat("m", ()), ChatPath("/v1/chat/completions")).target == "/v1/chat/completions"


def test_a_line_that_is_not_the_last() -> None:
    """Its JSON is whole, the answer is not."""
    piece = ollama.piece({"response": "Hi", "done": False}, "")
    assert piece is not None
    assert (piece.text, piece.ended, piece.more) == ("Hi", False, True)
    assert ollama.piece({"model": "m"}, "") is None
