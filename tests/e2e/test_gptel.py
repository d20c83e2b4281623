"""Real gptel in a real Emacs, stock backends, keys in ~/.authinfo, `sluice-gptel-mode` on, nothing else changed.

One Emacs serves all scenes, as a person's does; each scene has a daemon and a provider of its own.
"""

from __future__ import annotations

import http.server
import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from stage.editor import quoted
from stage.gptel import BACKENDS, GROQ, GROQ_KEY, ask, error_line, until, world
from stage.world import HOSTS, KEYS, config

pytestmark = pytest.mark.e2e

PATHS = {
    ("openai", True): "/v1/responses",
    ("openai", False): "/v1/responses",
    ("anthropic", True): "/v1/messages",
    ("anthropic", False): "/v1/messages",
    ("gemini", True): "/v1beta/models/gpt-4o-mini:streamGenerateContent",
    ("gemini", False): "/v1beta/models/gpt-4o-mini:generateContent",
    ("groq", True): "/openai/v1/chat/completions",
    ("groq", False): "/openai/v1/chat/completions",
}


def test_answers(scene: Any, sandbox: Any) -> None:
    """Four stock backends, streaming and not: the whole answer, the own host's key, the path that gptel chose."""
    provider = sandbox()
    emacs, _ = scene(world(provider))
    before = emacs("(progn (sluice-gptel-mode -1) (prog1 (scenes-state) (sluice-gptel-mode 1)))")
    assert before["advised"] == [None, None]
    for backend in BACKENDS:
        for stream in (True, False):
            result = ask(emacs, backend, "gpt-4o-mini", '한국어 中文 🙂 "quoted" and done', stream=stream)
            assert 'You said: 한국어 中文 🙂 "quoted" and done' in result["text"], result
            assert result["failed"] is None
            assert not [line for line in result["said"] if "luice" in line or "error" in line], result["said"]
            seen = provider.seen[-1]
            assert seen.status == 200
            assert seen.target.partition("?")[0] == PATHS[backend, stream]
            assert {**KEYS, "groq": GROQ_KEY}[backend] in str(seen.headers)
            assert not [name for name, _ in seen.fields() if name.lower().startswith("x-sluice")]
    assert len(provider.seen) == 8
    assert emacs("(progn (sluice-gptel-mode -1) (scenes-state))") == before


@pytest.mark.parametrize("backend", HOSTS)
def test_burst(scene: Any, sandbox: Any, backend: str) -> None:
    """12 prompts at once against 6 a scaled minute: all are answered, and the provider never had to refuse one.

    With OpenAI the limit was learned from the headers of the answer before. Gemini sends none, and Anthropic's tell
    the time in whole seconds, too coarse for a minute of two: there it is configured.
    """
    provider = sandbox(requests_per_minute=6, minute_s=2.0, tokens_per_minute=None)
    emacs, _ = scene(world(provider, minute_s=2.0, limits="[{requests: 6, per: minute}]" * (backend != "openai")))
    assert "You said: Hello" in ask(emacs, backend, "gpt-4o-mini")["text"]
    answers = emacs(f"(scenes-burst {quoted(backend)} 12)")
    assert answers == [f"You said: number {n}" for n in range(12)]
    assert [seen.status for seen in provider.seen] == [200] * 13


def test_first_burst(scene: Any, sandbox: Any) -> None:
    """The same as the very first thing after installation, when no limit is known: the person sees answers only."""
    provider = sandbox(requests_per_minute=6, minute_s=2.0, tokens_per_minute=None)
    emacs, _ = scene(world(provider, minute_s=2.0))
    answers = emacs('(scenes-burst "openai" 12)')
    assert answers == [f"You said: number {n}" for n in range(12)]
    assert [seen.status for seen in provider.seen].count(200) == 12


def test_a_rate_429_in_spite_of_pacing_is_waited_out(scene: Any, sandbox: Any) -> None:
    """The provider refuses the first sending; gptel sees nothing but the answer."""
    provider = sandbox(minute_s=1.0)
    emacs, _ = scene(world(provider, minute_s=1.0))
    for number, backend in enumerate(BACKENDS):
        result = ask(emacs, backend, "rate-limit-once", f"from {backend}", stream=number % 2 == 0)
        assert f"You said: from {backend}" in result["text"]
        assert not [line for line in result["said"] if "error" in line], result["said"]
    assert [seen.status for seen in provider.seen] == [429, 200] * len(BACKENDS)


