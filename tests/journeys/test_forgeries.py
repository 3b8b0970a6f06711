"""What Slack would sign and nobody was offered: other people, places, rows, windows and ids."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.models import State
from bot.sandbox.genesys_webhooks import signed
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.slack_said import Message
from bot.sandbox.slack_view import View
from bot.sandbox.slack_views import view_json
from bot.sandbox.slack_wire import Kind
from tests.hands import states

SECRET = "a secret that nobody guesses"
ESCALATION = "Thank you for your patience. Your request has been escalated to our specialist team."
NOWHERE = "D0ELSEWHERE"
NOTHING = "00000000-0000-0000-0000-000000000000"
KINDS: dict[str, Kind] = {"command": "slash_commands", "click": "interactive"}
Json = dict[str, Any]
one_contract = pytest.mark.parametrize("api", ["events"])


@pytest.fixture
def office(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Ann and Bob supervise two teams; Bob, the agent, is in the chat, Ann is not; #lobby is no team's."""
    sandbox = make_sandbox(variables={"GENESYS_WEBHOOK_SECRET": SECRET})
    slack, genesys = sandbox.slack, sandbox.genesys
    both = [slack.ann, slack.bob]
    slack.add_channel("billing", both, channel_id="C0BILLING")
    slack.add_channel("lobby", both, channel_id="C0LOBBY")
    slack.add_channel("secret", [slack.lee], channel_id="C0SECRET")
    usual = {"supervisors": both, "queues": ["Support EMEA"], "announce": True}
    teams = [
        {"name": "Support", "channel": slack.channel, **usual},
        {"name": "Billing", "channel": "C0BILLING", **usual, "announce": False},
        {"name": "Secret", "channel": "C0SECRET", "supervisors": [slack.lee]},
    ]
    sandbox.configure({"teams": teams, "identity": ["operator"]})
    sandbox.start()
    for slack_user, genesys_user in ((slack.ann, genesys.ann), (slack.bob, genesys.bob)):
        sandbox.link_user(slack_user, genesys_user)
    genesys.leave(sandbox.conversation, genesys.ann)
    return sandbox


def types(sandbox: Sandbox, text: str, channel: str = "") -> Message:
    """What Ann reads last after typing it."""
    slack = sandbox.slack
    line = text.replace("{conversation}", sandbox.conversation)
    slack.types(slack.ann, f"/canned {line}", channel or slack.channel)
    sandbox.drain()
    return slack.ephemerals(slack.ann)[-1]


def chat(sandbox: Sandbox) -> str:
    """One that Ann and Bob are both in."""
    return sandbox.genesys.start_chat("Ada", agents=[sandbox.genesys.bob], users=[sandbox.genesys.ann])


def button(message: Message, label: str) -> Json:
    rows = [each for block in message.blocks for each in block.get("elements", ())]
    return next(each for each in rows if each["type"] == "button" and each["text"]["text"].startswith(label))


def clicks(sandbox: Sandbox, **forged: Any) -> None:
    """A click by Ann in her team's channel, as Slack signs them, but for what is `forged`."""
    slack = sandbox.slack
    how = {"user": slack.ann, "channel": slack.channel, "ts": "1.2", "block_id": "b"} | forged
    payload = {
        "type": "block_actions",
        "team": {"id": slack.team_id},
        "user": {"id": how["user"], "team_id": slack.team_id},
        "channel": {"id": how["channel"], "name": "somewhere"},
        "container": {"type": "message", "message_ts": how["ts"], "channel_id": how["channel"]},
        "message": {"ts": how["ts"], "text": ""},
        "trigger_id": slack.new_trigger(how["user"]),
        "response_url": f"{slack.url}/response/none",
        "actions": [{"type": "button", **{name: how[name] for name in ("action_id", "block_id", "value")}}],
    }
    slack.forge(payload)
    sandbox.drain()


# -- signatures -------------------------------------------------------------------------------


def test_a_body_changed_after_it_was_signed_does_nothing(sandbox: Sandbox) -> None:
    body = f"command=/canned&text={sandbox.conversation}+escalation&team_id={sandbox.slack.team_id}".encode()
    stamp = str(int(time.time()))
    signature = SignatureVerifier(sandbox.slack.signing_secret).generate_signature(timestamp=stamp, body=body)
    changes = [body.replace(b"escalation", b"greeting"), body + b" ", body[:-1], b""]
    moved = {"signature": signature, "timestamp": int(stamp) + 1}

    for changed in changes:
        ack = sandbox.slack.forge(changed, kind="slash_commands", signature=signature, timestamp=stamp)
        assert ack.status == 401
    assert sandbox.slack.forge(body, kind="slash_commands", **moved).status == 401  # type: ignore[arg-type]
    assert sandbox.receipts() == []


