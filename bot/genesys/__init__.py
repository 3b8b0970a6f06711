"""How we talk to Genesys Cloud: read a conversation, choose its sender, send one message; works alone."""

from .client import Genesys
from .errors import (
    AuthError,
    Ended,
    GenesysError,
    NotAParticipant,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
    WrongMedia,
)
from .nouns import Accepted, Check, Conversation, Participant, Sender, User

__all__ = [
    "Accepted",
    "AuthError",
    "Check",
    "Conversation",
    "Ended",
    "Genesys",
    "GenesysError",
    "NotAParticipant",
    "NotFound",
    "OutcomeUnknown",
    "Participant",
    "RateLimited",
    "Refused",
    "Sender",
    "Unavailable",
    "User",
    "WrongMedia",
]