@pytest.mark.parametrize("backend", HOSTS)
def test_no_credit(scene: Any, sandbox: Any, backend: str) -> None:
    """One line of at most 150 characters: credit is missing, waiting will not help; the whole behind one command."""
    provider = sandbox()
    emacs, _ = scene(world(provider))
    for stream in (True, False):
        result = ask(emacs, backend, "insufficient-quota", stream=stream)
        line = error_line(result)
        message = line.partition(") ")[2] if backend == "gemini" else line.partition(") ")[2].partition(") ")[2]
        assert 20 < len(message) <= 150
        assert "\n" not in line
        assert "credit" in message
        assert "Waiting will not help" in message
        assert result["failed"].startswith("gptel-")
        page = emacs("(scenes-explanation (car (sort (mapcar #'buffer-name scenes--buffers) #'string>)))")
        for part in ("What happened", "What you can do", "How I know", "Copy curl", "credit"):
            assert part in page
    assert [seen.trouble for seen in provider.seen] == ["insufficient-quota"] * 2


def test_no_credit_with_a_big_body(scene: Any, sandbox: Any) -> None:
    """curl wants to hear `100 Continue` before it sends a megabyte; gptel would take that for success."""
    provider = sandbox()
    emacs, _ = scene(world(provider))
    result = emacs('(scenes-ask "anthropic" \'insufficient-quota (make-string 1200000 ?x))')
    assert "Waiting will not help" in error_line(result)
    assert len(provider.seen[-1].body) > 1_200_000


@pytest.mark.parametrize("model", ["html-429", "empty-429", "json-no-error-429", "array-429"])
def test_odd_bodies(scene: Any, sandbox: Any, model: str) -> None:
    """A 429 that is a web page, empty, or JSON of another shape: a sentence, not `Malformed JSON`."""
    provider = sandbox(minute_s=0.6)
    more = "queue: {max_wait: 300ms}\nretry: {rate_tries: 1}\n"
    emacs, _ = scene(world(provider, minute_s=0.6, more=more))
    for backend, stream in (("openai", True), ("anthropic", False), ("gemini", True), ("groq", False)):
        line = error_line(ask(emacs, backend, model, f"to {backend}", stream=stream))
        assert "Malformed" not in line
        assert "Could not parse" not in line
        assert "429" in line
        assert len(line.partition(") ")[2]) > 20, line


def test_what_gptel_hides_is_told(scene: Any, sandbox: Any) -> None:
    """A stream that breaks, or that ends in an error after a 200: gptel shows nothing, so the mode does, once."""
    provider = sandbox(chunk_s=0.1)  # the text is on its way when the trouble comes
    emacs, _ = scene(world(provider))
    for backend, model, words in (
        ("openai", "cut-stream", "cut off before its end"),
        ("anthropic", "cut-stream", "cut off before its end"),
        ("groq", "cut-stream", "cut off before its end"),
        ("groq", "error-in-stream", "overloaded"),
    ):
        result = ask(emacs, backend, model)
        told = [line for line in result["said"] if not line.startswith("Querying")]
        assert len(told) == 1, told
        assert words in told[0]
        assert told[0].endswith("(M-x sluice-explain-last)")
        assert result["failed"]
        assert "What happened" in emacs("(scenes-explanation (buffer-name (car scenes--buffers)))")


def test_an_error_inside_a_200_is_an_error(scene: Any, sandbox: Any) -> None:
    """Not streamed, gptel would take it for success and say nothing at all; it is sent again, then shown."""
    provider = sandbox()
    emacs, _ = scene(world(provider))
    line = error_line(ask(emacs, "anthropic", "error-in-stream", stream=False))
    assert "overloaded_error" in line
    assert "200" not in line
    assert [seen.status for seen in provider.seen] == [200] * len(provider.seen)
    assert len(provider.seen) > 1


