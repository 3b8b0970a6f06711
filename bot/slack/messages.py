"""Everything the bot says in Slack outside its windows: answers to a command, notes, cards and replies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.canned.approving import APPROVED_WITHIN
from bot.canned.catalog import Response, Show, Team
from bot.models import Link, Post, Receipt, SendAs, SendRequest, State, Way

from .blocks import (
    Json,
    button,
    buttons,
    context,
    escape,
    excerpt,
    link_button,
    message,
    quiet,
    section,
    short,
)

if TYPE_CHECKING:
    from bot.canned.desk import Me

AGAIN = "canned_again"
ANYWAY = "canned_anyway"
NOT_AGAIN = "canned_not_again"
WAY = "canned_way:"  # with whom the message comes from behind it
TEAM = "canned_team"  # with the draft's key behind it, since each button of a message needs its own id

UNDO = "canned_undo"
CORRECT = "canned_correct"

CONNECT = "canned_connect"

LISTED = 25  # responses in one answer to `list`
LINE = 1_200  # characters of each send that `recent` tells of, ten in one message

_SIGNS = {
    State.PENDING: ":hourglass_flowing_sand:",
    State.SENDING: ":hourglass_flowing_sand:",
    State.SENT: ":white_check_mark:",
    State.REFUSED: ":no_entry:",
    State.UNKNOWN: ":warning:",
    State.UNSENT: ":no_entry:",
    State.CANCELLED: ":leftwards_arrow_with_hook:",
}
_DELIVERED = {
    "queued": ":white_check_mark: *Sent* (queued)",
    "delivered": ":white_check_mark: *Delivered*",
    "read": ":eyes: *Read*",
    "failed": ":no_entry: *Failed*",
}
_SCHEDULED = "Everything is checked again then. `/canned scheduled` lists what waits and takes it back."
_UNTIL_THEN = "`/canned undo` takes it back until then."
_AS = {SendAs.SELF: "", SendAs.AGENT: ", as the agent", SendAs.SYSTEM: ", as an automated message"}
_MEANING = {
    State.PENDING: "It goes out by itself as soon as it can; you get a direct message about how it ended.",
    State.SENDING: "It is on its way; the thread shows how it ends.",
    State.SENT: "",
    State.REFUSED: "The customer did not get it.",
    State.UNKNOWN: "The customer may have got it. Look into the conversation before you send it again.",
    State.UNSENT: "The customer did not get it.",
    State.CANCELLED: "The customer did not get it.",
}

# -- to the supervisor alone ---------------------------------------------------------------


def sending(request: SendRequest, zone: str = "") -> Json:
    """The first answer to a click; the outcome follows. `zone` names the zone of a time that was typed."""
    what = f"{_what(request)} to conversation `{escape(request.conversation_id)}`"
    if request.not_before is None and request.approval is None:
        return message(f":hourglass_flowing_sand: Sending {what} …")
    if request.approval is not None:
        said = f":raised_hand: {what} {_awaiting(request.approval, request.requested_at + APPROVED_WITHIN)}"
        said += f" Approved, it leaves at {moment(request.not_before)}." if request.not_before else ""
    elif request.scheduled and request.not_before is not None:
        said = f":clock3: {what} is scheduled for {moment(request.not_before)}. {_SCHEDULED}"
        said += f" Your time zone in Slack is {escape(zone)}." if zone else ""
    else:
        wait = round(((request.not_before or request.requested_at) - request.requested_at).total_seconds())
        said = f":hourglass_flowing_sand: Sending {what} in {wait} seconds; {_UNTIL_THEN}"
    return message(said, [section(said), *buttons([button("Undo", UNDO, request.key)])])


def outcome(receipt: Receipt) -> Json:
    """How a send ended, with the text it was about; the same words everywhere."""
    text = receipt.text or receipt.request.text
    what = f"{_what(receipt.request)} to conversation `{escape(receipt.request.conversation_id)}`"
    said = _told(receipt.state, receipt.reason) + settled_where(receipt.state, receipt)
    head = f"{headline(receipt.state)}: {what}.{said}"
    if receipt.awaits_approval and receipt.gate_until and receipt.request.approval:
        head = f":raised_hand: {what} {_awaiting(receipt.request.approval, receipt.gate_until)}"
    ways = [_way(way, receipt.key) for way in receipt.ways]
    anyway = [button("Send anyway", ANYWAY, receipt.draft)] if receipt.draft else []
    shown = excerpt(text) if text else []
    return message(head, [section(head), *shown, *buttons([*ways, *anyway]), *_correct(receipt)])


def other_ways(refused: Receipt) -> Json:
    """The ways in which a message that was refused can still go."""
    request = refused.request
    what = f"{_what(request)} to conversation `{escape(request.conversation_id)}`"
    head = f"{what} was not sent: you are not in that conversation. It can still go another way:"
    return message(head, [section(head), *buttons([_way(way, refused.key) for way in refused.ways])])


def note(sentence: str) -> Json:
    """A sentence of ours about what was typed or clicked."""
    return message(escape(sentence))


def ask_again(sentence: str, draft: str) -> Json:
    """The question before the same response goes to the same conversation once more."""
    answers = [button("Send it again", AGAIN, draft, primary=True), button("Leave it", NOT_AGAIN, draft)]
    return message(escape(sentence), [section(escape(sentence)), *buttons(answers)])


def ask_team(sentence: str, draft: str, teams: Sequence[str]) -> Json:
    """The question in whose name to send; `draft` waits for the answer."""
    answers = [button(team, f"{TEAM}:{at}", f"{draft}:{team}") for at, team in enumerate(teams)]
    return message(escape(sentence), [section(escape(sentence)), *buttons(answers)])


def help_text(*, connects: bool = False, lists: bool = False) -> Json:
    """
    What can be typed, and only what works.

    `connects`: people sign in to Genesys themselves. `lists`: live conversations can be listed.
    """
    lines = (
        "`/canned` opens a window to choose, fill in and see the text before it goes",
        "`/canned <conversation>` opens it for that conversation",
        "`/canned <conversation> <response>` sends that response at once",
        '`/canned <conversation> <response> topic="your order" lang=es` fills in a value, picks a language',
        "`/canned <conversation> <response> at 15:30` sends it then, or `at tomorrow 9:00`; your own time",
        "`/canned scheduled` shows what waits for its time, with a button to cancel it",
        "`/canned list` or `/canned list refund` shows what you can send",
        "`/canned recent` shows your last sends, `/canned undo` takes back one that has not left yet",
        "`/canned me` shows who you are in Genesys and your teams",
        *(("`/canned connect` signs you in to Genesys, `/canned disconnect` out again",) if connects else ()),
    )
    found = (
        "the conversation's id, its address in Genesys, or `@` and the name of the agent in it; without one "
        "the window lists live ones"
    )
    what = found if lists else "the conversation's id, or its address in Genesys"
    notes = (
        f"`<conversation>` is {what}. Slack takes no commands "
        "inside a thread; there, choose *Send a canned response* from the menu of any message. "
        "All of this can be done without typing in App Home, the *Home* tab of this app."
    )
    return message(
        "How to use /canned",
        [section("\n".join(f"• {escape(line)}" for line in lines)), context(escape(notes))],
    )


def responses(found: Sequence[Response], words: str) -> Json:
    """What this supervisor may send, as found for `words`."""
    if not found:
        return note(
            f"Nothing matches “{short(words, 100)}”. `/canned list` shows everything you can send."
            if words
            else "There is no response that you may send here. Whoever keeps canned.yml can add some."
        )
    lines = [f"`{escape(r.key)}` *{quiet(short(r.title, 60))}*" for r in found[:LISTED]]
    more = (
        [context("More than these match; add words: `/canned list refund`.")] if len(found) > LISTED else []
    )
    rows = [section("\n".join(lines[at : at + 5])) for at in range(0, len(lines), 5)]
    return message(f"{len(lines)} responses", [*rows, *more])


def me(known: Me, user: str) -> Json:
    """Who the supervisor is to the bot, and what to do where that is not settled."""
    lines = [_linked(known, user), teams(known.teams)]
    offer = _connect_button(known.connect) if known.connect else []
    return message("What I know of you", [section("\n".join(lines)), *offer])


def connect(sentence: str, link: str) -> Json:
    """The way to connect one's Genesys account: for this person alone, since the link names them."""
    notes = "The link is for you alone: it works once, for ten minutes. Do not pass it on."
    return message(
        escape(sentence), [section(escape(sentence)), *_connect_button(link), context(escape(notes))]
    )