@one_contract
def test_an_old_request_is_served_within_five_minutes_and_never_after(sandbox: Sandbox) -> None:
    help_wanted = {"command": "/canned", "text": "help", "team_id": sandbox.slack.team_id, "user_id": "U0ANN"}

    def status(stamp: object) -> int:
        return sandbox.slack.forge(help_wanted, kind="slash_commands", timestamp=stamp).status

    now = int(time.time())
    assert [status(now + apart) for apart in (-310, -290, 290, 310)] == [401, 200, 200, 401]
    odd = [f"{now}.0", f"+{now}", f"-{now}", hex(now), f"{now}e0", f"{now},{now}", f"{now}_0", f"{now}\xb2"]
    assert [status(stamp) for stamp in odd] == [401] * len(odd)


# -- organisations ----------------------------------------------------------------------------

PLACES = {
    "ours": ({"team": "{ours}"}, True),
    "ours in a Grid": ({"team": "{ours}", "enterprise": "E0GRID"}, True),
    "another workspace": ({"team": "T0OTHER"}, False),
    "another workspace of a Grid": ({"team": "T0OTHER", "enterprise": "E0GRID"}, False),
    "a Grid alone": ({"enterprise": "E0GRID"}, False),
    "our id as a Grid's user": ({"team": "T0OTHER", "users": "{ours}"}, False),
    "nowhere": ({}, False),
}


@one_contract
@pytest.mark.parametrize("kind", ["command", "click"])
def test_only_our_workspace_is_served(sandbox: Sandbox, kind: str) -> None:
    slack = sandbox.slack
    for name, (place, served) in PLACES.items():
        where = {part: value.replace("{ours}", slack.team_id) for part, value in place.items()}
        ack = slack.forge(asked_from(sandbox, kind, **where), kind=KINDS[kind])

        assert ("does not serve" not in ack.body and ack.status == 200) is served, name


def asked_from(sandbox: Sandbox, kind: str, team: str = "", enterprise: str = "", users: str = "") -> Json:
    slack = sandbox.slack
    if kind == "command":
        command = {"command": "/canned", "text": "help", "user_id": slack.ann, "channel_id": slack.channel}
        command |= {"team_id": team} if team else {}
        return command | (
            {"enterprise_id": enterprise, "is_enterprise_install": "true"} if enterprise else {}
        )
    return {
        "type": "block_actions",
        "team": {"id": team} if team else None,
        "enterprise": {"id": enterprise} if enterprise else None,
        "is_enterprise_install": bool(enterprise and not team),
        "user": {"id": slack.ann, "team_id": users or team},
        "actions": [{"type": "button", "action_id": "canned_connect", "block_id": "b", "value": ""}],
    }


# -- buttons: channel, message, row and clicker must match ---------------------------------------


@one_contract
def test_send_it_again_is_its_askers_in_its_place_alone(office: Sandbox) -> None:
    there = chat(office)
    types(office, f"{there} escalation")
    asked = button(types(office, f"{there} escalation"), "Send it again")
    draft = asked["value"]
    for wrong in (
        {"user": office.slack.bob},
        {"user": office.slack.lee},
        {"channel": "C0BILLING"},
        {"channel": NOWHERE},
        {"value": NOTHING},
        {"value": ""},
        {"action_id": "canned_pick:1", "value": f"{draft}:{there}"},
        {"action_id": "canned_team:0", "value": f"{draft}:Secret"},
        {"action_id": "canned_team:0", "value": f"{draft}:Support"},
    ):
        clicks(office, **{"action_id": asked["action_id"], "value": draft} | wrong)
        assert len(office.receipts()) == 1, wrong

    clicks(office, action_id=asked["action_id"], value=draft)
    assert len(office.genesys.customer_sees(there)) == 2