def test_abort_while_queued(scene: Any, sandbox: Any) -> None:
    """`gptel-abort` on a prompt that waits: the queue is empty, and the provider never hears of it."""
    provider = sandbox(requests_per_minute=1, tokens_per_minute=None)
    emacs, daemon = scene(world(provider, limits="[{requests: 1, per: minute}]"))
    ask(emacs, "openai", "gpt-4o-mini")
    emacs('(scenes-chat "*waits*" "openai" \'gpt-4o-mini "second")')
    assert until(lambda: len(status_of(daemon)["queue"]) == 1)
    emacs('(with-current-buffer "*waits*" (gptel-abort (current-buffer)))')
    result = emacs('(scenes-over "*waits*")')
    assert until(lambda: not status_of(daemon)["queue"])
    assert len(provider.seen) == 1
    assert result["failed"] is None
    assert "Stopped gptel request" in result["said"][-1]


def test_waiting_is_shown(scene: Any, sandbox: Any) -> None:
    """A prompt that waits says so below it and in gptel's status line; the lists show the call; promoted or not, it
    goes on waiting until it is cancelled in the list, which its note then says, with its keys."""
    provider = sandbox(requests_per_minute=1, tokens_per_minute=None)
    emacs, daemon = scene(world(provider, limits="[{requests: 1, per: minute}]"))
    ask(emacs, "openai", "gpt-4o-mini")
    emacs('(scenes-chat "*waits*" "openai" \'gpt-4o-mini "second")')
    shown = emacs('(wire-until (scenes-shown "*waits*"))')
    waits = r"\[next in line, goes in \d:\d\d, requests per minute used up, M-x sluice-abort stops it\]"
    assert re.fullmatch(waits, " ".join(shown.split()))
    assert re.match(r" next in line, \d:\d\d", emacs('(scenes-status "*waits*")'))
    assert emacs('(wire-text "*waits*")').count("next in line") == 0
    queue = emacs('(scenes-list #\'sluice-queue "emacs-gptel")')
    assert re.search(r"1 +\d:\d\d emacs-gptel +gpt-4o-mini +requests per minute used up", queue)
    limits = emacs('(scenes-list #\'sluice-limits "requests")')
    assert re.search(r"requests/minute +1 / 1 +limited by requests per minute", limits)
    assert re.search(r"waiting .*\n.*done", emacs('(scenes-list #\'sluice-log "waiting")'))
    emacs("(scenes-cancel)")
    emacs('(scenes-over "*waits*")')
    assert "[Cancelled.  C-c ? then t send again, d dismiss]" in emacs('(wire-until (scenes-shown "*waits*"))')
    assert not status_of(daemon)["queue"]
    assert len(provider.seen) == 1


def test_abort_in_mid_stream(scene: Any, sandbox: Any) -> None:
    """`gptel-abort` on an answer that streams: the provider's connection is closed, and it is no failure."""
    provider = sandbox(chunk_s=0.03)
    emacs, daemon = scene(world(provider))
    for backend in BACKENDS:
        name = f"*{backend} aborted*"
        emacs(f'(scenes-chat {quoted(name)} {quoted(backend)} \'long-200 "count")')
        emacs(f'(wire-until (string-match-p "\\\\b12\\\\b" (wire-text {quoted(name)})))')
        emacs(f"(with-current-buffer {quoted(name)} (gptel-abort (current-buffer)))")
        result = emacs(f"(scenes-over {quoted(name)})")
        assert until(lambda: provider.seen[-1].closed_by_client), backend
        assert not provider.seen[-1].finished
        assert result["failed"] is None
        assert not [line for line in result["said"] if "luice" in line], result["said"]
    assert until(lambda: status_of(daemon)["daemon"]["running"] == 0)
    assert len(provider.seen) == len(BACKENDS)


def test_without_a_daemon(scene: Any, sandbox: Any, trap: Any) -> None:
    """The message says what to do, and nothing goes to the provider by another way; with the mode off it would."""
    emacs, daemon = scene(world(sandbox()))
    daemon.stop()
    emacs(f'(setenv "https_proxy" {quoted(trap.url)})')
    try:
        for backend, stream in (("openai", True), ("anthropic", False), ("gemini", True)):
            result = ask(emacs, backend, "gpt-4o-mini", stream=stream)
            line = error_line(result)
            assert "(Sluice is not running)" in line
            assert "Nothing was sent" in line
            assert "M-x sluice-start" in line
            assert "\n" not in line
        assert trap.visits == 0
        emacs("(sluice-gptel-mode -1)")
        assert "Curl failed" in error_line(ask(emacs, "openai", "gpt-4o-mini"))
        assert trap.visits == 1
    finally:
        emacs('(setenv "https_proxy" nil)')


