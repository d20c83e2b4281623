"""Keys that a client is asked for: on the connection that made the call, one question at a time for each host.

They are held as Secrets in memory, never written anywhere, until the daemon stops or is told to forget.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

from daemon.errors import Refusal
from daemon.operations.session import Session, Unanswered
from daemon.phrases import phrase
from daemon.redact import Secret

METHOD = "key/needed"
"""The request to the client, who says in `hello` that it answers it."""

ASK_S = 120.0
"""Seconds for the answer: a person may have to unlock the keys first."""

_KEY = re.compile(r"[ -~]{1,20000}")
"""What can stand in a header. The longest kind of key, a service account's token, has about 2,000 characters."""


class NoKey(Refusal):
    """The client that was asked for a key has none."""

    code = "no_key"


class Keys:
    """What clients have told, by host."""

    def __init__(self, seal: Callable[[str], Secret], ask_s: float = ASK_S) -> None:
        self._seal = seal
        self._ask_s = ask_s
        self._held: dict[str, Secret] = {}
        self._questions: dict[str, tuple[Session, asyncio.Task[Secret | None]]] = {}

    async def of(self, host: str, session: Session, about: Mapping[str, Any]) -> Secret | None:
        """The key for HOST: held, else asked for over SESSION; None if that one does not answer such questions.

        ABOUT goes with the question. Raises NoKey.
        """
        while (held := self._held.get(host)) is None and METHOD in session.answers:
            asked, question = self._questions.get(host) or self._begin(host, session, about)
            # A call that is cancelled takes nobody else's question with it.
            if await asyncio.shield(question) is None and asked is session:
                return None
        return held

    def forget(self, host: str | None = None) -> int:
        """Forget the key for HOST, or all; how many there were."""
        gone = [one for one in self._held if host in (None, one)]
        for one in gone:
            del self._held[one]
        return len(gone)

    def _begin(
        self, host: str, session: Session, about: Mapping[str, Any]
    ) -> tuple[Session, asyncio.Task[Secret | None]]:
        question = asyncio.create_task(self._ask(host, session, about))
        self._questions[host] = session, question
        question.add_done_callback(lambda done: self._asked(host, done))
        return session, question

    async def _ask(self, host: str, session: Session, about: Mapping[str, Any]) -> Secret | None:
        """Ask, and hold the answer; None if the connection ended first, so that another one may be asked."""
        try:
            answer = await session.ask(METHOD, {"host": host, **about}, self._ask_s)
        except Unanswered as none:
            if none.gone:
                return None
            if none.words:
                raise NoKey(none.words, host=host) from None
            raise NoKey(phrase("keys.late", host=host, seconds=self._ask_s), host=host) from None
        key = answer.get("key") if isinstance(answer, Mapping) else None
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise NoKey(phrase("keys.none", host=host), host=host)
        self._held[host] = secret = self._seal(key)
        return secret

    def _asked(self, host: str, question: asyncio.Task[Secret | None]) -> None:
        self._questions.pop(host, None)
        if not question.cancelled():
            question.exception()  # whoever asked may be gone; then nobody else would look at it
