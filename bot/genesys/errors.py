"""
What can go wrong with Genesys Cloud, split by what the caller may do next.

    GenesysError
    ├── AuthError            nothing was sent: the sign-in is refused, which the operator repairs
    │   └── NotConnected     this person has to sign in (again); then it can be sent
    ├── Refused              nothing was sent: Genesys, or our own check, said no
    │   ├── NotFound         no such thing, or a conversation that has ended and was archived
    │   ├── RateLimited      too many requests: may be repeated after `retry_after` seconds
    │   ├── NotAParticipant  the sender is not in the conversation
    │   ├── WrongMedia       the conversation is not one that takes text
    │   ├── Ended            the conversation is over
    │   └── NotOffered       this contract has no such thing
    ├── Unavailable          nothing was sent: may be repeated after `retry_after` seconds
    │   └── Interrupted      the caller's own `sleep` says that there is no time left to wait
    └── OutcomeUnknown       perhaps it was sent: never repeat it blindly
"""

from __future__ import annotations


class GenesysError(Exception):
    """
    `str()` of it is for the person who waits: what happened and what to do next.

    `correlation_id` is what Genesys support asks for ("" where there was no answer),
    `retry_after` the seconds after which it is worth trying again (None: not by itself).
    """

    retry_after: float | None

    def __init__(self, sentence: str, *, correlation_id: str = "", retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.correlation_id = correlation_id
        self.retry_after = retry_after


class AuthError(GenesysError):
    """The sign-in is refused, even with a fresh token; nothing was sent."""


class NotConnected(AuthError):
    """The person `user_id` has not signed in, or their sign-in is no longer good; nothing was sent."""

    def __init__(self, user_id: str, *, correlation_id: str = "") -> None:
        super().__init__(
            "Genesys needs this person's own sign-in, and there is none that is still good. Nothing was "
            "sent. They connect their Genesys account, and then it can be sent.",
            correlation_id=correlation_id,
        )
        self.user_id = user_id


class Refused(GenesysError):
    """Genesys or our own check said no; nothing was sent."""


class NotFound(Refused):
    """Genesys knows nothing under this id, or no longer; nothing was sent."""


class RateLimited(Refused):
    """Genesys asks for a longer wait than is made in place; nothing was sent."""

    retry_after: float

    def __init__(self, sentence: str, *, retry_after: float, correlation_id: str = "") -> None:
        super().__init__(sentence, correlation_id=correlation_id, retry_after=retry_after)


class NotAParticipant(Refused):
    """The sender is not in the conversation now; nothing was sent."""


class WrongMedia(Refused):
    """Text cannot be sent into a conversation of this kind; nothing was sent."""


class Ended(Refused):
    """The conversation is over; nothing was sent."""


class NotOffered(Refused):
    """The contract in use has nothing like it; nothing was sent."""


class Unavailable(GenesysError):
    """Genesys could not be reached or gave no usable answer; nothing was sent."""

    retry_after: float

    def __init__(self, sentence: str, *, retry_after: float = 10.0, correlation_id: str = "") -> None:
        super().__init__(sentence, correlation_id=correlation_id, retry_after=retry_after)


class Interrupted(Unavailable):
    """What a caller's `sleep` raises to end a wait; whatever was waited for has not been sent."""

    def __init__(self, *, retry_after: float) -> None:
        super().__init__(
            "The bot is being restarted, so this waits a moment longer. Nothing has been sent yet; "
            "it goes out once the bot is back.",
            retry_after=retry_after,
        )


class OutcomeUnknown(GenesysError):
    """The message may have left, and no answer says whether it did."""