def connected(name: str) -> Json:
    """What somebody reads once their Genesys account is connected."""
    return message(
        f":white_check_mark: Connected as *{quiet(short(name, 80))}*: what you send goes out in that name. "
        "If that was not you, type `/canned disconnect` and tell an operator at once."
    )


def recent(receipts: Sequence[Receipt]) -> Json:
    """The supervisor's last sends, newest first."""
    if not receipts:
        return note("You have not sent anything yet.")
    return message("Your last sends", [section(short(listed(r), LINE)) for r in receipts])


def linked(link: Link) -> Json:
    """What the owner of a new link is told, so that nobody is linked behind their back."""
    return message(
        f"{_genesys_user(link)} is you in Genesys from now on: what you send goes out in that name. "
        "If that is not you, tell an operator at once."
    )


def direct(post: Post, receipt: Receipt) -> Json:
    """The direct message about an outcome that must not be missed."""
    mention = f"<@{receipt.request.supervisor}> " if post.state is State.UNKNOWN else ""
    text = receipt.text or receipt.request.text
    head = (
        f"{mention}{_heading(post, receipt)}: {_what(receipt.request)} to conversation "
        f"`{escape(receipt.request.conversation_id)}`.{_told(post.state, post.reason)}"
        f"{settled_where(post.state, receipt)}"
    )
    more = _correct(receipt) if post.state is State.SENT else []
    return message(head, [section(head), *(excerpt(text) if text else []), *more])


