"""The few refusals that are ours. Each message says what happened, why, and what to do next.

What an upstream answers is never an exception: see `daemon.model.Failure`.
"""

from __future__ import annotations

from daemon.phrases import told


class Refusal(Exception):
    """Sluice itself says no to a call or an operation. As a text it is English, for logs."""

    code = "refused"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        """English; a `Phrase`, unless somebody else said it."""
        self.facts = facts
        """Plain JSON values that a program may want: for example `retry_after_s`."""

    def __str__(self) -> str:
        return self.message

    def told(self, language: str) -> str:
        """The message for a person who reads LANGUAGE."""
        return told(self.message, language)


class InvalidCall(Refusal):
    """The call cannot be understood: bad parameters, bad JSON, a bad header."""

    code = "invalid_call"


class UnknownOperation(Refusal):
    """No such control operation."""

    code = "unknown_operation"


class NotFound(Refusal):
    """No such call, page or file."""

    code = "not_found"


class UnknownHost(Refusal):
    """The host is not in providers.yaml nor in the user's config."""

    code = "unknown_host"


class BodyTooLarge(Refusal):
    """The body is larger than the setting `max_body` allows."""

    code = "body_too_large"


class TooLarge(Refusal):
    """This one call needs more than a whole window of its limit holds: waiting cannot help."""

    code = "request_too_large"


class QueueFull(Refusal):
    """More calls wait for this pool than the setting `queue.max_waiting` allows."""

    code = "queue_full"


class DeadlineExceeded(Refusal):
    """The call cannot go, or did not go, before its deadline. `retry_after_s` says when it could."""

    code = "deadline_exceeded"


class OverBudget(Refusal):
    """A budget of the person's own is used up. `retry_after_s` says when it begins anew; or that it may be used up by
    calls on their way, and when to try again."""

    code = "over_budget"


class Cancelled(Refusal):
    """Somebody cancelled the call while it waited."""

    code = "cancelled"


class NotAllowed(Refusal):
    """A visitor of the TCP listener without the token, from a web page, or under a name that is not ours."""

    code = "not_allowed"


class ShuttingDown(Refusal):
    """The daemon is stopping and takes no new calls."""

    code = "shutting_down"


class ConfigError(Refusal):
    """The configuration is wrong; the message begins with file:line."""

    code = "config"