@one_contract
def test_a_team_is_chosen_by_who_was_asked_among_their_own(office: Sandbox) -> None:
    there = chat(office)
    asked = button(types(office, f"{there} escalation", "C0LOBBY"), "Support")
    draft = asked["value"].partition(":")[0]
    right = {"action_id": asked["action_id"], "channel": "C0LOBBY", "value": asked["value"]}
    for wrong in (
        {"user": office.slack.bob},
        {"channel": office.slack.channel},
        {"value": f"{draft}:Secret"},
        {"value": f"{draft}:No such team"},
        {"value": f"{draft}:"},
        {"value": draft},
        {"value": f"{NOTHING}:Support"},
        {"action_id": "canned_again", "value": draft},
        {"action_id": "canned_pick:0", "value": f"{draft}:{there}"},
    ):
        clicks(office, **right | wrong)
        assert office.receipts() == [], wrong

    clicks(office, **right)
    assert len(office.genesys.customer_sees(there)) == 1


def test_another_way_is_open_to_its_supervisor_for_what_was_refused_alone(office: Sandbox) -> None:
    types(office, f"{chat(office)} escalation")
    [sent] = office.receipts()
    asked = button(types(office, "{conversation} escalation"), "Ask Bob Ray")
    right = {"action_id": asked["action_id"], "value": asked["value"]}
    for wrong in (
        {"user": office.slack.bob},
        {"user": office.slack.lee},
        {"value": NOTHING},
        {"value": sent.key},
        {"action_id": "canned_way:self"},
        {"action_id": "canned_way:nobody"},
    ):
        clicks(office, **right | wrong)
        assert states(office) == [State.REFUSED, State.SENT], wrong

    clicks(office, **right)
    assert office.receipts()[0].is_asked


def asks_bob(sandbox: Sandbox) -> Message:
    slack = sandbox.slack
    slack.press(slack.ann, "Ask Bob Ray", types(sandbox, "{conversation} escalation"))
    sandbox.drain()
    return next(each for each in slack.direct_messages(slack.bob) if "you to send" in each.said)


def test_the_agents_answers_are_the_agents_at_their_question_alone(office: Sandbox) -> None:
    asked, slack = asks_bob(office), office.slack
    refused = next(each for each in office.receipts() if each.state is State.REFUSED)
    for pressed in (button(asked, label) for label in ("Send", "Edit", "Decline")):
        right = {"user": slack.bob, "ts": asked.ts, "channel": asked.channel}
        right |= {"action_id": pressed["action_id"], "value": pressed["value"]}
        for wrong in ({"user": slack.ann}, {"user": slack.lee}, {"ts": "1.2"}, {"value": refused.key}):
            clicks(office, **right | wrong)
            assert office.receipts()[0].is_asked, (pressed, wrong)
            assert slack.open_view(slack.bob) is None, (pressed, wrong)

    slack.press(slack.bob, "Edit", asked)
    office.drain()
    view, about = opened(office, slack.bob), {"key": pressed["value"], "ts": asked.ts}
    mine = {"message": {"canned_agent_edited": {"type": "plain_text_input", "value": "Mine"}}}
    for user, wrong in (
        (slack.ann, {}),
        (slack.lee, {}),
        (slack.bob, {"ts": "1.2"}),
        (slack.bob, {"key": refused.key}),
        (slack.bob, {"key": NOTHING}),
    ):
        submits(office, view, mine, user=user, private_metadata=json.dumps(about | wrong))
        assert office.receipts()[0].is_asked, (user, wrong)

    submits(office, view, mine, user=slack.bob, private_metadata=json.dumps(about))
    assert office.genesys.customer_sees(office.conversation) == ["Mine"]


@one_contract
def test_the_button_of_an_announced_chat_is_the_one_on_its_card(office: Sandbox) -> None:
    event = {"eventType": "conversation.chat.started", "id": "1", "conversationId": office.conversation}
    at = f"http://127.0.0.1:{office.bot.listener.port}/genesys/events"
    assert signed(at, event | {"queue": "Support EMEA"}, SECRET, office.clock()).post().ok
    office.drain()
    [card] = office.slack.messages(office.slack.channel)
    right = {"action_id": "canned_card_send", "value": office.conversation, "ts": card.ts}
    for wrong in (
        {"channel": "C0BILLING"},
        {"channel": NOWHERE},
        {"ts": "1.2"},
        {"value": chat(office)},
        {"value": "x"},
    ):
        clicks(office, **right | wrong)
        assert office.slack.open_view(office.slack.ann) is None, wrong

    clicks(office, **right)
    assert office.slack.open_view(office.slack.ann) is not None


# -- windows ------------------------------------------------------------------------------------


def opened(sandbox: Sandbox, user: str) -> View:
    view = sandbox.slack.open_view(user)
    assert view is not None
    return view


