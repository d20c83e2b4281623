"""A simulated provider with real limits, headers, streams and error bodies; it needs no key and no network.

It serves `daemon --sandbox`, the tests, the demo and the benchmarks. It is the judge of `daemon.pacing`, so the
two share no code. From the outside in:

    server       the HTTP server: takes a request, decides, answers, remembers it (`Sandbox`)
    record       what was seen of each request
    question     what a request asks for
    meter        the limits of one key; limits: the four ways of counting
    trouble      what goes wrong, in no provider's words; tricks: which model name asks for which trouble
    wire         troubles of the connection: resets, silence, cut streams, HTML pages
    openai, openai_responses, anthropic, gemini    each API's bodies, streams, errors and headers
    text         what an answer says, and how many tokens that is
"""

from daemon.sandbox.server import Sandbox
from daemon.sandbox.settings import SandboxSettings

__all__ = ["Sandbox", "SandboxSettings"]