def test_a_daemon_that_comes_back(scene: Any, sandbox: Any) -> None:
    """Killed in the middle of an answer: it is said. Started again: the next prompt goes through, nothing to do."""
    provider = sandbox(chunk_s=0.03)
    emacs, daemon = scene(world(provider))
    emacs('(scenes-chat "*killed*" "anthropic" \'long-200 "count")')
    emacs('(wire-until (string-match-p "\\\\b12\\\\b" (wire-text "*killed*")))')
    daemon.kill9()
    result = emacs('(scenes-over "*killed*")')
    assert "stopped in the middle" in result["said"][-1]
    assert "M-x sluice-start" in result["said"][-1]
    assert result["failed"]
    daemon.restart()
    assert "You said: again" in ask(emacs, "anthropic", "gpt-4o-mini", "again")["text"]


def test_a_tool_run_survives_a_429(scene: Any, sandbox: Any, scripted: Any) -> None:
    """Round 1 calls a tool, round 2 is refused once for its rate: gptel alone would lose the run; here it ends well."""
    provider = sandbox()
    groq = f"- {{host: {GROQ}, url: '{scripted.url}', provider: groq, minute: 1s}}\n"
    emacs, _ = scene(config(provider.url, more=groq))
    result = emacs('(scenes-with-tool "groq" "What is a sluice?")')
    assert result["looked-up"] == ["sluice"]
    assert "A sluice is a small gate." in result["text"]
    assert not [line for line in result["said"] if "error" in line], result["said"]
    assert scripted.statuses == [200, 429, 200]
    tool_message = scripted.bodies[-1]["messages"][-1]
    assert (tool_message["role"], tool_message["content"]) == ("tool", "sluice is a small gate")


def test_rewrite(scene: Any, sandbox: Any) -> None:
    """`gptel-rewrite` goes through as well."""
    provider = sandbox()
    emacs, _ = scene(world(provider))
    result = emacs('(scenes-rewrite "anthropic" "teh gate" "Mend the spelling.")')
    assert result["offered"] == "You said: Mend the spelling."
    assert result["text"] == "teh gate"
    assert provider.seen[-1].status == 200


def status_of(daemon: Any) -> Any:
    """`daemon status --json`."""
    return json.loads(daemon.run("status", "--json").stdout)


class Trap:
    """A proxy that counts who comes and sends everyone away."""

    def __init__(self) -> None:
        self.visits = 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                visitor, _ = self._door.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        """Stop counting."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    """The only way out to a provider that is not the daemon."""
    one = Trap()
    yield one
    one.close()


class Scripted:
    """A chat completions API whose answers are fixed: a tool call, a 429 for the rate, a text."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.bodies: list[Any] = []
        script = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                script.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status, kind, body = ROUNDS[len(script.statuses)]
                script.statuses.append(status)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if status == 429:
                    self.send_header("Retry-After", "0.2")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _events(*deltas: dict[str, Any], finish: str) -> bytes:
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"


_CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": ""}}
_ARGUMENTS = {"index": 0, "function": {"arguments": '{"word": "sluice"}'}}
_RATE = {
    "error": {
        "message": "Rate limit reached for model `scripted`: Limit 30, Used 30, Requested 1. Try again in 200ms.",
        "type": "requests",
        "code": "rate_limit_exceeded",
    }
}
ROUNDS = (
    (
        200,
        "text/event-stream",
        _events(
            {"role": "assistant", "content": None, "tool_calls": [_CALL]},
            {"tool_calls": [_ARGUMENTS]},
            finish="tool_calls",
        ),
    ),
    (429, "application/json", json.dumps(_RATE).encode()),
    (
        200,
        "text/event-stream",
        _events({"role": "assistant", "content": "A sluice is"}, {"content": " a small gate."}, finish="stop"),
    ),
)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A provider with a tool call in its script, which the sandbox has not."""
    one = Scripted()
    yield one
    one.close()
