"""F7: does the redactor find each key, in each form, wherever it stands? And does it leave ordinary words alone?"""

from __future__ import annotations

import base64
import json
import random
import string
from urllib.parse import quote

from benchmarks.reliability.figure import Figure, count
from daemon.redact import Redactor

SHORT = 0.05
LETTERS = string.ascii_letters + string.digits + "-_./+=~%$!\\\"'"
TEXT = (
    "the model stream token limit of a request went to provider and came back with skill task-list desk-top of news AI "
    "hugging face ghost key to success class sk-loading-spinner 429 tokens per minute"
)
WORDS = TEXT.split()


def measure(scale: float) -> Figure:
    """Random keys in four forms at random places; then texts without any."""
    n, texts = count(20_000, scale), count(10_000, scale)
    rng, redactor = random.Random(7), Redactor(b"benchmark")
    misses = false = 0
    for number in range(n):
        key = rng.choice(("", "sk-", "AIza", "local")) + "".join(rng.choices(LETTERS, k=rng.randint(12, 90)))
        form = (key, quote(key, safe=""), json.dumps(key)[1:-1], base64.b64encode(key.encode()).decode().rstrip("="))
        before, after = " ".join(rng.choices(WORDS, k=3)), " ".join(rng.choices(WORDS, k=3))
        shown = redactor.scrub(f"{before} {form[number % 4]} {after}", [redactor.secret(key)])
        # of base64 the last letter may hold bits of what comes after, so the edge may stay: 4 letters tell nothing
        misses += form[number % 4][: max(8, len(form[number % 4]) - 4)] in shown or key in shown
    for _ in range(texts):
        text = " ".join(rng.choices(WORDS, k=rng.randint(5, 60)))
        false += redactor.scrub(text, [redactor.secret("CANARY-never-there-0123456789")]) != text
    what = f"{n} keys in plain, URL, JSON and base64 form; {texts} texts without a key"
    reached = f"{misses} misses, {false} false hits"
    return Figure("F7", what, "0 misses, < 1 false hit in 10,000", reached, ok=not misses and not false)
