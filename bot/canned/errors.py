"""
What can keep a send from happening before Genesys is asked to do it.

    CannedError
    ├── BadInput            what was typed or chosen cannot be used
    │   ├── UnknownResponse
    │   ├── NotAConversation
    │   ├── MissingValues
    │   └── TextRefused     empty, too long, not editable, expired
    ├── NotAllowed          this person, team, channel or response: no
    │   ├── NotLinked       no Genesys user behind this Slack user
    │   │   └── ConnectFirst    until they connect their account: the send waits for it
    │   ├── NotConnectedHere    a connect link, or the way back from it, is not good (any more)
    │   ├── Paused          an operator has stopped all sending, or the team's
    │   └── NotInIt         the supervisor is not in the conversation; there may be other ways
    ├── Asked               a question has to be answered first
    │   ├── AskFirst        the same response went there a moment ago
    │   └── WhichTeam       several teams, none of them this channel's
    ├── Changed             the conversation is not as the supervisor saw it: asked again
    ├── OverLimit           a limit was hit; says when it ends
    ├── NotWritten          the database is away, and nothing is done that is not written down
    ├── CatalogError        canned.yml cannot be used; in catalog, lists every fault
    └── Later               cannot be settled now; nothing was sent, try again
        └── SlackDown       Slack did not answer a question that has to be answered

Every one says in a sentence what happened and what to do next, and none of them can be
raised once a message may have left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.models import Pause, Way


class CannedError(Exception):
    """`field` is the modal's input it belongs to: conversation, response, message or none."""

    field = ""
    correlation_id = ""


class BadInput(CannedError):
    def __init__(self, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class UnknownResponse(BadInput):
    """`nearest` are the keys that look most like the one that was typed."""

    def __init__(self, key: str, nearest: Sequence[str]) -> None:
        meant = _choice(nearest)
        hint = f"Did you mean {meant}?" if meant else "`/canned list` shows what you can send here."
        super().__init__(f"There is no `{key}`. {hint}", field="response")
        self.nearest = tuple(nearest)


class NotAConversation(BadInput):
    """What was given holds no conversation id."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, field="conversation")


class MissingValues(BadInput):
    """
    A variable of the text has neither a value nor a fallback.

    With `unknown`, names that are Genesys' own and that it does not know here, there is nothing to type.
    """

    def __init__(self, names: Sequence[str], *, unknown: Sequence[str] = ()) -> None:
        first = names[0] if names else "name"
        listed = ", ".join(f"`{name}`" for name in unknown or names)
        needs = f"The text still needs {listed}, so nothing was sent. "
        way = f"Add it behind the response, like `{first}=…`, or fill it in in the window."
        if unknown:
            needs = f"Genesys knows no {listed} in this conversation, so nothing was sent. "
            way = (
                "Write the text without it in the window, or choose another response; whoever keeps this one "
                "can give it a fallback."
            )
        super().__init__(needs + way, field="message")
        self.names = () if unknown else tuple(names)


class TextRefused(BadInput):
    def __init__(self, sentence: str, *, field: str = "message") -> None:
        super().__init__(sentence, field=field)


class NotAllowed(CannedError):
    pass


class NotLinked(NotAllowed):
    pass


class ConnectFirst(NotLinked):
    pass


class NotConnectedHere(NotAllowed):
    pass


class Paused(NotAllowed):
    """`standing` is the same for a send that was taken on and waits."""

    def __init__(self, pause: Pause) -> None:
        what = f"Sending is paused for {pause.whose} (since {pause.since:%d %b %H:%M} UTC)"
        self.standing = f"{what}. What waits goes out if that ends within five minutes."
        super().__init__(
            f"{what}, so nothing was sent. "
            f"An operator lifts that with `{pause.lifted_by}`; send it again then."
        )


class NotInIt(NotAllowed):
    """`ways` are what the supervisor may choose instead."""

    def __init__(self, sentence: str, ways: Sequence[Way] = ()) -> None:
        super().__init__(sentence)
        self.ways = tuple(ways)


class Asked(CannedError):
    """`draft` is the key under which the request waits for the answer."""

    def __init__(self, sentence: str, *, draft: str) -> None:
        super().__init__(sentence)
        self.draft = draft


class AskFirst(Asked):
    pass


class WhichTeam(Asked):
    """`teams` are the names to choose from."""

    def __init__(self, sentence: str, *, draft: str, teams: Sequence[str]) -> None:
        super().__init__(sentence, draft=draft)
        self.teams = tuple(teams)


class Changed(CannedError):
    """`seen` is what to see now, as SendRequest has it."""

    def __init__(self, sentence: str, *, seen: Mapping[str, str]) -> None:
        super().__init__(sentence)
        self.seen = seen


class OverLimit(CannedError):
    pass


class NotWritten(CannedError):
    pass


class Later(CannedError):
    """`retry_after` (seconds) is when trying again makes sense."""

    def __init__(self, sentence: str, *, retry_after: float = 5.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class SlackDown(Later):
    pass


def _choice(keys: Sequence[str]) -> str:
    quoted = [f"`{key}`" for key in keys]
    if len(quoted) < 2:
        return "".join(quoted)
    return ", ".join(quoted[:-1]) + " or " + quoted[-1]
