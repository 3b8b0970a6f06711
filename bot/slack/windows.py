"""What happens to a window after the click that concerns it was acknowledged; runs in lanes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.canned.catalog import Response, Team
from bot.canned.desk import Desk
from bot.canned.errors import CannedError, WhichTeam
from bot.models import Receipt, SendRequest, State

from . import answers, form, grammar, live, messages, modal
from .blocks import Json
from .client import Refused, call

log = logging.getLogger(__name__)

SETTLED = 0.3  # seconds after which Slack has put the ack's view in place: before, it would hide ours
_TOLD_ANYWAY = (State.REFUSED, State.UNKNOWN)  # a direct message goes out about these, without other ways
_NO_WINDOW = (
    "If no window has opened now, Slack was too slow for it: do the same again in a moment. Nothing was sent."
)
_NO_ROOM = (
    "If no window has opened now, close those that are open and press *Send correction* in the "
    "conversation's thread. Nothing more was sent."
)
_LOOKING = "Looking for live conversations …"
_CHOOSE = "Choose the conversation from the list below, or type other words and press Enter."
_NOT_ONE = "That is not a conversation. Paste its id, or its address in Genesys."


@dataclass(frozen=True)
class Entry:
    """
    A click that asks for the window: `channel` and response `url` are empty where Slack names none.

    `response` is the key of the one that is chosen already.
    """

    user: str
    channel: str
    trigger: str
    conversation: str = ""
    url: str = field(default="", repr=False)
    response: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any], conversation: str = "", response: str = "") -> Entry:
        user = body.get("user_id") or body["user"]["id"]
        channel = body.get("channel_id") or body.get("channel", {}).get("id", "")
        url = body.get("response_url") or ""
        return cls(user, channel, body["trigger_id"], conversation, url, response)


@dataclass(frozen=True)
class Window:
    """One that stands open for `user`, who acts for `team` there."""

    client: WebClient
    desk: Desk
    id: str
    user: str
    team: Team

    def show(self, filled: form.Filled, response: Response | None = None) -> None:
        """
        Show what memory knows of what was just filled in, then what Genesys does.

        The second update carries the first one's hash: where a newer click has changed the
        window meanwhile, it is that click's to finish.
        """
        words = self._words(filled)
        filled = filled if words or not filled.conversation else replace(filled, live=())
        shown = self._update(modal.window(filled, response, note=_LOOKING if words else ""))
        if shown is not None:
            self.ask_soon(filled, response, shown)

    def ask_soon(self, filled: form.Filled, response: Response | None, shown: str) -> None:
        """Let Genesys say, in the lane for that, what memory does not know."""
        words = self._words(filled)
        if filled.conversation and not words:
            look = partial(self._look, filled, response, shown)
        elif words or not filled.live:
            look = partial(self._list, filled, response, shown)
        else:
            return
        answers.say(self.desk.previews, look, look)

    def _list(self, filled: form.Filled, response: Response | None, shown: str) -> None:
        """
        Show the conversations to choose from, by the words that stand there; the only one is taken over.

        Without words that goes into no input: somebody may be typing there.
        Not where the window has changed meanwhile: that change asks again.
        """
        words = self._words(filled)
        found = self.desk.conversations.for_window(self.user, self.team, filled.agent, words)
        if found.only is None:
            listed = replace(filled, live=live.listing(found))
            note = (_CHOOSE if found.choices else _NOT_ONE) if words else ""
            self._update(modal.window(listed, response, note=note), hash=shown)
            return
        filled = filled.with_conversation(found.only.id, taken=shown if words else filled.taken)
        filled = filled if words else replace(filled, only=found.only.id)
        now = self._update(modal.window(filled, response), hash=shown)
        if now is not None:
            self._look(filled, response, now)

    def _look(self, filled: form.Filled, response: Response | None, shown: str) -> None:
        """Show the conversation, and what would be sent into it."""
        preview = self.desk.preview(
            self.user,
            self.team,
            conversation=filled.conversation,
            response=response,
            text=filled.text,
            values=filled.values,
            language=filled.language,
        )
        self._update(modal.window(filled, response, preview), hash=shown)

    def _words(self, filled: form.Filled) -> str:
        """What stands there to find a conversation by; "" if that is the conversation itself, or nothing."""
        return "" if self.desk.conversation_id(filled.conversation) else filled.conversation

    def _update(self, view: Json, **only_if: str) -> str | None:
        return _update(self.client, self.id, view, **only_if)


def open_window(client: WebClient, desk: Desk, entry: Entry) -> None:
    """Open the window from memory, by one call: the trigger lives for three seconds."""
    filled = team = response = None
    try:
        team = desk.team_for(entry.user, entry.channel)
    except WhichTeam as exc:
        view = modal.teams(exc.teams, conversation=entry.conversation, chosen=entry.response)
    except CannedError as exc:
        view = modal.notice(str(exc))
    else:
        filled, response = _begun(desk, team, entry.conversation, entry.response)
        view = modal.window(filled, response)

    def shown() -> None:
        opened = call(client.views_open, trigger_id=entry.trigger, view=view)["view"]
        if filled is not None and team is not None:
            Window(client, desk, opened["id"], entry.user, team).ask_soon(filled, response, opened["hash"])

    said = messages.note(_NO_WINDOW)
    answered = [answers.by_url(client, entry.url, said)] if entry.url else []
    answers.go(desk.windows, shown, *answered, *answers.aside(client, entry.user, said, entry.channel))


def open_filled(
    client: WebClient,
    desk: Desk,
    entry: Entry,
    team: Team,
    filled: form.Filled,
    opens: Callable[..., SlackResponse],
) -> None:
    """The same with everything filled in, as far as it can still be sent; `opens` or pushes it."""
    filled = replace(filled, listed=desk.conversations.are_listed)
    try:
        response = desk.response(filled.response or "", team)
    except CannedError:
        response, filled = None, replace(filled, response=None, text=None)
    if response is not None and not response.editable:
        filled = replace(filled, text=None)

    def shown() -> None:
        opened = call(opens, trigger_id=entry.trigger, view=modal.window(filled, response))["view"]
        Window(client, desk, opened["id"], entry.user, team).ask_soon(filled, response, opened["hash"])

    # Slack takes three windows, one above the other, and no fourth one however often it is asked.
    said = messages.note(_NO_ROOM if opens == client.views_push else _NO_WINDOW)
    answers.go(desk.windows, shown, *answers.aside(client, entry.user, said, entry.channel))


def open_for_team(client: WebClient, desk: Desk, view: Mapping[str, Any], user: str, pressed: Json) -> None:
    """Turn the question for the team into the window for the one that was chosen."""
    shown = partial(_show_for_team, client, desk, view, user, pressed)
    answers.go(desk.windows, shown, shown)


def _show_for_team(client: WebClient, desk: Desk, view: Mapping[str, Any], user: str, pressed: Json) -> None:
    name, conversation, chosen = modal.chosen_team(view, pressed)
    try:
        team = desk.team_for(user, "", name)
    except CannedError as exc:
        _update(client, view["id"], modal.notice(str(exc)))
        return
    Window(client, desk, view["id"], user, team).show(*_begun(desk, team, conversation, chosen))


def refresh(client: WebClient, desk: Desk, view: Mapping[str, Any], user: str) -> None:
    """Bring the window up to date with what was just filled in."""
    shown = partial(_show, client, desk, view["id"], user, form.read(view))
    answers.go(desk.windows, shown, shown)


def use(client: WebClient, desk: Desk, view: Mapping[str, Any], user: str, conversation: str) -> None:
    """Take over a conversation from the list, then show what is known of it."""
    taken = form.read(view).with_conversation(conversation, taken=view["hash"])
    shown = partial(_show, client, desk, view["id"], user, taken)
    answers.go(desk.windows, shown, shown)


def _show(client: WebClient, desk: Desk, view_id: str, user: str, filled: form.Filled) -> None:
    try:
        team = desk.team_for(user, filled.channel, filled.team)
        response = desk.response(filled.response, team) if filled.response else None
    except CannedError as exc:
        _update(client, view_id, modal.window(filled, note=str(exc)))
        return
    Window(client, desk, view_id, user, team).show(filled, response)


def _begun(desk: Desk, team: Team, typed: str, key: str) -> tuple[form.Filled, Response | None]:
    """
    The window as it opens: with a conversation, or the person whose conversation is meant.

    The response that is chosen already is there too, if this team may send it.
    """
    agent = grammar.person_in(typed)
    listed = desk.conversations.are_listed
    filled = form.Filled(team.name, team.channel, "" if agent else typed, agent=agent or "", listed=listed)
    try:
        response = desk.response(key, team) if key else None
    except CannedError:
        response = None
    return replace(filled, response=response.key if response else None), response


def work_in(client: WebClient, desk: Desk, view: Mapping[str, Any], request: SendRequest) -> None:
    """Show that something goes on where a button was pressed; not if the outcome was faster."""
    working = partial(_update, client, view["id"], modal.working(request), hash=view["hash"])
    answers.say(desk.windows, working)


def outcome_in(client: WebClient, desk: Desk, view_id: str) -> Callable[[Receipt], None]:
    """What shows a receipt in the window that was submitted."""

    def show(receipt: Receipt) -> None:
        desk.windows.later(SETTLED, partial(_show_outcome, client, desk, view_id, receipt))

    return show


def _show_outcome(client: WebClient, desk: Desk, view_id: str, receipt: Receipt) -> None:
    shown: answers.Way = partial(call, client.views_update, view_id=view_id, view=modal.outcome(receipt))
    if receipt.draft:
        shown = partial(_ask_anyway, client, desk, view_id, receipt)
    request, said = receipt.request, messages.outcome(receipt)
    told = receipt.state in _TOLD_ANYWAY and not receipt.ways
    also = [] if told else answers.aside(client, request.supervisor, said, request.channel)
    answers.go(desk.windows, shown, shown, *also)


def _ask_anyway(client: WebClient, desk: Desk, view_id: str, receipt: Receipt) -> None:
    question = modal.again(receipt.reason, receipt.draft, kind=modal.ANYWAY)
    shown = call(client.views_update, view_id=view_id, view=question)["view"]["hash"]
    desk.previews.submit(_show_changed, client, desk, view_id, receipt, shown)


def _show_changed(client: WebClient, desk: Desk, view_id: str, receipt: Receipt, shown: str) -> None:
    """Below the question, what there is to see now; not once it has been answered."""
    request = receipt.request
    try:
        team = desk.team_for(request.supervisor, request.channel, request.team)
        preview = desk.preview(
            request.supervisor,
            team,
            conversation=request.conversation_id,
            response=desk.response(request.response, team),
            text=request.text,
            values=request.values,
            language=request.language,
        )
    except CannedError:
        return  # the question stands, and says when it is answered what is against it
    question = modal.again(receipt.reason, receipt.draft, preview, kind=modal.ANYWAY)
    _update(client, view_id, question, hash=shown)


def _update(client: WebClient, view_id: str, view: Json, **only_if: str) -> str | None:
    """The window's new hash, or None if it was closed or has moved on."""
    try:
        return str(call(client.views_update, view_id=view_id, view=view, **only_if)["view"]["hash"])
    except Refused as exc:
        if exc.error not in ("not_found", "hash_conflict"):
            log.error("Slack refuses a window: %s", exc.error)  # noqa: TRY400 - the word says it all
        return None
