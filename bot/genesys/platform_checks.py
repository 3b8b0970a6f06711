"""What the platform lets the service do, found out by harmless reading, and sending by its refusal."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from . import queues, responses
from .calls import Calls
from .checks import checked, finds_users, reads_conversations
from .client import Genesys
from .errors import GenesysError, NotFound, Refused
from .ids import NOBODY
from .nouns import Check
from .sign_in import SignIn

_OAUTH = "Check the client id, the client secret and the region."
_GRANT = "Give it to a role of the OAuth client in Genesys (Admin, Roles), for the divisions of the teams."
_NOTHING = {"fromAddress": NOBODY, "toAddress": NOBODY, "toAddressMessengerType": "open"}


def run(genesys: Genesys, calls: Calls, sign_in: SignIn | None, *, automated: bool) -> list[Check]:
    checks = [checked("genesys sign-in", partial(_token, calls), _OAUTH)]
    if not checks[0].ok:
        return checks
    checks += [
        checked("genesys conversations", partial(reads_conversations, genesys), _GRANT),
        checked("genesys users", partial(finds_users, genesys), _GRANT),
        checked("genesys libraries", partial(_libraries, calls), _GRANT),
        checked("genesys responses", partial(_responses, calls), _GRANT),
        checked("genesys queues", partial(_queues, calls), _GRANT),
        _sending(calls, automated),
    ]
    if sign_in is not None:
        mend = "Check the OAuth client that people sign in with: its id, secret and grant type (code)."
        checks.append(checked("genesys people", partial(_people, sign_in), mend))
    return checks


def _token(calls: Calls) -> str:
    """Any answer but a 401 shows that the token is good."""
    calls.read("GET", "/api/v2/tokens/me")
    return "signed in with the service's own token"


def _libraries(calls: Calls) -> str:
    found = responses.libraries(calls)
    return f"response libraries can be read ({len(found)} there)"


def _responses(calls: Calls) -> str:
    with suppress(NotFound):
        responses.of_library(calls, NOBODY)
    return "responses can be read"


def _queues(calls: Calls) -> str:
    queues.by_name(calls, ["nobody"])
    return "queues can be looked up"


def _sending(calls: Calls, automated: bool) -> Check:
    """Without a text and to nobody, so that nothing can leave: what it is refused for says enough."""
    name = "genesys sending"
    try:
        answer = calls.read("POST", "/api/v2/conversations/messages/agentless", body=_NOTHING)
    except GenesysError as exc:
        return Check(name, ok=False, detail=str(exc), mend="Try again.")
    if answer.status == 403 and automated:
        said = "the service cannot send messages: automated ones need conversation:message:create"
        return Check(name, ok=False, detail=said, mend=_GRANT)
    if answer.status == 403:
        return Check(name, ok=True, detail="the service cannot send messages: people do, as themselves")
    unless = "Unless a team sends as system, take conversation:message:create from the service's roles."
    return Check(
        name,
        ok=True,
        detail="the service may send messages, which only automated ones need",
        mend="" if automated else unless,
    )


def _people(sign_in: SignIn) -> str:
    if not sign_in.client_is_known():
        raise Refused(
            "Genesys does not know the OAuth client that people sign in with, or its secret, or does not let "
            "it sign people in."
        )
    return "people can sign in"