def window(sandbox: Sandbox, conversation: str, response: str = "escalation") -> View:
    slack = sandbox.slack
    slack.types(slack.ann, f"/canned {conversation}", slack.channel)
    sandbox.drain()
    slack.choose(slack.ann, "Response", response)
    sandbox.drain()
    return opened(sandbox, slack.ann)


def submits(
    sandbox: Sandbox, view: View, values: Mapping[str, Any] | None = None, *, user: str = "", **changed: Any
) -> str:
    """Submit the window as Slack would sign it, with other contents; what the bot answers."""
    slack = sandbox.slack
    user = user or slack.ann
    shown = view_json(slack, view) | changed
    state = {**shown["state"]["values"], **(values or {})}
    payload = {
        "type": "view_submission",
        "team": {"id": slack.team_id},
        "user": {"id": user, "team_id": slack.team_id},
        "trigger_id": slack.new_trigger(user),
        "view": shown | {"state": {"values": state}},
    }
    body = slack.forge(payload).body
    sandbox.drain()
    return body


def test_a_window_sends_for_a_team_of_whoever_submits_it_alone(office: Sandbox) -> None:
    view = window(office, chat(office))
    about = json.loads(view.json["private_metadata"])
    foreign = [
        about | {"team": "Secret"},
        about | {"team": "Secret", "channel": "C0SECRET"},
        about | {"team": "No such team"},
        about | {"team": ["Support"]},
        {"channel": about["channel"]},
        {},
    ]
    for forged in [*map(json.dumps, foreign), "", "[]", "no json", "null"]:
        submits(office, view, private_metadata=forged)
    submits(office, view, user=office.slack.lee)

    assert office.receipts() == []
    submits(office, view)
    assert states(office) == [State.SENT]


def test_a_forged_channel_does_not_move_the_teams_thread(office: Sandbox) -> None:
    view = window(office, chat(office))
    about = json.loads(view.json["private_metadata"]) | {"channel": "C0SECRET"}
    submits(office, view, private_metadata=json.dumps(about))

    [receipt] = office.receipts()
    assert receipt.request.channel == office.slack.channel
    assert office.slack.messages("C0SECRET") == []


def test_nothing_put_into_a_windows_inputs_goes_round_what_its_response_allows(
    make_sandbox: Callable[..., Sandbox],
) -> None:
    fixed = {"title": "Fixed", "text": "As {{AGENT_NAME}} wrote it.", "editable": False}
    hidden = {"title": "Hidden", "text": "Not for this team."}
    sandbox = make_sandbox()
    team = {"name": "T", "channel": sandbox.slack.channel, "supervisors": [sandbox.slack.ann]}
    responses = {"fixed": fixed, "hidden": hidden}
    sandbox.configure({"teams": [team | {"responses": ["fixed"]}], "responses": responses})
    sandbox.start()
    view = window(sandbox, sandbox.conversation, "fixed")
    typed = {"type": "plain_text_input", "value": "Mine"}
    chosen = {"type": "external_select", "selected_option": {"value": "hidden"}}
    submits(sandbox, view, {"message:0123456789ab:fixed": {"canned_message": typed}})
    submits(sandbox, view, {"response": {"canned_response": chosen}})
    assert sandbox.receipts() == []

    named = {"type": "input", "block_id": "value:AGENT_NAME", "element": {"type": "plain_text_input"}}
    blocks = [*view_json(sandbox.slack, view)["blocks"], named]
    submits(sandbox, view, {"value:AGENT_NAME": {"canned_value:AGENT_NAME": typed}}, blocks=blocks)

    assert sandbox.genesys.customer_sees(sandbox.conversation) == ["As Ann Lee wrote it."]


def test_the_question_in_a_window_is_answered_in_that_window_by_who_was_asked(office: Sandbox) -> None:
    there = chat(office)
    types(office, f"{there} escalation")
    view = window(office, there)
    slack = office.slack
    slack.submit(slack.ann)
    office.drain()
    asked = opened(office, slack.ann)
    assert "Send it again?" in asked.text
    other = {"private_metadata": json.dumps({"draft": "0" * 36})}

    for how in ({"user": slack.bob}, {"id": "V0OTHER"}, other, {"private_metadata": "{}"}):
        submits(office, asked, **how)
    assert len(office.receipts()) == 1
    submits(office, asked)
    assert len(office.genesys.customer_sees(there)) == 2
    assert view.id == asked.id


