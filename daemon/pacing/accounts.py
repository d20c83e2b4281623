"""All accounts, one for each key at each host. Keys come and go, some every hour: those that idle are forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from daemon.model import Scope
from daemon.pacing.account import Account

MOST = 64
"""Accounts before idle ones are forgotten. What was learned of their limits is in the pacer's memory by then."""
A_FEW = 8
"""So many are forgotten at a time."""


class Accounts:
    """Finds accounts, and makes them."""

    def __init__(self, make: Callable[[Scope], Account], parting: Callable[[Account], object]) -> None:
        """PARTING: told of each account before it is forgotten."""
        self._make = make
        self._parting = parting
        self._all: dict[tuple[str, str], Account] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._all.values())

    def known(self, scope: Scope) -> Account | None:
        """The account of SCOPE, if there is one."""
        return self._all.get((scope.host, scope.key))

    def of(self, scope: Scope) -> Account:
        """The account of SCOPE, made when it is the first call."""
        key = scope.host, scope.key
        account = self._all.get(key)
        if account is None:
            if len(self._all) >= MOST:
                self._forget_idle()
            account = self._all[key] = self._make(scope)
        return account

    def _forget_idle(self) -> None:
        """A few of those that idle, the last call of which was longest ago. To write down what they know takes time."""
        idle = sorted((account for account in self if account.idle), key=lambda account: account.last_seq)
        for account in idle[:A_FEW]:
            self._parting(account)
            del self._all[account.host, account.key]
