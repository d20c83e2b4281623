"""Several keys or endpoints of the person's own for one host: which one a call goes with, and how they fare.

A key of ours is only for calls that bring none. It is looked up when a call goes, and sealed at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from daemon.gateway.fields import SPLIT_LIMITS
from daemon.gateway.intake import provider_of
from daemon.model import Call, Origin, SealedHeaders, Way
from daemon.pacing import Pacer
from daemon.phrases import phrase
from daemon.redact import Redactor, Sealed, Secret

PLACEHOLDER = "sluice"
"""What a client that must send a key sends in place of one."""
BEGINNING = 2000
"""Characters at the beginning of a conversation by which it is known again. Providers cache prompts from about 1,024
tokens on, so a shorter one loses nothing by going with another key."""
MOST_REMEMBERED = 10_000
SHUN_S = 30.0
"""So long others go first after a key or endpoint was not reached or had no capacity."""
_WORST = ("blocked", "limited", "waiting", "running", "learning", "idle")


class Keyring:
    """Chooses."""

    def __init__(
        self,
        pacer: Pacer,
        redactor: Redactor,
        key_of: Callable[[str], str | None],
        wall: Callable[[], float],
        origins: Collection[Origin] = (),
    ) -> None:
        """KEY_OF: the value of an environment variable. ORIGINS: those with a choice, for `states`."""
        self._pacer = pacer
        self._redactor = redactor
        self._key_of = key_of
        self._wall = wall
        self._shunned: dict[tuple[str, str], float] = {}
        """Until when, by host and name."""
        self._placeholder = redactor.secret(PLACEHOLDER)
        self._origins = {origin.host: origin for origin in origins}
        self._kept: OrderedDict[bytes, str] = OrderedDict()
        """The last way of each conversation, by a digest of its beginning."""

    def know(self, origins: Collection[Origin]) -> None:
        """The configuration was read again: these are the origins with a choice."""
        self._origins = {origin.host: origin for origin in origins}

    def choices(self, call: Call) -> list[Call]:
        """CALL with each key and endpoint that it may go with; none where there is nothing to choose."""
        origin = call.origin
        self._origins[origin.host] = origin
        bare = self.is_bare(call)
        ways = [way for way in origin.ways if bare or way.variable is None]
        return [found for way in ways if (found := self._by(call, way)) is not None]

    def is_bare(self, call: Call) -> bool:
        """True if CALL brings no credentials of its own: none at all, or the placeholder."""
        own = [secret for secret in call.secrets() if secret != self._placeholder]
        return not own and not any(name.lower() in SPLIT_LIMITS for name, _ in call.headers)

    def best(self, choices: Collection[Call], but: Collection[str] = ()) -> Call | None:
        """The one of CHOICES that goes soonest; that of the same conversation as long as it has room. Not one of BUT.

        They are different keys for the same call, as `choices` gives them.
        """
        looked = [(self._pacer.outlook(one), one) for one in choices if _name(one) not in but]
        if not looked:
            return None
        kept = self._kept.get(self._beginning(looked[0][1]) or b"")
        for look, one in looked:
            if _name(one) == kept and look.has_room and not self._is_shunned(one.origin.host, kept):
                return one
        return min(looked, key=lambda pair: (self._is_shunned(pair[1].origin.host, _name(pair[1])), pair[0].rank))[1]

    def shun(self, call: Call) -> None:
        """The way of CALL was not reached, or had no capacity: others go first for a while."""
        self._shunned[call.origin.host, _name(call)] = self._wall() + SHUN_S

    def remember(self, call: Call) -> None:
        """CALL was answered: what follows in that conversation finds its prompt in the cache of the same key."""
        self._shunned.pop((call.origin.host, _name(call)), None)
        digest = self._beginning(call)
        if digest is not None:
            self._kept[digest] = _name(call)
            self._kept.move_to_end(digest)
            if len(self._kept) > MOST_REMEMBERED:
                self._kept.popitem(last=False)

    def states(self) -> list[dict[str, Any]]:
        """Each key and endpoint for `status`: JSON-ready, with phrases. Never the key."""
        pools = self._pacer.pools() if self._origins else []
        return [self._state(origin, way, pools) for origin in self._origins.values() for way in origin.ways]

    # Inside

    def _is_shunned(self, host: str, name: str) -> bool:
        return self._shunned.get((host, name), 0.0) > self._wall()

    def _by(self, call: Call, way: Way) -> Call | None:
        """CALL as it goes by WAY; None when the key is not in the environment."""
        origin = replace(call.origin, url=way.url) if way.url else call.origin
        if way.variable is None:
            scope = replace(call.scope, key=_bucket(call.scope.key, way))
            return replace(call, origin=origin, scope=scope, way=way)
        secret = self._secret(way)
        if secret is None:
            return None
        scope = replace(call.scope, key=_bucket(secret.name, way))
        return replace(self._with_key(call, secret), origin=origin, scope=scope, way=way)

    def _secret(self, way: Way) -> Secret | None:
        key = self._key_of(way.variable) if way.variable else None
        return self._redactor.secret(key) if key else None

    def _with_key(self, call: Call, secret: Secret) -> Call:
        """The key where the placeholder stands; where there is none, in the provider's header."""
        target = self._filled(call.target, secret)
        headers: SealedHeaders = tuple((name, self._filled(value, secret)) for name, value in call.headers)
        if target == call.target and headers == call.headers:
            name, prefix = provider_of(call.origin).key_header()
            headers = (*headers, (name, Sealed(prefix, secret) if prefix else Sealed(secret)))
        return replace(call, target=target, headers=headers)

    def _filled(self, text: Sealed, secret: Secret) -> Sealed:
        return Sealed(*(secret if part == self._placeholder else part for part in text.parts))

    def _beginning(self, call: Call) -> bytes | None:
        """What names the conversation of CALL; None for one that is too short to be cached anywhere."""
        text = call.ask.text
        if len(text) < BEGINNING:
            return None
        told = "\0".join((call.client, call.origin.host, call.model or "", text[:BEGINNING]))
        return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def _state(self, origin: Origin, way: Way, pools: list[dict[str, Any]]) -> dict[str, Any]:
        secret = self._secret(way)
        row: dict[str, Any] = {
            "host": origin.host, "name": way.name, "url": way.url or origin.url, "variable": way.variable,
            "key": None if secret is None else _bucket(secret.name, way), "waiting": 0, "in_flight": 0, "subtype": None,
        }  # fmt: skip
        if way.variable is not None and secret is None:
            words = phrase("ways.no_key", host=origin.host, name=way.name, variable=way.variable)
            return {**row, "state": "no_key", "words": words}
        mine = [pool for pool in pools if pool["host"] == origin.host and self._is_of(pool, row["key"], way)]
        worst = min(mine, key=lambda pool: _WORST.index(pool["state"]), default=None)
        row |= {name: sum(pool[name] for pool in mine) for name in ("waiting", "in_flight")}
        if self._is_shunned(origin.host, way.name):
            return {**row, "state": "failing", "words": phrase("ways.failing", host=origin.host, name=way.name)}
        if worst is None:
            return {**row, "state": "unused", "words": phrase("ways.unused", host=origin.host, name=way.name)}
        subtype = worst["blocked"]["subtype"] if worst["blocked"] else None
        words = phrase("ways.state", host=origin.host, name=way.name, words=worst["words"])
        return {**row, "state": worst["state"], "subtype": subtype, "words": words}

    def _is_of(self, pool: dict[str, Any], key: str | None, way: Way) -> bool:
        return pool["key"] == key if key is not None else str(pool["key"]).endswith(_bucket("", way))


def _bucket(key: str, way: Way) -> str:
    """The name of a pool's key: endpoints have limits of their own."""
    return f"{key}@{way.name}" if way.url else key


def _name(call: Call) -> str:
    return call.way.name if call.way is not None else ""