# -- to the team ---------------------------------------------------------------------------


def card(receipt: Receipt, *, show: Show = Show.TEXT, title: str = "", who: str = "") -> Json:
    """The parent of a conversation's thread: which conversation, and where its latest send stands."""
    head = conversation(receipt.request.conversation_id)
    return message(head, [section(head), line(receipt, show=show, title=title, who=who)])


def conversation(id_: str) -> str:
    """How a card begins."""
    return f"*Conversation* `{escape(id_)}`"


def line(receipt: Receipt, *, show: Show = Show.TEXT, title: str = "", who: str = "") -> Json:
    """Where one send stands, as a card says it."""
    state = f"{_standing(receipt)}: {shown(receipt.request, show, title)}, by {by(receipt.request, who)}"
    waits = f". {escape(receipt.reason)}" if receipt.state is State.PENDING and receipt.reason else ""
    return context(f"{state}{waits}{_why_failed(receipt)} · {moment(receipt.changed_at)}")


def reply(
    post: Post,
    receipt: Receipt,
    *,
    show: Show = Show.TEXT,
    title: str = "",
    who: str = "",
    corrects: datetime | None = None,
) -> Json:
    """
    One event in the thread: what happened to whose send, and the text as far as `show` allows.

    `who` is the supervisor's name; without it they are mentioned, as they always are when
    the outcome is unknown. `corrects` is the time of the message that it sets right.
    """
    request = receipt.request
    name = "" if post.state is State.UNKNOWN else who
    what = f"{shown(request, show, title)}, by {by(request, name)}{_AS[request.send_as]}"
    told = "" if _is_for_later(post, receipt) and not post.reason else _told(post.state, post.reason)
    what += f"; corrects the message of {moment(corrects)}" if corrects else ""
    head = f"{_heading(post, receipt)}: {what}.{told}"
    text = receipt.text if show is Show.TEXT else None
    more = _correct(receipt) if post.state is State.SENT else []
    return message(head, [section(head), *(excerpt(text) if text else []), *more])


# -- words ---------------------------------------------------------------------------------


def shown(request: SendRequest, show: Show, title: str) -> str:
    """What a thread calls the message."""
    return "a message" if show is Show.NOTHING else _what(request, title)


def by(request: SendRequest, name: str) -> str:
    """Whose message it is; `name` is the supervisor's, who is mentioned without one."""
    who = f"*{quiet(short(name, 80))}*" if name else f"<@{request.supervisor}>"
    return f"an operator for {who}" if request.by_operator else who


def called(request: SendRequest) -> str:
    """What a message is called where nothing can be marked up."""
    return f"{request.response}, {request.conversation_id}"


def headline(state: State) -> str:
    """The sign and the word for a state."""
    return f"{_SIGNS[state]} *{state.word.capitalize()}*"


def clock(at: datetime) -> str:
    """The same within the day: hours and minutes."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at:%H:%M} UTC>"


def moment(at: datetime) -> str:
    """A time that each reader sees in their own zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time_secs}}|{at:%Y-%m-%d %H:%M:%S} UTC>"


def listed(receipt: Receipt) -> str:
    """One of somebody's own sends, in a line."""
    request = receipt.request
    why = escape(short(receipt.reason, 150)) if receipt.reason else ""
    return (
        f"{_standing(receipt)} {moment(receipt.changed_at)} `{escape(request.response)}` "
        f"to `{escape(request.conversation_id)}` {why}{_why_failed(receipt)}"
    )


