"""The hands of people in the simulated workspace, against a small real Bolt app over real HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from werkzeug.serving import make_server

from bot.sandbox.sandbox import Clock
from bot.sandbox.slack import SimulatedSlack

Bot = Callable[[], App]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slack(clock: Clock) -> Iterator[SimulatedSlack]:
    with SimulatedSlack.demo(now=clock) as slack:
        slack.ack_lag = 0.01
        yield slack


@pytest.fixture
def app(slack: SimulatedSlack) -> Iterator[App]:
    """A Bolt app without listeners, listening; tests add what they need."""
    client = WebClient(slack.bot_token, base_url=f"{slack.url}/api/", retry_handlers=[])
    app = App(client=client, signing_secret=slack.signing_secret, process_before_response=True)
    server = make_server("127.0.0.1", 0, SlackRequestHandler(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    slack.connect(f"http://127.0.0.1:{server.port}/slack/events")
    yield app
    server.shutdown()
    thread.join(5)
    server.server_close()


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(text: str, value: str) -> dict[str, Any]:
    return {"text": plain(text), "value": value}


def typed(label: str, id_: str, **more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": id_, **more.pop("element", {})}
    return {"type": "input", "block_id": id_, "label": plain(label), "element": element, **more}


def said(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def picker(**more: Any) -> dict[str, Any]:
    element = {"type": "external_select", "action_id": "response", "min_query_length": 0}
    return {"type": "input", "block_id": "response", "label": plain("Response"), "element": element, **more}


def modal(*blocks: dict[str, Any], title: str = "Send", **more: Any) -> dict[str, Any]:
    view = {"type": "modal", "callback_id": "send", "title": plain(title), "blocks": list(blocks), **more}
    return view if not any(b["type"] == "input" for b in blocks) else {"submit": plain("Send"), **view}


def buttons(*texts: str) -> dict[str, Any]:
    elements = [
        {"type": "button", "action_id": t.lower(), "text": plain(t), "value": f"v-{t}"} for t in texts
    ]
    return {"type": "actions", "block_id": "buttons", "elements": elements}


def opens(app: App, view: dict[str, Any]) -> None:
    """`/canned` opens `view`."""

    @app.command("/canned")
    def typed_it(ack: Any, client: WebClient, body: dict[str, Any]) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=view)


# -- commands


def test_answer_to_a_command_is_read_by_its_person_alone(slack: SimulatedSlack, app: App) -> None:
    @app.command("/canned")
    def typed_it(ack: Any, command: dict[str, Any]) -> None:
        ack(f"*{command['text']}* from <@{command['user_id']}> in <#{command['channel_id']}>")

    ack = slack.types("ann", "/canned help me", "support-emea")

    assert (ack.status, ack.error, ack.text) == (200, "", "help me from @ann in #support-emea")
    assert [m.said for m in slack.ephemerals("ann")] == [ack.text]
    assert slack.ephemerals("bob") == slack.messages("support-emea") == []


def test_answer_in_channel_is_read_by_everybody(slack: SimulatedSlack, app: App) -> None:
    @app.command("/canned")
    def typed_it(ack: Any) -> None:
        ack(text="Look here", response_type="in_channel")

    slack.types("ann", "/canned", "support-emea")

    assert [m.said for m in slack.messages("support-emea")] == ["Look here"]
    assert slack.ephemerals("ann") == []


def test_command_that_fails_or_is_unknown_is_a_dispatch_failure(slack: SimulatedSlack, app: App) -> None:
    ack = slack.types("ann", "/canned", "support-emea")

    assert (ack.status, ack.error) == (404, "dispatch_failed")
    assert ack.text == '/canned failed with the error "dispatch_failed"'


def test_slack_waits_three_seconds(slack: SimulatedSlack) -> None:
    assert slack.ack_seconds == 3


def test_late_answer_is_not_taken(slack: SimulatedSlack, app: App) -> None:
    gate = threading.Event()
    slack.ack_seconds = 0.1

    @app.command("/canned")
    def typed_it(ack: Any) -> None:
        gate.wait(10)
        ack("too late")

    ack = slack.types("ann", "/canned", "support-emea")
    gate.set()

    assert (ack.status, ack.error) == (0, "operation_timeout")
    assert slack.ephemerals("ann") == []


def test_nobody_types_in_a_channel_they_are_not_in(slack: SimulatedSlack, app: App) -> None:
    slack.add_channel("private-talk", ["U0BOB"], is_private=True)

    with pytest.raises(LookupError, match="not in private-talk"):
        slack.types("ann", "/canned", "private-talk")


@pytest.mark.parametrize(
    ("escape", "arrives"),
    [
        (False, "@bob https://x.test/a &lt;b&gt; &amp;"),
        (True, "<@U0BOB|bob> <https://x.test/a> &lt;b&gt; &amp;"),
    ],
)
def test_text_arrives_escaped_as_the_manifest_says(
    slack: SimulatedSlack, app: App, escape: bool, arrives: str
) -> None:
    texts = []
    slack.should_escape = escape

    @app.command("/canned")
    def typed_it(ack: Any, command: dict[str, Any]) -> None:
        texts.append(command["text"])
        ack()

    slack.types("ann", "/canned @bob https://x.test/a <b> &", "support-emea")

    assert texts == [arrives]


def test_answer_with_faulty_blocks_is_not_shown_and_complained_about(slack: SimulatedSlack, app: App) -> None:
    @app.command("/canned")
    def typed_it(ack: Any) -> None:
        ack(text="x", blocks=[{"type": "sektion"}])

    assert slack.types("ann", "/canned", "support-emea").text == ""
    assert slack.ephemerals("ann") == []
    assert "unknown type: sektion" in slack.complaints[0]


# -- response URLs


def test_response_url_works_five_times(slack: SimulatedSlack, app: App) -> None:
    answers = []

    @app.command("/canned")
    def typed_it(ack: Any, respond: Any) -> None:
        ack()
        answers.extend(respond(f"answer {n}").status_code for n in range(6))

    slack.types("ann", "/canned", "support-emea")

    assert answers == [200] * 5 + [404]
    assert [m.said for m in slack.ephemerals("ann")] == [f"answer {n}" for n in range(5)]


def test_answer_to_a_command_is_read_before_what_follows_it(slack: SimulatedSlack, app: App) -> None:
    @app.command("/canned")
    def typed_it(ack: Any, respond: Any) -> None:
        respond("done")
        ack("working …")

    slack.types("ann", "/canned", "support-emea")

    assert [m.said for m in slack.ephemerals("ann")] == ["working …", "done"]


def test_response_url_works_for_half_an_hour(slack: SimulatedSlack, app: App, clock: Clock) -> None:
    answers = []

    @app.command("/canned")
    def typed_it(ack: Any, respond: Any) -> None:
        ack()
        clock.advance(minutes=29)
        answers.append(respond("in time").status_code)
        clock.advance(minutes=2)
        answers.append(respond("too late").status_code)

    slack.types("ann", "/canned", "support-emea")

    assert answers == [200, 404]


def test_response_url_of_a_button_replaces_its_message(slack: SimulatedSlack, app: App) -> None:
    @app.command("/canned")
    def typed_it(ack: Any) -> None:
        ack(text="sure?", blocks=[said("Sure?"), buttons("Yes")])

    @app.action("yes")
    def yes(ack: Any, respond: Any) -> None:
        ack()
        respond(text="Done", blocks=[said("Done"), buttons("Never")], replace_original=True)

    slack.types("ann", "/canned", "support-emea")
    slack.press("ann", "Yes", slack.ephemerals("ann")[0])

    assert [m.said for m in slack.ephemerals("ann")] == ["Done\n[Never]"]


# -- windows


def test_person_sees_the_window_that_the_app_opens(slack: SimulatedSlack, app: App) -> None:
    opens(
        app, modal(said("Pick *one*"), typed("Conversation", "conversation", element={"initial_value": "c1"}))
    )

    slack.types("ann", "/canned", "support-emea")

    view = slack.open_view("ann")
    assert view is not None
    assert (view.title, view.submit, view.text) == ("Send", "Send", "Pick one\nConversation: c1")
    assert view.state == {"Conversation": "c1"}
    assert slack.open_view("bob") is None


def test_submitted_values_arrive_and_a_plain_answer_closes_the_window(
    slack: SimulatedSlack, app: App
) -> None:
    opens(app, modal(typed("Message", "message"), private_metadata="row 7"))
    submitted: list[Any] = []

    @app.view("send")
    def sent(ack: Any, view: dict[str, Any]) -> None:
        submitted.append((view["private_metadata"], view["state"]["values"]["message"]["message"]["value"]))
        ack()

    slack.types("ann", "/canned", "support-emea")
    slack.fill("ann", "Message", "Hello")
    slack.submit("ann")

    assert submitted == [("row 7", "Hello")]
    assert slack.open_view("ann") is None


def test_empty_required_field_is_never_submitted(slack: SimulatedSlack, app: App) -> None:
    opens(app, modal(typed("Message", "message"), typed("Note", "note", optional=True)))
    slack.types("ann", "/canned", "support-emea")

    ack = slack.submit("ann")

    assert ack.error == "not_sent"
    assert slack.open_view("ann").errors == {"Message": "Please complete this required field."}


def test_errors_stand_below_their_fields_and_what_was_typed_stays(slack: SimulatedSlack, app: App) -> None:
    opens(app, modal(typed("Message", "message")))

    @app.view("send")
    def sent(ack: Any) -> None:
        ack(response_action="errors", errors={"message": "Too rude"})

    slack.types("ann", "/canned", "support-emea")
    slack.fill("ann", "Message", "Grr")
    slack.submit("ann")

    view = slack.open_view("ann")
    assert (view.errors, view.state) == ({"Message": "Too rude"}, {"Message": "Grr"})


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"section": "no input"}},
        {"response_action": "update", "view": modal(typed("A", "a"), title="x" * 25)},
        {"response_action": "dance"},
    ],
)
def test_impossible_answer_to_a_submission_is_trouble(
    slack: SimulatedSlack, app: App, answer: dict[str, Any]
) -> None:
    opens(app, modal(said("Hi") | {"block_id": "section"}, typed("Message", "message")))

    @app.view("send")
    def sent(ack: Any) -> Any:
        from slack_bolt import BoltResponse

        return BoltResponse(status=200, body=answer)

    slack.types("ann", "/canned", "support-emea")
    slack.fill("ann", "Message", "Hello")
    slack.submit("ann")

    assert slack.open_view("ann").errors == {"": "We had some trouble connecting. Try again?"}
    assert len(slack.complaints) == 1


def test_failed_submission_leaves_the_window_in_trouble(slack: SimulatedSlack, app: App) -> None:
    opens(app, modal(typed("Message", "message")))
    slack.types("ann", "/canned", "support-emea")
    slack.fill("ann", "Message", "Hello")

    ack = slack.submit("ann")  # no listener: 404

    assert ack.error == "dispatch_failed"
    assert "trouble" in slack.open_view("ann").errors[""]


def test_closing_a_pushed_window_shows_the_one_below(slack: SimulatedSlack, app: App) -> None:
    opens(app, modal(buttons("More")))

    @app.action("more")
    def more(ack: Any, client: WebClient, body: dict[str, Any]) -> None:
        ack()
        client.views_push(trigger_id=body["trigger_id"], view=modal(said("2"), title="Second"))

    slack.types("ann", "/canned", "support-emea")
    slack.press("ann", "More")
    second = slack.open_view("ann").title
    slack.close("ann")
    first = slack.open_view("ann").title
    slack.close("ann")

    assert (second, first) == ("Second", "Send")
    assert slack.open_view("ann") is None


@pytest.mark.parametrize("seconds", [0, 0.03])
def test_view_in_the_answer_overwrites_an_update_that_came_before_it_was_applied(
    slack: SimulatedSlack, app: App, seconds: float
) -> None:
    slack.ack_lag = 0.3
    opens(app, modal(typed("Message", "message")))
    updates: list[threading.Timer] = []

    @app.view("send")
    def sent(ack: Any, client: WebClient, view: dict[str, Any]) -> None:
        done = {"view_id": view["id"], "view": modal(said("sent"))}
        updates.append(threading.Timer(seconds, client.views_update, kwargs=done))
        updates[0].start()
        ack(response_action="update", view=modal(said("working")))

    slack.types("ann", "/canned", "support-emea")
    slack.fill("ann", "Message", "Hello")
    slack.submit("ann")
    updates[0].join()

    assert slack.open_view("ann").text == "working"


def test_update_after_the_answer_is_seen(slack: SimulatedSlack, app: App) -> None:
    opens(app, modal(typed("Message", "message")))

    @app.view("send")
    def sent(ack: Any) -> None:
        ack(response_action="update", view=modal(said("working")))

    slack.types("ann", "/canned", "support-emea")
    slack.fill("ann", "Message", "Hello")
    slack.submit("ann")
    app.client.views_update(view_id=slack.open_view("ann").id, view=modal(said("sent")))

    assert slack.open_view("ann").text == "sent"


def test_what_was_typed_survives_an_update_with_the_same_ids_only(slack: SimulatedSlack, app: App) -> None:
    opens(app, modal(typed("Conversation", "conversation"), typed("Message", "message")))
    slack.types("ann", "/canned", "support-emea")
    slack.fill("ann", "Conversation", "c1")
    slack.fill("ann", "Message", "Hello")

    fresh = typed("Message", "message2", element={"initial_value": "Good day"})
    app.client.views_update(
        view_id=slack.open_view("ann").id, view=modal(typed("Conversation", "conversation"), fresh)
    )

    assert slack.open_view("ann").state == {"Conversation": "c1", "Message": "Good day"}


# -- choosing, pressing


def test_external_select_offers_what_the_app_answers(slack: SimulatedSlack, app: App) -> None:
    asked, chosen = [], []
    opens(app, modal(picker(dispatch_action=True)))

    @app.options("response")
    def options(ack: Any, payload: dict[str, Any]) -> None:
        asked.append(payload["value"])
        ack(options=[option("Escalated", "escalation"), option("Greeting", "greeting")])

    @app.action("response")
    def chose(ack: Any, body: dict[str, Any], action: dict[str, Any]) -> None:
        state = body["view"]["state"]["values"]["response"]["response"]["selected_option"]["value"]
        chosen.append((action["selected_option"]["value"], state))
        ack()

    slack.types("ann", "/canned", "support-emea")
    found = slack.search("ann", "Response", "")
    slack.choose("ann", "Response", "escalation")

    assert [(o.text, o.value) for o in found] == [("Escalated", "escalation"), ("Greeting", "greeting")]
    assert asked == [""]  # what the search has found need not be asked for again
    assert chosen == [("escalation", "escalation")]
    assert slack.open_view("ann").state == {"Response": "Escalated"}


def test_external_select_without_dispatch_action_keeps_the_choice_to_itself(
    slack: SimulatedSlack, app: App
) -> None:
    opens(app, modal(picker()))

    @app.options("response")
    def options(ack: Any) -> None:
        ack(options=[option("Escalated", "escalation")])

    slack.types("ann", "/canned", "support-emea")

    assert slack.choose("ann", "Response", "Escalated") is None
    assert slack.open_view("ann").state == {"Response": "Escalated"}
    with pytest.raises(LookupError, match="does not offer"):
        slack.choose("ann", "Response", "nonsense")


def test_search_waits_for_the_shortest_query(slack: SimulatedSlack, app: App) -> None:
    block = picker()
    del block["element"]["min_query_length"]
    opens(app, modal(block))
    slack.types("ann", "/canned", "support-emea")

    assert slack.search("ann", "Response", "es") == []
    assert slack.complaints == []  # the app, which has no such listener, was not asked


def test_faulty_options_are_not_offered(slack: SimulatedSlack, app: App) -> None:
    opens(app, modal(picker()))

    @app.options("response")
    def options(ack: Any) -> None:
        ack(options=[option("x", "v" * 151)])

    slack.types("ann", "/canned", "support-emea")

    assert slack.search("ann", "Response", "") == []
    assert "at most 150" in slack.complaints[0]


@pytest.mark.parametrize(
    ("config", "enter", "acts"),
    [
        (None, False, False),
        (None, True, True),
        (["on_character_entered"], False, True),
        (["on_character_entered"], True, True),
    ],
)
def test_typing_acts_as_the_dispatch_config_says(
    slack: SimulatedSlack, app: App, config: list[str] | None, enter: bool, acts: bool
) -> None:
    element = {"dispatch_action_config": {"trigger_actions_on": config}} if config else {}
    opens(app, modal(typed("Conversation", "conversation", dispatch_action=True, element=element)))
    heard = []

    @app.action("conversation")
    def changed(ack: Any, action: dict[str, Any]) -> None:
        heard.append(action["value"])
        ack()

    slack.types("ann", "/canned", "support-emea")
    slack.fill("ann", "Conversation", "c1", enter=enter)

    assert heard == (["c1"] if acts else [])


def test_button_in_a_message_tells_where_it_was_pressed(slack: SimulatedSlack, app: App) -> None:
    pressed: list[dict[str, Any]] = []

    @app.action("send")
    def send(ack: Any, body: dict[str, Any]) -> None:
        pressed.append(body)
        ack()

    app.client.chat_postMessage(
        channel="C0SUPPORT",
        text="x",
        blocks=[said("Send?"), buttons("Send", "Decline")],
        metadata={"event_type": "canned_audit", "event_payload": {"send_id": "1"}},
    )
    message = slack.messages("support-emea")[0]
    assert slack.press("bob", "Send", message).ok

    body = pressed[0]
    assert message.said == "Send?\n[Send] [Decline]"
    assert (body["user"]["id"], body["channel"]["id"], body["message"]["ts"]) == (
        "U0BOB",
        "C0SUPPORT",
        message.ts,
    )
    assert body["actions"][0]["value"] == "v-Send"
    assert "metadata" not in body["message"]


def test_old_picture_of_a_message_can_still_be_pressed(slack: SimulatedSlack, app: App) -> None:
    pressed: list[str] = []

    @app.action("send")
    def send(ack: Any, action: dict[str, Any]) -> None:
        pressed.append(action["value"])
        ack()

    ts = app.client.chat_postMessage(channel="C0SUPPORT", text="x", blocks=[buttons("Send")])["ts"]
    before = slack.messages("support-emea")[0]
    app.client.chat_update(channel="C0SUPPORT", ts=ts, text="Sent", blocks=[said("Sent")])

    slack.press("ann", "Send", before)
    assert pressed == ["v-Send"]
    with pytest.raises(LookupError, match="no button"):
        slack.press("ann", "Send", slack.messages("support-emea")[0])


def test_nobody_presses_a_button_that_only_another_sees(slack: SimulatedSlack, app: App) -> None:
    app.client.chat_postEphemeral(channel="C0SUPPORT", user="U0ANN", text="x", blocks=[buttons("Send")])
    with pytest.raises(LookupError, match="does not see"):
        slack.press("bob", "Send", slack.ephemerals("ann")[0])

    app.client.chat_postMessage(channel="U0ANN", text="x", blocks=[buttons("Send")])
    with pytest.raises(LookupError, match="is not in"):
        slack.press("bob", "Send", slack.direct_messages("ann")[0])


def test_both_kinds_of_shortcut_bring_a_trigger(slack: SimulatedSlack, app: App) -> None:
    seen: list[str] = []

    @app.shortcut("open")
    def opened(ack: Any, client: WebClient, shortcut: dict[str, Any]) -> None:
        ack()
        seen.append(shortcut.get("message", {}).get("text", "nowhere"))
        client.views_open(trigger_id=shortcut["trigger_id"], view=modal(said(f"window {len(seen)}")))

    slack.shortcut("ann", "open")
    first = slack.open_view("ann").text
    slack.message_shortcut("ann", "open", slack.says("bob", "support-emea", "see c1"))

    assert seen == ["nowhere", "see c1"]
    assert (first, slack.open_view("ann").text) == ("window 1", "window 2")


def test_home_is_published_and_its_buttons_work(slack: SimulatedSlack, app: App) -> None:
    @app.event("app_home_opened")
    def opened(client: WebClient, event: dict[str, Any]) -> None:
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [buttons("Send")]})

    @app.action("send")
    def send(ack: Any, client: WebClient, body: dict[str, Any]) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal(said("hello")))

    slack.opens_home("ann")
    slack.press("ann", "Send", slack.home("ann"))

    assert slack.home("ann").text == "[Send]"
    assert slack.open_view("ann").text == "hello"


def test_failed_event_comes_again_marked_as_a_retry(slack: SimulatedSlack, app: App) -> None:
    heard: list[Any] = []

    @app.event("app_home_opened")
    def opened(request: Any, body: dict[str, Any]) -> None:
        heard.append((body["event_id"], request.headers.get("x-slack-retry-num")))
        if len(heard) == 1:
            raise RuntimeError("the first time goes wrong")

    assert slack.opens_home("ann").ok
    assert heard == [(heard[0][0], None), (heard[0][0], ["1"])]


# -- triggers


def test_trigger_works_once(slack: SimulatedSlack, app: App) -> None:
    errors = _trigger_errors(slack, app, lambda: None, times=2)

    assert errors == ["", "exchanged_trigger_id"]


def test_trigger_dies_after_three_seconds(slack: SimulatedSlack, app: App, clock: Clock) -> None:
    def later() -> None:
        clock.advance(seconds=3.1)

    assert _trigger_errors(slack, app, later, times=1) == ["expired_trigger_id"]


def _trigger_errors(slack: SimulatedSlack, app: App, before: Callable[[], None], times: int) -> list[str]:
    errors: list[str] = []

    @app.command("/canned")
    def typed_it(ack: Any, client: WebClient, body: dict[str, Any]) -> None:
        ack()
        before()
        for _ in range(times):
            try:
                client.views_open(trigger_id=body["trigger_id"], view=modal(said("x")))
                errors.append("")
            except SlackApiError as exc:
                errors.append(exc.response["error"])

    slack.types("ann", "/canned", "support-emea")
    return errors


# -- replays and forgeries


@pytest.mark.parametrize("at_once", [False, True])
def test_replay_delivers_the_same_bytes_again(slack: SimulatedSlack, app: App, at_once: bool) -> None:
    triggers: list[str] = []

    @app.command("/canned")
    def typed_it(ack: Any, command: dict[str, Any]) -> None:
        triggers.append(command["trigger_id"])
        ack("once")

    slack.types("ann", "/canned x", "support-emea")
    acks = slack.replay(3, at_once=at_once)

    assert [ack.status for ack in acks] == [200] * 3
    assert len(triggers) == 4
    assert len(set(triggers)) == 1
    assert len(slack.ephemerals("ann")) == 1  # nobody reads the answer to a replay


def test_forgeries_arrive_as_they_were_made(slack: SimulatedSlack, app: App) -> None:
    @app.command("/canned")
    def typed_it(ack: Any) -> None:
        ack()

    now = int(time.time())
    slack.types("ann", "/canned", "support-emea")

    assert slack.forge({"command": "/canned"}, kind="slash_commands").status == 200
    assert slack.forge(kind="slash_commands").status == 200
    assert slack.forge(secret="wrong").status == 401
    assert slack.forge(signature="v0=00").status == 401
    assert slack.forge(headers={"X-Slack-Signature": ""}).status == 401
    assert slack.forge(timestamp=now - 360).status == 401
    assert slack.forge(timestamp=now + 360).status == 401