@pytest.mark.parametrize(
    "flags",
    [{"deleted": True}, {"is_restricted": True}, {"team_id": "T0OTHER"}],
    ids=str,
)
def test_whoever_is_no_member_any_more_sends_nothing_from_a_window_that_is_open(
    sandbox: Sandbox, flags: dict[str, Any]
) -> None:
    window(sandbox, sandbox.conversation)
    sandbox.slack.set_user(sandbox.slack.ann, **flags)
    sandbox.clock.advance(minutes=5, seconds=1)  # what is known of people is five minutes old at most
    sandbox.slack.submit(sandbox.slack.ann)
    sandbox.drain()

    assert sandbox.genesys.received == []
    assert State.SENT not in states(sandbox)


# -- ids ----------------------------------------------------------------------------------------

ONE = "[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}"
ID = "a1b2c3d4-e5f6-7890-a1b2-c3d4e5f6a7b8"
ODD_IDS = [
    *(f"{ID}/messages", f"../{ID}", f"{ID}/../../users/me", f"{ID}%2f..%2fusers", f"/{ID}", f"{ID};x=1"),
    *(f"{ID}?expand=all", f"{ID}#x", f"{ID}&x=1", f"x?id={ID}", f"{ID}\r\nX-Evil:1", f"{ID}\n", f"{ID}\0"),
    *(f"https://evil.example/conversations/{ID}", f"https://api.mypurecloud.ie@evil.example/{ID}"),
    *(f"https://evil.example\\@api.mypurecloud.ie/{ID}", f"https://mypurecloud.ie.evil.example/{ID}"),
    *(f"file:///{ID}", f"javascript://mypurecloud.ie/{ID}", f"http://127.0.0.1/{ID}", f"//evil.example/{ID}"),
    *(
        ID.replace("1", "\u0661"),
        ID.replace("1", "\uff11"),
        ID.replace("a", "\u0430"),
        ID.replace("-", "\u2010"),
    ),
    *(ID + "\u200b", "\u202e" + ID, ID[:-1], ID + "0", ID.replace("-", ""), "*", "{}", "%s", "null", "0"),
]
ASKABLE = re.compile(rf"/oauth/token|/api/v2/(?!conversations/)[\w/]+|/api/v2/conversations/(messages|{ONE})")


def test_nothing_but_an_id_ever_reaches_genesys(sandbox: Sandbox) -> None:
    slack = sandbox.slack
    sandbox.genesys.start_chat("Ada King", agents=[sandbox.genesys.ann])  # else the only one is filled in
    sandbox.genesys.forget()
    for odd in ODD_IDS:
        typed = {"command": "/canned", "team_id": slack.team_id, "channel_id": slack.channel}
        typed |= {"user_id": slack.ann, "response_url": f"{slack.url}/response/none"}
        slack.forge(
            typed | {"text": f'"{odd}" escalation', "trigger_id": slack.new_trigger(slack.ann)},
            kind="slash_commands",
        )
        slack.message_shortcut(slack.ann, "canned_from_message", posted(sandbox, odd))
    view = window(sandbox, "")
    for odd in ODD_IDS:
        typed_there = {"conversation": {"canned_conversation": {"type": "plain_text_input", "value": odd}}}
        submits(sandbox, view, typed_there)
        uses(sandbox, view, odd)
    sandbox.drain()

    asked = [(each.path, each.query.to_dict()) for each in sandbox.genesys.requests]
    assert len(asked) > 1
    assert [path for path, _ in asked if not ASKABLE.fullmatch(path)] == []
    assert [query for path, query in asked if "conversations" in path and "x" in query] == []
    assert sandbox.genesys.received == []


def posted(sandbox: Sandbox, text: str) -> Message:
    slack = sandbox.slack
    channel = slack.channels[slack.channel]
    channel.posts.append(slack.message(channel, slack.bob, {"text": text}))
    return slack.messages(slack.channel)[-1]


def uses(sandbox: Sandbox, view: View, conversation: str) -> None:
    """Press a row of the window that was never in it."""
    slack = sandbox.slack
    payload = {
        "type": "block_actions",
        "team": {"id": slack.team_id},
        "user": {"id": slack.ann, "team_id": slack.team_id},
        "container": {"type": "view", "view_id": view.id},
        "view": view_json(slack, view),
        "trigger_id": slack.new_trigger(slack.ann),
        "actions": [{"type": "button", "action_id": "canned_use:1", "block_id": "b", "value": conversation}],
    }
    slack.forge(payload)