def settled_where(state: State, receipt: Receipt) -> str:
    """Where an unknown one is settled, as long as it is not."""
    if state is not State.UNKNOWN or receipt.handled_by:
        return ""
    return f" Its card in <#{receipt.request.channel}> has buttons to settle it."


def _awaiting(group: str, until: datetime) -> str:
    return (
        f"waits for approval by <!subteam^{group}> until {clock(until)}. "
        "You get a direct message about how it ended; `/canned undo` takes it back."
    )


def _standing(receipt: Receipt) -> str:
    if receipt.awaits_approval:
        return ":raised_hand: *Waiting* for approval"
    if receipt.is_scheduled:
        return _scheduled(receipt)
    if receipt.state is State.SENDING and receipt.waiting_until is not None:
        return f":hourglass_flowing_sand: *Waiting* for Genesys until {moment(receipt.waiting_until)}"
    if receipt.state is State.SENT:
        return _DELIVERED.get(receipt.delivery, headline(State.SENT))
    if receipt.state is State.UNKNOWN and receipt.handled_by:
        return f"{headline(State.UNKNOWN)}, handled by <@{receipt.handled_by}>"
    return headline(receipt.state)


def _heading(post: Post, receipt: Receipt) -> str:
    """What became of it when the post was written down; a message that was sent can fail later."""
    if post.state is State.UNSENT and receipt.delivery == "failed":
        return _DELIVERED["failed"]
    if post.state is State.PENDING and _is_for_later(post, receipt):
        return _scheduled(receipt)
    return headline(post.state)


def _is_for_later(post: Post, receipt: Receipt) -> bool:
    """Whether the post tells of a send that was scheduled, rather than of what came of it then."""
    request = receipt.request
    return request.scheduled and request.not_before is not None and post.created_at < request.not_before


def _scheduled(receipt: Receipt) -> str:
    return f":clock3: *Scheduled* for {moment(receipt.request.not_before or receipt.changed_at)}"


def _why_failed(receipt: Receipt) -> str:
    error = receipt.delivery_error if receipt.delivery == "failed" else ""
    return f". Genesys says: {escape(short(error, 300))}" if error else ""


def _what(request: SendRequest, title: str = "") -> str:
    named = f" “{quiet(short(title, 150))}”" if title else ""
    return f"`{escape(request.response)}`{named}"


def _told(state: State, reason: str) -> str:
    told = reason or _MEANING[state]
    return f" {escape(told)}" if told else ""


def _correct(receipt: Receipt) -> list[Json]:
    there = receipt.state is State.SENT
    return buttons([button("Send correction", CORRECT, receipt.key)]) if there else []


def _way(way: Way, key: str) -> Json:
    label = f"Ask {way.name or 'the agent'}" if way.send_as is SendAs.AGENT else "Send as automated"
    return button(label, f"{WAY}{way.send_as}", key)


def _connect_button(link: str) -> list[Json]:
    return buttons([link_button("Connect Genesys", CONNECT, link)])


def _linked(known: Me, user: str) -> str:
    return linked_as(known.link, user, may_be_found=known.may_be_found, needs_connecting=bool(known.connect))


def linked_as(link: Link | None, user: str, *, may_be_found: bool, needs_connecting: bool) -> str:
    """Who somebody is in Genesys, and what to do where that is not settled."""
    if link is not None and needs_connecting:
        return f"In Genesys you are {_genesys_user(link)}. Sign in there once, so that you can send."
    if link is not None:
        return f"In Genesys you are {_genesys_user(link)}."
    if may_be_found:
        return (
            "You are not linked to a Genesys user yet; your first send looks you up by your e-mail address."
        )
    if needs_connecting:
        return "I do not know which Genesys user you are. Connect your Genesys account and I do."
    return (
        "I do not know which Genesys user you are. "
        f"Ask an operator to run `canned users link {user} {escape('<your Genesys e-mail>')}`."
    )


def _genesys_user(link: Link) -> str:
    name = quiet(short(link.name or link.genesys_user, 80))
    how = {"email": "found by your e-mail address", "connect": "connected by you"}.get(
        link.source, f"linked by {link.source}"
    )
    return f"*{name}* (`{escape(link.genesys_user)}`, {how})"


def teams(known: Sequence[Team]) -> str:
    """For whom somebody may send."""
    if not known:
        return "You are not a supervisor of any team. Whoever keeps canned.yml can add you."
    named = [f"*{quiet(team.name)}* (<#{team.channel}>)" for team in known[:20]]
    more = f" and {len(known) - 20} more" if len(known) > 20 else ""
    return f"You send for {', '.join(named)}{more}."
